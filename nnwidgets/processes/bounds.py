"""Checks of what a process is given."""

from __future__ import annotations

import math
import operator
from typing import Any


def whole(
    name: str, value: Any, least: int, most: int | None, error: type[Exception] = ValueError, owner: str = ""
) -> int:
    """`value` as a whole number between two bounds. Raises TypeError, and `error` where it is out of bounds."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}={value!r:.80}, but it is a whole number") from None
    if number < least or (most is not None and number > most):
        bounds = f"it is at least {least}" if most is None else f"it lies between {least} and {most}"
        raise error(f"{name}={number}, but {f'in {owner} ' if owner else ''}{bounds}")
    return number


def measure_name(name: Any) -> str:
    """`name` as the name of a measure. Raises TypeError."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"measures has the name {name!r}, but a name is a text")
    return name


def span(value_range: Any) -> tuple[float, float] | None:
    """Black and white as two numbers. Raises ValueError."""
    if value_range is None:
        return None
    try:
        low, high = map(float, value_range)
    except (TypeError, ValueError):
        low = high = float("nan")
    if not -math.inf < low < high < math.inf:
        raise ValueError(f"value_range={value_range!r:.80}, but it is two finite numbers, black before white")
    return low, high

"""Checks of what a page gives with a question."""

from __future__ import annotations

import operator
from typing import Any


def whole(name: str, value: Any) -> int:
    """`value` as a whole number. Raises ValueError."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise ValueError(f"{name}={value!r}, but it must be a whole number") from None

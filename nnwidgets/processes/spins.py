"""States of a Hopfield network: ±1 for each unit, read from whatever a reader has."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnwidgets.processes.states import is_tensor

Spins = npt.NDArray[np.int8]


def spins(values: Any, what: str) -> Spins:
    """`values` as ±1 of the same shape, int8.

    Taken are −1 and 1, 0 and 1 (0 becomes −1), and truth values. Raises ValueError naming what else is there.
    """
    given = values.detach().cpu().numpy() if is_tensor(values) else values
    try:
        array = np.asarray(given)
        if array.dtype == bool:
            array = array.astype(np.int8)
        if array.dtype.kind not in "iuf":
            raise ValueError
    except ValueError:
        raise ValueError(f"{what} is {values!r:.80}, but it is an array of −1 and 1, or of 0 and 1") from None
    zeros, ones = array == 0, array == 1
    known = ones | zeros | (array == -1)
    if not known.all():
        other = np.argwhere(~known)[0]
        place = ", ".join(map(str, other))
        raise ValueError(f"{what}[{place}] is {array[tuple(other)]:g}, but its values are −1 and 1, or 0 and 1")
    if zeros.any() and (array == -1).any():
        raise ValueError(f"{what} has −1, 0 and 1, but it has either −1 and 1, or 0 and 1")
    return np.where(ones, 1, -1).astype(np.int8)


def pattern_rows(patterns: Any) -> tuple[Spins, tuple[int, ...]]:
    """Patterns [patterns, units], and the shape of one: (units,) or (height, width). Raises ValueError."""
    if not is_tensor(patterns) and not isinstance(patterns, np.ndarray):
        try:
            rows = [spins(pattern, f"patterns[{at}]") for at, pattern in enumerate(patterns)]
        except TypeError:
            raise ValueError(f"patterns is {patterns!r:.80}, but it is an array [patterns, units]") from None
        lengths = {row.shape for row in rows}
        if len(lengths) > 1:
            raise ValueError(f"patterns have the shapes {sorted(lengths)}, but they are all of one shape")
        patterns = np.stack(rows) if rows else np.empty((0, 0), np.int8)
    array = spins(patterns, "patterns")
    if array.ndim not in (2, 3) or array.size == 0:
        raise ValueError(
            f"patterns has the shape {array.shape}, but it is [patterns, units] or [patterns, height, width], "
            "with at least one of each"
        )
    return array.reshape(len(array), -1), array.shape[1:]


def unit_row(values: Any, units: int, what: str) -> Spins:
    """One state of `units` units, given as a row or as an image. Raises ValueError where the number differs."""
    row = spins(values, what).reshape(-1)
    if len(row) != units:
        raise ValueError(f"{what} has {len(row)} values, but the network has {units} units")
    return row

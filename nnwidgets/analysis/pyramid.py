"""Looks at a matrix too large for the screen: coarser levels by maximum or mean, cut into tiles, made block by block.

Level 0 is the matrix itself; a cell of level `n` covers `2**n × 2**n` of its cells (fewer at the ragged right and
lower edges). Levels are computed straight from the matrix, never from one another, so that a mean is the mean of the
cells that exist, rounded once. NaN propagates: a coarse cell is NaN where any of its cells is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

TILE = 256
"""Cells along one side of a tile."""

Rows = Callable[[int, int], NDArray[np.float32]]
Reduce = Literal["max", "mean"]


@dataclass(frozen=True)
class Pyramid:
    """The coarser levels of the matrix `[queries, keys]` of which `rows(start, stop)` gives a block of whole rows.

    At most about `block_bytes` of the matrix are asked for at once, so memory is bounded by a few of these blocks and
    the level that is returned, however long the matrix is.
    """

    rows: Rows
    queries: int
    keys: int
    reduce: Reduce = "max"
    block_bytes: int = 8 * 2**20

    def __post_init__(self) -> None:
        if self.queries < 1 or self.keys < 1:
            raise ValueError(f"a matrix of {self.queries} × {self.keys} has no cells to show")
        if self.reduce not in ("max", "mean"):
            raise ValueError(f'reduce="{self.reduce}", but it is "max" or "mean"')

    @property
    def levels(self) -> int:
        """How many levels there are; the last one, `levels - 1`, fits into one tile."""
        return max(0, (max(self.queries, self.keys) - 1).bit_length() - (TILE - 1).bit_length()) + 1

    def shape(self, level: int) -> tuple[int, int]:
        """Rows and columns of a level."""
        if not 0 <= level < self.levels:
            raise ValueError(f"level={level}, but {self.queries} × {self.keys} has levels 0 to {self.levels - 1}")
        return -(-self.queries >> level), -(-self.keys >> level)

    def level(self, level: int, *, progress: Callable[[int, int], None] | None = None) -> NDArray[np.float32]:
        """A whole level, float32. `progress(done, total)` counts rows of the matrix; what it raises ends the work."""
        rows, columns = self.shape(level)
        return self._window(level, slice(0, rows), slice(0, columns), progress)

    def tile(self, level: int, row: int, column: int) -> NDArray[np.float32]:
        """One tile of a level, at most 256 × 256, made from the rows that it covers and no others."""
        return self._window(level, *self._place(level, row, column), None)

    def cut(self, kept: NDArray[np.float32], level: int, row: int, column: int) -> NDArray[np.float32]:
        """The same tile out of a level that was `kept`."""
        if kept.shape != self.shape(level):
            raise ValueError(f"an array of shape {list(kept.shape)} is not level {level}, {list(self.shape(level))}")
        return kept[self._place(level, row, column)]

    def _place(self, level: int, row: int, column: int) -> tuple[slice, slice]:
        rows, columns = self.shape(level)
        for name, index, cells in (("row", row, rows), ("column", column, columns)):
            tiles = -(-cells // TILE)
            if not 0 <= index < tiles:
                raise ValueError(f"{name}={index}, but level {level} has {tiles} {name}s of tiles (0 to {tiles - 1})")
        return (
            slice(row * TILE, min(rows, (row + 1) * TILE)),
            slice(column * TILE, min(columns, (column + 1) * TILE)),
        )

    def _window(
        self, level: int, rows: slice, columns: slice, progress: Callable[[int, int], None] | None
    ) -> NDArray[np.float32]:
        span = 2**level
        top, bottom = rows.start * span, min(rows.stop * span, self.queries)
        left, right = columns.start * span, min(columns.stop * span, self.keys)
        mean = self.reduce == "mean"
        pool: np.ufunc = np.add if mean else np.maximum
        # Sums of float32 in float64: exact enough that only the last rounding shows.
        dtype: type[np.float64 | np.float32] = np.float64 if mean else np.float32
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        pooled = np.full(shape, 0.0 if mean else -np.inf, dtype=dtype)
        step = self._block_rows(span)
        for start in range(top, bottom, step):
            stop = min(start + step, bottom)
            if progress is not None:
                progress(start - top, bottom - top)
            block = self.rows(start, stop)[:, left:right]
            part = _halve(_halve(block, level, pool, dtype).T, level, pool, dtype).T
            first = (start - top) >> level
            into = pooled[first : first + len(part)]
            pool(into, part, out=into)
        if progress is not None:
            progress(bottom - top, bottom - top)
        if mean:
            pooled /= np.outer(_cells(top, bottom, span), _cells(left, right, span))
        return pooled.astype(np.float32, copy=False)

    def _block_rows(self, span: int) -> int:
        """Rows to ask for at once: whole coarse rows, or where even one is too large a power of two that divides it."""
        fit = max(1, self.block_bytes // (4 * self.keys))
        return fit - fit % span if fit >= span else 1 << (fit.bit_length() - 1)


def _halve(array: NDArray[np.floating], times: int, pool: np.ufunc, dtype: type[np.floating]) -> NDArray[np.floating]:
    """Pools neighbouring rows in pairs, `times` times; a last row without a neighbour stays as it is."""
    for _ in range(times):
        even, odd = array[0::2], array[1::2]
        pooled = pool(even[: len(odd)], odd, dtype=dtype)
        array = np.concatenate([pooled, even[len(odd) :]]) if len(even) > len(odd) else pooled
    return array


def _cells(start: int, stop: int, span: int) -> NDArray[np.float64]:
    """How many cells of the matrix each coarse cell covers, from `start` (a multiple of `span`) to `stop`."""
    edges = np.append(np.arange(start, stop, span), stop)
    return np.diff(edges).astype(np.float64)

"""`Histogram`: how the values of a tensor are spread, counted once and kept small."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from nnwidgets.runs.records import Floats, Whole

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
MOST_BINS: Final = 4096
_SAMPLED = 65_536  # quantiles of more values come from so many of them, evenly taken
_HEAD = struct.Struct("<I2Q4d5d")


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts of finite values between edges, with what a box plot needs.

    Attributes:
        edges: of the bins, rising; one more than there are bins.
        counts: values in each bin; a value on an edge counts to the right of it, on the last edge to its left.
        minimum, maximum, mean, std: of the finite values; NaN where there are none.
        quantiles: at 5, 25, 50, 75 and 95 %; of more than 65,536 values, from so many of them, evenly taken.
        nan, infinite: how many values are no number, and how many are infinite; they are not in `counts`.
    """

    edges: Floats
    counts: Whole
    minimum: float
    maximum: float
    mean: float
    std: float
    quantiles: tuple[float, float, float, float, float]
    nan: int = 0
    infinite: int = 0

    def __post_init__(self) -> None:
        edges, counts = np.asarray(self.edges, np.float64), np.asarray(self.counts)
        if edges.ndim != 1 or counts.ndim != 1 or len(edges) != len(counts) + 1 or not len(counts):
            raise ValueError(
                f"edges has shape {edges.shape} and counts {counts.shape}, but there is one edge more than bins"
            )
        if len(counts) > MOST_BINS:
            raise ValueError(f"the histogram has {len(counts):,} bins, but at most {MOST_BINS:,} are kept")
        if not np.all(np.diff(edges) > 0) or not np.isfinite(edges).all():
            raise ValueError("edges must be finite and rise")
        if len(self.quantiles) != len(QUANTILES):
            raise ValueError(f"quantiles={self.quantiles!r}, but there are {len(QUANTILES)}: at {QUANTILES}")
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "counts", counts.astype(np.int64))
        object.__setattr__(self, "quantiles", tuple(float(value) for value in self.quantiles))

    @classmethod
    def of(cls, values: Any, bins: int = 64) -> Self:
        """Count the values of an array, a tensor or a list, in `bins` equal bins from the smallest to the largest."""
        if isinstance(bins, bool) or not 1 <= bins <= MOST_BINS:
            raise ValueError(f"bins={bins!r}, but it is a whole number from 1 to {MOST_BINS:,}")
        flat = _flat(values)
        finite = np.isfinite(flat)
        nan, infinite = 0, 0
        if not finite.all():
            nan = int(np.isnan(flat).sum())
            infinite = int(flat.size - finite.sum()) - nan
            flat = flat[finite]
        if not flat.size:
            nothing = float("nan")
            edges = np.linspace(0.0, 1.0, bins + 1)
            return cls(
                edges, np.zeros(bins, np.int64), nothing, nothing, nothing, nothing, (nothing,) * 5, nan, infinite
            )
        low, high = float(flat.min()), float(flat.max())
        edges = _edges(low, high, bins)
        sampled = flat[:: -(-flat.size // _SAMPLED)]
        with np.errstate(over="ignore", invalid="ignore"):  # the spread of huge numbers is infinite
            return cls(
                edges=edges,
                counts=np.histogram(flat, edges)[0],
                minimum=low,
                maximum=high,
                mean=float(flat.mean(dtype=np.float64)),
                std=float(flat.std(dtype=np.float64)),
                quantiles=tuple(np.quantile(sampled.astype(np.float64), QUANTILES)),
                nan=nan,
                infinite=infinite,
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        rest = "".join(f", {count:,} {what}" for count, what in ((self.nan, "NaN"), (self.infinite, "inf")) if count)
        return (
            f"Histogram({int(self.counts.sum()):,} values in {len(self.counts)} bins, "
            f"{self.minimum:.4g} to {self.maximum:.4g}{rest})"
        )

    def to_bytes(self) -> bytes:
        """As it lies in the store."""
        head = _HEAD.pack(
            len(self.counts),
            self.nan,
            self.infinite,
            self.minimum,
            self.maximum,
            self.mean,
            self.std,
            *self.quantiles,
        )
        return head + self.edges.astype("<f8").tobytes() + self.counts.astype("<i8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What `to_bytes` made."""
        bins, nan, infinite, low, high, mean, std, *quantiles = _HEAD.unpack_from(data)
        edges = np.frombuffer(data, "<f8", bins + 1, _HEAD.size)
        counts = np.frombuffer(data, "<i8", bins, _HEAD.size + edges.nbytes)
        return cls(edges, counts, low, high, mean, std, tuple(quantiles), nan, infinite)


def _flat(values: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """Any values as one row of floats (float32 stays float32: half the memory)."""
    if hasattr(values, "detach"):  # a tensor
        values = values.detach()
        if hasattr(values, "is_sparse") and values.is_sparse:
            values = values.coalesce().values()
        if getattr(values, "is_floating_point", bool)() and values.element_size() < 4:
            values = values.float()
        values = values.cpu().numpy()
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"the values are of type {array.dtype}, but a histogram counts real numbers")
    return array.reshape(-1).astype(np.float32 if array.dtype == np.float32 else np.float64, copy=False)


def _edges(low: float, high: float, bins: int) -> Floats:
    """Equal bins from `low` to `high`; wider where these are one number, or too close for so many."""
    positions = np.linspace(0.0, 1.0, bins + 1)
    edges = low * (1 - positions) + high * positions
    edges[0], edges[-1] = low, high
    if np.all(np.diff(edges) > 0):
        return edges
    half = max(0.5, abs(low) * 2.0**-20)
    right = min(low + half, np.finfo(np.float64).max)
    return (right - 2 * half) * (1 - positions) + right * positions

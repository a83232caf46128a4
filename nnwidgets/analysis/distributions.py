"""Distributions of weights, gradients and activations: bins, boxes, zeros, and whether a layer is ternary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOLERANCE = 0.05
"""A value counts to a spike when it lies this close to it, as a share of the scale s; no closer than a bin tells."""
SURE = 0.99
"""A layer is ternary when its spikes hold so much of it."""
BOX = ("minimum", "5 %", "25 %", "median", "75 %", "95 %", "maximum")
"""What a box is drawn from, in this order."""


class Histogram(Protocol):
    """A counted tensor, as `nnwidgets.runs.Histogram` is one."""

    @property
    def edges(self) -> Floats: ...
    @property
    def counts(self) -> NDArray[np.int64]: ...
    @property
    def minimum(self) -> float: ...
    @property
    def maximum(self) -> float: ...
    @property
    def mean(self) -> float: ...
    @property
    def std(self) -> float: ...
    @property
    def quantiles(self) -> tuple[float, float, float, float, float]: ...
    @property
    def nan(self) -> int: ...
    @property
    def infinite(self) -> int: ...


@dataclass(frozen=True)
class Spikes:
    """How far a layer's values are three spikes at −s, 0 and +s, as BitNet b1.58's are (Ma et al. 2024).

    Attributes:
        scale: s.
        share: of the values within `tolerance` · s of −s, 0 or s.
        negative, zero, positive: the share of each spike.
        width: of a bin, which is as exact as this can be told.
    """

    scale: float
    share: float
    negative: float
    zero: float
    positive: float
    width: float

    @property
    def ternary(self) -> bool:
        return self.share >= SURE and min(self.negative, self.zero, self.positive) >= 1 - SURE

    @property
    def words(self) -> str:
        """In a sentence."""
        hold = f"{100 * self.share:.3g} % of the values lie at −s, 0 or +s, s = {self.scale:.3g}"
        parts = f"{100 * self.negative:.3g}, {100 * self.zero:.3g} and {100 * self.positive:.3g} %"
        if self.ternary:
            return f"Ternary: {hold} ({parts})."
        if self.share >= SURE and self.zero < 1 - SURE and min(self.negative, self.positive) >= 1 - SURE:
            return f"Binary: {100 * self.share:.3g} % of the values lie at −s or +s, s = {self.scale:.3g}."
        return f"Not ternary: only {hold}." if self.share < SURE else f"Not ternary: {hold}, but unevenly ({parts})."


@dataclass(frozen=True, eq=False)
class OverSteps:
    """A layer's histograms over the steps, in common bins.

    Attributes:
        path: of the layer.
        steps: `[steps]`.
        edges: of the bins; `[bins + 1]`.
        shares: of a step's values in each bin; `[steps, bins]`.
        boxes: as in `BOX`; `[steps, 7]`.
        beyond: the largest share of a step's values that lies outside the bins.
    """

    path: str
    steps: Floats
    edges: Floats
    shares: Floats
    boxes: Floats
    beyond: float


@dataclass(frozen=True, eq=False)
class LayerDistributions:
    """What `Distributions` shows: each layer's histogram at one step, all of them in one, and one layer over the steps.

    Attributes:
        what: "weights", "gradients" or "activations".
        step: that was logged nearest to the one that is looked at; None where nothing was logged.
        paths: of the modules, in the model's order; `[layers]`.
        histograms: of each layer; None where it was not logged at this step.
        dead: share of each layer's units that were never active; NaN where it is not known.
        joined: all layers in one histogram; None where nothing was logged.
        over: the selected layer over the steps.
    """

    label: str
    what: str
    step: int | None
    paths: tuple[str, ...]
    histograms: tuple[Histogram | None, ...]
    dead: tuple[float, ...]
    joined: tuple[Floats, Floats] | None
    over: OverSteps | None

    def spikes(self, layer: int) -> Spikes | None:
        """Whether a layer is ternary."""
        histogram = self.histograms[layer]
        return None if histogram is None else spikes(histogram)


def rebinned(edges: Floats, counts: NDArray[np.int64] | Floats, onto: Floats) -> Floats:
    """Counts in other bins: exact where the edges are among the old ones, else as if values lay evenly within a bin.

    What lies outside the new bins is left out. `edges` rise, one more than `counts`.
    """
    below = np.concatenate([[0.0], np.cumsum(counts, dtype=np.float64)])
    return np.diff(np.interp(onto, edges, below))


def in_bins(histogram: Histogram, bins: int | None) -> tuple[Floats, Floats]:
    """Edges and counts in at most `bins` equal bins; None, or no more bins than it has: as it was counted."""
    edges = np.asarray(histogram.edges, np.float64)
    if bins is None or bins >= len(histogram.counts):
        return edges, histogram.counts.astype(np.float64)
    onto = np.linspace(edges[0], edges[-1], bins + 1)
    return onto, rebinned(edges, histogram.counts, onto)


def joined(histograms: Iterable[Histogram | None], bins: int | None = None) -> tuple[Floats, Floats] | None:
    """All histograms in one: edges and counts; None where there is no value. `bins`, or as many as the finest has."""
    counted = [each for each in histograms if each is not None and each.counts.sum()]
    if not counted:
        return None
    low, high = min(each.edges[0] for each in counted), max(each.edges[-1] for each in counted)
    count = bins or max(len(each.counts) for each in counted)
    edges = np.linspace(low, high, count + 1)
    return edges, np.sum([rebinned(each.edges, each.counts, edges) for each in counted], axis=0)


def box(histogram: Histogram) -> Floats:
    """What a box plot draws, as in `BOX`; NaN where there are no finite values. `[7]`."""
    return np.array([histogram.minimum, *histogram.quantiles, histogram.maximum])


def zeros(histogram: Histogram) -> tuple[float, float]:
    """Between which shares the exact zeros of a layer lie, as far as a histogram tells.

    At least what lies between quantiles that are both 0 (a ReLU's minimum among them), at most what the bin of 0 holds.
    """
    total = histogram.counts.sum()
    if not total or not histogram.minimum <= 0 <= histogram.maximum:
        return 0.0, 0.0
    levels = np.array([0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0])
    there = levels[box(histogram) == 0]
    least = float(there[-1] - there[0]) if len(there) else 0.0
    place = int(np.searchsorted(histogram.edges, 0.0, side="right")) - 1
    most = float(histogram.counts[min(max(place, 0), len(histogram.counts) - 1)] / total)
    return min(least, most), most


def spikes(histogram: Histogram, tolerance: float = TOLERANCE) -> Spikes:
    """How far the values are three spikes at −s, 0 and s; s is the scale that explains the most of them.

    From the bins alone: a value counts to a spike when its bin lies within `tolerance` · s of it, or next to it where
    bins are wider. Raises ValueError for a tolerance that is not between 0 and 0.5.
    """
    if not 0 < tolerance < 0.5:
        raise ValueError(f"tolerance={tolerance!r}, but it is a share of the scale, above 0 and below 0.5")
    counts = histogram.counts / max(1, histogram.counts.sum())
    edges = np.asarray(histogram.edges, np.float64)
    width = float(np.diff(edges).max())
    centers = (edges[1:] + edges[:-1]) / 2
    # A spike lies anywhere in its bin: the ends of the range are values that there were.
    candidates = np.abs(np.concatenate([centers[counts > 0], [histogram.minimum, histogram.maximum]]))
    candidates = np.unique(candidates[np.isfinite(candidates) & (candidates > width)])
    zero = float(counts[np.abs(centers) <= 0.51 * width].sum())
    best = Spikes(0.0, zero, 0.0, zero, 0.0, width)
    for scale in candidates.tolist():
        near = max(tolerance * scale, 0.51 * width)
        if near >= 0.5 * scale:
            continue  # bins too wide to tell the spikes apart
        negative, zero, positive = (float(counts[np.abs(centers - at) <= near].sum()) for at in (-scale, 0.0, scale))
        share = negative + zero + positive
        # Of scales that explain as much, the largest: ends of the range are exact, and come after their bins' middles.
        if share >= best.share - 1e-12:
            best = Spikes(scale, share, negative, zero, positive, width)
    return best


def over_steps(path: str, steps: Sequence[int], histograms: Sequence[Histogram], bins: int | None = None) -> OverSteps:
    """A layer's histograms in common bins that reach over all but far outliers, whose share is `beyond`."""
    boxes = np.stack([box(each) for each in histograms])
    counts = bins or max(len(each.counts) for each in histograms)
    finite = boxes[np.isfinite(boxes).all(axis=1)]
    if not len(finite):
        edges = np.linspace(-1.0, 1.0, counts + 1)
        nothing = np.zeros((len(steps), counts))
        return OverSteps(path, np.asarray(steps, np.float64), edges, nothing, boxes, 0.0)
    low, high = float(finite[:, 1].min()), float(finite[:, 5].max())
    around = high - low
    low, high = max(float(finite[:, 0].min()), low - around), min(float(finite[:, 6].max()), high + around)
    if not high > low:
        half = max(0.5 * abs(low), 1e-12) if low else 0.5
        low, high = low - half, high + half
    edges = np.linspace(low, high, counts + 1)
    # The last edge belongs to the last bin, in the counted histograms and in these.
    shares = np.stack(
        [rebinned(each.edges, each.counts, edges) / max(1, int(each.counts.sum())) for each in histograms]
    )
    beyond = max((1 - float(share.sum()) for share, each in zip(shares, histograms, strict=True) if each.counts.sum()))
    return OverSteps(path, np.asarray(steps, np.float64), edges, shares, boxes, max(0.0, beyond))

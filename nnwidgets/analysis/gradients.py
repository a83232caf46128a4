"""Gradient flow: how large the gradients of each layer are over a training, and where they vanish or explode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Marks = NDArray[np.uint8]

MARKS = ("", "near zero", "extreme", "no gradient", "not finite", "not logged")
"""What a mark means, by its number: of a layer at a step."""
FINE, NEAR_ZERO, EXTREME, NO_GRADIENT, NOT_FINITE, NOT_LOGGED = range(len(MARKS))

HARDLY, USUAL, FAR = 1e-5, 1e-3, 1e-1
"""Of a step's norm over the weights' norm: about the second is usual (a rule of thumb: Karpathy, CS231n, "Ratio of
weights:updates"). A hundred times less a layer hardly moves, and a hundred times more a step changes a tenth of the
weights: bounds of our own."""


class Series(Protocol):
    """A logged series, as `nnwidgets.runs.History` is one: buckets of one point or more, each with mean and bounds."""

    @property
    def steps(self) -> Floats: ...
    @property
    def values(self) -> Floats: ...
    @property
    def high(self) -> Floats: ...
    @property
    def counts(self) -> NDArray[np.int64]: ...


@dataclass(frozen=True)
class Thresholds:
    """When a layer stands out.

    Attributes:
        decades: so many powers of ten smaller, or larger, than the layers at the output.
        ordered: and sizes go one way from the input to the output: their rank correlation with depth.
        times: so many times the layer's own usual size (the median over the run).
        layers: of fewer layers no trend is told.
    """

    decades: float
    ordered: float
    times: float
    layers: int


@dataclass(frozen=True, eq=False)
class LayerGradients:
    """Sizes of the gradient of the loss with respect to the parameters of each layer, over the steps of a training.

    Layers are in the model's order, the one at the input first. What was not logged is NaN.

    Attributes:
        label: of the run.
        paths: of the modules; `[layers]`.
        steps: of the measurements; where several were joined, their mean. `[steps]`.
        counts: how many measurements were joined; `[steps]`.
        mean: mean absolute gradient of a layer's parameters; where joined, the mean. `[layers, steps]`.
        largest: largest absolute gradient; where joined, the largest. `[layers, steps]`.
        update: norm of the optimizer's step over the norm of the weights. `[layers, steps]`.
        marks: places in `MARKS`, of the gradients; `[layers, steps]`.
        update_marks: the same of the updates.
    """

    label: str
    paths: tuple[str, ...]
    steps: Floats
    counts: NDArray[np.int64]
    mean: Floats
    largest: Floats
    update: Floats
    marks: Marks
    update_marks: Marks

    @property
    def thinned(self) -> bool:
        """Whether measurements were joined."""
        return bool((self.counts > 1).any())

    def nearest(self, step: float | None) -> int:
        """The place of the measurement nearest to a step; None: the newest."""
        if not len(self.steps):
            raise ValueError(f"{self.label} logged no gradients")
        return len(self.steps) - 1 if step is None else int(np.argmin(np.abs(self.steps - step)))

    def at(self, place: int) -> LayerGradients:
        """One measurement alone."""
        part = slice(place, place + 1) if place >= 0 else slice(place, place + 1 or None)
        cut = {name: getattr(self, name)[:, part] for name in ("mean", "largest", "update", "marks", "update_marks")}
        return replace(self, steps=self.steps[part], counts=self.counts[part], **cut)


@dataclass(frozen=True, eq=False)
class GradientFlows:
    """What `GradientFlow` shows: one run or two, all their steps, and the step that is looked at.

    `exact` holds the measurement at that step alone, where `runs` join several; a run without gradients has none.
    """

    runs: tuple[LayerGradients, ...]
    exact: tuple[LayerGradients | None, ...] = ()
    step: int | None = None
    sentences: tuple[tuple[str, ...], ...] = field(default=())
    """What the diagnosis says of each run's gradients."""


def layer_gradients(
    means: Mapping[str, Series],
    largest: Mapping[str, Series],
    updates: Mapping[str, Series],
    *,
    label: str,
    thresholds: Thresholds,
    usual: Floats | None = None,
) -> LayerGradients:
    """Gradients of all layers on common steps, with marks where they vanish or explode.

    A layer is *near zero* where gradients grow with depth and it has less than the largest of the last third of layers
    by `decades`, *extreme* where they shrink with depth and it has more than the smallest of the last third by as much,
    or where it has so much more than the layer in the middle, or `times` its own usual mean. So a healthy net, whose
    layers have gradients of one size (Glorot & Bengio 2010, fig. 7), has no mark; gradients that multiply on their way
    back do (Pascanu et al. 2013).

    Args:
        means, largest, updates: by module path, in the model's order.
        label: of the run.
        thresholds: when a layer stands out.
        usual: usual mean of each layer `[layers]`; without it the median over the steps given.
    """
    paths = tuple(dict.fromkeys([*means, *largest, *updates]))
    longest = max([*means.values(), *largest.values(), *updates.values()], key=lambda s: len(s.steps), default=None)
    grid, counts = _grid(longest)
    matrices = [
        np.stack(
            [_on_grid(series[path], grid, high) if path in series else np.full(len(grid), np.nan) for path in paths]
        )
        if paths
        else np.empty((0, len(grid)))
        for series, high in ((means, False), (largest, True), (updates, False))
    ]
    logged = np.stack([_logged(means.get(path), grid) for path in paths]) if paths else np.empty((0, len(grid)), bool)
    if usual is None:
        usual = _usual(matrices[0])
    return LayerGradients(
        label=label,
        paths=paths,
        steps=grid,
        counts=counts,
        mean=matrices[0],
        largest=matrices[1],
        update=matrices[2],
        marks=_marks(matrices[0], matrices[1], logged, usual, thresholds),
        update_marks=_update_marks(matrices[2]),
    )


def usual_sizes(gradients: LayerGradients) -> Floats:
    """The median of each layer's mean gradient over the steps; NaN where it has none. `[layers]`."""
    return _usual(gradients.mean)


def _usual(mean: Floats) -> Floats:
    found = np.full(len(mean), np.nan)
    for row, values in enumerate(mean):
        finite = values[np.isfinite(values) & (values > 0)]
        if len(finite) >= 3:
            found[row] = np.median(finite)
    return found


def _grid(series: Series | None) -> tuple[Floats, NDArray[np.int64]]:
    """Steps of the longest series, rising, each once, and how many measurements lie in each."""
    if series is None:
        return np.empty(0), np.empty(0, np.int64)
    steps, first = np.unique(series.steps[::-1], return_index=True)  # of a step that came twice, the last
    return steps, series.counts[::-1][first]


def _on_grid(series: Series, grid: Floats, high: bool) -> Floats:
    """A series at the grid's steps: of several points that lie nearest to one of them, the mean or the largest."""
    values = series.high if high else series.values
    if len(series.steps) == len(grid) and np.array_equal(series.steps, grid):
        return np.asarray(values, np.float64)
    found = np.full(len(grid), np.nan)
    cells = _cells(series.steps, grid)
    for cell in np.unique(cells):
        here = values[cells == cell]
        if np.isin(grid[cell], series.steps):  # logged at this very step: the last one counts
            here = values[series.steps == grid[cell]][-1:]
        found[cell] = here.max() if high else here.mean()
    return found


def _logged(series: Series | None, grid: Floats) -> NDArray[np.bool_]:
    found = np.zeros(len(grid), dtype=bool)
    if series is not None:
        found[_cells(series.steps, grid)] = True
    return found


def _cells(steps: Floats, grid: Floats) -> NDArray[np.intp]:
    return np.searchsorted((grid[1:] + grid[:-1]) / 2, steps)


def _marks(mean: Floats, largest: Floats, logged: NDArray[np.bool_], usual: Floats, limits: Thresholds) -> Marks:
    marks = np.zeros(mean.shape, np.uint8)
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = np.where(mean > 0, np.log10(mean), np.nan)
        times = sizes - np.log10(usual)[:, None]
    sizes[~np.isfinite(sizes)] = np.nan
    for step in range(mean.shape[1]):
        marks[_weak(sizes[:, step], limits), step] = NEAR_ZERO
        marks[_strong(sizes[:, step], limits), step] = EXTREME
    marks[np.nan_to_num(times) >= np.log10(limits.times)] = EXTREME
    marks[logged & (mean == 0)] = NO_GRADIENT
    marks[logged & ~(np.isfinite(mean) & np.isfinite(np.where(np.isnan(largest), mean, largest)))] = NOT_FINITE
    marks[~logged] = NOT_LOGGED
    return marks


def _weak(sizes: Floats, limits: Thresholds) -> NDArray[np.bool_]:
    there = np.flatnonzero(np.isfinite(sizes))
    if len(there) < limits.layers or _rank_correlation(sizes[there]) < limits.ordered:
        return np.zeros(len(sizes), dtype=bool)
    highest = sizes[there[-max(1, len(there) // 3) :]].max()
    return np.asarray(np.nan_to_num(sizes, nan=np.inf) <= highest - limits.decades)


def _strong(sizes: Floats, limits: Thresholds) -> NDArray[np.bool_]:
    there = np.flatnonzero(np.isfinite(sizes))
    if len(there) < limits.layers:
        return np.zeros(len(sizes), dtype=bool)
    found = sizes >= np.median(sizes[there]) + limits.decades
    correlation = _rank_correlation(sizes[there])
    if correlation >= limits.ordered:  # the other layers vanish: this one is fine
        return np.zeros(len(sizes), dtype=bool)
    if correlation <= -limits.ordered:
        found |= sizes >= sizes[there[-max(1, len(there) // 3) :]].min() + limits.decades
    return np.asarray(found)


def _rank_correlation(sizes: Floats) -> float:
    """Spearman's, of sizes with their order."""
    count = len(sizes)
    ranks = np.argsort(np.argsort(sizes, kind="stable"), kind="stable")
    return 1.0 - 6.0 * float(((ranks - np.arange(count)) ** 2).sum()) / (count * (count**2 - 1))


def _update_marks(update: Floats) -> Marks:
    marks = np.zeros(update.shape, np.uint8)
    marks[update < HARDLY] = NEAR_ZERO
    marks[update > FAR] = EXTREME
    marks[np.isinf(update)] = NOT_FINITE
    marks[np.isnan(update)] = NOT_LOGGED
    return marks

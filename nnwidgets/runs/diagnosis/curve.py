"""`Curve`: one series as the finders read it: sorted, thinned, smoothed, with its noise estimated from itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

POINTS = 2_000
"""At most so many points of a series are looked at: what more there are is averaged in buckets."""
BUCKETS = 32
"""A curve is smoothed to the medians of at most so many buckets."""
HUGE = 1e100
"""Values beyond are taken as this, so that no sum of them overflows."""

LEARNT = 6.0
"""A fall is clear from so many standard deviations of a level on."""

_SIGMA = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""
_OF_MEDIAN = 1.2533
"""The standard error of a median over that of a mean, for normal noise."""


class HistoryLike(Protocol):
    """All that the diagnosis asks of a history: steps and values, as many of the one as of the other, as logged."""

    @property
    def steps(self) -> ArrayLike: ...
    @property
    def values(self) -> ArrayLike: ...


@dataclass(frozen=True, eq=False)
class Curve:
    """A series of numbers that should fall; one that should rise (accuracy) is read upside down, as `-value`.

    Attributes:
        name: as logged.
        steps, costs: of the finite points, in order, at most about 2,000.
        upside_down: whether costs are negated values.
        all_steps, finite, infinite: of every point, the missing ones too: NaN, or infinite.
    """

    name: str
    steps: Floats
    costs: Floats
    upside_down: bool
    all_steps: Floats
    finite: NDArray[np.bool_]
    infinite: NDArray[np.bool_]

    @classmethod
    def read(cls, name: str, history: HistoryLike, *, upside_down: bool = False) -> Curve:
        """Of a history in any order, with whatever in it."""
        steps, values = (np.asarray(each, dtype=np.float64).ravel() for each in (history.steps, history.values))
        steps, values = steps[: len(values)], values[: len(steps)]
        known = np.isfinite(steps)
        if not known.all():
            steps, values = steps[known], values[known]
        order = _order(steps)
        if order is not None:
            steps, values = steps[order], values[order]
        finite = np.isfinite(values)
        costs = np.clip(values[finite], -HUGE, HUGE)
        kept_steps, costs = _thinned(steps[finite], -costs if upside_down else costs)
        return cls(name, kept_steps, costs, upside_down, steps, finite, np.isinf(values))

    def __len__(self) -> int:
        return len(self.costs)

    def value(self, cost: float) -> float:
        """A cost as it was logged."""
        return -cost if self.upside_down else cost

    @cached_property
    def edges(self) -> NDArray[np.int64]:
        """Where the buckets begin, and the end: `[buckets + 1]`."""
        return np.linspace(0, len(self), min(len(self), BUCKETS) + 1).astype(np.int64)

    @cached_property
    def levels(self) -> Floats:
        """The smoothed curve: the median of each bucket."""
        if len(self) <= BUCKETS:
            return self.costs
        return np.array([np.median(part) for part in np.split(self.costs, self.edges[1:-1])])

    @cached_property
    def level_steps(self) -> Floats:
        """Mean step of each bucket."""
        if len(self) <= BUCKETS:
            return self.steps
        return np.add.reduceat(self.steps, self.edges[:-1]) / np.diff(self.edges)

    @cached_property
    def noise(self) -> float:
        """Standard deviation of a point around the curve: from how far points stand off their two neighbours' mean.

        That is blind to a trend, and as a median to spikes. Of the noisier half, for noise changes in a run.
        """
        return max(_roughness(self.costs[: len(self) // 2]), _roughness(self.costs[len(self) // 2 :]))

    @cached_property
    def wobble(self) -> float:
        """Standard deviation of a level: as white noise would give, or as the levels themselves show, if that is
        more."""
        white = _OF_MEDIAN * self.noise / math.sqrt(max(1.0, len(self) / max(1, len(self.levels))))
        return max(white, _roughness(self.levels))

    @cached_property
    def start(self) -> float:
        """Where it began: the median of three points, or of the first bucket if that is higher."""
        return max(float(np.median(self.costs[:3])), float(self.levels[0]))

    @cached_property
    def tail(self) -> float:
        """Where it stands: the median of the last tenth, of at least three points."""
        return float(np.median(self.costs[-self.tail_points :]))

    @property
    def tail_points(self) -> int:
        return min(len(self), max(3, len(self) // 10))

    @cached_property
    def best(self) -> int:
        """The lowest level's bucket."""
        return int(np.argmin(self.levels))

    @property
    def lowest(self) -> float:
        return float(self.levels[self.best])

    @property
    def drop(self) -> float:
        """What was learnt at best: from the start down to the lowest level."""
        return self.start - self.lowest

    @property
    def has_learnt(self) -> bool:
        """Whether it has clearly improved at some time: by many deviations of a level, and more than single points
        scatter."""
        return self.drop > 0 and self.drop >= LEARNT * self.wobble and self.drop >= 3 * self.noise

    def level_at(self, at: float) -> float:
        """The smoothed curve at a step."""
        return float(np.interp(at, self.level_steps, self.levels))

    def highest_between(self, start: float, stop: float) -> float:
        """The highest point from one step to another, both included; minus infinity where there is none."""
        return float(self.costs[(self.steps >= start) & (self.steps <= stop)].max(initial=-math.inf))

    def share_left(self) -> float | None:
        """Where it stands as a share of where it began; None where values can be negative: they have no zero to count
        from."""
        if self.upside_down or self.start <= 0 or float(self.costs.min()) < 0:
            return None
        return self.tail / self.start

    def rose_before(self, level: int, rise: float) -> bool:
        """Whether it had risen so far at some time before a low level, and so come back."""
        before = self.levels[: level + 1]
        return bool((before - np.minimum.accumulate(before)).max(initial=0.0) >= rise)

    @property
    def extent(self) -> tuple[float, float]:
        return float(self.steps.min()), float(self.steps.max())


def scatter(points: Floats) -> float:
    """Standard deviation of points around their median, outliers apart."""
    return float(_SIGMA * np.median(np.abs(points - np.median(points)))) if len(points) else 0.0


def _order(steps: Floats) -> NDArray[np.int64] | None:
    """How to sort by step; None where the order of logging is the better one.

    That is so where it is sorted already, and where steps are counted anew again and again (in each epoch, say).
    """
    if len(steps) < 2 or bool((np.diff(steps) >= 0).all()):
        return None
    if 2 * len(np.unique(steps)) <= len(steps):
        return None
    return np.argsort(steps, kind="stable")


def _thinned(steps: Floats, costs: Floats) -> tuple[Floats, Floats]:
    if len(costs) <= POINTS:
        return steps, costs
    starts = np.linspace(0, len(costs), POINTS + 1).astype(np.int64)
    sizes = np.diff(starts)
    return np.add.reduceat(steps, starts[:-1]) / sizes, np.add.reduceat(costs, starts[:-1]) / sizes


def _roughness(costs: Floats) -> float:
    if len(costs) < 3:
        return 0.0
    off = costs[1:-1] - (costs[:-2] + costs[2:]) / 2
    return float(_SIGMA * np.median(np.abs(off)) / math.sqrt(1.5))

"""`History`: a series read back, whole or thinned to buckets with their mean, lowest and highest value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from nnwidgets.runs.records import Floats, Points, Whole


@dataclass(frozen=True, eq=False)
class History:
    """A series in the order logged; `steps, values = run.history("loss")` unpacks.

    Attributes:
        name: of the series.
        steps: of each point; where thinned, the mean step of each bucket.
        values: of each point; where thinned, the mean of each bucket's finite values (NaN where it has none).
        times: seconds since the run started, likewise.
        low, high: lowest and highest finite value of each bucket; equal to `values` where not thinned.
        counts: points in each bucket.
        thinned: whether a bucket holds more than one point.
    """

    name: str
    steps: Floats
    values: Floats
    times: Floats
    low: Floats
    high: Floats
    counts: Whole
    thinned: bool

    def __iter__(self) -> Iterator[Floats]:
        yield self.steps
        yield self.values

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        thinned = f" in {len(self):,} buckets" if self.thinned else ""
        return f"History({self.name!r}, {int(self.counts.sum()):,} points{thinned})"


@dataclass(frozen=True, eq=False)
class Buckets:
    """Summaries of consecutive points, a row each. `steps`, `times` and `values` are means; values: of finite ones."""

    counts: Whole
    finite: Whole
    steps: Floats
    times: Floats
    values: Floats
    low: Floats
    high: Floats

    @classmethod
    def single(cls, steps: Whole, values: Floats, times: Floats) -> Self:
        """One bucket for each point."""
        finite = np.isfinite(values)
        shown = np.where(finite, values, np.nan)
        ones = np.ones(len(steps), np.int64)
        return cls(ones, finite.astype(np.int64), steps.astype(np.float64), times, shown, shown, shown)

    @classmethod
    def join(cls, parts: Iterable[Buckets]) -> Self:
        """All buckets of `parts`, one after the other."""
        listed = [part for part in parts if len(part)] or [cls.single(*_NOTHING)]
        return cls(*(np.concatenate([getattr(part, name) for part in listed]) for name in cls.__dataclass_fields__))

    def __len__(self) -> int:
        return len(self.counts)

    def merge(self, starts: Whole) -> Buckets:
        """Merge neighbours: `starts` are the first rows of the new buckets, rising from 0."""
        if not len(starts):
            return self
        counts = np.add.reduceat(self.counts, starts)
        finite = np.add.reduceat(self.finite, starts)
        sizes = np.diff(np.append(starts, len(self)))
        # Weights before sums: a sum of huge values would overflow where their mean does not.
        share = self.counts / np.repeat(counts, sizes)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            finite_share = np.where(self.finite > 0, self.finite / np.repeat(finite, sizes), 0.0)
            weighted = np.where(self.finite > 0, self.values, 0.0) * finite_share
        empty = finite == 0
        return Buckets(
            counts=counts,
            finite=finite,
            steps=np.add.reduceat(self.steps * share, starts),
            times=np.add.reduceat(self.times * share, starts),
            values=np.where(empty, np.nan, np.add.reduceat(weighted, starts)),
            low=np.fmin.reduceat(self.low, starts),
            high=np.fmax.reduceat(self.high, starts),
        )

    def thin(self, most: int) -> Buckets:
        """Merge neighbours into at most `most` buckets of about as many points each, if there are more."""
        if len(self) <= most:
            return self
        before = np.cumsum(self.counts) - self.counts
        bucket = before * most // int(self.counts.sum())
        starts = np.flatnonzero(np.diff(bucket, prepend=-1))
        return self.merge(starts)


_NOTHING = (np.empty(0, np.int64), np.empty(0), np.empty(0))


def whole(name: str, steps: Whole, values: Floats, times: Floats) -> History:
    """Every point as it was logged."""
    ones = np.ones(len(steps), np.int64)
    return History(name, steps.astype(np.float64), values, times, values, values, ones, False)


def thinned(name: str, buckets: Buckets) -> History:
    """Buckets as a history."""
    return History(name, buckets.steps, buckets.values, buckets.times, buckets.low, buckets.high, buckets.counts, True)


def summary(points: Points) -> tuple[int, float, float, float, float, float]:
    """Of one point or more: how many values are finite, mean step, mean time, mean, lowest and highest finite value."""
    values = points.values
    finite = np.isfinite(values)
    count = int(np.count_nonzero(finite))
    step, time = float(points.steps.mean()), float(points.times.mean())
    if not count:
        return 0, step, time, math.nan, math.nan, math.nan
    if count < len(values):
        values = values[finite]
    mean = float((values / count).sum())  # a sum of huge values would overflow
    return count, step, time, mean, float(values.min()), float(values.max())


def check_points(points: int | None) -> None:
    """`points` as history takes it."""
    if points is not None and (isinstance(points, bool) or points < 1 or not math.isfinite(points)):
        raise ValueError(f"points={points!r}, but it is a whole number of buckets, at least 1, or None for all points")

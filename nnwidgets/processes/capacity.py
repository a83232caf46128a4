"""How many patterns a Hopfield network holds: the overlap that recall ends with, over the load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from nnwidgets.processes.bounds import whole
from nnwidgets.processes.couplings import stored
from nnwidgets.processes.dynamics import sweep
from nnwidgets.processes.spins import Spins, pattern_rows
from nnwidgets.source.jobs import check_cancelled, current_job

_LOADS = (0.05, 0.1, 0.12, 0.13, 0.14, 0.15, 0.16, 0.18, 0.2)
_MOST_POINTS = 12  # loads tried of a reader's own patterns

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Capacity:
    """What `capacity` found.

    `loads` [loads] are patterns / units, `overlaps` [loads, seeds] the mean final overlap of each network's cues with
    their patterns; `critical` is the load where the mean over the seeds first falls below `threshold`, by linear
    interpolation; None where it does not within the loads tried.
    """

    units: int
    storage: str
    flips: float
    loads: Floats
    overlaps: Floats
    threshold: float
    critical: float | None

    @property
    def mean(self) -> Floats:
        """The mean final overlap at each load: [loads]."""
        mean: Floats = self.overlaps.mean(axis=1)
        return mean


def capacity(
    units: int = 784,
    *,
    patterns: Any = None,
    loads: Sequence[float] | None = None,
    flips: float = 0.1,
    seeds: int = 5,
    cues: int = 20,
    storage: str = "hebbian",
    sweeps: int = 50,
    threshold: float = 0.9,
) -> Capacity:
    """Store more and more patterns, and recall each from a cue with flipped bits, by asynchronous updates.

    For random patterns under Hebb's rule theory gives 0.138 patterns a unit (Amit, Gutfreund & Sompolinsky 1985);
    correlated ones, such as digits, fail far earlier. Each network is one task of joblib's: inside
    `joblib.parallel_config(n_jobs=4)`, or with `backend="dask"`, they are spread. In a job it reports its progress and
    can be cancelled.

    Args:
        units: of a network of random ±1 patterns.
        patterns: instead, patterns to be drawn from: [patterns, units] or [patterns, height, width].
        loads: patterns / units, to be tried; given in any order.
        flips: share of a cue's bits that are flipped, 0 to 0.5.
        seeds: networks at each load.
        cues: patterns recalled in each network, at most all.
        storage: "hebbian" or "pseudo-inverse".
        sweeps: after which a recall ends that has not settled.
        threshold: the overlap that `critical` is told of.

    Raises:
        ValueError: an argument out of its bounds.
        ImportError: joblib is not installed.
    """
    joblib = _joblib()
    pool = None if patterns is None else pattern_rows(patterns)[0]
    units = whole("units", units, 2, None) if pool is None else pool.shape[1]
    seeds, cues = whole("seeds", seeds, 1, None), whole("cues", cues, 1, None)
    sweeps = whole("sweeps", sweeps, 1, None)
    if not 0 <= flips <= 0.5:
        raise ValueError(f"flips={flips!r}, but it is a share of the bits from 0 to 0.5")
    counts = _counts(loads, units, pool)
    stored(np.ones((1, 2), np.int8), storage)  # an unknown rule is said before anything is begun
    tasks = [
        joblib.delayed(_recall)(units, pool, count, seed, flips, cues, storage, sweeps)
        for count in counts
        for seed in range(seeds)
    ]
    found: list[float] = []
    workers = joblib.effective_n_jobs(None)  # of the configuration that is in force
    together = 1 if workers == 1 else 2 * workers
    job = current_job()
    while len(found) < len(tasks):
        if job is not None:
            job.report(len(found), len(tasks), f"{counts[len(found) // seeds]} patterns in {units} units")
        found += joblib.Parallel()(tasks[len(found) : len(found) + together])
    overlaps = np.array(found).reshape(len(counts), seeds)
    tried = np.array(counts) / units
    critical = _crossing(tried, overlaps.mean(axis=1), threshold)
    return Capacity(units, storage, float(flips), tried, overlaps, float(threshold), critical)


def _recall(
    units: int, pool: Spins | None, count: int, seed: int, flips: float, cues: int, storage: str, sweeps: int
) -> float:
    """The mean final overlap of one network."""
    random = np.random.default_rng((seed, count))
    if pool is None:
        patterns = random.choice(np.array([-1, 1], np.int8), (count, units))
    else:
        patterns = pool[random.choice(len(pool), count, replace=False)]
    couplings = stored(patterns, storage)
    targets = patterns[random.choice(count, min(cues, count), replace=False)]
    states = targets.copy()
    for state in states:
        flipped = random.choice(units, round(flips * units), replace=False)
        state[flipped] *= -1
    overlaps = []
    for target, cue, cue_fields in zip(targets, states, couplings.fields(states), strict=True):
        check_cancelled()
        state, fields = cue, cue_fields
        for _ in range(sweeps):
            following, fields = sweep(couplings, state, fields, random.permutation(units))
            if following is state:
                break
            state = following
        overlaps.append(float(target @ state.astype(np.float64)) / units)
    return float(np.mean(overlaps))


def _counts(loads: Sequence[float] | None, units: int, pool: Spins | None) -> list[int]:
    """How many patterns are stored, rising."""
    most = None if pool is None else len(pool)
    if loads is None and most is not None:
        return sorted({int(count) for count in np.linspace(1, most, min(most, _MOST_POINTS)).round()})
    counts = set()
    for load in _LOADS if loads is None else loads:
        count = round(float(load) * units)
        if not load > 0 or (most is not None and count > most):
            bound = "is more than 0" if most is None else f"lies between 0 and {most / units:g}: {most} patterns"
            raise ValueError(f"loads has {load:g}, but a load {bound}")
        counts.add(max(1, count))
    if not counts:
        raise ValueError("loads is empty, but at least one is tried")
    return sorted(counts)


def _crossing(loads: Floats, mean: Floats, threshold: float) -> float | None:
    """Where the curve first falls below the threshold."""
    for at in range(1, len(loads)):
        before, after = mean[at - 1], mean[at]
        if before >= threshold > after:
            share = (before - threshold) / (before - after)
            return float(loads[at - 1] + share * (loads[at] - loads[at - 1]))
    return None


def _joblib() -> Any:
    try:
        return import_module("joblib")
    except ImportError:
        raise ImportError("the capacity experiment runs through joblib, which is missing: pip install joblib") from None

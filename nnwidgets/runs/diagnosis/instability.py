"""A training loss that is thrown out again and again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnwidgets.runs.diagnosis import words
from nnwidgets.runs.diagnosis.curve import Curve, Floats
from nnwidgets.runs.diagnosis.curves import ENOUGH, Curves, Objective
from nnwidgets.runs.diagnosis.finding import Finding

HEIGHT = 0.25
"""A spike stands above the curve by this share of all that the run has learnt."""
CLEAR = 8.0
"""And by so many standard deviations of the points around it."""
EVENTS = 3
"""So many spikes make a run unstable."""
LASTING = 3
"""A spike lasts so many points, where a point is one batch's loss: a batch of hard samples is high for one point only."""
WARM = 0.05
"""Spikes in this first share of the run are not counted."""
WINDOW = 31
"""Of the running median that spikes stand out from, in points."""
ROUGH = 0.15
"""Epochs' means that go up and down by this share of what was learnt, in training and validation, are unstable without spikes."""


@dataclass(frozen=True)
class Spike:
    """Where one is, and how high above the curve around it."""

    first: int
    last: int
    height: float


def find(curves: Curves) -> Finding | None:
    """The training loss spikes: it jumps up by a good part of what was learnt, stays up for some steps, and comes back.

    Rule: at least `EVENTS` times, and lastly in the second half of the run, points stand above the running median by
    `HEIGHT` of the whole fall and by `CLEAR` local standard deviations (median absolute deviation in each quarter of the
    run, so that a noisy run is not a spiky one), for `LASTING` points in a row where points are single batches. Where points
    are epochs' means (validation is logged with each) one point is a spike, and neighbouring epochs that differ by `ROUGH` of
    the fall, in training and in validation, are enough. A run that has calmed down by its second half is not reported, nor is
    a rise with a logged learning rate that rises. Sources: Goodfellow et al. (2016), 8.2.4 (cliffs); Cohen et al. (2021) on
    training at the edge of stability; spikes of large runs: Chowdhery et al. (2022), 5.1.
    """
    main = curves.loss
    curve = None if main is None else main.train
    if main is None or curve is None or len(curve) < ENOUGH or curve.drop <= 0:
        return None
    found = [each for each in spikes(curve, 1 if main.coarse else LASTING) if not _rate_rose(curves, curve, each)]
    if len(found) >= EVENTS and found[-1].last >= len(curve) // 2:
        highest = max(found, key=lambda each: each.height)
        at = float(curve.steps[highest.first])
        return _finding(
            main,
            f"{curve.name} is spiky: it jumped up {len(found)} times and came back each time.",
            f"The highest spike, at step {words.step(at)}, stands {words.number(highest.height)} above the curve around it, "
            f"which is {words.percent(highest.height / curve.drop)} of all that was learnt.",
            (float(curve.steps[found[0].first]), float(curve.steps[found[-1].last])),
        )
    rough = _rough(main)
    if rough is not None:
        return _finding(
            main,
            f"{curve.name} goes up and down from epoch to epoch, and validation with it.",
            f"In the second half neighbouring epochs differ by {words.percent(rough)} of all that was learnt.",
            (float(curve.steps[len(curve) // 2]), curve.extent[1]),
        )
    return None


def _finding(main: Objective, sentence: str, evidence: str, steps: tuple[float, float]) -> Finding:
    return Finding(
        kind="instability",
        severity="warning",
        sentence=sentence,
        evidence=evidence,
        steps=steps,
        metrics=main.names,
        cause="The learning rate (or momentum) is at the edge of what the loss's curvature bears, batches are very small, or "
        "single gradients are huge.",
        remedy="Lower the learning rate 2 to 3 times or let it decay; clip the gradient norm; take larger batches; with Adam, "
        "a lower beta2 (0.95) or a larger eps.",
    )


def spikes(curve: Curve, lasting: int) -> list[Spike]:
    """Runs of at least `lasting` points that stand out upwards, after the first steps."""
    costs = curve.costs
    around = _running_median(costs, min(WINDOW, len(costs) // 8 * 2 + 3))
    above = costs - around
    noise = np.concatenate([np.full(len(part), _deviation(part)) for part in np.array_split(above, 4)])
    out = above >= np.maximum(HEIGHT * curve.drop, CLEAR * noise)
    out[: int(np.ceil(WARM * len(out)))] = False
    firsts, lasts = _stretches(out)
    return [
        Spike(int(first), int(last), float(above[first : last + 1].max()))
        for first, last in zip(firsts, lasts, strict=True)
        if last - first + 1 >= lasting
    ]


def _stretches(out: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    change = np.diff(out.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(change == 1), np.flatnonzero(change == -1) - 1


def _running_median(costs: Floats, window: int) -> Floats:
    padded = np.pad(costs, window // 2, mode="reflect")
    found: Floats = np.median(np.lib.stride_tricks.sliding_window_view(padded, window), axis=1)
    return found


def _deviation(part: Floats) -> float:
    return float(1.4826 * np.median(np.abs(part - np.median(part)))) if len(part) else 0.0


def _rate_rose(curves: Curves, curve: Curve, spike: Spike) -> bool:
    """Whether the learning rate went up shortly before: a warm restart or a warm-up."""
    rate = curves.learning_rate
    if rate is None:
        return False
    back = max(0, spike.first - WINDOW)
    near = rate.costs[(rate.steps >= curve.steps[back]) & (rate.steps <= curve.steps[spike.last])]
    return bool(len(near) and near.max() > 1.5 * max(near[0], near.min()))


def _rough(main: Objective) -> float | None:
    """How far neighbouring epochs' means differ in the second half, as a share of what was learnt, if it is too far."""
    if not main.coarse or main.train is None or main.validation is None or len(main.train) < 2 * ENOUGH:
        return None
    shares = []
    for curve in (main.train, main.validation):
        steps = np.diff(curve.costs[len(curve) // 2 :])
        if curve.drop <= 0 or len(steps) < ENOUGH - 1:
            return None
        shares.append(float(np.median(np.abs(steps))) / curve.drop)
    return min(shares) if min(shares) >= ROUGH else None

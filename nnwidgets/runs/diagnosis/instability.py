"""A training loss that is thrown out again and again."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nnwidgets.runs.diagnosis import words
from nnwidgets.runs.diagnosis.curve import Curve, Floats
from nnwidgets.runs.diagnosis.curves import ENOUGH, Curves, Objective
from nnwidgets.runs.diagnosis.finding import Finding

HEIGHT = 0.25
"""A rise counts if it takes back this share of all that the run has learnt."""
CLEAR = 5.0
"""And is so many standard deviations of a point, as must be the whole fall, where points are single batches;"""
CLEAR_EPOCHS = 2.0
"""so many where they are epochs' means: there noise is what is looked for, and validation must show it too."""
TIMES = 3
"""So many such rises make a run unstable."""
WARM = 0.05
"""Those that begin in this first share of the run are not counted."""
MEDIAN = 5
"""Single batches' losses are smoothed by the median of so many: what lasts for one or two batches is a hard batch, no
rise."""
RAISED = 1.5
"""A learning rate that rose so many times shortly before explains a rise."""


@dataclass(frozen=True)
class Swing:
    """A rise that was come back from: the points where it began and where it was highest, and how high."""

    low: int
    high: int
    height: float


def find(curves: Curves) -> Finding | None:
    """The training loss goes up and down: it rises by a good part of what was learnt, and comes back, several times.

    Rule: at least `TIMES` times, and lastly in the second half of the run, the loss rises by `HEIGHT` of its whole fall
    and by `CLEAR` standard deviations of a point, and comes back by half of that. Where points are single batches, of
    the running median of `MEDIAN`, so that a noisy run is not an unstable one; where points are epochs' means
    (validation is logged with each), of the points themselves (`CLEAR_EPOCHS`), in training and in validation. A run
    that has calmed down by its second half is not reported, nor are rises that a logged learning rate explains (warm
    restarts). Sources: Goodfellow et al. (2016), 8.2.4 (cliffs); Cohen et al. (2021) on training at the edge of
    stability; spikes of large runs: Chowdhery et al. (2022), 5.1.
    """
    main = curves.loss
    curve = None if main is None else main.train
    if main is None or curve is None or len(curve) < 2 * ENOUGH:
        return None
    if main.coarse and main.validation is not None and len(swings(main.validation, coarse=True)) < TIMES:
        return None
    found = [swing for swing in swings(curve, coarse=main.coarse) if not _rate_rose(curves, curve, swing)]
    if len(found) >= TIMES and found[-1].high >= len(curve) // 2:
        highest = max(found, key=lambda swing: swing.height)
        return _finding(
            main,
            f"{curve.name} is unstable: {words.count(len(found), 'time')} it jumped up, and came back.",
            f"The highest rise, up to step {words.step(float(curve.steps[highest.high]))}, is one of "
            f"{words.number(highest.height)}, {words.percent(highest.height / curve.drop)} of all that was learnt.",
            (float(curve.steps[found[0].low]), float(curve.steps[found[-1].high])),
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
        cause="The learning rate (or momentum) is at the edge of what the loss's curvature bears, batches are very "
        "small, or single batches (outliers, inputs that were not scaled) have huge gradients.",
        remedy="Lower the learning rate 2 to 3 times or let it decay; clip the gradient norm; look at the batches "
        "where it jumps; take larger batches; with Adam, a lower beta2 (0.95) or a larger eps.",
    )


def swings(curve: Curve, *, coarse: bool) -> list[Swing]:
    """The rises that count, after the first steps."""
    smooth = curve.costs if coarse else _running_median(curve.costs, MEDIAN)
    clear = (CLEAR_EPOCHS if coarse else CLEAR) * curve.noise
    fell = float(np.median(curve.costs[:3]) - np.median(curve.costs)) if coarse else curve.drop
    if fell <= 0 or fell < clear:
        return []
    least = max(HEIGHT * curve.drop, clear)
    return [swing for swing in _zigzag(smooth, least) if swing.low >= WARM * len(smooth)]


def _zigzag(costs: Floats, least: float) -> Iterator[Swing]:
    """Rises of at least `least` that fell back by half."""
    values: list[float] = costs.tolist()
    low = high = 0
    for at, value in enumerate(values):
        if value > values[high]:
            high = at
        height = values[high] - values[low]
        if height >= least and value <= values[high] - height / 2:
            yield Swing(low, high, height)
            low = high = at
        elif value < values[low]:
            low = high = at


def _running_median(costs: Floats, window: int) -> Floats:
    padded = np.pad(costs, window // 2, mode="edge")
    found: Floats = np.median(np.lib.stride_tricks.sliding_window_view(padded, window), axis=1)
    return found


def _rate_rose(curves: Curves, curve: Curve, swing: Swing) -> bool:
    """Whether the learning rate is higher at the rise than it was before: a warm restart or a warm-up."""
    rate = curves.learning_rate
    if rate is None:
        return False
    return rate.highest_between(float(curve.steps[swing.low]), float(curve.steps[swing.high])) > RAISED * rate.level_at(
        float(curve.steps[max(0, swing.low - 1)])
    )

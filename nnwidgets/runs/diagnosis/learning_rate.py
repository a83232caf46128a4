"""A learning rate that is too high, told from a loss that shoots up as soon as training begins."""

import numpy as np

from nnwidgets.runs.diagnosis import words
from nnwidgets.runs.diagnosis.curve import scatter
from nnwidgets.runs.diagnosis.curves import ENOUGH, Curves
from nnwidgets.runs.diagnosis.finding import Finding
from nnwidgets.runs.diagnosis.not_finite import LASTING

EARLY = 0.2
"""The share of the run in which it shoots up."""
HEIGHT = 3.0
"""How far above the start: three times what the loss later fell below it, and the start's own size once more."""
LEAST = 1.0
CLEAR = 40.0
"""And so many standard deviations of a point,"""
STANDS_OUT = 4.0
"""and so many times as high as any point elsewhere: losses of single batches may have peaks all along."""


def find(curves: Curves) -> Finding | None:
    """The training loss shot up far above its start, early, or on its way to NaN.

    Rule: within the first `EARLY` of the points (or in the last ones before it stays NaN) a value stands above
    the first by `HEIGHT` times the whole later fall, by `LEAST` times the first value's size, and by `CLEAR` standard
    deviations of a point. The first value is the very first point: it is computed before the first step, whatever the
    rate. Reported although the loss comes back from it, for what comes back is seldom what it could be: the jump has
    moved the weights far out (dead or saturated units). A loss that oscillates is `instability`; that a rate falls and
    the loss with it is how healthy schedules look, and proves nothing. Textbook: Goodfellow et al. (2016), 11.4.1;
    Bengio (2012), 3.1.1: the best rate is close to the largest one that does not diverge.
    """
    main = curves.loss
    curve = None if main is None else main.train
    if curve is None or len(curve) < 3:
        return None
    first = float(curve.costs[0])
    in_end = not curve.finite[-LASTING:].any()
    if len(curve) < 2 * ENOUGH and not in_end:
        return None
    window = max(3, int(EARLY * len(curve)))
    peak = int(np.argmax(curve.costs))
    if peak < window:
        elsewhere = curve.costs[window:]
    elif in_end and peak >= len(curve) - window:
        elsewhere = curve.costs[:-window]
    else:
        return None
    height = float(curve.costs[peak]) - first
    if height < STANDS_OUT * (float(elsewhere.max(initial=first)) - first):
        return None
    learnt = max(0.0, first - curve.lowest)
    noise = max(scatter(half) for half in np.array_split(elsewhere, 4))
    if height < max(HEIGHT * learnt, LEAST * abs(first), CLEAR * noise) or height <= 0:
        return None
    now = "NaN" if in_end else words.number(curve.tail)
    return Finding(
        kind="learning_rate_too_high",
        severity="serious" if in_end or curve.tail > first - 0.2 * abs(first) else "warning",
        sentence=f"{curve.name} shot up from {words.number(first)} to {words.number(float(curve.costs[peak]))} by step "
        f"{words.step(float(curve.steps[peak]))}: the steps overshoot.",
        evidence=f"{words.number(first)} at step {words.step(float(curve.steps[0]))}, "
        f"{words.number(float(curve.costs[peak]))} at step {words.step(float(curve.steps[peak]))}, now {now}"
        f"{_rate(curves, float(curve.steps[peak]))}.",
        steps=(float(curve.steps[0]), float(curve.steps[min(peak + 1, len(curve) - 1)])),
        metrics=(curve.name,),
        cause="The learning rate is too high: each step goes past the lowest point, to a higher one on the other "
        "side. Weights that were thrown far out may leave units dead or saturated, and the loss stuck, for good.",
        remedy="Start again with a learning rate 3 to 10 times lower, or let it rise over the first steps (warm-up); "
        "clip the gradient norm.",
    )


def _rate(curves: Curves, at: float) -> str:
    rate = curves.learning_rate
    return "" if rate is None else f"; {rate.name} was {words.number(rate.level_at(at))}"

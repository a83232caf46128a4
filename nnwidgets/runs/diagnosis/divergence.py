"""A training loss that has lost what was learnt, or never stopped growing."""

import numpy as np

from nnwidgets.runs.diagnosis import words
from nnwidgets.runs.diagnosis.curve import Curve, scatter
from nnwidgets.runs.diagnosis.curves import ENOUGH, Curves
from nnwidgets.runs.diagnosis.finding import Finding

LOST = 0.9
"""It diverged if it has lost this share of its fall from the start."""
CLEAR = 8.0
"""A change counts from this many standard deviations of a level on."""
GROWN = 0.25
"""Or if it stands above its start by this share of it."""
FAR = 1.0
"""Or if nearly all of its second half stands above its very first point by this share of it,"""
APART = 3.0
"""and the half's middle by so many of the half's own standard deviations: a first point may be low by luck."""
SETTLED = 0.1
"""The best level must lie at least this share of the run back."""


def find(curves: Curves) -> Finding | None:
    """The training loss (without one, accuracy) ends where it began, or above.

    Rule, of the smoothed curve: either it fell clearly (`CLEAR` deviations), then rose by `LOST` of that fall or more
    and stays there for the last tenth, having come back from no such rise before; or it stands above its start by
    `GROWN` of the start's size and by `CLEAR` deviations of a single point; or it jumped within the first steps and
    stays far above (`FAR`, `APART`) the first point, which is computed before any step. What came back is not reported.
    Textbook: Goodfellow, Bengio, Courville (2016), 8.2.4 and 11.4.1: a learning rate beyond a certain value makes the
    training error rise.
    """
    main = curves.main
    curve = None if main is None else main.train
    if curve is None or len(curve) < ENOUGH:
        return None
    if lost(curve) >= LOST:
        sentence = (
            f"{curve.name} had improved until step {words.step(float(curve.level_steps[curve.best]))}, "
            "then went back to where it began: what was learnt is lost."
        )
        since = float(curve.level_steps[curve.best])
    elif grown(curve):
        sentence = f"{curve.name} grows instead of falling: the training diverges."
        since = float(curve.level_steps[curve.best])
    elif jumped(curve):
        sentence = f"{curve.name} jumped up within the first steps and stays there: the training diverges."
        since = float(curve.steps[0])
    else:
        return None
    began = float(curve.costs[0]) if jumped(curve) else curve.start
    start, lowest, tail = (words.number(curve.value(each)) for each in (began, min(curve.lowest, began), curve.tail))
    return Finding(
        kind="divergence",
        severity="serious",
        sentence=sentence,
        evidence=f"{start} at the start, at best {lowest}, now {tail} (over the last {curve.tail_points} points).",
        steps=(since, curve.extent[1]),
        metrics=(curve.name,),
        cause="Steps that are too large for the slope: the learning rate is too high, or rose too high, or one batch "
        "with a huge gradient threw the weights far off.",
        remedy="Go back to the checkpoint before the rise; lower the learning rate 3 to 10 times, warm it up, and "
        "clip the gradient norm (to 1, say).",
    )


def lost(curve: Curve) -> float:
    """The share of its fall that a curve has lost again by now, 0 where it did not clearly fall, or often went up and
    down."""
    rise = curve.tail - curve.lowest
    if curve.drop < CLEAR * curve.wobble or curve.drop <= 0 or rise < CLEAR * curve.wobble:
        return 0.0
    last = int(np.flatnonzero(curve.levels <= curve.lowest + rise / 4)[-1])
    if last >= (1 - SETTLED) * len(curve.levels) - 1 or curve.rose_before(last, rise / 2):
        return 0.0
    return rise / curve.drop


def grown(curve: Curve) -> bool:
    """Whether it stands clearly above its start."""
    rise = curve.tail - curve.start
    return rise >= GROWN * abs(curve.start) and rise >= CLEAR * curve.noise and rise > 0


def jumped(curve: Curve) -> bool:
    """Whether it left its very first point for good, upwards."""
    first, later = float(curve.costs[0]), curve.costs[len(curve) // 2 :]
    above = float(np.quantile(later, 0.05)) - first
    return above > FAR * abs(first) and float(np.median(later)) - first >= APART * scatter(later)

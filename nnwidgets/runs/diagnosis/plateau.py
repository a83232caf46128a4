"""A loss that hardly moves: nothing is learnt, or far too slowly."""

import numpy as np

from nnwidgets.runs.diagnosis import words
from nnwidgets.runs.diagnosis.curve import Curve
from nnwidgets.runs.diagnosis.curves import ENOUGH, Curves, Objective
from nnwidgets.runs.diagnosis.finding import Finding

FLAT = 0.02
"""The loss has moved by less than this share of where it began."""
NEVER = 0.05
"""And at no time stood further from there than this."""
STEPS = 60
"""So many points, where they are single batches (8 where they are epochs)."""
NOISE = 0.15
"""Where single batches differ by more than this share of the loss, it is small already: that of a trained model."""
LEARNT = 0.05
"""An accuracy that rose by this much says that something was learnt,"""
GOOD = 0.8
"""and one of this height that there was little left to learn."""
RULE = 1e-3
"""The usual size of an update relative to the weights, by rule of thumb;"""
SLOW = 0.01
"""less than this share of it is too low a learning rate, whether or not a fall can be seen."""


def find(curves: Curves) -> Finding | None:
    """The training loss stands where it began, all the time.

    Rule, for losses that are never negative (others have no zero to measure from): its end differs from its beginning
    by less than `FLAT` of it, no smoothed level differs by more than `NEVER`, its points scatter by less than `NOISE`
    of it (of a trained model's small loss the scatter is larger), accuracy, if logged, neither rose by `LEARNT` nor
    stands at `GOOD`, and no warm-up is under way in a logged learning rate. A loss that falls first and then stays is
    no plateau: it has converged, or underfits. Whether it falls steadily (a rate that is too low, as are updates below
    `SLOW` of `RULE`) or not at all is told by a line fitted through its levels. Sources: Bengio (2012), 3.1.1; the rule
    of thumb of updates at 1e-3 of the weights is Karpathy's (CS231n).
    """
    main = curves.loss
    curve = None if main is None else main.train
    if main is None or curve is None or len(curve) < (ENOUGH if main.coarse else STEPS):
        return None
    began = float(curve.levels[0])
    if began <= 0 or float(curve.costs.min()) < 0 or curve.noise > NOISE * began:
        return None
    moved = (began - curve.tail) / began
    if abs(moved) >= FLAT or float(np.abs(curve.levels / began - 1).max()) >= NEVER + 4 * curve.wobble / began:
        return None
    if _learns(curves.accuracy) or _warming_up(curves):
        return None
    falls, update = _falls(curve), _update(curves)
    too_low = falls or (update is not None and 0 < update < RULE * SLOW)
    return Finding(
        kind="plateau",
        severity="warning",
        sentence=f"{curve.name} falls, but so slowly that it has hardly moved: the steps are too small."
        if falls
        else f"{curve.name} is flat: it stands where it began, nothing is learnt.",
        evidence=f"{words.number(began)} at the start, now {words.number(curve.tail)}, a change of "
        f"{words.percent(abs(moved))} over {words.count(len(curve.all_steps), 'point')}{_rates(curves, update)}.",
        steps=curve.extent,
        metrics=main.names,
        cause="The learning rate is too low."
        if too_low
        else "The learning rate is far too low, or so high that the first steps broke the net (dead or saturated "
        "units); or no gradient reaches the weights (a detached tensor, frozen layers, an optimizer that holds other "
        "parameters), or the labels have nothing to do with the inputs. A model that was trained before may have "
        "little left to learn.",
        remedy="Raise the learning rate 3 to 10 times at a time until the loss falls within some hundred steps."
        if too_low
        else "Try learning rates from 1e-5 to 1, ten times apart, for some hundred steps each. If none helps, see "
        "whether the model can learn ten samples by heart: if not, look for the broken link. nnw.watch shows "
        "gradients and dead units.",
    )


def _falls(curve: Curve) -> bool:
    """Whether it clearly falls: a line through the levels explains most of their variance, and goes down."""
    levels = curve.levels
    if len(levels) < ENOUGH or float(np.ptp(levels)) <= 1e-9 * abs(float(levels[0])):
        return False
    correlation = float(np.corrcoef(np.arange(len(levels)), levels)[0, 1])
    return correlation < -0.8


def _learns(accuracy: Objective | None) -> bool:
    if accuracy is None:
        return False
    return any(
        best_share(curve) >= GOOD or curve.drop >= LEARNT * full(curve)
        for curve in (accuracy.train, accuracy.validation)
        if curve is not None
    )


def full(accuracy: Curve) -> float:
    """What stands for everything right: 1, or 100 where accuracies are logged in percent."""
    return 100.0 if -float(accuracy.costs.min()) > 1.5 else 1.0


def best_share(accuracy: Curve) -> float:
    return -accuracy.lowest / full(accuracy)


def _warming_up(curves: Curves) -> bool:
    rate = curves.learning_rate
    return rate is not None and len(rate) > 1 and float(rate.costs[-1]) > 1.05 * float(rate.costs[len(rate) // 2])


def _update(curves: Curves) -> float | None:
    """How large an update is relative to the weights, in the middle layer; None if it was not logged."""
    ratios = [curve.tail for curve in curves.layers("update_ratio").values()]
    return float(np.median(ratios)) if ratios else None


def _rates(curves: Curves, update: float | None) -> str:
    said = ""
    if curves.learning_rate is not None:
        said += f"; {curves.learning_rate.name} {words.number(curves.learning_rate.tail)}"
    if update is not None:
        said += f"; an update changes the weights by {words.number(update)} of their size (usual: about {RULE:g})"
    return said

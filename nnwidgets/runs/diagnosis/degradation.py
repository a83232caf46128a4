"""A run that has become worse than it was: training longer did harm."""

from nnwidgets.runs.diagnosis import words
from nnwidgets.runs.diagnosis.curve import Curve
from nnwidgets.runs.diagnosis.curves import ENOUGH, Curves, Objective
from nnwidgets.runs.diagnosis.divergence import LOST, lost
from nnwidgets.runs.diagnosis.finding import Finding

TRAINING = 0.15
"""The share of its fall that a training curve must have lost; up to `LOST`, where divergence begins."""
VALIDATION = 0.15
"""The same for a validation curve, where no training curve says whether that is overfitting."""
RAISED = 1.5
"""A learning rate so many times that at the best step, as high as it was before, explains a rise: a warm restart."""


def find(curves: Curves) -> Finding | None:
    """The training loss itself has risen late, and stays up: not overfitting, for it is the training that gets worse.

    Rule, of the smoothed training curve: having clearly fallen, it has lost `TRAINING` of that fall or more (less than
    `LOST`) by its last tenth, by at least 8 standard deviations of a level, its best level lies a tenth of the run or
    more back, and it has come back from no rise half as high before (or it is a matter of ups and downs). Not where a
    logged learning rate is back at a height it had before (warm restarts, Loshchilov & Hutter 2017). Without a training
    curve the validation is looked at. The degradation of deeper nets of He et al. (2016) is a comparison of two runs,
    not this.
    """
    main = curves.main
    if main is None:
        return None
    curve, least = (main.train, TRAINING) if main.train is not None else (main.validation, VALIDATION)
    if curve is None or len(curve) < ENOUGH or restarted(curves, curve):
        return None
    share = lost(curve)
    if not least <= share < (LOST if main.train is not None else float("inf")):
        return None
    best = float(curve.level_steps[curve.best])
    lowest, tail = words.number(curve.value(curve.lowest)), words.number(curve.value(curve.tail))
    return Finding(
        kind="degradation",
        severity="warning",
        sentence=f"{curve.name} was best at step {words.step(best)} and has become worse since: training on did harm.",
        evidence=f"{lowest} at best, now {tail}: {words.percent(share)} of what had been learnt is "
        f"lost{_also(main, best)}.",
        steps=(best, curve.extent[1]),
        metrics=main.names,
        cause="Something changed or built up: a learning rate that rose or is too high for the narrow place where the "
        "weights are now, too strong a weight decay, other data, or a model that is thrown out now and then."
        if main.train is not None
        else "Overfitting, or a training that itself gets worse: the training loss, if it were logged, would tell.",
        remedy="Keep the weights of the best step. Let the learning rate decay, look at what changed at that step "
        "(data, schedule, regularisation), clip the gradient norm.",
    )


def restarted(curves: Curves, curve: Curve) -> bool:
    """Whether a logged learning rate has risen since the best step to a height that it had before."""
    rate = curves.learning_rate
    if rate is None:
        return False
    best = float(curve.level_steps[curve.best])
    before = rate.costs[rate.steps <= best]
    after = rate.costs[rate.steps > best]
    if not len(before) or not len(after):
        return False
    return bool(after.max() >= RAISED * before[-1] and after.max() <= 1.01 * before.max())


def _also(main: Objective, best: float) -> str:
    other = main.validation if main.train is not None else None
    if other is None or len(other) < ENOUGH:
        return ""
    then, now = words.number(other.value(other.level_at(best))), words.number(other.value(other.tail))
    return f"; {other.name} went from {then} to {now}"

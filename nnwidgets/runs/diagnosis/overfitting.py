"""A validation loss that rises while the training loss goes on falling."""

from nnwidgets.runs.diagnosis import words
from nnwidgets.runs.diagnosis.curves import Curves, Objective
from nnwidgets.runs.diagnosis.finding import Finding, Severity

POINTS = 8
RISE = 0.03
"""Validation has risen from its best level by this share of what was learnt, and of the gap (all there is to see of a
model that was trained before)."""
CLEAR = 4.0
"""And by so many standard deviations of a level."""
GAP = 0.12
"""Validation is worse than training by this share of what was learnt."""
SETTLED = 0.15
"""The best level lies at least this share of the run back."""
MUCH = 0.15
"""A rise of this share and more is more than a note, whatever accuracy does."""


def find(curves: Curves) -> Finding | None:
    """Validation gets worse from its best on, training does not.

    Rule, of the smoothed curves of the loss (without one of accuracy): validation stands above its best level by `RISE`
    of what was learnt and by `CLEAR` of its own standard deviations (so a small, noisy validation set is not taken for
    it); that best level lies `SETTLED` of the run back; the gap to training is `GAP` of what was learnt; training
    stands no higher than it did at that step. Relative to what was learnt, not to the lowest loss: of a loss near zero
    a tiny rise would be large (Prechelt's 1998 generalisation loss, 100 (E / E_best − 1), is therefore only told as
    evidence). If validation accuracy holds its own and the rise is below `MUCH`, it is a note: the model grows
    over-confident (Guo et al. 2017), not worse. Validation that came back down is not reported (Nakkiran et al. 2020,
    double descent). Textbook: Goodfellow et al. (2016), 7.8.
    """
    main = curves.main
    if main is None or main.train is None or main.validation is None:
        return None
    train, validation = main.train, main.validation
    if len(train) < POINTS or len(validation) < POINTS:
        return None
    learnt = max(validation.drop, train.start - train.tail)
    rise = validation.tail - validation.lowest
    gap = validation.tail - train.tail
    if not train.has_learnt or rise < max(RISE * max(learnt, gap), CLEAR * validation.wobble) or gap < GAP * learnt:
        return None
    best = float(validation.level_steps[validation.best])
    if validation.best >= (1 - SETTLED) * len(validation.levels) - 1:
        return None
    if train.tail > train.level_at(best) + train.wobble:
        return None
    holds = accuracy_holds(curves.accuracy, best) if main is curves.loss else None
    values = [validation.value(each) for each in (validation.lowest, validation.tail)]
    worse = words.percent(validation.tail / validation.lowest - 1) if validation.lowest > 0 else None
    return Finding(
        kind="overfitting",
        severity=_severity(rise / learnt, holds),
        sentence=f"{validation.name} was best at step {words.step(best)} and gets worse since, while {train.name} "
        "does not: the model learns its training data by heart."
        + (" Validation accuracy holds: it grows over-confident rather than wrong." if holds else ""),
        evidence=f"{validation.name} {words.number(values[0])} at best, now {words.number(values[1])}"
        f"{f' ({worse} more)' if worse and not validation.upside_down else ''}; {train.name} went from "
        f"{words.number(train.value(train.level_at(best)))} to {words.number(train.value(train.tail))}; the gap is "
        f"{words.number(gap)}, {words.percent(gap / learnt)} of what was learnt.",
        steps=(best, validation.extent[1]),
        metrics=main.names,
        cause="The model has enough freedom to fit the training samples one by one, noise and wrong labels included: "
        "it is large for so little data, or trained for long.",
        remedy=f"Keep the weights of step {words.step(best)} (early stopping). More data or augmentation, dropout, "
        "weight decay, or a smaller model.",
    )


def accuracy_holds(accuracy: Objective | None, best: float) -> bool | None:
    """Whether validation accuracy is as good as at that step; None if it was not logged."""
    curve = None if accuracy is None else accuracy.validation
    if curve is None or len(curve) < POINTS:
        return None
    return curve.tail <= curve.level_at(best) + max(2 * curve.wobble, 0.01 * curve.drop)


def _severity(rise: float, holds: bool | None) -> Severity:
    return "note" if holds and rise < MUCH else "warning"

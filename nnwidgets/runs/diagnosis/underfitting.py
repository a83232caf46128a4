"""A model that cannot fit even its training data."""

from nnwidgets.runs.diagnosis import words
from nnwidgets.runs.diagnosis.curve import Curve
from nnwidgets.runs.diagnosis.curves import Curves, Objective
from nnwidgets.runs.diagnosis.finding import Finding
from nnwidgets.runs.diagnosis.plateau import full

POINTS = 12
"""So many points of each curve at least."""
LEVEL = 0.10
"""Levelled off: the last third of the run brought no more than this share of the whole improvement."""
LEFT = 0.5
"""High: half of the starting loss or more is left."""
LOW = 0.7
"""An accuracy of this height is no low one."""
GAP = 0.15
"""Validation is no worse than training by more than this share of what was learnt: or it would be overfitting."""
LEARNT = 0.15
"""Something was learnt, clearly (`Curve.has_learnt`) and this share of the start. Else it is a plateau."""


def find(curves: Curves) -> Finding | None:
    """Training and validation have both levelled off high.

    Rule: both curves are there and have levelled off (`LEVEL`) after a clear fall (`LEARNT`), validation within `GAP`
    of training, the training loss at `LEFT` of its start or more, and training accuracy below `LOW`. Without accuracy
    it is a "note", for a loss has a floor of its own that no model gets below (noisy targets, a cross entropy of soft
    targets), and the curve does not tell it. With accuracy alone: that one, levelled off below `LOW`. From training
    curves alone nothing is said. Textbook: Goodfellow et al. (2016), 5.2: underfitting is a training error that stays
    too high.
    """
    loss, accuracy = curves.loss, curves.accuracy
    reached = None if accuracy is None else _reached(accuracy)
    if reached is not None and reached >= LOW:
        return None
    if loss is not None and loss.train is not None:
        left = loss.train.share_left()
        if left is None or left < LEFT or not _level(loss) or loss.train.drop < LEARNT * loss.train.start:
            return None
        main, evidence = loss, f"{words.percent(left)} of the starting loss is left"
    elif accuracy is not None and reached is not None and _level(accuracy):
        main, evidence = accuracy, "Levelled off"
    else:
        return None
    train, validation = main.train, main.validation
    assert train is not None and validation is not None  # as _level saw
    if reached is not None:
        evidence += f", training accuracy {words.percent(reached)}"
    return Finding(
        kind="underfitting",
        severity="note" if reached is None else "warning",
        sentence=f"{train.name} and {validation.name} have both levelled off, "
        f"{'low' if train.upside_down else 'high'}: the model does not fit even the data that it is trained on.",
        evidence=f"{evidence}: {train.name} from {words.number(train.value(train.start))} to "
        f"{words.number(train.value(train.tail))}, {validation.name} "
        f"{words.number(validation.value(validation.tail))}.",
        steps=(float(train.level_steps[2 * len(train.levels) // 3]), train.extent[1]),
        metrics=main.names,
        cause="The model is too small or of the wrong kind for the task, regularised too strongly, or stuck; or the "
        "targets cannot be told any better from these inputs.",
        remedy="Take a larger model (more units, more layers), less dropout and weight decay, a different learning "
        "rate, better inputs. Whether there is more to learn at all: see what a simple baseline or a person reaches.",
    )


def _reached(accuracy: Objective) -> float | None:
    curve = accuracy.train or accuracy.validation
    return None if curve is None else curve.value(curve.tail) / full(curve)


def _level(main: Objective) -> bool:
    train, validation = main.train, main.validation
    if train is None or validation is None:
        return False
    if not (_levelled(train) and _levelled(validation)):
        return False
    return validation.tail - train.tail <= GAP * train.drop


def _levelled(curve: Curve) -> bool:
    if len(curve) < POINTS or not curve.has_learnt:
        return False
    before = float(curve.levels[2 * len(curve.levels) // 3])
    return abs(before - curve.tail) <= LEVEL * curve.drop + curve.wobble

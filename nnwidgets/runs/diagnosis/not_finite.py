"""A loss that became NaN or infinite."""

import numpy as np

from nnwidgets.runs.diagnosis import words
from nnwidgets.runs.diagnosis.curve import Curve
from nnwidgets.runs.diagnosis.curves import Curves
from nnwidgets.runs.diagnosis.finding import Finding

LASTING = 2
"""So many points in the end: one may be a line that is still being written."""
SOME = 0.25
"""NaN at more than this share of points, with finite ones to the end, stands for "not measured"."""


def find(curves: Curves) -> Finding | None:
    """A training loss is not finite to its end ("serious"), or was at some steps and has recovered ("warning").

    Rule, for each loss of the training: the last `LASTING` points or more are NaN or infinite, and more of them in a
    row than ever before a finite one (a table with gaps has NaN wherever nothing was measured; infinity is never a
    gap). Or: at most a share of `SOME` of the points, and not regularly spaced as gaps are, with finite ones after.
    Validation is not looked at, for it is often NaN where it was not measured; nor are gradients, for with mixed
    precision `GradScaler` skips steps whose gradients are infinite (Micikevicius et al. 2018).
    """
    for curve in curves.trained:
        found = _lost(curve) or _blinked(curve)
        if found is not None:
            return found
    return None


def _lost(curve: Curve) -> Finding | None:
    missing = ~curve.finite
    if not len(missing) or not missing[-1]:
        return None
    last = np.flatnonzero(curve.finite)[-1] if curve.finite.any() else -1
    trailing = len(missing) - 1 - int(last)
    what = "infinite" if curve.infinite[last + 1] else "NaN"
    longest = int(np.diff(np.flatnonzero(curve.finite), prepend=-1).max(initial=1)) - 1
    if trailing < LASTING or (trailing <= longest and not curve.infinite[last + 1 :].any()):
        return None
    at = float(curve.all_steps[last + 1])
    if last < 0:
        sentence = f"{curve.name} was {what} from the first step on: nothing is learnt from such a loss."
        before = "It was never finite"
    else:
        sentence = (
            f"{curve.name} became {what} at step {words.step(at)} and did not come back: the run is lost from there."
        )
        before = (
            f"The last finite value was {words.number(float(curve.costs[-1]))} at step {words.step(curve.steps[-1])}"
        )
    return Finding(
        kind="not_finite",
        severity="serious",
        sentence=sentence,
        evidence=f"{before}; {words.count(trailing, 'point')} since then.",
        steps=(at, float(curve.all_steps[-1])),
        metrics=(curve.name,),
        cause="A number grew beyond what floats hold, or an operation has no answer: a learning rate that is too "
        "high, a division by zero, the logarithm or square root of zero (its gradient), or NaN in the data.",
        remedy="Stop: the weights are most likely NaN too. Start from the last good checkpoint with a lower learning "
        "rate or clipped gradients; check the inputs for NaN; use log_softmax, or add a small number inside "
        "logarithms and roots. torch.autograd.set_detect_anomaly(True) names the operation.",
    )


def _blinked(curve: Curve) -> Finding | None:
    missing = np.flatnonzero(~curve.finite)
    if not len(missing) or not curve.finite[-1] or len(missing) > SOME * len(curve.finite):
        return None
    if not curve.infinite.any() and len(missing) >= 3 and len(np.unique(np.diff(missing))) == 1:
        return None
    first, last = float(curve.all_steps[missing[0]]), float(curve.all_steps[missing[-1]])
    return Finding(
        kind="not_finite",
        severity="warning",
        sentence=f"{curve.name} was not finite at {words.count(len(missing), 'point')}, and came back each time.",
        evidence=f"{len(missing):,} of {len(curve.finite):,} points, from step {words.step(first)} to "
        f"{words.step(last)}.",
        steps=(first, last),
        metrics=(curve.name,),
        cause="Single batches whose loss has no finite value (an empty batch, the logarithm of zero), or mixed "
        "precision that overflows and skips the step.",
        remedy="Look at those batches; compute the loss in float32; make sure that such a step is skipped, not "
        "averaged in.",
    )

"""Gradients that vanish or explode on their way back through the layers, or explode in time."""

import numpy as np
from numpy.typing import NDArray

from nnwidgets.runs.diagnosis import words
from nnwidgets.runs.diagnosis.curve import Curve, Floats
from nnwidgets.runs.diagnosis.curves import ENOUGH, Curves
from nnwidgets.runs.diagnosis.finding import Finding

LAYERS = 5
"""So many layers with a gradient at least: of fewer one odd layer (an embedding) would look like a trend."""
DECADES = 3.0
"""First and last third of the layers differ by so many powers of ten."""
ORDERED = 0.6
"""And in between the gradients go one way: their ranks correlate so far with the layers' order."""
FINE = 0.2
"""A run whose loss has come down to this share of its start is not held up by that."""
TIMES = 100.0
"""A gradient norm so many times the usual one has exploded."""
NOT_FINITE = 3
"""So many points that are not finite in the end: single ones are what mixed precision skips."""


def find_vanishing(curves: Curves) -> Finding | None:
    """The first layers get hardly any gradient: each layer passes on less than it gets.

    Rule, of `gradient_mean/<path>` (medians over the second half of the run: what recovered by then is not reported),
    in the order logged, layers without any gradient (frozen ones) apart: in every layer of the first third it is
    smaller than the largest of the last third by `DECADES`, and it rises with depth (rank correlation `ORDERED`), at
    least `LAYERS` layers. A single small layer (an embedding, most rows of which have no gradient) is none. Not where
    the loss has come down to `FINE` of its start all the same. Sources: Hochreiter (1991); Glorot & Bengio (2010),
    whose healthy nets have gradients of one size in all layers.
    """
    layers = _means(curves)
    if layers is None:
        return None
    paths, sizes = layers
    third = max(1, len(paths) // 3)
    highest = float(sizes[-third:].max())
    if float(sizes[:third].max()) > highest - DECADES or _rank_correlation(sizes) < ORDERED or _learns(curves):
        return None
    weak = tuple(path for path, size in zip(paths, sizes, strict=True) if size <= highest - DECADES)
    strongest = paths[int(np.argmax(sizes))]
    return Finding(
        kind="vanishing_gradients",
        severity="serious",
        sentence=f"Gradients vanish on their way back: {words.listed(weak)} {_get(weak)} less than a thousandth of "
        f"what {strongest} gets, and hardly {'learns' if len(weak) == 1 else 'learn'}.",
        evidence=f"Mean absolute gradient {words.number(10 ** sizes[0])} in {paths[0]} against "
        f"{words.number(10**highest)} in {strongest}: {words.number(10 ** (highest - sizes[0]))} times less, over "
        f"{len(paths)} layers (medians over the second half of the run).",
        steps=_extent(curves),
        metrics=tuple(f"gradient_mean/{path}" for path in weak),
        layers=weak,
        cause="Each layer multiplies the gradient by less than one: saturating activations (a sigmoid passes on a "
        "quarter at most), weights that start too small, or a deep plain stack without shortcuts.",
        remedy="Use ReLU, GELU or tanh in place of sigmoids, Xavier or He initialisation, normalisation layers, and "
        "residual connections; an LSTM or GRU in place of a plain RNN.",
    )


def find_exploding(curves: Curves) -> Finding | None:
    """Gradients grow on their way back through the layers, or the gradient norm jumps far above its usual size.

    Rules: (1) `gradient_norm` is not finite for its last `NOT_FINITE` points or more; (2) its last tenth, or any point,
    exceeds `threshold`: `TIMES` its usual size, the larger of its median over the run and its median over the first
    tenth (late in a good run gradients are small, and then one hard batch is many times the median; at the start they
    are not); the first twentieth does not count, for an untrained net's first gradients may be large; one such point is
    a warning, three are serious; (3) as vanishing, the other way round: the gradient grows by `DECADES` from the last
    to the first layers. Source: Pascanu, Mikolov, Bengio (2013), who clip at a multiple of the average norm.
    """
    return _not_finite(curves) or _in_time(curves) or _in_depth(curves)


def threshold(norm: Curve) -> float | None:
    """The gradient norm from which on a step counts as exploded; None while there are too few points to tell."""
    if len(norm) < ENOUGH:
        return None
    usual = max(float(np.median(norm.costs)), float(np.median(norm.costs[: max(3, len(norm) // 10)])))
    limit = TIMES * usual
    return limit if 0 < limit < np.inf else None


REMEDY = (
    "Clip the gradient norm (torch.nn.utils.clip_grad_norm_, to 1 or to a few times its median); lower the learning "
    "rate; smaller or orthogonal initial weights; normalisation layers; an LSTM or GRU in place of a plain RNN."
)


def _not_finite(curves: Curves) -> Finding | None:
    norm = curves.gradient_norm
    if norm is None or norm.finite[-NOT_FINITE:].any() or len(norm.finite) < NOT_FINITE:
        return None
    last = int(np.flatnonzero(norm.finite)[-1])
    at = float(norm.all_steps[last + 1])
    trailing = len(norm.finite) - last - 1
    if trailing <= int(np.diff(np.flatnonzero(norm.finite), prepend=-1).max()) - 1:
        return None
    return Finding(
        kind="exploding_gradients",
        severity="serious",
        sentence=f"The gradient norm is not finite any more, from step {words.step(at)} on.",
        evidence=f"{norm.name} was {words.number(float(norm.costs[-1]))} at its last finite point, "
        f"{words.count(trailing, 'point')} since then.",
        steps=(at, float(norm.all_steps[-1])),
        metrics=(norm.name,),
        cause="Gradients grew beyond what floats hold, or the loss or the weights are NaN.",
        remedy=REMEDY,
    )


def _in_time(curves: Curves) -> Finding | None:
    norm = curves.gradient_norm
    limit = None if norm is None else threshold(norm)
    if norm is None or limit is None:
        return None
    calm = max(1, int(np.ceil(0.05 * len(norm))))
    early = float(np.median(norm.costs[: max(3, len(norm) // 10)]))
    if early > 0 and norm.tail >= TIMES * early:
        limit = TIMES * early
    out = np.flatnonzero(norm.costs >= limit)
    out = out[out >= calm]
    if not len(out):
        return None
    highest = int(out[np.argmax(norm.costs[out])])
    return Finding(
        kind="exploding_gradients",
        severity="serious" if len(out) >= 3 else "warning",
        sentence=f"The gradient norm explodes: at {words.count(len(out), 'point')} it is more than {TIMES:g} times its "
        "usual size.",
        evidence=f"{norm.name} {words.number(float(norm.costs[highest]))} at step "
        f"{words.step(float(norm.steps[highest]))}, usually {words.number(limit / TIMES)}.",
        steps=(float(norm.steps[out[0]]), float(norm.steps[out[-1]])),
        metrics=(norm.name,),
        cause="Weights that multiply a signal many times over (in a recurrent net once a time step, in a deep one "
        "once a layer): where they amplify it, gradients grow exponentially, as at a cliff of the loss.",
        remedy=REMEDY,
    )


def _in_depth(curves: Curves) -> Finding | None:
    layers = _means(curves)
    if layers is None:
        return None
    paths, sizes = layers
    third = max(1, len(paths) // 3)
    lowest = float(sizes[-third:].min())
    if float(sizes[:third].min()) < lowest + DECADES or _rank_correlation(sizes) > -ORDERED or _learns(curves):
        return None
    strong = tuple(path for path, size in zip(paths, sizes, strict=True) if size >= lowest + DECADES)
    weakest = paths[int(np.argmin(sizes))]
    return Finding(
        kind="exploding_gradients",
        severity="serious",
        sentence=f"Gradients explode on their way back: {words.listed(strong)} {_get(strong)} more than a thousand "
        f"times what {weakest} gets.",
        evidence=f"Mean absolute gradient {words.number(10 ** sizes[0])} in {paths[0]} against "
        f"{words.number(10**lowest)} in {weakest}, over {len(paths)} layers (medians over the second half of the run).",
        steps=_extent(curves),
        metrics=tuple(f"gradient_mean/{path}" for path in strong),
        layers=strong,
        cause="Each layer multiplies the gradient by more than one: weights that start too large, in a deep plain "
        "stack.",
        remedy=REMEDY,
    )


def _means(curves: Curves) -> tuple[list[str], Floats] | None:
    """Of the layers that have a gradient: their paths, and the power of ten of its usual mean."""
    found = {
        path: float(np.median(curve.costs[len(curve) // 2 :]))
        for path, curve in curves.layers("gradient_mean").items()
        if len(curve) >= ENOUGH
    }
    found = {path: mean for path, mean in found.items() if mean > 0}
    if len(found) < LAYERS:
        return None
    return list(found), np.log10(np.array(list(found.values())))


def _rank_correlation(sizes: Floats) -> float:
    """Spearman's, of sizes with their order."""
    ranks: NDArray[np.int64] = np.argsort(np.argsort(sizes, kind="stable"), kind="stable")
    return float(np.corrcoef(np.arange(len(sizes)), ranks)[0, 1])


def _learns(curves: Curves) -> bool:
    curve = None if curves.loss is None else curves.loss.train
    left = None if curve is None else curve.share_left()
    return left is not None and left <= FINE


def _extent(curves: Curves) -> tuple[float, float]:
    first = next(iter(curves.layers("gradient_mean").values()))
    return float(first.steps[len(first) // 2]), first.extent[1]


def _get(paths: tuple[str, ...]) -> str:
    return "gets" if len(paths) == 1 else "get"

"""Units that are never active."""

import numpy as np

from nnwidgets.runs.diagnosis import words
from nnwidgets.runs.diagnosis.curves import Curves
from nnwidgets.runs.diagnosis.finding import Finding

DEAD = 0.5
"""A layer is reported when more than this share of its units are dead,"""
LOST = 0.9
"""and as serious from here on: hardly anything gets through."""
POINTS = 3


def find(curves: Curves) -> Finding | None:
    """Half of a layer's units or more are never active.

    Rule, of `dead/<path>`: the median over the last quarter of its points (at least `POINTS`) exceeds `DEAD`; "serious"
    from `LOST` on. Up to half is common in good, wide nets and costs only speed. A layer that has come back to life is
    not reported. Sources: Maas et al. (2013), 2; Lu et al. (2020), "Dying ReLU and initialization".
    """
    shares: dict[str, float] = {}
    for path, curve in curves.layers("dead").items():
        if len(curve) >= POINTS:
            shares[path] = float(np.median(curve.costs[-max(POINTS, len(curve) // 4) :]))
    dead = {path: share for path, share in shares.items() if share > DEAD}
    if not dead:
        return None
    worst = max(dead, key=lambda path: dead[path])
    layers = curves.layers("dead")
    since = min(_since(layers[path].steps, layers[path].costs) for path in dead)
    return Finding(
        kind="dead_units",
        severity="serious" if dead[worst] >= LOST else "warning",
        sentence=f"Most units of {words.listed(tuple(dead))} are dead: they are zero for every input, pass on nothing "
        "and get no gradient.",
        evidence=", ".join(f"{words.percent(share)} of {path}" for path, share in list(dead.items())[:6]) + ".",
        steps=(since, layers[worst].extent[1]),
        metrics=tuple(f"dead/{path}" for path in dead),
        layers=tuple(dead),
        cause="A ReLU whose input is negative for every sample: a step that was too large pushed weights or bias far "
        "down (learning rate too high), or the bias started too low. It does not come back by itself: its gradient is "
        "zero.",
        remedy="Start again with a lower learning rate or a warm-up; biases at 0 and He initialisation; LeakyReLU or "
        "GELU; a normalisation layer in front of the activation.",
    )


def _since(steps: "np.typing.NDArray[np.float64]", shares: "np.typing.NDArray[np.float64]") -> float:
    """The step from which on more than `DEAD` stayed dead."""
    alive = np.flatnonzero(shares <= DEAD)
    return float(steps[min(alive[-1] + 1, len(steps) - 1)]) if len(alive) else float(steps[0])

"""Where a Hopfield network ended: in a memory, in its inverse, in a mixture of three, or in another spurious state."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from nnwidgets.processes.spins import Spins

Kind = Literal["memory", "inverse", "mixture", "spurious", "not settled", "settled"]

NEAR = 0.9
"""The overlap from which a settled state is taken for the memory: near its capacity a network ends a few bits away."""
_MIXED = 0.95
_LIKELY = 8  # the memories most like the state, of which mixtures are tried


@dataclass(frozen=True)
class Basin:
    """What a network fell into.

    `kind` is "settled" where no patterns are known to compare with. `pattern` is the memory most like the state, or
    most unlike it; `overlap` that of the state with what `kind` names (the memory, its inverse, the mixture), 1 where
    they are equal; `mixed` the patterns of a mixture; `overlaps` those with all patterns.
    """

    kind: Kind
    pattern: int | None
    overlap: float
    sentence: str
    mixed: tuple[int, ...] = ()
    overlaps: tuple[float, ...] = ()


def basin(state: Spins, patterns: Spins, labels: Sequence[str]) -> Basin:
    """Name a state in which a network settled.

    A mixture of three is sign(±ξ₁ ± ξ₂ ± ξ₃), the most stable of the spurious states (Amit, Gutfreund & Sompolinsky
    1985).
    """
    if not len(patterns):
        return Basin("settled", None, 1.0, "settled; there are no patterns to compare with")
    overlaps = patterns.astype(np.float64) @ state / len(state)
    every = tuple(map(float, overlaps))
    nearest = int(np.abs(overlaps).argmax())
    share = float(abs(overlaps[nearest]))
    name = labels[nearest]
    mixed, agreement = _mixture(state, patterns, overlaps)
    if share < 1 and agreement >= _MIXED and agreement > share:
        inverted = [overlaps[each] < 0 for each in mixed]
        what = "the inverse of a mixture" if all(inverted) else "a mixture"
        names = [
            labels[each] + (" inverted" if other and not all(inverted) else "")
            for each, other in zip(mixed, inverted, strict=True)
        ]
        words = f"spurious: {what} of {names[0]}, {names[1]} and {names[2]}"
        return Basin("mixture", nearest, agreement, words, mixed, every)
    if share >= NEAR:
        kind: Kind = "memory" if overlaps[nearest] > 0 else "inverse"
        what = f"the memory {name}" if kind == "memory" else f"the inverse of {name}"
        return Basin(kind, nearest, share, f"{what}{'' if share == 1 else f' (overlap {share:.2f})'}", (), every)
    second = int(np.argsort(-np.abs(overlaps), kind="stable")[1]) if len(patterns) > 1 else None
    between = f"{name} (overlap {overlaps[nearest]:.2f})"
    if second is not None:
        between += f" and {labels[second]} ({overlaps[second]:.2f})"
    return Basin("spurious", nearest, share, f"spurious: nearest to {between}", (), every)


def _mixture(state: Spins, patterns: Spins, overlaps: npt.NDArray[np.float64]) -> tuple[tuple[int, ...], float]:
    """The mixture of three most like the state, and its overlap with it."""
    likely = np.argsort(-np.abs(overlaps), kind="stable")[:_LIKELY]
    signs = np.where(overlaps < 0, -1, 1).astype(np.int8)
    best: tuple[int, ...] = ()
    agreement = -1.0
    for three in itertools.combinations(map(int, likely), 3):
        mixed = np.sign((signs[list(three), None] * patterns[list(three)]).sum(axis=0))
        found = float(mixed @ state.astype(np.float64)) / len(state)
        if found > agreement:
            best, agreement = three, found
    return best, agreement

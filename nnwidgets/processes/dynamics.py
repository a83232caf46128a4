"""The updates of a Hopfield network: one after the other, or all at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nnwidgets.processes.couplings import Couplings, Floats
from nnwidgets.processes.spins import Spins


def sweep(couplings: Couplings, state: Spins, fields: Floats, order: npt.NDArray[np.intp]) -> tuple[Spins, Floats]:
    """Each unit once, in this order, takes the sign of its field; a field of 0 keeps it. Returns state and fields.

    Between two flips nothing changes, so the next unit that flips is found for all at once, and only a flip costs a
    row of weights. Sums are exact (see `couplings`), so this gives the bits of one unit after the other.
    """
    flipping = state * fields < 0
    if not flipping.any():
        return state, fields
    spins, fields, whole = state.astype(np.float64), fields.copy(), couplings.whole
    at, units = 0, len(order)
    waiting = flipping[order]
    while True:
        ahead = int(waiting.argmax())
        if not waiting[ahead]:
            break
        at += ahead
        unit = order[at]
        spins[unit] = -spins[unit]
        fields += (2.0 * spins[unit]) * whole[unit]
        at += 1
        if at == units:
            break
        waiting = (spins * fields < 0)[order[at:]]
    return spins.astype(np.int8), fields


def all_at_once(couplings: Couplings, state: Spins, fields: Floats) -> tuple[Spins, Floats]:
    """All units take the sign of their fields together; a field of 0 keeps its unit. May alternate between two states
    for ever.
    """
    if not (state * fields < 0).any():
        return state, fields
    following = np.where(fields > 0, 1, np.where(fields < 0, -1, state)).astype(np.int8)
    return following, couplings.fields(following)


def orders(seed: int, step: int, units: int) -> npt.NDArray[np.intp]:
    """The order in which the units are updated in a sweep: a permutation keyed by seed and step."""
    return np.random.default_rng((seed, step)).permutation(units)

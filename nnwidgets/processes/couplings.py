"""The weights of a Hopfield network, stored by a rule or given, as whole numbers: every sum of them is exact.

Whole numbers in float64 make the fields exact whatever the order of the sum: so a field may be updated by what
flipped, ties are ties, the energy never rises by a rounding, and the bits are the same for any BLAS and any number of
threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from nnwidgets.processes.spins import Spins
from nnwidgets.processes.states import is_tensor

Storage = Literal["hebbian", "pseudo-inverse"]
Floats = npt.NDArray[np.float64]

_EXACT = 2.0**53
_SYMMETRIC = 1e-6  # of the largest weight: what rounding in float32 leaves


@dataclass(frozen=True, eq=False)
class Couplings:
    """Symmetric weights `whole * unit` [units, units] with a diagonal of zero and more."""

    whole: Floats
    unit: float

    @property
    def units(self) -> int:
        return len(self.whole)

    @property
    def weights(self) -> Floats:
        """As real numbers."""
        return self.whole * self.unit

    def fields(self, state: npt.NDArray[Any]) -> Floats:
        """What each unit gets from all, in units of `unit`: [units], or [states, units]. Exact."""
        fields: Floats = state.astype(np.float64) @ self.whole
        return fields

    def energy(self, state: npt.NDArray[Any], fields: Floats) -> Floats:
        """−½ sᵀWs of one state, or of each of several (Hopfield 1982). Exact up to the last product."""
        return np.asarray(-0.5 * (state * fields).sum(axis=-1) * self.unit)


def hebbian(patterns: Spins) -> Couplings:
    """Hebb's rule: W = 1/N Σ ξξᵀ with a zero diagonal (Hopfield 1982). `patterns` [patterns, units]."""
    rows = patterns.astype(np.float64)
    whole = rows.T @ rows
    np.fill_diagonal(whole, 0)
    return Couplings(whole, 1 / patterns.shape[1])


def pseudo_inverse(patterns: Spins) -> Couplings:
    """The projection onto the patterns, with a zero diagonal (Personnaz, Guyon & Dreyfus 1985): linearly independent
    patterns are fixed points, however correlated.
    """
    rows = patterns.astype(np.float64)
    projection = np.linalg.pinv(rows) @ rows
    np.fill_diagonal(projection, 0)
    return _as_whole((projection + projection.T) / 2)


def stored(patterns: Spins, storage: str) -> Couplings:
    """The weights that a storage rule gives. Raises ValueError for another name."""
    rules = {"hebbian": hebbian, "pseudo-inverse": pseudo_inverse}
    if storage not in rules:
        raise ValueError(f"storage={storage!r}, but it is one of {', '.join(map(repr, rules))}")
    return rules[storage](patterns)


def given(weights: Any) -> Couplings:
    """A reader's weights [units, units].

    They must be symmetric, with no negative value on the diagonal: else the energy may rise. (An update looks at
    Wᵢᵢ too: flipping a unit against its field changes the energy by less than −2 Wᵢᵢ.) Raises ValueError naming what
    is not so.
    """
    try:
        array = np.asarray(weights.detach().cpu().numpy() if is_tensor(weights) else weights, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"weights is {weights!r:.80}, but it is an array [units, units]") from None
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
        raise ValueError(f"weights has the shape {array.shape}, but it is [units, units]")
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(f"weights[{row}, {column}] is {array[row, column]}, but weights are finite")
    apart = np.abs(array - array.T)
    if apart.max() > _SYMMETRIC * np.abs(array).max():
        row, column = np.unravel_index(apart.argmax(), apart.shape)
        raise ValueError(
            f"weights[{row}, {column}] is {array[row, column]:g} and weights[{column}, {row}] "
            f"{array[column, row]:g}, but the weights are symmetric, or there is no energy: give (W + W.T) / 2"
        )
    lowest = int(np.diagonal(array).argmin())
    if array[lowest, lowest] < 0:
        raise ValueError(
            f"weights[{lowest}, {lowest}] is {array[lowest, lowest]:g}, but the diagonal is 0 or more, or the energy "
            "may rise: set it to 0"
        )
    return _as_whole((array + array.T) / 2)


def _as_whole(weights: Floats) -> Couplings:
    """Weights as whole numbers of a unit so small that the energy's sum still is exact: to about 33 bits for 784 units.

    Multiples of 1/N, which Hebb's rule gives, are kept as such: their ties would not survive the rounding.
    """
    units = len(weights)
    multiples = weights * units
    nearest = np.round(multiples)
    if np.abs(multiples - nearest).max() <= 1e-4 and np.abs(nearest).max() * units**2 < _EXACT and nearest.any():
        return Couplings(nearest, 1 / units)
    largest = float(np.abs(weights).max())
    if not largest:
        return Couplings(weights, 1.0)
    exponent = math.floor(math.log2(_EXACT) - math.log2(largest) - 2 * math.log2(units)) - 1
    scaled = np.round(weights * 2.0**exponent)
    return Couplings(scaled, math.ldexp(1.0, -exponent))

"""`Hopfield`: the recall of a stored pattern as a process, one sweep over all units a step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from nnwidgets.processes.basin import Basin, basin
from nnwidgets.processes.bounds import whole
from nnwidgets.processes.couplings import Couplings, Floats, given, stored
from nnwidgets.processes.dynamics import all_at_once, orders, sweep
from nnwidgets.processes.process import Process
from nnwidgets.processes.spins import Spins, pattern_rows, unit_row

_MEASURES = ("energy", "flipped", "overlap")


class Hopfield(Process):
    """A Hopfield network that recalls a pattern from a cue (Hopfield 1982). A state is ±1 for each unit, int8 [units].

        process = nnw.processes.Hopfield(digits, cue=noisy, labels="0123456789")
        process.basin().sentence                         # "the memory 3"
        process.edit(4, drawn_by_hand)                   # run on from another state

    A step of "asynchronous" is a sweep: every unit once, in a random order keyed by seed and step; one of
    "synchronous" updates all at once, and may alternate between two states for ever. A unit takes the sign of its
    field; where that is 0 it keeps its own. Weights are symmetric and their diagonal is not negative, so the energy
    −½ sᵀWs never rises under asynchronous updates; sums are exact, so it does not by a rounding either, and the bits
    do not depend on the machine.

    Measured: "energy"; "flipped", the units that differ from the step before; "overlap", the largest with a memory
    (1: equal), where patterns are given.

    Args:
        patterns: to be stored: [patterns, units] or [patterns, height, width] of −1 and 1, or of 0 and 1 (0 is taken
            as −1). With `weights` only compared with.
        weights: instead, [units, units]: symmetric, no negative value on the diagonal.
        cue: where it begins: one pattern, whole or not.
        update: "asynchronous" or "synchronous".
        storage: "hebbian", or "pseudo-inverse" (Personnaz, Guyon & Dreyfus 1985), which stores correlated patterns.
            Both with a zero diagonal.
        steps: sweeps, at least 1.
        seed: of the orders.
        shape: (height, width) of the picture; that of the patterns or the cue unless given; of rows a square where
            they fill one, else one row.
        labels: a name for each pattern.
        name, selection, save_dir, memory_limit: see `Process`.

    Raises:
        ValueError: a cue of another length, values other than ±1 or 0/1, weights that are not symmetric, …
    """

    _trusted = True

    def __init__(
        self,
        patterns: Any = None,
        *,
        cue: Any,
        weights: Any = None,
        update: Literal["asynchronous", "synchronous"] = "asynchronous",
        storage: Literal["hebbian", "pseudo-inverse"] = "hebbian",
        steps: int = 20,
        seed: int = 0,
        shape: Sequence[int] | None = None,
        labels: Sequence[str] | None = None,
        **keywords: Any,
    ) -> None:
        if patterns is None and weights is None:
            raise ValueError("neither patterns nor weights are given, but a network has one of them")
        if update not in ("asynchronous", "synchronous"):
            raise ValueError(f"update={update!r}, but it is 'asynchronous' or 'synchronous'")
        if unknown := keywords.keys() - {"name", "selection", "save_dir", "memory_limit"}:
            raise TypeError(f"Hopfield does not take {', '.join(sorted(unknown))}")
        rows, picture = (None, None) if patterns is None else pattern_rows(patterns)
        couplings = given(weights) if weights is not None else stored(cast(Spins, rows), storage)
        if rows is not None and rows.shape[1] != couplings.units:
            raise ValueError(
                f"patterns have {rows.shape[1]} units, but weights has the shape {couplings.weights.shape}"
            )
        self.couplings: Couplings = couplings
        self.patterns: Spins = np.empty((0, couplings.units), np.int8) if rows is None else rows
        self.update, self.storage = update, None if weights is not None else storage
        self.labels = _labels(labels, len(self.patterns))
        start = unit_row(cue, couplings.units, "cue")
        self.shape = _shape(shape, picture, np.shape(cue), couplings.units)
        self._rows = self.patterns.astype(np.float64)
        self._fields: tuple[Spins, Floats] | None = None
        self._last: tuple[Spins, list[float]] | None = None
        names = _MEASURES if len(self.patterns) else _MEASURES[:2]
        super().__init__(
            _never,
            start,
            steps=steps,
            measures=dict.fromkeys(names, _never),
            seed=seed,
            value_range=(-1, 1),
            **keywords,
        )

    @property
    def units(self) -> int:
        """How many there are."""
        return self.couplings.units

    @property
    def weights(self) -> Floats:
        """The weights: [units, units]."""
        return self.couplings.weights

    def overlaps(self, step: int, branch: int = 0) -> Floats:
        """The overlap of the state at a step with each pattern: (equal − other bits) / units, −1 to 1. [patterns]."""
        overlaps: Floats = self._rows @ self.state(step, branch) / self.units
        return overlaps

    def energy(self, state: Any) -> float:
        """The energy −½ sᵀWs of any state."""
        row = unit_row(state, self.units, "state")
        return float(self.couplings.energy(row, self.couplings.fields(row)))

    def basin(self, branch: int = 0) -> Basin:
        """What the network fell into at the last step of a branch, named.

        A state that a further step would change has not settled; it is said whether it alternates between two, as
        synchronous updates may.
        """
        end: Spins = self.state(self.steps, branch)
        following, fields = all_at_once(self.couplings, end, self.couplings.fields(end))
        found = basin(end, self.patterns, self.labels)
        if np.array_equal(end, following):
            return found
        words = f"not settled after {self.steps} steps: give it more steps"
        if self.update == "synchronous" and np.array_equal(all_at_once(self.couplings, following, fields)[0], end):
            words = "not settled: it alternates between two states for ever"
        return Basin("not settled", found.pattern, found.overlap, words, (), found.overlaps)

    def _take_step(self, state: Spins, step: int, seed: int) -> Spins:
        fields = self._fields_of(state)
        if self.update == "synchronous":
            following, fields = all_at_once(self.couplings, state, fields)
        elif (state * fields < 0).any():
            following, fields = sweep(self.couplings, state, fields, orders(seed, step, self.units))
        else:
            following = state  # settled: whatever the order
        self._fields = following, fields
        return following

    def _measure(self, state: Spins, step: int, previous: Spins | None) -> list[float]:
        if self._last is not None and self._last[0] is state:
            values = list(self._last[1])
        else:
            values = [float(self.couplings.energy(state, self._fields_of(state))), 0.0]
            if len(self.patterns):
                values.append(float((self._rows @ state).max() / self.units))
            self._last = state, values
        values[1] = 0.0 if previous is None or previous is state else float(np.count_nonzero(previous != state))
        return values

    def _fields_of(self, state: Spins) -> Floats:
        """Exact, so those kept from the last step have the bits of new ones."""
        if self._fields is None or self._fields[0] is not state:
            self._fields = state, self.couplings.fields(state)
        return self._fields[1]

    def _drawn(self, states: list[Spins], start: int) -> list[npt.NDArray[np.int8]]:
        return [state.reshape(self.shape).copy() for state in states]

    def _fitted(self, state: Any, like: Spins) -> Spins:
        return unit_row(state, self.units, "state")


def _never(state: Any) -> Any:
    raise AssertionError("a Hopfield network takes its steps and measures by itself")


def _labels(labels: Sequence[str] | None, count: int) -> tuple[str, ...]:
    if labels is None:
        return tuple(map(str, range(count)))
    named = tuple(map(str, labels))
    if len(named) != count:
        raise ValueError(f"labels has {len(named)} names, but there are {count} patterns")
    return named


def _shape(
    shape: Sequence[int] | None, patterns: tuple[int, ...] | None, cue: tuple[int, ...], units: int
) -> tuple[int, int]:
    """Height and width of the picture of a state."""
    if shape is not None:
        sides = tuple(whole("shape", side, 1, None) for side in shape)
        if len(sides) != 2 or math.prod(sides) != units:
            raise ValueError(f"shape={tuple(shape)}, but it is a height and a width of {units} units together")
        return sides[0], sides[1]
    for known in (patterns, cue):
        if known is not None and len(known) == 2:
            return known[0], known[1]
    side = math.isqrt(units)
    return (side, side) if side * side == units else (1, units)

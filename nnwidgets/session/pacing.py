"""Which step a measurement belongs to: a watch sees steps of an optimizer, the loop logs steps as it counts them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any

Values = Mapping[str, Any]

_MOST = 1000  # measurements that are kept apart while the loop's step is not over
_PATIENCE = 2.0  # seconds for which measurements wait for the loop to say which step it is at


class Pacing:
    """Holds the measurements of each optimizer step until the loop's next log tells their step.

    Where the loop counts optimizer steps, each keeps a step of its own, also between two logs; where its steps are
    longer (epochs), the measurements of one are brought together. A loop that logs nothing is counted from 0.
    """

    def __init__(self) -> None:
        self._last: int | None = None  # the step that the loop logged last
        self._since = 0  # optimizer steps since then
        self._waiting: list[Values] = []
        self._before: list[tuple[int, Values]] = []  # those of a long step that were brought together, and how many
        self._waits_from = 0.0
        self._counts_steps: bool | None = None  # whether the loop's steps are optimizer steps, as far as one has seen

    @property
    def logs(self) -> bool:
        """Whether the loop has logged anything."""
        return self._last is not None

    @property
    def step(self) -> int:
        """The step at which the loop most likely is."""
        if self._last is None:
            return max(self._since - 1, 0)
        return self._last + self._since if self._counts_steps else self._last

    def add(self, values: Values) -> list[tuple[int, Values]]:
        """An optimizer step was measured; returns what is to be recorded now, with its steps."""
        now = time.monotonic()
        if not self._waiting:
            self._waits_from = now
        self._waiting.append(values)
        self._since += 1
        if self._counts_steps or self._last is None:
            return self._placed(self._first) if now - self._waits_from >= _PATIENCE else []
        if len(self._waiting) >= _MOST:
            self._before.append((len(self._waiting), _together([(1, each) for each in self._waiting])))
            self._waiting = []
        return []

    def logged(self, step: int) -> list[tuple[int, Values]]:
        """The loop has logged `step`."""
        first, since = self._first, self._since
        passed = step + 1 if self._last is None else step - self._last
        if since:
            self._counts_steps = passed >= since
        began = self._last is None
        self._last, self._since = step, 0
        if not self._counts_steps:
            return self._as_one(step)
        if began:  # at 0 or at 1: the last one is this step
            return self._placed(step - len(self._waiting) + 1)
        stride = passed / max(since, 1)
        return self._placed(first if stride == 1 else step - (len(self._waiting) - 1) * stride, stride)

    def rest(self) -> list[tuple[int, Values]]:
        """Nothing more will come: what still waits, at the most likely steps."""
        if self._counts_steps or self._last is None:
            return self._placed(self._first)
        return self._as_one(self._last)

    @property
    def _first(self) -> int:
        """The step of the first one that waits, counted on from the last log."""
        before = self._since - len(self._waiting)
        return before if self._last is None else self._last + before + 1

    def _placed(self, first: float, stride: float = 1.0) -> list[tuple[int, Values]]:
        placed = [(round(first + number * stride), values) for number, values in enumerate(self._waiting)]
        self._waiting = []
        return placed

    def _as_one(self, step: int) -> list[tuple[int, Values]]:
        together = [*self._before, *((1, values) for values in self._waiting)]
        self._waiting, self._before = [], []
        return [(step, _together(together))] if together else []


def _together(measured: Iterable[tuple[int, Values]]) -> Values:
    """One set of values for several: the mean of numbers (not finite where one of them is not), the last of others."""
    found: dict[str, list[tuple[int, Any]]] = {}
    for weight, values in measured:
        for name, value in values.items():
            found.setdefault(name, []).append((weight, value))
    return {name: _mean(values) for name, values in found.items()}


def _mean(values: list[tuple[int, Any]]) -> Any:
    try:
        numbers = [(weight, float(value)) for weight, value in values]
    except TypeError:  # a histogram
        return values[-1][1]
    odd = next((number for _, number in numbers if not math.isfinite(number)), None)
    return odd if odd is not None else sum(weight * number for weight, number in numbers) / sum(w for w, _ in numbers)

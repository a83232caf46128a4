"""What is kept of a process's states: checkpoints of every branch, within a memory limit, and one segment between two.

All states are kept where they take little memory. Else every 32nd is, so that any other is at most 31 steps away, and
the states since the last checkpoint that somebody looked at are kept besides, so that scrubbing back among them costs
nothing. Where the checkpoints would take too much memory, their distance doubles.
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from nnwidgets.processes.random_state import RandomState
from nnwidgets.processes.states import size

ALL = 4 * 2**20
"""Bytes that all states together may take to be kept all."""
INTERVAL = 32


class Cursor(NamedTuple):
    """A moment from which a process can be run on: a state and, where it draws random numbers, the generators."""

    step: int
    state: Any
    random: RandomState | None


class Line:
    """The states of one branch, from its first step on, and their measures: NaN where none were taken yet."""

    def __init__(self, first: Cursor, previous: Any, steps: int, measures: int) -> None:
        self.first = first.step
        self.previous = previous
        """The state before the first, of the parent; let go once the first is measured."""
        self.states: dict[int, Any] = {first.step: first.state}
        self.random: dict[int, RandomState | None] = {first.step: first.random}
        self.reached = first.step - 1
        """The last step that was computed and measured."""
        self.values: npt.NDArray[np.float64] = np.full((steps + 1 - first.step, measures), np.nan)
        self.failure: tuple[int, str] | None = None
        """The step that failed, and the words for it."""


class Trajectory:
    """The states of all branches, and how they are thinned. Its methods may be called from any thread.

    Args:
        state: the first one: from its size follows whether all are kept.
        steps: of the process.
        limit: bytes for the checkpoints and the segment together.
        draws: whether random states must be kept too: at every 32nd step, also where every state is.
    """

    def __init__(self, state: Any, steps: int, limit: int, draws: bool) -> None:
        self.interval = 1 if size(state) * (steps + 1) <= min(ALL, limit // 2) else INTERVAL
        self._steps = steps
        self._limit = limit // 2
        self._draws = draws
        self._guard = threading.Lock()
        self._lines: list[Line] = []
        self._bytes = 0
        self._segment: _Segment | None = None
        while self.interval > 1 and size(state) * (steps // self.interval + 1) > self._limit and self.interval < steps:
            self.interval *= 2

    @property
    def nbytes(self) -> int:
        """What the checkpoints and the segment take."""
        with self._guard:
            return self._bytes + (0 if self._segment is None else self._segment.nbytes)

    def add(self, line: Line) -> None:
        """Begin a branch."""
        with self._guard:
            self._lines.append(line)
            self._bytes += size(line.states[line.first])
            self._thin()

    def find(self, line: Line, step: int) -> Any:
        """The state at a step of the line; None where it is not kept."""
        with self._guard:
            state = line.states.get(step)
            if state is None and self._segment is not None and self._segment.line is line:
                state = self._segment.states.get(step)
            return state

    def resume(self, line: Line, step: int) -> Cursor:
        """The last moment, at or before the step, from which the line can be run on."""
        with self._guard:
            found = _last(line, line.random if self._draws else line.states, step)
            segment = self._segment
            if segment is not None and segment.line is line:
                later = [each for each in segment.states if found < each <= step and segment.can_resume(each)]
                if later:
                    return Cursor(max(later), segment.states[max(later)], segment.random)
            return Cursor(found, line.states[found], line.random.get(found))

    def wants_random(self, step: int) -> bool:
        """Whether the random state at this step is to be kept."""
        return self._draws and step % max(self.interval, INTERVAL) == 0

    def put(self, line: Line, step: int, state: Any, random: RandomState | None) -> None:
        """A state was computed; `random` is given where `wants_random`."""
        with self._guard:
            if step not in line.states and step % self.interval == 0:
                line.states[step] = state
                self._bytes += size(state)
            if random is not None and step not in line.random and step in line.states:
                before = line.random[_last(line, line.random, step)]
                line.random[step] = random
                kept = set() if before is None else {id(part) for part in before.parts.values()}
                self._bytes += sum(len(part) for part in random.parts.values() if id(part) not in kept)
            self._extend(line, step, state)
            self._thin()

    def end(self, line: Line, step: int, random: RandomState | None) -> None:
        """Computing stops for now at this step: from here it can be taken up."""
        with self._guard:
            if self._segment is not None and self._segment.line is line and step == self._segment.last:
                self._segment.random = random
                self._segment.ended = True

    def clear(self) -> None:
        """Let go of all states."""
        with self._guard:
            self._lines.clear()
            self._segment = None
            self._bytes = 0

    def _extend(self, line: Line, step: int, state: Any) -> None:
        segment = self._segment
        begins = step % max(self.interval, INTERVAL) == 0
        if segment is None or segment.line is not line or step != segment.last + 1 or begins:
            self._segment = _Segment(line, step, state, self._draws)
            return
        segment.add(step, state)
        while len(segment.states) > 1 and segment.nbytes > self._limit:
            segment.drop_first()

    def _thin(self) -> None:
        """Keep fewer checkpoints, where they take too much."""
        firsts = sum(size(line.states[line.first]) for line in self._lines)  # are kept in any case
        while self.interval < self._steps and self._bytes - firsts > (ALL if self.interval == 1 else self._limit):
            self.interval = INTERVAL if self.interval == 1 else 2 * self.interval
            for line in self._lines:
                line.states = {at: each for at, each in line.states.items() if self._stays(line, at)}
                line.random = {at: each for at, each in line.random.items() if self._stays(line, at)}
            self._bytes = sum(map(_bytes_of, self._lines))
            if self._segment is not None:
                self._segment.count()

    def _stays(self, line: Line, step: int) -> bool:
        return step == line.first or step % self.interval == 0


class _Segment:
    """The states since the last checkpoint that was passed, as far as they were computed."""

    def __init__(self, line: Line, step: int, state: Any, draws: bool) -> None:
        self.line = line
        self.states = {step: state}
        self.last = step
        self.random: RandomState | None = None
        self.ended = False
        self._draws = draws
        self.nbytes = 0
        """What it takes besides the checkpoints."""
        self.count()

    def add(self, step: int, state: Any) -> None:
        self.states[step] = state
        self.nbytes += self._own(step)
        self.last, self.random, self.ended = step, None, False

    def drop_first(self) -> None:
        first = min(self.states)
        self.nbytes -= self._own(first)
        del self.states[first]

    def count(self) -> None:
        """Weigh it anew: the checkpoints were thinned."""
        self.nbytes = sum(map(self._own, self.states))

    def can_resume(self, step: int) -> bool:
        """Without random numbers from any state, else from the last alone."""
        return not self._draws or (step == self.last and self.ended)

    def _own(self, step: int) -> int:
        """What a state takes that no checkpoint holds as well."""
        return 0 if step in self.line.states else size(self.states[step])


def _last(line: Line, starts: dict[int, Any], step: int) -> int:
    """The last of `starts` that is no later than the step."""
    at = max(min(step, line.reached), line.first)
    while at not in starts:
        at -= 1
    return at


def _bytes_of(line: Line) -> int:
    parts = {id(part): part for each in line.random.values() if each is not None for part in each.parts.values()}
    return sum(map(size, line.states.values())) + sum(map(len, parts.values()))

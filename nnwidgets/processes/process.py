"""`Process`: anything that goes step by step, computed as far as somebody looks, and edited at any step."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt
import traitlets

from nnwidgets.processes import random_state
from nnwidgets.processes.bounds import measure_name, span, whole
from nnwidgets.processes.branches import Branch
from nnwidgets.processes.calls import with_step
from nnwidgets.processes.errors import ProcessError
from nnwidgets.processes.states import copied, fitted
from nnwidgets.processes.trajectory import INTERVAL, Cursor, Line, Trajectory
from nnwidgets.source.base import Source, call, listen
from nnwidgets.source.errors import NotStored, SourceClosed
from nnwidgets.source.jobs import Cancelled, current_job
from nnwidgets.source.selection import Selection, State
from nnwidgets.source.sizes import parse_size

_TURN = 0.1  # seconds after which others that wait for the generators, or for the process, have theirs
_MOST_SEED = 2**32

Visit = Callable[[int, Any], None]


class Process(Source):
    """Something that goes step by step: the state of a step follows from that of the step before.

        process = nnw.Process(lambda v: A @ v / np.linalg.norm(A @ v), np.ones(3), steps=50,
                              measures={"Rayleigh quotient": lambda v: v @ A @ v})
        process.state(10)
        process.edit(10, [1, 0, 0])      # run on with another state, as a branch beside the original

    States are computed when somebody looks at them, and kept as checkpoints: any step back costs at most `interval`
    steps (1 where all states together take at most 4 MiB, else 32, more where `memory_limit` asks for it), and gives
    the same bits as the first time.

    What torch, numpy and Python draw from their global generators is the process's own: seeded by `seed`, kept with
    the checkpoints; the caller's generators stay as they are. (A generator that your function holds itself, such as
    `np.random.default_rng()`, is not seen: make it anew from the step.)

    Args:
        advance: `advance(state)` or `advance(state, step)` → the state of step + 1, from that of `step`. It may work
            in place: it is given a copy.
        start: the state at step 0: an array, a tensor, or dicts, lists and tuples of them; or anything that can be
            copied.
        steps: how many steps there are, at least 1: states 0 to `steps`.
        measures: name → `function(state)` or `function(state, step)` → one number; taken of every step, and kept.
        draw: `draw(state)` or `draw(state, step)` → what is looked at: an image [h, w], [h, w, 1 or 3] or
            [1 or 3, h, w], several images (one more axis in front), a curve [n], or a text. None: the state itself.
        seed: of the random numbers, 0 to 2³² − 1.
        value_range: the values of an image that are black and white; None: told from the first images.
        name, selection, save_dir: see `Source`.
        memory_limit: of the checkpoints: bytes, or text such as "64 MiB".

    Raises:
        TypeError, ValueError: an argument of the wrong kind, or out of its bounds.
    """

    _trusted = False
    """Whether its functions are ours: they neither change a state in place nor draw from global generators."""

    def __init__(
        self,
        advance: Callable[..., Any],
        start: Any,
        *,
        steps: int = 100,
        measures: Mapping[str, Callable[..., Any]] | None = None,
        draw: Callable[..., Any] | None = None,
        seed: int = 0,
        value_range: tuple[float, float] | None = None,
        name: str | None = None,
        selection: Selection | None = None,
        save_dir: str | PathLike[str] | None = None,
        memory_limit: int | str = "256 MiB",
    ) -> None:
        self.steps = whole("steps", steps, 1, None)
        self.seed = whole("seed", seed, 0, _MOST_SEED - 1)
        self.value_range = span(value_range)
        self._advance = with_step(advance, "advance")
        self._draw = None if draw is None else with_step(draw, "draw")
        self._measures = {
            measure_name(each): with_step(function, f"the measure {each!r}")
            for each, function in dict(measures or {}).items()
        }
        if start is None:
            raise ValueError("start=None, but it is the state at step 0")
        limit = parse_size(memory_limit)
        super().__init__(name=name, selection=selection, save_dir=save_dir)
        self._work = threading.RLock()
        self._local = threading.local()
        self._on_branches: list[Callable[[Any], object]] = []
        self._seconds: float | None = None  # that a step takes, with its measures
        state = start if self._trusted else copied(start)
        self._kept = Trajectory(state, self.steps, limit, draws=not self._trusted)
        self._branches: list[Branch] = []
        self._lines: list[Line] = []
        self._seeds: list[int] = []
        first = Cursor(0, state, None if self._trusted else random_state.seeded(self.seed))
        self._begin(Branch(0, None, 0, ""), first, None, self.seed)
        chosen = self.selection.step
        if chosen is not None and chosen > self.steps:
            self.selection.update(step=self.steps)
        self.selection.add_validator(self._check_selection)
        self._opened()

    def __repr__(self) -> str:
        branches = f", {len(self._branches)} branches" if len(self._branches) > 1 else ""
        return f"{type(self).__name__}({self.label}, {self.steps} steps{branches}{', closed' if self.closed else ''})"

    # What it is

    @property
    def measure_names(self) -> tuple[str, ...]:
        """The names of what is measured at each step."""
        return tuple(self._measures)

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The original, and the branches in the order in which they came."""
        return tuple(self._branches)

    @property
    def interval(self) -> int:
        """Steps between two checkpoints: 1 where every state is kept."""
        return self._kept.interval

    @property
    def nbytes(self) -> int:
        """Memory that the states take which are kept now."""
        return self._kept.nbytes

    @property
    def needs_idle_kernel(self) -> bool:
        return not self._trusted

    # What is looked at

    def state(self, step: int, branch: int = 0) -> Any:
        """A copy of the state at a step, 0 to `steps`.

        Raises:
            IndexError: step or branch out of bounds.
            ProcessError: the function raised at that step or at one before.
        """
        found = self._one(step, branch, lambda _, state: state)
        return copied(found)

    def frame(self, step: int, branch: int = 0) -> Any:
        """What `draw` makes of the state at a step. Raises as `state` does."""
        step = self._step(step)
        return self.frames(step, step + 1, branch)[0]

    def frames(self, start: int, stop: int, branch: int = 0) -> list[Any]:
        """What `draw` makes of the states from `start` to before `stop`, in one pass. Raises as `state` does."""
        start, stop = self._stretch(start, stop)
        drawn: list[Any] = []
        for at in range(start, stop, INTERVAL):
            drawn += self._drawn(self._several(at, min(at + INTERVAL, stop), branch, lambda _, state: state), at)
        return drawn

    def measured(self, step: int, branch: int = 0) -> dict[str, float]:
        """The measures at a step. Raises as `state` does."""
        step = self._step(step)
        values = self._values(self._branch(branch), step, step + 1)[0]
        return dict(zip(self._measures, map(float, values), strict=True))

    def curve(self, name: str, branch: int = 0, *, stop: int | None = None) -> npt.NDArray[np.float64]:
        """One measure at every step, or at those before `stop`: [steps + 1]. Raises as `state` does."""
        if name not in self._measures:
            known = ", ".join(map(repr, self._measures)) or "nothing"
            raise KeyError(f"{name!r} is not measured: {self.label} measures {known}")
        index = list(self._measures).index(name)
        stop = self.steps + 1 if stop is None else whole("stop", stop, 0, self.steps + 1)
        return self._values(self._branch(branch), 0, stop)[:, index].copy()

    def failure(self, branch: int = 0) -> tuple[int, str] | None:
        """The step at which a branch failed, as far as is known, and the words for it; those before are there."""
        found = self._branch(branch)
        for line, first, stop in self._parts(found, 0, self.steps + 1):
            if line.failure is not None and first <= line.failure[0] < stop:
                return line.failure
        return None

    # What is changed

    def edit(self, step: int, state: Any, *, branch: int = 0, label: str = "") -> Branch:
        """Put another state at a step and run on from it, as a branch; what was stays.

        The branch draws the random numbers that the process drew from there on. A state that is the same, edited or
        not, gives the same bits.

        Args:
            step: 0 to `steps`.
            state: of the kind, shape and dtype of the one that is there.
            branch: the branch that is edited.
            label: what people call the new branch; "edited at step 5" unless given.

        Raises:
            ValueError: a state of another shape or kind.
            IndexError, ProcessError: as `state` does.
        """
        cursor, previous = self._at(step, branch)
        edited = self._fitted(state, cursor.state)
        return self._branch_off(branch, cursor._replace(state=edited), previous, label or f"edited at step {step}")

    def on_branches(self, callback: Callable[[Any], object]) -> Callable[[], None]:
        """Call `callback(process)` after a branch has come; the function returned takes it back."""
        return listen(self._on_branches, callback)

    # As a source

    def check(self) -> None:
        if self.closed:
            raise SourceClosed(f"the process {self.label} was closed: make it again")

    @contextlib.contextmanager
    def stored_only(self) -> Iterator[None]:
        """Inside, and in this thread, a state that is not kept raises `NotStored`; so does `draw` of a reader's own."""
        before = self._stored_only()
        self._local.stored_only = True
        try:
            yield
        finally:
            self._local.stored_only = before

    def estimated_seconds(self) -> float:
        """How long the steps that nobody looked at yet take. The first step is taken to know it."""
        if self._seconds is None:
            self.measured(1)
        left = self.steps - max(self._lines[0].reached, 0)
        again = 0 if self.interval == 1 else 2 * self.interval
        return (left + again) * (self._seconds or 0.0)

    def _let_go(self) -> None:
        with self._work:
            self._kept.clear()
            self._lines.clear()

    # The parts of a subclass

    def _take_step(self, state: Any, step: int, seed: int) -> Any:
        """The state of step + 1; `seed` is the branch's."""
        return self._advance(copied(state), step)

    def _measure(self, state: Any, step: int, previous: Any) -> list[float]:
        """The measures of a state, in their order; `previous` is the state before it, None at step 0."""
        if not self._measures:
            return []
        random_state.reseed(self.seed, step)
        return [_number(name, function(copied(state), step)) for name, function in self._measures.items()]

    def _drawn(self, states: list[Any], start: int) -> list[Any]:
        """What `draw` makes of the states of steps from `start` on."""
        if self._draw is None:
            return list(map(copied, states))
        if self._stored_only():
            raise NotStored(f"step {start} of {self.label} is not drawn")
        drawn: list[Any] = []
        with random_state.borrowed():
            for step, state in enumerate(states, start):
                try:
                    random_state.reseed(self.seed, step)
                    drawn.append(self._draw(copied(state), step))
                except (Cancelled, NotStored):
                    raise
                except Exception as error:
                    raise self._raised(f"drawing step {step} of {self.label}", step, error) from error
        return drawn

    def _fitted(self, state: Any, like: Any) -> Any:
        """A reader's state as one of this process. Raises ValueError."""
        return fitted(state, like)

    # How it is computed

    def _one(self, step: int, branch: int, make: Callable[[int, Any], Any]) -> Any:
        step = self._step(step)
        return self._several(step, step + 1, branch, make)[0]

    def _several(self, start: int, stop: int, branch: int, make: Callable[[int, Any], Any]) -> list[Any]:
        """What `make` gives for each state, in one pass."""
        start, stop = self._stretch(start, stop)
        made: list[Any] = []
        for line, first, end in self._parts(self._branch(branch), start, stop):
            self._walk(line, first, end, lambda step, state: made.append(make(step, state)))
        return made

    def _walk(self, line: Line, start: int, stop: int, visit: Visit) -> None:
        """Visit the states of one line, those that are kept and those that must be computed."""
        for step in range(start, stop):
            state = self._kept.find(line, step) if step <= line.reached else None
            if state is None:
                self._run(line, step, stop, visit)
                return
            visit(step, state)

    def _run(self, line: Line, start: int, stop: int, visit: Visit | None) -> Cursor:
        """Compute from the last checkpoint to before `stop`, visiting the states from `start` on; returns the end."""
        if self._stored_only():
            raise NotStored(f"step {start} of {self.label} is not computed")
        self.check()
        if line.failure is not None and start >= line.failure[0]:
            raise ProcessError(line.failure[1], line.failure[0])
        cursor = self._kept.resume(line, start)
        total = max(stop - 1 - cursor.step, 1)
        pending = _Pending(line.previous)
        while True:
            with self._turn(cursor.random):
                step, state = cursor.step, cursor.state
                began = time.perf_counter()
                try:
                    while True:
                        if step != pending.arrived:
                            pending.arrived = step
                            self._arrive(line, step, state, pending)
                            if visit is not None and step >= start:
                                visit(step, state)
                        if step == stop - 1 or time.perf_counter() - began > _TURN:
                            break
                        _report(total - (stop - 1 - step), total)
                        pending.previous, state = state, self._stepped(line, state, step)
                        step += 1
                finally:
                    self._measure_all(line, pending)
                if step > cursor.step:
                    self._seconds = (time.perf_counter() - began) / (step - cursor.step)
                cursor = Cursor(step, state, None if cursor.random is None else random_state.read(cursor.random))
                self._kept.end(line, step, cursor.random)
            if step == stop - 1:
                return cursor

    def _arrive(self, line: Line, step: int, state: Any, pending: _Pending) -> None:
        """A state is there: have it measured, the first time, and keep it as is due."""
        if step > line.reached:
            pending.states.append((step, state, pending.previous))
            if self._trusted or len(pending.states) == INTERVAL:
                self._measure_all(line, pending)
        random = random_state.read(line.random.get(line.first)) if self._kept.wants_random(step) else None
        self._kept.put(line, step, state, random)

    def _measure_all(self, line: Line, pending: _Pending) -> None:
        """Measure what waits for it. The generators are put and put back once for all of them: that takes a while."""
        states, pending.states = pending.states, []
        if not states:
            return
        with self._borrowed():
            for step, state, previous in states:
                try:
                    line.values[step - line.first] = self._measure(state, step, previous)
                except (Cancelled, NotStored):
                    raise
                except Exception as error:
                    raise self._failed(line, step, f"measuring step {step} of {self.label}", error) from error
                line.reached, line.previous = step, None

    def _borrowed(self) -> contextlib.AbstractContextManager[None]:
        return random_state.borrowed() if self._measures and not self._trusted else contextlib.nullcontext()

    def _stepped(self, line: Line, state: Any, step: int) -> Any:
        if line.failure is not None and step + 1 >= line.failure[0]:
            raise ProcessError(line.failure[1], line.failure[0])
        try:
            following = self._take_step(state, step, self._seeds[self._lines.index(line)])
            if following is None:
                raise TypeError("advance returned None, but it returns the next state")
            return following if self._trusted else copied(following)
        except (Cancelled, NotStored):
            raise
        except Exception as error:
            raise self._failed(line, step + 1, f"step {step + 1} of {self.label}", error) from error

    @contextlib.contextmanager
    def _turn(self, random: random_state.RandomState | None) -> Iterator[None]:
        """Have the process, and the generators, to oneself."""
        with self._random(random), self._work:
            self.check()
            yield

    def _random(self, random: random_state.RandomState | None) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext() if random is None else random_state.borrowed(random)

    def _values(self, branch: Branch, start: int, stop: int) -> npt.NDArray[np.float64]:
        """The measures of the steps from `start` to before `stop`: [steps, measures]."""
        parts = []
        for line, first, end in self._parts(branch, start, stop):
            if line.reached < end - 1:
                self._run(line, end - 1, end, None)
            parts.append(line.values[first - line.first : end - line.first])
        return np.concatenate(parts) if parts else np.empty((0, len(self._measures)))

    def _at(self, step: int, branch: int) -> tuple[Cursor, Any]:
        """The moment at a step, with the random numbers that follow, and the state before it (None at step 0)."""
        step = self._step(step)
        found = self._branch(branch)
        previous = self._one(step - 1, branch, lambda _, state: state) if step else None
        line = self._lines[self._owner(found, step).index]
        return self._run(line, step, step + 1, None), previous

    # Branches

    def _begin(self, branch: Branch, first: Cursor, previous: Any, seed: int) -> None:
        line = Line(first, previous, self.steps, len(self._measures))
        self._kept.add(line)
        self._lines.append(line)
        self._seeds.append(seed)
        self._branches.append(branch)  # last: whoever reads the branches finds the rest

    def _branch_off(self, branch: int, first: Cursor, previous: Any, label: str, *, seed: int | None = None) -> Branch:
        if not isinstance(label, str):
            raise TypeError(f"label={label!r}, but it is a text")
        with self._work:
            self.check()
            parent = self._owner(self._branch(branch), first.step)
            made = Branch(len(self._branches), parent.index, first.step, label)
            self._begin(made, first, previous, self._seeds[parent.index] if seed is None else seed)
        for callback in tuple(self._on_branches):
            call(callback, self)
        return made

    def _owner(self, branch: Branch, step: int) -> Branch:
        """The branch whose own the state at the step is."""
        while branch.parent is not None and step < branch.step:
            branch = self._branches[branch.parent]
        return branch

    def _parts(self, branch: Branch, start: int, stop: int) -> list[tuple[Line, int, int]]:
        """The lines that a stretch of a branch lies on, each with its part of it."""
        self.check()
        parts = []
        while stop > start:
            owner = self._owner(branch, stop - 1)
            first = max(start, owner.step)
            parts.append((self._lines[owner.index], first, stop))
            stop = first
        return parts[::-1]

    # Bounds and words

    def _branch(self, index: int) -> Branch:
        return self._branches[whole("branch", index, 0, len(self._branches) - 1, IndexError)]

    def _stretch(self, start: int, stop: int) -> tuple[int, int]:
        start = whole("start", start, 0, self.steps, IndexError, self.label)
        return start, whole("stop", stop, start, self.steps + 1, IndexError, self.label)

    def _step(self, step: int) -> int:
        return whole("step", step, 0, self.steps, IndexError, self.label)

    def _check_selection(self, asked: frozenset[str], state: State) -> State:
        if "step" in asked and state["step"] is not None and state["step"] > self.steps:
            raise traitlets.TraitError(f"step={state['step']}, but {self.label} has the steps 0 to {self.steps}")
        return state

    def _stored_only(self) -> bool:
        return getattr(self._local, "stored_only", False)

    def _failed(self, line: Line, step: int, what: str, error: Exception) -> ProcessError:
        raised = self._raised(what, step, error)
        if line.failure is None or step < line.failure[0]:
            line.failure = step, str(raised)
        return raised

    def _raised(self, what: str, step: int, error: Exception) -> ProcessError:
        words = str(error).strip()
        return ProcessError(f"{what} raised {type(error).__name__}{': ' if words else ''}{words}", step)


def _report(done: int, total: int) -> None:
    job = current_job()
    if job is not None:
        job.report_run(done, total)


class _Pending:
    """What a run has computed and not measured yet: step, state, and the state before it."""

    def __init__(self, previous: Any) -> None:
        self.previous = previous
        self.arrived = -1
        self.states: list[tuple[int, Any, Any]] = []


def _number(name: str, value: Any) -> float:
    try:
        return float(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"the measure {name!r} gave {value!r:.80}, but it gives one number") from None

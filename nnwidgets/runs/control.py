"""`Control`: hands on a training. What people ask for is done by the training thread itself, between two steps."""

from __future__ import annotations

import logging
import math
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nnwidgets.runs.errors import NotRecording, StopTraining
from nnwidgets.source.base import call, listen

State = Literal["running", "pausing", "paused", "stopping", "ended", "elsewhere"]

_POLL = 0.25  # seconds: on Windows a wait that nobody ends cannot be interrupted from the keyboard

_log = logging.getLogger(__name__)
_living: weakref.WeakSet[Control] = weakref.WeakSet()


def recording_controls() -> list[Control]:
    """The controls of all runs that this process records now."""
    return list(_living)


@dataclass(frozen=True, eq=False)
class _Rates:
    """The learning rates of one optimizer: how they are read and set, one for each of its parameter groups.

    `mark` gives something that differs where they were set in between, without waiting for a device.
    """

    read: Callable[[], Sequence[float]]
    write: Callable[[Sequence[float]], None]
    mark: Callable[[], object]


class Control:
    """Pauses, resumes and stops a training and sets its learning rate; from any thread.

    The training thread does what was asked at its next step boundary: in `run.log`, or after `optimizer.step()` under
    `nnw.watch`. Until then `state` is "pausing" or "stopping". Everything but reading raises `NotRecording` where
    another process trains, or where the run has ended.

    Args:
        name: the run's, for sentences.
        run: the run itself; held weakly.
        elsewhere: why nothing can be asked for here; empty in the process that records the run.
    """

    def __init__(self, name: str = "", run: Any = None, *, elsewhere: str = "") -> None:
        self.name = name
        self._run = None if run is None else weakref.ref(run)
        self.note = ""
        """What a person must know of what they asked for last: a scheduler set the learning rate again."""
        self._elsewhere = elsewhere
        self._ended = False
        self._asked = False  # whether the training thread must look at all: read at every step, without the guard
        self._guard = threading.Condition(threading.Lock())
        self._pause = self._paused = self._stop = False
        self._rate: float | None = None
        self._tasks: list[Callable[[], object]] = []
        self._optimizers: list[_Rates] = []
        self._set: tuple[_Rates, object, float] | None = None  # what we set, until a scheduler sets something else
        self._stopper: Callable[[], object] | None = None  # instead of raising `StopTraining`
        self._on_change: list[Callable[[Control], object]] = []
        self._thread: int | None = None  # the training's, where it is known for certain
        self._last_thread = threading.get_ident()
        self.boundaries = 0
        """How many step boundaries the training has passed."""
        self.step: int | None = None
        """The step of the last boundary, where it is known."""
        self.models: weakref.WeakSet[Any] = weakref.WeakSet()
        """What the run is known to train (`nnw.watch`); where it is empty it may train anything."""
        if not elsewhere:
            _living.add(self)

    def __repr__(self) -> str:
        return f"Control({self.state})"

    # What people ask for

    def pause(self) -> None:
        """Hold the training at its next step boundary."""
        with self._asking("paused"):
            self._pause = self._asked = True
        self._tell()

    def resume(self) -> None:
        """Let it go on."""
        with self._asking("resumed"):
            self._pause = False
            self._guard.notify_all()
        self._tell()

    def stop(self) -> None:
        """End the training: at its next step boundary `StopTraining` is raised in it, unless a library's callback has
        it end in the library's own way (`set_stopper`). Nothing where it has ended."""
        if self._ended:
            return
        with self._asking("stopped"):
            self._stop = self._asked = True
            self._guard.notify_all()
        self._tell()

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate of the first parameter group; the others keep their ratios to it.

        A scheduler may set it again: `note` says so when it did. Raises `ValueError` for what is not a positive, finite
        number, and `NotRecording` where no optimizer is known (see `can_set_learning_rate`).
        """
        try:
            value = float(rate)
        except (TypeError, ValueError):
            raise TypeError(f"learning rate {rate!r}, but it is a number greater than 0") from None
        if isinstance(rate, bool) or not math.isfinite(value) or value <= 0:
            raise ValueError(f"learning rate {rate!r}, but it must be finite and greater than 0")
        with self._asking("given another learning rate"):
            if not self._optimizers:
                raise NotRecording(
                    "the learning rate cannot be set, for the run knows no optimizer: "
                    "nnw.watch(model, optimizer, run) or run.control.add_optimizer(optimizer) tells it"
                )
            self._rate, self._asked, self.note = value, True, ""
            self._guard.notify_all()
        self._tell()

    # How it stands

    @property
    def state(self) -> State:
        """ "running", "pausing", "paused", "stopping", "ended"; "elsewhere" where another process trains."""
        if self._elsewhere:
            return "elsewhere"
        if self._ended:
            return "ended"
        if self._stop:
            return "stopping"
        return "running" if not self._pause else "paused" if self._paused else "pausing"

    @property
    def can_set_learning_rate(self) -> bool:
        """Whether an optimizer is known, of a training that this process runs."""
        return bool(self._optimizers) and not self._elsewhere and not self._ended

    @property
    def learning_rate(self) -> float | None:
        """That of the first parameter group, as the optimizer has it now; None where no optimizer is known."""
        for optimizer in tuple(self._optimizers):
            for rate in optimizer.read():
                return rate
        return None

    def on_change(self, callback: Callable[[Control], object]) -> Callable[[], None]:
        """Call `callback(control)` after a change, in the thread that made it; the function returned takes it back."""
        return listen(self._on_change, callback)

    # What the training tells

    def add_optimizer(self, optimizer: Any) -> Callable[[], None]:
        """Let the learning rate of a torch optimizer be set; the function returned takes it back."""
        groups = getattr(optimizer, "param_groups", None)
        if not isinstance(groups, list):
            raise TypeError(f"optimizer is of type {type(optimizer).__name__}, but it must have param_groups")
        return self._add(
            _Rates(lambda: _read(optimizer), lambda rates: _write(optimizer, rates), lambda: _mark(optimizer))
        )

    def add_learning_rate(
        self, read: Callable[[], Sequence[float]], write: Callable[[Sequence[float]], None]
    ) -> Callable[[], None]:
        """The same for what is no torch optimizer: `read()` gives its learning rates, `write(rates)` sets them."""
        return self._add(_Rates(read, write, lambda: list(read())))

    def set_stopper(self, stopper: Callable[[], object]) -> Callable[[], None]:
        """Have a stop call `stopper()` at each step boundary and raise nothing; the function returned takes it back.

        For a training that is a library's: an exception in the midst of it, as in an optimizer's hook, would keep the
        library from ending as it always does. What `stopper` tells it must end it.
        """
        self._stopper = stopper

        def forget() -> None:
            if self._stopper is stopper:
                self._stopper = None

        return forget

    def _add(self, rates: _Rates) -> Callable[[], None]:
        self._optimizers.append(rates)
        self._tell()

        def forget() -> None:
            if rates in self._optimizers:
                self._optimizers.remove(rates)
                self._set = None
                self._tell()

        return forget

    @property
    def run(self) -> Any:
        """The run whose training this is."""
        return None if self._run is None else self._run()

    @property
    def ended(self) -> bool:
        """Whether the run has ended: no step boundary will come."""
        return self._ended

    def is_training_thread(self) -> bool:
        """Whether the training runs in this thread, as far as that is known."""
        return threading.get_ident() == (self._thread or self._last_thread)

    def set_thread(self, thread: int | None) -> None:
        """The training runs in `thread` for certain: what other threads log is no step boundary."""
        self._last_thread = self._thread or self._last_thread
        self._thread = thread

    def boundary(self, step: int | None = None) -> None:
        """A step boundary, in the training thread: do what was asked. Waits while paused; for a stop it raises
        `StopTraining`, or calls what `set_stopper` set."""
        me = threading.get_ident()
        if self._thread is None:
            self._last_thread = me
        elif me != self._thread:
            return
        self.boundaries += 1
        if step is not None:
            self.step = step
        if self._asked:
            self._obey()

    def ask(self, task: Callable[[], object]) -> bool:
        """Have the training thread call `task()` at its next step boundary, or at once while it is paused there.

        False where no boundary will come.
        """
        with self._guard:
            if self._ended or self._elsewhere:
                return False
            self._tasks.append(task)
            self._asked = True
            self._guard.notify_all()
        return True

    def close(self) -> None:
        """The run has ended."""
        with self._guard:
            if self._ended:
                return
            self._ended = True
            self._tasks.clear()
            self._optimizers.clear()
            self._set = self._stopper = None
            self._guard.notify_all()
        _living.discard(self)
        self._tell()

    def _asking(self, what: str) -> threading.Condition:
        """The guard, where something can be asked for."""
        if self._elsewhere:
            raise NotRecording(f"the training cannot be {what} from here: {self._elsewhere}")
        if self._ended:
            raise NotRecording(f"the training cannot be {what}: its run has ended")
        return self._guard

    def _obey(self) -> None:
        overwritten = False
        try:
            while True:
                with self._guard:
                    tasks, self._tasks = self._tasks, []
                    rate, self._rate = self._rate, None
                    waits = self._pause and not self._stop and not self._ended
                    if not tasks and rate is None:
                        if self._stop:
                            break
                        if not waits:
                            overwritten = self._is_overwritten()
                            self._asked = self._set is not None  # a scheduler may set it later
                            break
                        if self._paused:
                            self._guard.wait(_POLL)
                            continue
                    self._paused = waits
                for task in tasks:
                    try:
                        task()
                    except Exception:  # whoever asked has to bear it, not the training
                        _log.exception("what was to be done at a step boundary raised")
                if rate is not None:
                    self._apply(rate)
                self._tell()
        finally:
            self._paused = False
        if overwritten:
            self._tell()
        if self._stop:
            if self._stopper is None:
                raise StopTraining("stopped by hand")
            self._stopper()

    def _apply(self, rate: float) -> None:
        before = [list(optimizer.read()) for optimizer in self._optimizers]
        first = next((rates[0] for rates in before if rates), 0.0)
        after = [[rate * (each / first) if first else rate for each in rates] for rates in before]
        for optimizer, rates in zip(self._optimizers, after, strict=True):
            optimizer.write(rates)
        if self._optimizers:
            self._set = (self._optimizers[0], self._optimizers[0].mark(), rate)

    def _is_overwritten(self) -> bool:
        if self._set is None:
            return False
        optimizer, mark, rate = self._set
        if optimizer.mark() == mark:
            return False
        self._set = None
        now = optimizer.read()
        if now and math.isclose(now[0], rate, rel_tol=1e-6):
            return False
        self.note = (
            f"The learning rate was set to {rate:g} by hand; then the training, most likely a scheduler, "
            f"set it to {', '.join(f'{each:g}' for each in now)}."
        )
        return True

    def _tell(self) -> None:
        for callback in tuple(self._on_change):
            call(callback, self)


def _read(optimizer: Any) -> list[float]:
    return [float(group["lr"]) for group in optimizer.param_groups]


def _write(optimizer: Any, rates: Sequence[float]) -> None:
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        held = group["lr"]
        if hasattr(held, "fill_"):  # a tensor that a captured graph or compiled code reads: it must stay that one
            held.detach().fill_(rate)
        else:
            group["lr"] = rate


def _mark(optimizer: Any) -> list[object]:
    rates = (group["lr"] for group in optimizer.param_groups)
    return [(id(rate), rate._version) if hasattr(rate, "_version") else rate for rate in rates]

"""`run.train(function)`: a training in a thread of its own, so that the cell returns and every widget stays live."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import contextvars
import inspect
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Self

from nnwidgets.runs.errors import NotRecording, StopTraining

if TYPE_CHECKING:
    from types import TracebackType

    from nnwidgets.runs.control import Control

_PATIENCE_AT_EXIT = 5.0  # seconds that a training that is asked to stop may take when Python ends
_POLL = 0.25  # seconds: on Windows a wait that nobody ends cannot be interrupted from the keyboard


class Trains:
    """What a run can do with a training in a thread: begin one, and wait for it. A base of `Run`."""

    control: Control
    _training: Training | None = None

    if TYPE_CHECKING:

        def __enter__(self) -> Self: ...

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> bool | None: ...

    def train(self, function: Callable[..., object]) -> Self:
        """Run `function(run)`, or `function()` where it needs no argument, in a thread of its own; return at once.

        The run ends as the function does: finished, stopped (by hand), or failed with an exception, which `wait`
        raises; where nobody waits it is printed. What the function prints goes where the cell's output goes. Torch uses
        as many threads as elsewhere: `torch.set_num_threads(1)` at the function's start leaves the browser and the
        widgets more room on a small machine.

        Raises `NotRecording` where a training runs already, and where the run has ended or is only read.
        """
        if self._training is not None and not self._training.ended:
            raise NotRecording("a training of this run is running: wait for it, or stop it with run.control.stop()")
        if self.control.state in ("ended", "elsewhere"):
            raise NotRecording("this run does not record any more: begin another with store.run(…), and train that one")
        self._training = Training(self, function)
        self._training.start()
        return self

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the training that `train` began has ended; False if `timeout` seconds were not enough.

        Raises what the training raised. KeyboardInterrupt asks the training to stop, waits for it, and is raised then.
        """
        return self._begun().wait(timeout)

    async def wait_async(self, timeout: float | None = None) -> bool:
        """`await run.wait_async()`: the same, and the kernel's event loop goes on. Cancelling it stops the training."""
        return await self._begun().wait_async(timeout)

    def _begun(self) -> Training:
        if self._training is None:
            raise NotRecording("there is no training to wait for: run.train(function) begins one")
        return self._training

    def _stop_training(self, timeout: float | None) -> None:
        """Ask the training to stop and wait for it, at most `timeout` seconds; the run is being closed."""
        if self._training is not None:
            self._training.stop(timeout)


class Training:
    """One function that trains in a thread; made by `run.train`."""

    def __init__(self, run: Trains, function: Callable[..., object]) -> None:
        self._takes_run = _takes_run(function)
        self._run, self._function = run, function
        self._control = run.control
        self._error: BaseException | None = None
        self._started = threading.Event()
        self._done = threading.Event()
        self._guard = threading.Lock()
        self._waiting = 0  # who will see the exception
        self._told: list[Callable[[], None]] = []
        # The context of the cell: by it ipykernel knows where output belongs.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._work,), name="nnwidgets training", daemon=True)

    @property
    def ended(self) -> bool:
        """Whether the function has returned or raised, and the run has ended with it."""
        return self._done.is_set()

    def start(self) -> None:
        """Begin."""
        _trainings.add(self)
        # What is registered last is called first: the stores, which are open by now, close after their trainings.
        atexit.unregister(_stop_all)
        atexit.register(_stop_all)
        self._thread.start()
        self._started.wait()  # the control knows the thread from now on

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; raises what the function raised."""
        with self._being_waited_for():
            try:
                ended = _wait(self._done, timeout)
            except KeyboardInterrupt:
                self._control.stop()
                _wait(self._done, None)
                self._print()
                raise
        if ended and self._error is not None:
            raise self._error
        return ended

    async def wait_async(self, timeout: float | None = None) -> bool:
        """The same without holding up the event loop."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(ended.set)

        with self._being_waited_for():
            with self._guard:
                self._told.append(tell)
            if self.ended:
                ended.set()
            try:
                await asyncio.wait_for(ended.wait(), timeout)
            except TimeoutError:
                return False
            except asyncio.CancelledError:
                self._control.stop()
                await ended.wait()
                self._print()
                raise
            finally:
                with self._guard:
                    self._told.remove(tell)
        if self._error is not None:
            raise self._error
        return True

    def stop(self, timeout: float | None) -> None:
        """Ask the training to stop, and wait for it; not from its own thread."""
        if self.ended or threading.current_thread() is self._thread:
            return
        with contextlib.suppress(NotRecording):  # it has ended in this very moment
            self._control.stop()
        _wait(self._done, timeout)

    @contextlib.contextmanager
    def _being_waited_for(self) -> Iterator[None]:
        with self._guard:
            self._waiting += 1
        try:
            yield
        finally:
            with self._guard:
                self._waiting -= 1

    def _work(self) -> None:
        run, function = self._run, self._function
        self._control.set_thread(threading.get_ident())
        self._started.set()
        try:
            with run:
                function(*((run,) if self._takes_run else ()))
        except StopTraining:
            pass
        except BaseException as error:
            # Without our own frame, which holds the run.
            self._error = error.with_traceback(error.__traceback__.tb_next if error.__traceback__ else None)
        finally:
            # What the function and its frames hold must not live as long as the run.
            del run, function, self._run, self._function
            self._control.set_thread(None)
            with self._guard:
                seen, told = self._waiting > 0, tuple(self._told)
                self._done.set()
            for tell in told:
                tell()
        if not seen:
            self._print()

    def _print(self) -> None:
        """Show the exception, where nobody gets it raised."""
        if self._error is not None:
            traceback.print_exception(self._error, file=sys.stderr)


def _wait(event: threading.Event, timeout: float | None) -> bool:
    until = None if timeout is None else time.monotonic() + timeout
    while not event.wait(_POLL if until is None else max(0.0, min(_POLL, until - time.monotonic()))):
        if until is not None and time.monotonic() >= until:
            return event.is_set()
    return True


def _takes_run(function: Callable[..., object]) -> bool:
    """Whether the function needs the run as its argument. Raises `TypeError` for what cannot be called so."""
    if not callable(function):
        raise TypeError(f"function={function!r}, but it is a function that trains: run.train(function)")
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{function.__name__} is a coroutine function, but a training is a plain function")
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # one that does not say what it takes
        return True
    needed = [each for each in parameters if each.default is each.empty and each.kind not in _ANY]
    if len(needed) > 1 or any(each.kind is each.KEYWORD_ONLY for each in needed):
        names = ", ".join(each.name for each in needed)
        raise TypeError(f"the function needs {names}, but it is called with the run alone: wrap it in a lambda")
    return bool(needed) or any(each.name == "run" for each in parameters)


_ANY: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_trainings: weakref.WeakSet[Training] = weakref.WeakSet()


def _stop_all() -> None:
    # A daemon thread inside torch while Python ends takes the process down.
    living = [training for training in list(_trainings) if not training.ended]
    for training in living:
        with contextlib.suppress(NotRecording):
            training._control.stop()
    until = time.monotonic() + _PATIENCE_AT_EXIT
    for training in living:
        _wait(training._done, max(0.0, until - time.monotonic()))

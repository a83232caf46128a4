"""What the callbacks of all libraries share: they turn what a library tells its callbacks into what a run keeps."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

from nnwidgets.runs.errors import NotRecording, StopTraining
from nnwidgets.runs.values import classify

if TYPE_CHECKING:
    from nnwidgets.runs.run import Run

_SPEED_EVERY = 0.25  # seconds of training over which samples per second are told


class RunCallback:
    """Records the trainings of a library in a run; the base of each library's own callback.

    A stop by hand is told to the library in its own way, so that it ends as it always does, also where `nnw.watch`
    meets it first. The run ends with the training, unless a `with` block or `run.train` is to end it: they see an
    exception in it, of which only Lightning tells its callbacks. A copy that was pickled or deep-copied, with a model
    for instance, records nothing.

    Args:
        run: that records.
        every: loss and learning rate are logged at each so many steps (on a GPU each reading waits for the device).
    """

    run: Run
    every: int
    _silent: ClassVar[type] = object  # the library's own callback, which does nothing

    def __init__(self, run: Run, *, every: int = 1) -> None:
        super().__init__()
        if not callable(getattr(run, "log", None)):
            raise TypeError(f"run is of type {type(run).__name__}, but it is what store.run(…) returns")
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ValueError(f"every={every!r}, but it is a whole number of steps, 1 or more")
        self.run = run
        self.every = every
        self._stopping = False
        self._offset = 0  # of the library's steps, where the run has seen an earlier training
        self._forget: list[Callable[[], None]] = []
        self._clock = self._busy = 0.0
        self._samples = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return self._silent, ()

    # What a library's hooks call

    def _begin(self, step: int, *, steps: float | None, epochs: float | None, optimizers: Iterable[Any] = ()) -> None:
        """A training begins at the library's step `step`; `steps` and `epochs` are how long it will be, if known."""
        if not self.run.recording:
            raise NotRecording(
                f"the run {self.run.name!r} does not record any more: begin another with store.run(…), "
                f"and give that one to {type(self).__name__}"
            )
        self._stopping = False
        self._offset = max(0, (self.run.step or 0) - step)
        # So that people see how much is left.
        for name, total in (("total_steps", steps and steps + self._offset), ("total_epochs", epochs)):
            if total and 0 < total < float("inf"):
                self.run.config[name] = int(total)
        self._end_hands()  # of a training before, which an exception ended without a word to us
        control = self.run.control
        self._forget = [control.set_stopper(self._stop), *map(control.add_optimizer, optimizers)]
        self._samples, self._busy = 0, 0.0
        self._go_on()

    def _step(self, step: int, samples: int | None, read: Callable[[], Mapping[str, float]]) -> bool:
        """A step has ended: log what `read()` gives, do what was asked by hand; True where the training is to stop."""
        self._samples += samples or 0
        self._busy += perf_counter() - self._clock
        if step % self.every == 0:
            values = dict(read())
            if self._busy >= _SPEED_EVERY:
                values |= self._speed()
            self._log(step, values)
        else:
            try:
                self.run.boundary(step + self._offset)
            except StopTraining:
                self._stopping = True
        self._go_on()
        return self._stopping

    def _log(self, step: int, values: Mapping[str, Any]) -> bool:
        """Log at a step of the library's; True where the training is to stop."""
        try:
            self.run.log(step + self._offset, **values)
        except StopTraining:
            self._stopping = True
        return self._stopping

    def _log_epoch(self, step: int, values: Mapping[str, Any]) -> bool:
        """The same for the metrics of an epoch: what is no number is left out."""
        numbers = {name: value for name, value in values.items() if is_number(value)} | self._speed()
        return self._log(step, numbers) if numbers else self._stopping

    def _go_on(self) -> None:
        """What came before, such as a validation or a pause, does not count for samples per second."""
        self._clock = perf_counter()

    def _end(self, status: str | None = None, message: str | None = None) -> None:
        """The training has ended; the run ends with it, unless a `with` block or `run.train` will end it."""
        self._end_hands()
        if self.run.entered:
            return
        if self._stopping:
            self.run.finish("stopped", "stopped by hand")
        elif status == "failed":
            self.run.finish("failed", message)
        else:
            self.run.finish()

    def _stop(self) -> None:
        """A stop by hand: the library hears of it at its next hook."""
        self._stopping = True

    def _end_hands(self) -> None:
        """Nobody sets a learning rate any more, and stops are no concern of ours."""
        for forget in self._forget:
            forget()
        self._forget.clear()

    def _speed(self) -> dict[str, float]:
        samples, busy = self._samples, self._busy
        self._samples, self._busy = 0, 0.0
        return {"samples_per_second": samples / busy} if samples and busy else {}


def make_class(name: str, hooks: type[RunCallback], library: type) -> type:
    """The callback that people use: our hooks, on the library's own class of callbacks."""
    members = {"__doc__": hooks.__doc__, "__module__": __package__, "__qualname__": name, "_silent": library}
    return type(name, (hooks, library), members)


def load(package: str, *modules: str) -> Any:
    """The first of `modules` that is loaded, or that can be. Raises `ImportError` with what to install."""
    for module in sorted(modules, key=lambda module: module not in sys.modules):
        try:
            return import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
                raise  # it is there, but something that it needs is not
    raise ImportError(f"this callback needs {package}, which is not installed: pip install {package}", name=package)


def is_number(value: Any) -> bool:
    """Whether a library's metric is one number, and no flag."""
    if isinstance(value, bool):
        return False
    try:
        return classify("", value)[0] == "scalar"
    except (TypeError, ValueError):
        return False


def count_samples(batch: Any) -> int | None:
    """How many samples a batch has: the length of the first array in it. None where there is none."""
    shape = getattr(batch, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else None
    if isinstance(batch, Mapping):
        batch = batch.values()
    elif not isinstance(batch, list | tuple):
        return None
    return next((samples for part in batch if (samples := count_samples(part)) is not None), None)

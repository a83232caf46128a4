"""A callback for a training loop of your own."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from nnwidgets.runs.callbacks.base import RunCallback
from nnwidgets.runs.errors import StopTraining
from nnwidgets.runs.run import Run


class Loop(RunCallback):
    """Counts steps and epochs of your own loop and logs what every loop has: epoch, learning rate, samples per second.

        with nnw.callbacks.Loop(run, optimizer, epochs=10, steps_per_epoch=len(loader)) as loop:
            for _ in range(10):
                for images, labels in loader:
                    …
                    loop.step(len(images), loss=loss)
                loop.epoch(val_loss=…)

    The run ends with the block. A stop by hand raises `StopTraining` at the next step boundary, mostly in `step`; the
    block takes it.

    Args:
        run, every: see `RunCallback`.
        optimizers: of torch, as many as there are; people set the learning rate, the first one's is logged.
        epochs, steps_per_epoch: how long the training will be, if known.
    """

    def __init__(
        self,
        run: Run,
        *optimizers: Any,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        every: int = 1,
    ) -> None:
        super().__init__(run, every=every)
        self._optimizers = optimizers
        self._epochs, self._steps_per_epoch = epochs, steps_per_epoch
        self._at = self._in_epoch = self._epoch = 0

    def __enter__(self) -> Self:
        self.run.__enter__()
        self._at = self._in_epoch = self._epoch = 0
        per_epoch, epochs = self._steps_per_epoch, self._epochs
        self._begin(0, steps=per_epoch and epochs and per_epoch * epochs, epochs=epochs, optimizers=self._optimizers)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._end()
        return self.run.__exit__(kind, error, trace)

    def _stop(self) -> None:
        raise StopTraining("stopped by hand")  # at once: the loop is yours

    def step(self, samples: int | None = None, /, **values: Any) -> None:
        """A step has ended: log its values, and that `samples` samples were seen. Raises `StopTraining`."""
        self._at += 1
        self._in_epoch += 1

        def read() -> dict[str, Any]:
            done = self._in_epoch / self._steps_per_epoch if self._steps_per_epoch else 0
            more = {"epoch": self._epoch + done}
            if self._optimizers:
                more["learning_rate"] = float(self._optimizers[0].param_groups[0]["lr"])
            return more | values

        if self._step(self._at, samples, read):
            raise StopTraining("stopped by hand")

    def epoch(self, **values: Any) -> None:
        """An epoch has ended: log its values, such as a validation's, at the newest step. Raises `StopTraining`."""
        self._epoch += 1
        self._in_epoch = 0
        stopping = self._log(self._at, {"epoch": self._epoch, **values})
        self._go_on()
        if stopping:
            raise StopTraining("stopped by hand")

"""Records what Keras 3 trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnwidgets.runs.callbacks.base import RunCallback, load, make_class


def callback_class() -> type:
    """`nnw.callbacks.Keras`. Raises `ImportError` where Keras is not installed."""
    return make_class("Keras", KerasHooks, load("keras", "keras").callbacks.Callback)


class KerasHooks(RunCallback):
    """Records what Keras 3 trains: `model.fit(…, callbacks=[Keras(run)])`.

    Keeps the loss of each step (Keras itself shows its mean since the epoch began), epoch, learning rate and samples
    per second; and at each epoch's end the metrics of training and validation. A stop by hand sets
    `model.stop_training`. Keras does not tell it of an exception: `with store.run(…) as run:` around the training has
    the run end as failed.

    Args:
        run, every: see `RunCallback`.
    """

    params: Any
    model: Any
    _at = 0  # steps in all trainings of this callback: Keras counts from 0 in each epoch
    _first = 0  # step at which the epoch began
    _epoch = 0
    _mean: tuple[float, float]  # sum and count behind the mean that Keras keeps of the loss

    def on_train_begin(self, logs: Any = None) -> None:
        steps, epochs = self.params.get("steps"), self.params.get("epochs")
        self._at = self._first = 0
        self._begin(0, steps=steps and epochs and steps * epochs, epochs=epochs)
        optimizer = self.model.optimizer
        if _can_be_set(optimizer):
            self._forget.append(self.run.control.add_learning_rate(lambda: [_rate(optimizer)], _setter(optimizer)))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch, self._first, self._mean = epoch, self._at, (0.0, 0.0)
        self._go_on()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._at = self._first + batch + 1
        tracker = next((each for each in self.model.metrics if each.name == "loss" and hasattr(each, "total")), None)
        loss, samples = (logs or {}).get("loss"), None
        if tracker is not None:
            before, self._mean = self._mean, (float(tracker.total), float(tracker.count))
            samples = int(self._mean[1] - before[1])
            loss = (self._mean[0] - before[0]) / (samples or float("nan"))

        def read() -> dict[str, float]:
            values = {} if loss is None else {"loss": float(loss)}
            values["epoch"] = self._epoch + ((batch + 1) / steps if (steps := self.params.get("steps")) else 0)
            if self.model.optimizer is not None:
                values["learning_rate"] = _rate(self.model.optimizer)
            return values

        if self._step(self._at, samples, read):
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        # The loss is there step by step.
        values = {name: value for name, value in (logs or {}).items() if name not in ("loss", "learning_rate")}
        if self._log_epoch(self._at, values):
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        self._end()


def _rate(optimizer: Any) -> float:
    return float(optimizer.learning_rate)


def _can_be_set(optimizer: Any) -> bool:
    """Whether its learning rate is a number, and not a schedule of Keras's."""
    try:
        optimizer.learning_rate = _rate(optimizer)
    except (AttributeError, TypeError):
        return False
    return True


def _setter(optimizer: Any) -> Any:
    def write(rates: Sequence[float]) -> None:
        optimizer.learning_rate = rates[0]

    return write

"""Records what skorch trains."""

from __future__ import annotations

from typing import Any

from nnwidgets.runs.callbacks.base import RunCallback, count_samples, load, make_class


def callback_class() -> type:
    """`nnw.callbacks.Skorch`. Raises `ImportError` where skorch is not installed."""
    return make_class("Skorch", SkorchHooks, load("skorch", "skorch.callbacks").Callback)


class SkorchHooks(RunCallback):
    """Records what skorch trains: `NeuralNetClassifier(…, callbacks=[Skorch(run)])`.

    Keeps the loss of each step, epoch, learning rate and samples per second; and of each epoch the numbers in
    `net.history`. A stop by hand raises KeyboardInterrupt between two steps, as skorch's `EarlyStopping` does: `fit`
    takes it and returns. skorch does not tell it of an exception: `with store.run(…) as run:` around the training has
    the run end as failed.

    Args:
        run, every: see `RunCallback`.
    """

    _at: int
    _batches: int | None  # in an epoch
    _rows: int  # of the history that were logged

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **more: Any) -> None:
        self._at, self._batches, self._rows = 0, None, len(net.history)
        optimizers = [each for each in vars(net).values() if isinstance(getattr(each, "param_groups", None), list)]
        self._begin(0, steps=None, epochs=net.max_epochs, optimizers=optimizers)
        self._optimizer = optimizers[0] if optimizers else None

    def on_epoch_begin(self, net: Any, dataset_train: Any = None, dataset_valid: Any = None, **more: Any) -> None:
        self._take_rows(net, len(net.history) - 1)
        if self._batches is None and hasattr(iterator := net.get_iterator(dataset_train, training=True), "__len__"):
            self._batches = len(iterator)
            self.run.config["total_steps"] = self._offset + self._batches * net.max_epochs
        self._in_epoch = 0
        self._go_on()

    def on_batch_end(self, net: Any, batch: Any = None, training: Any = None, **more: Any) -> None:
        if not training:
            return
        self._at += 1
        self._in_epoch += 1

        def read() -> dict[str, float]:
            fraction = self._in_epoch / self._batches if self._batches else 0
            values = {"loss": net.history[-1, "batches", -1, "train_loss"], "epoch": len(net.history) - 1 + fraction}
            if self._optimizer is not None:
                values["learning_rate"] = float(self._optimizer.param_groups[0]["lr"])
            return values

        if self._step(self._at, count_samples(batch), read):
            raise KeyboardInterrupt

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **more: Any) -> None:
        self._take_rows(net, len(net.history))
        if not self._stopping and self._is_cut(net) and self.run.recording:
            self._stopping = True  # by Ctrl-C, which skorch takes without a word
            self.run.control.stop()
        self._end()

    def _take_rows(self, net: Any, stop: int) -> None:
        # Not at an epoch's end: callbacks after this one have not written into the row then.
        for row in net.history[self._rows : stop]:
            # Of the loss there is each step's; `dur` is the time that the epoch took.
            skipped = ("train_loss", "dur", "epoch", "batches", "train_batch_count", "valid_batch_count")
            self._log_epoch(self._at, {name: value for name, value in row.items() if name not in skipped})
        self._rows = max(self._rows, stop)

    def _is_cut(self, net: Any) -> bool:
        return bool(net.history) and "train_batch_count" not in net.history[-1]

    def _get_param_names(self) -> list[str]:
        return ["run", "every"]

    def __sklearn_clone__(self) -> SkorchHooks:
        return type(self)(self.run, every=self.every)

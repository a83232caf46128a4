"""Records what Lightning trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnwidgets.runs.callbacks.base import RunCallback, count_samples, load, make_class
from nnwidgets.runs.errors import StopTraining
from nnwidgets.runs.names import split


def callback_class() -> type:
    """`nnw.callbacks.Lightning`. Raises `ImportError` where Lightning is not installed."""
    library = load("lightning", "lightning.pytorch", "pytorch_lightning")
    return make_class("Lightning", LightningHooks, library.Callback)


class LightningHooks(RunCallback):
    """Records what Lightning trains: `Trainer(callbacks=[Lightning(run)])`.

    Keeps the loss of each step, epoch, learning rate, samples per second, and all that the module logs with `self.log`,
    each step or each epoch. `lightning` and `pytorch_lightning` alike. A stop by hand sets `trainer.should_stop`.

    Args:
        run, every: see `RunCallback`.
    """

    _losses: list[Any]
    _known: dict[str, Any]  # what was logged already: Lightning keeps the metrics of all hooks in one table
    _at: int

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self._losses, self._known, self._at = [], {}, trainer.global_step
        self._begin(
            trainer.global_step,
            steps=trainer.estimated_stepping_batches,
            epochs=trainer.max_epochs,
            optimizers=trainer.optimizers,
        )

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        self._take_epoch(trainer)  # what the module logged at the end of the last epoch, after us
        self._go_on()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if loss is not None:
            self._losses.append(loss)
        self._samples += count_samples(batch) or 0
        if trainer.global_step == self._at:  # the optimizer has not stepped: gradients are accumulated
            return
        self._at = trainer.global_step
        losses, self._losses = self._losses, []

        def read() -> dict[str, Any]:
            values = self._fresh(trainer)
            if losses and not any(split(name) == ("loss", "train") for name in values):
                values["loss"] = sum(float(loss) for loss in losses) / len(losses)
            batches = trainer.num_training_batches
            values["epoch"] = trainer.current_epoch + ((batch_idx + 1) / batches if batches < float("inf") else 0)
            if trainer.optimizers:
                values["learning_rate"] = float(trainer.optimizers[0].param_groups[0]["lr"])
            return values

        if self._step(self._at, None, read):
            trainer.should_stop = True

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if not trainer.sanity_checking and self.run.recording:
            self._take_epoch(trainer)
            self._go_on()

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self._take_epoch(trainer)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self._take_epoch(trainer)
        self._end()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        if isinstance(exception, KeyboardInterrupt):
            # Lightning ends Python with SystemExit, which would read as a failure.
            self._end()
            self.run.finish("stopped", "KeyboardInterrupt")
        elif isinstance(exception, StopTraining):  # the module's own: a stop by hand raises nothing here
            self._stopping = True
            self._end()
        else:
            self._end("failed", f"{type(exception).__name__}: {exception}")

    def _take_epoch(self, trainer: Any) -> None:
        if self._log_epoch(trainer.global_step, self._fresh(trainer)):
            trainer.should_stop = True

    def _fresh(self, trainer: Any) -> dict[str, Any]:
        """What the module logged since the last look."""
        fresh = {
            name: value
            for name, value in trainer.callback_metrics.items()
            if name not in self._known or not _is_same(value, self._known[name])
        }
        self._known.update(fresh)
        # What is logged on step and epoch both comes three times: "loss" and "loss_step", then "loss" and "loss_epoch".
        doubles = {f"{name}_step" for name, value in fresh.items() if _is_same(value, fresh.get(f"{name}_step"))}
        doubles |= {name for name, value in fresh.items() if _is_same(value, fresh.get(f"{name}_epoch"))}
        return {name: value for name, value in fresh.items() if name not in doubles}


def _is_same(value: Any, other: Any) -> bool:
    """Whether two tensors are one in memory: Lightning detaches each metric anew whenever it is asked for them."""
    return other is not None and bool(value.data_ptr() == other.data_ptr())

"""Records what the `Trainer` of Hugging Face transformers trains."""

from __future__ import annotations

from typing import Any

from nnwidgets.runs.callbacks.base import RunCallback, load, make_class

_OF_THE_COMPUTER = ("_runtime", "_per_second", "total_flos")
"""Endings of what Trainer logs about the time that it took."""


def callback_class() -> type:
    """`nnw.callbacks.HuggingFace`. Raises `ImportError` where transformers is not installed."""
    return make_class("HuggingFace", HuggingFaceHooks, load("transformers", "transformers").TrainerCallback)


class HuggingFaceHooks(RunCallback):
    """Records what the `Trainer` of transformers trains: `Trainer(callbacks=[HuggingFace(run)])`.

    Keeps epoch, learning rate and samples per second of each step; loss and gradient norm when Trainer logs them, which
    is each `TrainingArguments(logging_steps=…)`; and the metrics of evaluations. A stop by hand sets
    `control.should_training_stop`. Trainer does not tell it of an exception: `with store.run(…) as run:` around the
    training has the run end as failed.

    Args:
        run, every: see `RunCallback`.
    """

    _rate: float  # that the newest step was made with
    _batch: int  # samples of a step

    def on_train_begin(self, args: Any, state: Any, control: Any, optimizer: Any = None, **more: Any) -> None:
        self._rate = float("nan")
        self._batch = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
        self._begin(
            state.global_step,
            steps=state.max_steps,
            epochs=state.num_train_epochs,
            optimizers=[] if optimizer is None else [optimizer],
        )

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._go_on()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, optimizer: Any = None, **more: Any) -> None:
        if optimizer is not None:
            self._rate = float(optimizer.param_groups[0]["lr"])

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> Any:
        if self._step(state.global_step, self._batch, lambda: {"epoch": state.epoch, "learning_rate": self._rate}):
            control.should_training_stop = True
        return control

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **more: Any) -> Any:
        if not self.run.recording or logs is None or "train_runtime" in logs:  # the last one sums all up
            return control
        values = {
            name: value
            for name, value in logs.items()
            if name not in ("epoch", "learning_rate") and not name.endswith(_OF_THE_COMPUTER)
        }
        if self._log_epoch(state.global_step, values):
            control.should_training_stop = True
        self._go_on()
        return control

    def on_evaluate(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._go_on()

    def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._end()

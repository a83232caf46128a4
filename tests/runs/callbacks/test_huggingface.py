"""`callbacks.HuggingFace` in real trainings by the Trainer of transformers."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import Dataset
from transformers import Trainer, TrainerCallback, TrainingArguments

from nnwidgets.runs import callbacks
from nnwidgets.session.watch import watch
from tests.runs.callbacks.conftest import stop_at


class Digits(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Any, labels: Any) -> dict[str, Any]:
        logits = self.network(images)
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


class Images(Dataset[dict[str, Any]]):
    def __init__(self, images: Any, labels: Any) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, at: int) -> dict[str, Any]:
        return {"images": self.images[at], "labels": self.labels[at]}


@pytest.fixture
def make(digits: Any, network: Any, tmp_path: Any) -> Any:
    def make(*own: Any, **options: Any) -> Trainer:
        images, labels = digits
        settings = {
            "num_train_epochs": 3, "per_device_train_batch_size": 50, "per_device_eval_batch_size": 300,
            "learning_rate": 0.01, "logging_steps": 5, "eval_strategy": "epoch", "save_strategy": "no", "seed": 3,
            "use_cpu": True, "disable_tqdm": True, "report_to": "none", "optim": "sgd",
        }  # fmt: skip
        return Trainer(
            Digits(network()),
            TrainingArguments(str(tmp_path), **settings | options),
            train_dataset=Images(images[:1500], labels[:1500]),
            eval_dataset=Images(images[1500:], labels[1500:]),
            compute_metrics=lambda found: {"accuracy": float((found.predictions.argmax(1) == found.label_ids).mean())},
            callbacks=list(own),
        )

    return make


def test_run_has_what_trainer_logged_and_ends_with_it(make: Any, run: Any) -> None:
    trainer = make(callbacks.HuggingFace(run))
    trainer.train()
    for name in ("loss", "grad_norm", "eval_loss", "eval_accuracy"):
        rows = [(row["step"], row[name]) for row in trainer.state.log_history if name in row]
        history = run.history(name)
        assert list(zip(history.steps, history.values, strict=True)) == rows, name
    rates = dict(zip(*run.history("learning_rate"), strict=True))
    assert list(rates) == list(range(1, 91))
    for row in trainer.state.log_history:
        if "learning_rate" in row:
            assert rates[row["step"]] == row["learning_rate"]
    assert run.history("epoch").values[-1] == 3
    assert run.history("samples_per_second").values.min() > 0
    known = {"loss", "grad_norm", "eval_loss", "eval_accuracy", "epoch", "learning_rate", "samples_per_second"}
    assert set(run.series()) == known
    assert (run.config["total_steps"], run.config["total_epochs"], run.status) == (90, 3, "finished")


def test_weights_are_the_same_without_it(make: Any, run: Any) -> None:
    watched = make(callbacks.HuggingFace(run))
    watched.train()
    alone = make()  # Trainer sets the seed here
    alone.train()
    for mine, theirs in zip(watched.model.parameters(), alone.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_stop_by_hand_ends_it_trainers_way(make: Any, run: Any) -> None:
    stop_at(run, 40)
    trainer = make(callbacks.HuggingFace(run))
    with run:
        result = trainer.train()
        assert (result.global_step, trainer.control.should_training_stop) == (40, True)
        assert "train_loss" in trainer.state.log_history[-1]  # it has summed up
    assert (run.status, run.message) == ("stopped", "stopped by hand")


def test_stop_that_watch_meets_first_ends_it_trainers_way(make: Any, run: Any) -> None:
    class Hand(TrainerCallback):
        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if state.global_step == 19:
                run.control.stop()

    trainer = make(callbacks.HuggingFace(run), Hand())
    with watch(trainer.model, run=run):
        result = trainer.train()
    assert (result.global_step, trainer.control.should_training_stop) == (20, True)
    assert (run.status, run.message) == ("stopped", "stopped by hand")
    assert len(run.history("gradient_norm")) == 20


def test_stop_without_a_block(make: Any, run: Any) -> None:
    stop_at(run, 7)
    make(callbacks.HuggingFace(run)).train()
    assert (run.status, run.message, run.step) == ("stopped", "stopped by hand", 7)


def test_learning_rate_by_hand(make: Any, run: Any) -> None:
    run.at_step(lambda step: run.control.set_learning_rate(0.001) if step == 10 else None)
    make(callbacks.HuggingFace(run), num_train_epochs=1, lr_scheduler_type="constant").train()
    assert run.history("learning_rate").values[9:11].tolist() == pytest.approx([0.01, 0.001])


@pytest.mark.parametrize("error", [RuntimeError("no memory"), KeyboardInterrupt()])
def test_how_it_ends_in_a_block(make: Any, run: Any, error: BaseException) -> None:
    class Fails(TrainerCallback):
        def on_substep_end(self, *arguments: Any, **more: Any) -> None:
            raise error

    with pytest.raises(type(error)), run:
        make(callbacks.HuggingFace(run), Fails(), gradient_accumulation_steps=2).train()
    assert run.status == ("failed" if isinstance(error, RuntimeError) else "stopped")

"""`callbacks.Lightning` in real trainings by Lightning."""

from typing import Any

import lightning
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from nnwidgets.runs import callbacks
from nnwidgets.runs.errors import NotRecording, StopTraining
from nnwidgets.session.watch import watch
from tests.runs.callbacks.conftest import stop_at


class Digits(lightning.LightningModule):
    def __init__(self, network: nn.Module, fails_at: tuple[int, BaseException] | None = None) -> None:
        super().__init__()
        self.network, self.fails_at = network, fails_at

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        if self.fails_at is not None and self.fails_at[0] == self.global_step:
            raise self.fails_at[1]
        loss = F.cross_entropy(self.network(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        logits = self.network(batch[0])
        self.log("val_loss", F.cross_entropy(logits, batch[1]))
        self.log("val_accuracy", (logits.argmax(1) == batch[1]).float().mean())

    def on_train_epoch_end(self) -> None:
        self.log("late", float(self.current_epoch))  # Lightning calls this after all callbacks

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        return {"optimizer": optimizer, "lr_scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)}


class Witness(lightning.pytorch.loggers.Logger):
    """Keeps what Lightning itself logs."""

    def __init__(self) -> None:
        super().__init__()
        self.logged: dict[str, list[float]] = {}

    name = version = None  # type: ignore[assignment]

    def log_hyperparams(self, *arguments: Any, **more: Any) -> None: ...

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        for name, value in metrics.items():
            self.logged.setdefault(name, []).append(float(value))


@pytest.fixture
def fit(digits: Any, network: Any) -> Any:
    def fit(*own: Any, fails_at: Any = None, **options: Any) -> tuple[lightning.Trainer, Digits, Witness]:
        images, labels = digits
        torch.manual_seed(1)
        training = DataLoader(TensorDataset(images[:1500], labels[:1500]), 50, shuffle=True)
        validation = DataLoader(TensorDataset(images[1500:], labels[1500:]), 297)
        witness = Witness()
        trainer = lightning.Trainer(
            accelerator="cpu", callbacks=list(own), logger=witness, log_every_n_steps=1, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, **{"max_epochs": 3, **options},
        )  # fmt: skip
        module = Digits(network(), fails_at)
        trainer.fit(module, training, validation)
        return trainer, module, witness

    return fit


def test_run_has_what_lightning_logged_and_ends_with_it(fit: Any, run: Any) -> None:
    _, _, witness = fit(callbacks.Lightning(run))
    ours = {name: name for name in ("train_loss_epoch", "val_loss", "val_accuracy", "late")}
    ours["train_loss_step"] = "train_loss"
    for theirs, name in ours.items():
        assert run.history(name).values.tolist() == witness.logged[theirs], name
    assert run.history("train_loss").steps.tolist() == list(range(1, 91))
    assert run.history("val_loss").steps.tolist() == [30, 60, 90]
    assert run.history("learning_rate").values.tolist() == pytest.approx(
        [0.1] * 29 + [0.05] * 30 + [0.025] * 30 + [0.0125]
    )
    assert run.history("epoch").values[[0, 29, 89]].tolist() == pytest.approx([1 / 30, 1, 3])
    assert run.history("samples_per_second").values.min() > 0
    assert "loss" not in run.series()  # the module logs it under its own name
    assert (run.config["total_steps"], run.config["total_epochs"]) == (90, 3)
    assert (run.status, run.control.can_set_learning_rate) == ("finished", False)


def test_weights_are_the_same_without_it(fit: Any, run: Any) -> None:
    _, watched, _ = fit(callbacks.Lightning(run))
    _, alone, _ = fit()
    for mine, theirs in zip(watched.parameters(), alone.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_stop_by_hand_ends_it_lightnings_way(fit: Any, run: Any) -> None:
    stop_at(run, 40)
    with run:
        trainer, _, witness = fit(callbacks.Lightning(run))
        assert (trainer.global_step, trainer.should_stop, trainer.state.finished) == (40, True, True)
    assert (run.status, run.message) == ("stopped", "stopped by hand")
    assert run.history("val_loss").steps[-1] == 40  # Lightning validates once more
    assert len(witness.logged["val_loss"]) == 2


def test_learning_rate_by_hand(fit: Any, run: Any) -> None:
    run.at_step(lambda step: run.control.set_learning_rate(0.01) if step == 10 else None)
    fit(callbacks.Lightning(run), max_epochs=1)
    assert run.history("learning_rate").values.tolist() == pytest.approx([0.1] * 10 + [0.01] * 19 + [0.005])


def test_gradients_that_are_accumulated_make_one_step(fit: Any, run: Any) -> None:
    trainer, _, _ = fit(callbacks.Lightning(run, every=2), accumulate_grad_batches=3, max_epochs=1)
    assert trainer.global_step == 10
    assert run.history("epoch").steps.tolist() == [2, 4, 6, 8, 10]


def test_exception_is_a_failure_and_control_c_a_stop(fit: Any, run: Any) -> None:
    with pytest.raises(RuntimeError, match="no memory"):
        fit(callbacks.Lightning(run), fails_at=(5, RuntimeError("no memory")))
    assert (run.status, run.message) == ("failed", "RuntimeError: no memory")
    with pytest.raises(NotRecording, match="begin another with store.run"):
        fit(callbacks.Lightning(run))
    other = run.store.run("other")
    with pytest.raises(SystemExit), other:
        fit(callbacks.Lightning(other), fails_at=(5, KeyboardInterrupt()))
    assert (other.status, other.message) == ("stopped", "KeyboardInterrupt")


def test_one_run_of_two_trainings(fit: Any, run: Any) -> None:
    with run:
        fit(callbacks.Lightning(run), max_epochs=1)
        fit(callbacks.Lightning(run), max_epochs=1)
        assert run.history("train_loss").steps.tolist() == list(range(1, 61))
    assert run.status == "finished"


def test_stop_that_watch_meets_first_ends_it_lightnings_way(fit: Any, run: Any) -> None:
    class Watches(lightning.Callback):
        def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
            watch(pl_module, trainer.optimizers[0], run)

        def on_before_optimizer_step(self, trainer: lightning.Trainer, *more: Any) -> None:
            if trainer.global_step == 19:
                run.control.stop()

    trainer, _, witness = fit(Watches(), callbacks.Lightning(run), max_epochs=1)
    assert (trainer.global_step, trainer.should_stop, trainer.state.finished) == (20, True, True)
    assert (run.status, run.message) == ("stopped", "stopped by hand")
    assert len(run.history("gradient_norm")) == len(run.history("train_loss")) == 20
    assert len(witness.logged["val_loss"]) == 1  # Lightning validates once more


def test_stop_training_that_a_module_raises_is_a_stop(fit: Any, run: Any) -> None:
    with pytest.raises(StopTraining):
        fit(callbacks.Lightning(run), fails_at=(5, StopTraining("enough")))
    assert run.status == "stopped"

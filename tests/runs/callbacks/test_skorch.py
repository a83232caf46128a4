"""`callbacks.Skorch` in real trainings by skorch."""

import pickle
from typing import Any

import pytest
import torch
from sklearn.base import clone
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, EarlyStopping, EpochScoring
from skorch.dataset import ValidSplit
from torch import nn

from nnwidgets.runs import callbacks
from nnwidgets.session.watch import watch
from tests.runs.callbacks.conftest import stop_at


@pytest.fixture
def make(network: Any) -> Any:
    def make(*own: Any, **options: Any) -> NeuralNetClassifier:
        settings = {
            "max_epochs": 3, "batch_size": 50, "lr": 0.1, "iterator_train__shuffle": True, "verbose": 0,
            "train_split": ValidSplit(5, stratified=True),
        }  # fmt: skip
        torch.manual_seed(1)
        return NeuralNetClassifier(network(), criterion=nn.CrossEntropyLoss, callbacks=list(own), **settings | options)

    return make


def fit(net: NeuralNetClassifier, digits: Any) -> NeuralNetClassifier:
    torch.manual_seed(2)
    return net.fit(digits[0].numpy(), digits[1].numpy())


def test_run_has_skorchs_history_and_ends_with_it(make: Any, digits: Any, run: Any) -> None:
    later = EpochScoring("accuracy", on_train=True, name="train_acc", lower_is_better=False)
    net = fit(make(callbacks.Skorch(run), later), digits)
    batches = [batch["train_loss"] for row in net.history for batch in row["batches"] if "train_loss" in batch]
    assert run.history("loss").values.tolist() == batches
    for name in ("valid_loss", "valid_acc", "train_acc"):
        assert run.history(name).values.tolist() == net.history[:, name], name
    per_epoch = net.history[-1, "train_batch_count"]
    assert run.history("valid_loss").steps.tolist() == [per_epoch, 2 * per_epoch, 3 * per_epoch]
    assert run.history("epoch").values[[0, -1]].tolist() == pytest.approx([1 / per_epoch, 3])
    assert set(run.history("learning_rate").values) == {0.1}
    assert run.history("samples_per_second").values.min() > 0
    known = {"loss", "valid_loss", "valid_acc", "train_acc", "epoch", "learning_rate", "samples_per_second"}
    assert set(run.series()) == known
    assert (run.config["total_steps"], run.config["total_epochs"]) == (3 * per_epoch, 3)
    assert run.status == "finished"


def test_weights_are_the_same_without_it(make: Any, digits: Any, run: Any) -> None:
    watched, alone = fit(make(callbacks.Skorch(run)), digits), fit(make(), digits)
    for mine, theirs in zip(watched.module_.parameters(), alone.module_.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("block", [True, False])
def test_stop_by_hand_ends_it_skorchs_way(make: Any, digits: Any, run: Any, block: bool) -> None:
    class Witness(Callback):
        ended = False

        def on_train_end(self, *arguments: Any, **more: Any) -> None:
            self.ended = True

    stop_at(run, 40)
    witness = Witness()
    if block:
        with run:
            net = fit(make(callbacks.Skorch(run), witness), digits)
    else:
        net = fit(make(callbacks.Skorch(run), witness), digits)
    assert witness.ended
    assert (len(net.history), len(run.history("loss"))) == (2, 40)
    assert (run.status, run.message) == ("stopped", "stopped by hand")
    assert net.predict(digits[0].numpy()[:5]).shape == (5,)


def test_stop_that_watch_meets_first_ends_it_skorchs_way(make: Any, digits: Any, run: Any) -> None:
    class Hand(Callback):
        steps = 0

        def on_grad_computed(self, net: NeuralNetClassifier, *arguments: Any, **more: Any) -> None:
            self.steps += 1
            if self.steps == 20:
                run.control.stop()

    net = make(callbacks.Skorch(run), Hand())
    with watch(net.module, run=run):
        fit(net, digits)
    assert len(run.history("loss")) == len(run.history("gradient_norm")) == 20
    assert (run.status, run.message) == ("stopped", "stopped by hand")


def test_early_stopping_is_no_stop_by_hand(make: Any, digits: Any, run: Any) -> None:
    net = fit(make(callbacks.Skorch(run), EarlyStopping(patience=1, threshold=10, sink=lambda _: None)), digits)
    assert len(net.history) == 2 < net.max_epochs
    assert run.status == "finished"
    assert run.history("valid_loss").values.tolist() == net.history[:, "valid_loss"]


@pytest.mark.parametrize("error", [RuntimeError("no memory"), KeyboardInterrupt()])
def test_exception_and_control_c(make: Any, digits: Any, run: Any, error: BaseException) -> None:
    class Fails(Callback):
        def on_grad_computed(self, net: Any, *arguments: Any, **more: Any) -> None:
            if len(net.history) == 2:
                raise error

    if isinstance(error, RuntimeError):
        with pytest.raises(RuntimeError), run:
            fit(make(callbacks.Skorch(run), Fails()), digits)
        assert (run.status, run.message) == ("failed", "RuntimeError: no memory")
    else:
        with run:
            fit(make(callbacks.Skorch(run), Fails()), digits)  # skorch takes Ctrl-C
        assert run.status == "stopped"


def test_learning_rate_by_hand(make: Any, digits: Any, run: Any) -> None:
    run.at_step(lambda step: run.control.set_learning_rate(0.01) if step == 10 else None)
    fit(make(callbacks.Skorch(run), max_epochs=1), digits)
    assert run.history("learning_rate").values[9:11].tolist() == pytest.approx([0.1, 0.01])


def test_copies(make: Any, digits: Any, run: Any) -> None:
    net = make(callbacks.Skorch(run, every=2), max_epochs=1)
    with run:
        first, second = fit(clone(net), digits), fit(clone(net), digits)
        steps = first.history[-1, "train_batch_count"]
        assert run.history("loss").steps.tolist() == [*range(2, steps + 1, 2), *range(steps + 2, 2 * steps + 1, 2)]
        copy = pickle.loads(pickle.dumps(second))
        copy.partial_fit(digits[0].numpy(), digits[1].numpy())
        assert run.step == 2 * steps  # a copy that was sent elsewhere records nothing

"""`callbacks.Keras` in real trainings by Keras on torch."""

import os
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import pytest

from nnwidgets.runs import callbacks
from tests.runs.callbacks.conftest import stop_at


@pytest.fixture
def fit(digits: Any) -> Any:
    def fit(*own: Any, rate: Any = 0.1, **options: Any) -> keras.Model:
        images, labels = (each.numpy() for each in digits)
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.layers.Input((64,)),
                keras.layers.Dense(32, "relu"),
                keras.layers.Dropout(0.1),
                keras.layers.Dense(10, "softmax"),
            ]
        )
        model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        settings = {"epochs": 3, "batch_size": 64, "verbose": 0, "validation_data": (images[1500:], labels[1500:])}
        model.fit(images[:1500], labels[:1500], callbacks=list(own), **settings | options)
        return model

    return fit


def test_run_has_the_history_of_keras_and_ends_with_it(fit: Any, run: Any) -> None:
    history = fit(callbacks.Keras(run)).history.history
    for name in ("accuracy", "val_loss", "val_accuracy"):
        assert run.history(name).values.tolist() == history[name], name
    assert run.history("val_loss").steps.tolist() == [24, 48, 72]
    # Keras tells the mean of the epoch so far; the run has the loss of each step.
    losses = run.history("loss").values.reshape(3, 24)
    sizes = [64] * 23 + [1500 - 23 * 64]
    assert np.average(losses, axis=1, weights=sizes) == pytest.approx(history["loss"], rel=1e-6)
    assert run.history("epoch").values[[0, 23, 71]].tolist() == pytest.approx([1 / 24, 1, 3])
    assert run.history("learning_rate").values.tolist() == pytest.approx([0.1] * 72)
    assert run.history("samples_per_second").values.min() > 0
    known = {"loss", "accuracy", "val_loss", "val_accuracy", "epoch", "learning_rate", "samples_per_second"}
    assert set(run.series()) == known
    assert (run.config["total_steps"], run.config["total_epochs"]) == (72, 3)
    assert (run.status, run.control.can_set_learning_rate) == ("finished", False)


def test_weights_are_the_same_without_it(fit: Any, run: Any) -> None:
    for mine, theirs in zip(fit(callbacks.Keras(run)).get_weights(), fit().get_weights(), strict=True):
        assert np.array_equal(mine, theirs)


@pytest.mark.parametrize("block", [True, False])
def test_stop_by_hand_ends_it_the_way_of_keras(fit: Any, run: Any, block: bool) -> None:
    ended = []
    witness = keras.callbacks.LambdaCallback(on_train_end=lambda logs: ended.append(logs))
    stop_at(run, 30)
    if block:
        with run:
            model = fit(callbacks.Keras(run), witness)
    else:
        model = fit(callbacks.Keras(run), witness)
    assert model.stop_training and len(ended) == 1
    assert (len(run.history("loss")), len(model.history.epoch)) == (30, 2)
    assert (run.status, run.message) == ("stopped", "stopped by hand")


def test_learning_rate_by_hand_but_not_of_a_schedule(fit: Any, run: Any) -> None:
    run.at_step(lambda step: run.control.set_learning_rate(0.01) if step == 10 else None)
    with run:
        fit(callbacks.Keras(run), epochs=1)
        assert run.history("learning_rate").values[9:11].tolist() == pytest.approx([0.1, 0.01])
        seen = []
        run.at_step(lambda step: seen.append(run.control.can_set_learning_rate))
        fit(callbacks.Keras(run), epochs=1, rate=keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
        assert not any(seen)
        rates = run.history("learning_rate").values[24:]
        assert rates == pytest.approx(0.1 * 0.5 ** (np.arange(1, 25) / 10), rel=1e-5)


@pytest.mark.parametrize("error", [RuntimeError("no memory"), KeyboardInterrupt()])
def test_how_it_ends_in_a_block(fit: Any, run: Any, error: BaseException) -> None:
    def fail(batch: int, logs: Any) -> None:
        raise error

    with pytest.raises(type(error)), run:
        fit(callbacks.Keras(run), keras.callbacks.LambdaCallback(on_train_batch_end=fail))
    assert run.status == ("failed" if isinstance(error, RuntimeError) else "stopped")

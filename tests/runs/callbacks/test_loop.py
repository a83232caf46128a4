"""`callbacks.Loop`, and what all callbacks have in common."""

import subprocess
import sys
import threading
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from nnwidgets.runs import callbacks
from nnwidgets.runs.callbacks.base import load
from tests.runs.callbacks.conftest import stop_at


def train(run: Any, digits: Any, network: Any, after: Any = lambda: None) -> None:
    images, labels = digits
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with callbacks.Loop(run, optimizer, epochs=2, steps_per_epoch=36) as loop:
        for _ in range(2):
            for at in range(0, 1797, 50):
                loss = F.cross_entropy(model(images[at : at + 50]), labels[at : at + 50])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                loop.step(len(images[at : at + 50]), loss=loss)
            loop.epoch(val_loss=0.5)
        after()


def test_loop_counts_and_measures(digits: Any, network: Any, run: Any) -> None:
    train(run, digits, network)
    assert run.history("loss").steps.tolist() == list(range(1, 73))
    assert run.history("val_loss").steps.tolist() == [36, 72]
    assert sorted(set(run.history("epoch").values)) == pytest.approx([step / 36 for step in range(1, 73)])
    assert set(run.history("learning_rate").values) == {0.1}
    assert (run.config["total_steps"], run.config["total_epochs"], run.status) == (72, 2, "finished")


def test_stop_ends_the_block(digits: Any, network: Any, run: Any) -> None:
    stop_at(run, 40)
    train(run, digits, network, after=lambda: pytest.fail("it goes on after the stop"))
    assert (run.status, run.step) == ("stopped", 40)


def test_pause_does_not_count_for_samples_per_second(run: Any) -> None:
    with callbacks.Loop(run) as loop:
        run.control.pause()
        threading.Timer(1.0, run.control.resume).start()
        loop.step(10, loss=1.0)
        until = threading.Event()
        for _ in range(4):
            until.wait(0.1)
            loop.step(10, loss=1.0)
    assert run.history("samples_per_second").values == pytest.approx([400 / 3], rel=0.4)


def test_what_they_take(run: Any) -> None:
    with pytest.raises(TypeError, match="run is of type str, but it is what store.run"):
        callbacks.Loop("runs.sqlite")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="every=0, but it is a whole number of steps, 1 or more"):
        callbacks.Loop(run, every=0)
    with pytest.raises(AttributeError, match="has no attribute 'Fastai'; it has HuggingFace, Keras"):
        callbacks.Fastai  # type: ignore[attr-defined]  # noqa: B018


def test_missing_library_says_what_to_install() -> None:
    with pytest.raises(ImportError, match="needs nosuch, which is not installed: pip install nosuch"):
        load("nosuch", "nosuch.callbacks", "no_such")


def test_nothing_is_loaded_before_it_is_used() -> None:
    code = (
        "import sys, nnwidgets.runs.callbacks as c, nnwidgets.runs.callbacks.lightning, nnwidgets.runs.callbacks.keras;"
        "assert not {'torch', 'keras', 'lightning', 'skorch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

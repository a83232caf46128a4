"""Handwritten digits, a small network, and a store for the runs of all libraries' callbacks."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from nnwidgets.runs import Run, RunStore


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def digits() -> tuple[Tensor, Tensor]:
    """1,797 images of 64 pixels, and what they show."""
    found = load_digits()
    return torch.tensor(found.data / 16, dtype=torch.float32), torch.tensor(found.target)


@pytest.fixture
def network() -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 10))

    return make


@pytest.fixture
def run(tmp_path: Any) -> Iterator[Run]:
    run = RunStore(tmp_path / "runs.sqlite").run("digits")
    yield run
    run.close()


def stop_at(run: Run, last: int) -> None:
    """A hand that stops the run at a step."""
    run.at_step(lambda step: run.control.stop() if step == last else None)

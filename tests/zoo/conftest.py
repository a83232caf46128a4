"""What the tests of the zoo train on, and a run that remembers what was logged."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor


class Logged:
    """Stands for a run: any object with its `log`."""

    def __init__(self) -> None:
        self.points: dict[str, list[tuple[int, object]]] = {}

    def log(self, step: int, /, **values: object) -> None:
        for name, value in values.items():
            self.points.setdefault(name, []).append((step, value))

    def values(self, name: str) -> list:
        return [value for _, value in self.points[name]]


@pytest.fixture
def logged() -> Logged:
    return Logged()


@pytest.fixture
def digits() -> Tensor:
    """1,797 handwritten digits, 0 to 1: `[1797, 1, 8, 8]`."""
    return torch.tensor(load_digits().images[:, None] / 16, dtype=torch.float32)


@pytest.fixture
def weights() -> Path:
    """Where the cached weights lie."""
    return Path(__file__).parents[2] / "notebooks" / "weights"

"""Real trainings on scikit-learn's digits, watched: a CNN, a deep net of sigmoids, a deep one that is healthy."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import nn

from nnwidgets.runs import Run, RunStore
from nnwidgets.session.watch import watch


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 10),
    )


def sigmoids(layers: int = 12) -> nn.Module:
    """Each layer passes on a quarter of its gradient at most."""
    hidden = [part for _ in range(layers - 1) for part in (nn.Linear(64, 64), nn.Sigmoid())]
    return nn.Sequential(*hidden, nn.Linear(64, 10))


def normalised(layers: int = 12) -> nn.Module:
    hidden = [part for _ in range(layers - 1) for part in (nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(64, 10))


def train(
    store: RunStore, name: str, model: nn.Module, *, steps: int = 60, every: int = 1, histograms: int = 20
) -> Run:
    """A finished run of a model on digits; the same seed gives the same run."""
    torch.manual_seed(0)
    for layer in model.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    data, target = load_digits(return_X_y=True)
    inputs, labels = torch.tensor(data / 16.0, dtype=torch.float32), torch.tensor(target)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    with store.run(name) as run, watch(model, optimizer, run, every=every, histograms=histograms):
        for step in range(steps):
            batch = torch.randint(len(inputs), (64,))
            loss = nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log(step, loss=loss.item())
    return run

"""LeNet-5 has the paper's sizes and learns to read."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import nn

from nnwidgets.zoo.lenet import LeNet5


def test_sizes() -> None:
    model = LeNet5()
    assert sum(parameter.numel() for parameter in model.parameters()) == 61_706
    assert model(torch.zeros(3, 1, 28, 28)).shape == (3, 10)


def test_it_learns_digits() -> None:
    torch.manual_seed(0)
    digits = load_digits()
    images = nn.functional.interpolate(torch.tensor(digits.images[:, None] / 16, dtype=torch.float32), size=28)
    labels = torch.tensor(digits.target)
    model = LeNet5()
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for batch in torch.randperm(1500).repeat(4).split(50):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()
    with torch.no_grad():
        right = (model(images[1500:]).argmax(1) == labels[1500:]).float().mean()
    assert right > 0.85

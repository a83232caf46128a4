"""LeNet-5, the convolutional network that read cheques."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LeNet5(nn.Module):
    """LeNet-5 for grey images of 28 × 28 (padded to its 32 × 32): 61,706 parameters for ten classes.

    After LeCun, Bottou, Bengio and Haffner (1998), "Gradient-Based Learning Applied to Document Recognition"; as in
    most of today's copies, C3 sees all maps of S2, and a linear layer stands in for the radial basis functions.

    Args:
        classes: how many there are to tell apart.
        activation: the class of the activations; the paper's is tanh.

    Shapes: images `[batch, 1, 28, 28]` → logits `[batch, classes]`.
    """

    def __init__(self, classes: int = 10, activation: type[nn.Module] = nn.Tanh) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5, padding=2)
        self.a1 = activation()
        self.s2 = nn.AvgPool2d(2)
        self.c3 = nn.Conv2d(6, 16, 5)
        self.a3 = activation()
        self.s4 = nn.AvgPool2d(2)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.a5 = activation()
        self.f6 = nn.Linear(120, 84)
        self.a6 = activation()
        self.output = nn.Linear(84, classes)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.s2(self.a1(self.c1(images)))
        maps = self.s4(self.a3(self.c3(maps)))
        features = torch.flatten(self.a5(self.c5(maps)), 1)
        logits: Tensor = self.output(self.a6(self.f6(features)))
        return logits

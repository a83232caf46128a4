"""A small decoder of known pictures, for the latent widgets."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from nnwidgets.session import ModelSession


class Spots(nn.Module):
    """A picture is `sigmoid(W z)`: each dimension brightens a pattern of its own, the later ones more."""

    def __init__(self, size: int = 2, channels: int = 1) -> None:
        super().__init__()
        self.channels = channels
        self.into = nn.Linear(64 * channels, size)
        self.out = nn.Linear(size, 64 * channels)
        with torch.no_grad():
            scale = torch.linspace(0.2, 1, size)
            self.out.weight.copy_(torch.randn(64 * channels, size, generator=torch.Generator().manual_seed(0)) * scale)

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return self.into(x.flatten(1))

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.out(z)).view(-1, self.channels, 8, 8)


def spots(size: int = 2, count: int = 30, channels: int = 1, **options: Any) -> ModelSession:
    """A session of it with random inputs of three classes."""
    torch.manual_seed(1)
    model = Spots(size, channels)
    images = torch.rand(count, channels, 8, 8)
    options = {"encode": model.encode, "decode": model.decode, "targets": torch.arange(count) % 3} | options
    return ModelSession(model, images, class_names=["ant", "bee", "<b>cat</b>"], **options)

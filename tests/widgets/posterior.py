"""A diffusion model without training: over a few real images, the best guess of the clean one has a closed form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from sklearn.datasets import load_sample_image

from nnwidgets.processes import Schedule, cosine

SIDE = 32


def photographs(side: int = SIDE) -> torch.Tensor:
    """Twelve pieces of two photographs that come with scikit-learn: [12, 3, side, side], −1 to 1."""
    pieces, by = [], 200 // side
    for name in ("china.jpg", "flower.jpg"):
        photograph = load_sample_image(name)
        for top in (10, 215):
            for left in (10, 215, 420):
                piece = photograph[top : top + by * side, left : left + by * side]
                pieces.append(piece.reshape(side, by, side, by, 3).mean(axis=(1, 3)))
    return torch.from_numpy(np.stack(pieces) / 127.5 - 1).float().permute(0, 3, 1, 2).contiguous()


def posterior(images: torch.Tensor, schedule: Schedule | None = None) -> Callable[..., torch.Tensor]:
    """`model(x, t)` → noise: the clean image is the mean of `images` by how well each explains x (Bayes)."""
    bars = torch.from_numpy((schedule or cosine()).alphas_bar.copy()).float()
    flat = images.flatten(1)

    def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        bar = bars[t][:, None]
        distances = (x.flatten(1)[:, None] - bar.sqrt()[:, None] * flat).square().sum(-1)
        clean = (torch.softmax(-distances / (2 * (1 - bar)), 1) @ flat).view_as(x)
        bar = bar[:, :, None, None]
        return (x - bar.sqrt() * clean) / (1 - bar).sqrt()

    return model

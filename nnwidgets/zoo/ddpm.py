"""The denoising diffusion model: a small U-Net learns to tell the noise in an image, and so to make one from noise."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from nnwidgets.zoo.training import Log

Kind = Literal["linear", "cosine"]
Predicts = Literal["noise", "velocity"]


def schedule(steps: int = 1000, kind: Kind = "cosine") -> Tensor:
    """How much noise each step adds: the variances β, float64 `[steps]`.

    "linear": Ho et al. (2020), section 4, scaled so that any number of steps ends in noise. "cosine": Nichol and
    Dhariwal (2021), "Improved Denoising Diffusion Probabilistic Models", section 3.2, gentler on small images.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"kind={kind!r}, but it is one of {', '.join(map(repr, get_args(Kind)))}")
    if steps < 1:
        raise ValueError(f"steps={steps}, but a schedule has at least one")
    if kind == "linear":
        return torch.linspace(0.1 / steps, 20 / steps, steps, dtype=torch.float64).clamp(max=0.999)
    kept = torch.cos((torch.linspace(0, 1, steps + 1, dtype=torch.float64) + 0.008) / 1.008 * math.pi / 2) ** 2
    return (1 - kept[1:] / kept[:-1]).clamp(max=0.999)


class Time(nn.Module):
    """Steps as vectors: sines and cosines of many frequencies (Vaswani et al. 2017), then a small network.

    Shapes: steps `[batch]` → `[batch, features]`.
    """

    def __init__(self, size: int, features: int) -> None:
        super().__init__()
        self.size = size
        self.layers = nn.Sequential(nn.Linear(size, features), nn.SiLU(), nn.Linear(features, features))

    def forward(self, t: Tensor) -> Tensor:
        half = self.size // 2
        frequencies = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
        angles = t[:, None].float() * frequencies
        features: Tensor = self.layers(torch.cat([angles.sin(), angles.cos()], 1))
        return features


class Block(nn.Module):
    """Two 3 × 3 convolutions and a way around them; the time is added in between.

    Shapes: maps `[batch, channels_in, height, width]`, time `[batch, features]` → `[batch, channels, height, width]`.
    """

    def __init__(self, channels_in: int, channels: int, features: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(8, channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1)
        self.time = nn.Linear(features, channels)
        self.norm2 = nn.GroupNorm(8, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.shortcut = nn.Conv2d(channels_in, channels, 1) if channels_in != channels else nn.Identity()

    def forward(self, maps: Tensor, time: Tensor) -> Tensor:
        inner = self.conv1(functional.silu(self.norm1(maps))) + self.time(functional.silu(time))[:, :, None, None]
        out: Tensor = self.shortcut(maps) + self.conv2(functional.silu(self.norm2(inner)))
        return out


class Attention(nn.Module):
    """Every place looks at every place of the map: one head. Shapes: `[batch, channels, height, width]`, kept."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, maps: Tensor) -> Tensor:
        query, key, value = self.qkv(self.norm(maps)).flatten(2).transpose(1, 2).unsqueeze(1).chunk(3, -1)
        seen = functional.scaled_dot_product_attention(query, key, value)
        out: Tensor = maps + self.out(seen.squeeze(1).transpose(1, 2).unflatten(2, maps.shape[2:]))
        return out


class UNet(nn.Module):
    """Down to a quarter of the size and up again, with a way across at each size.

    After Ho, Jain and Abbeel (2020), "Denoising Diffusion Probabilistic Models", made small: it works on patches of
    2 × 2 pixels as one place with four times the channels, which takes a quarter of the time (Hoogeboom, Heek and
    Salimans 2023, "Simple Diffusion", section 3.4).

    Args:
        channels: of the images.
        width: channels at full size, a multiple of 8; twice at half, four times at a quarter.
        patch: side of a patch, in pixels; 1 for every pixel by itself.

    Shapes: noisy images `[batch, channels, height, width]` (multiples of 4 × `patch`; about −1 to 1 where there is no
    noise) and steps `[batch]` → the noise in them, `[batch, channels, height, width]`.
    """

    def __init__(self, channels: int = 3, width: int = 24, patch: int = 2) -> None:
        super().__init__()
        features, values = 4 * width, channels * patch * patch
        self.time = Time(features, features)
        self.enter = nn.Sequential(nn.PixelUnshuffle(patch), nn.Conv2d(values, width, 3, padding=1))
        self.down1 = Block(width, width, features)
        self.shrink1 = nn.Conv2d(width, width, 3, 2, padding=1)
        self.down2 = Block(width, 2 * width, features)
        self.shrink2 = nn.Conv2d(2 * width, 2 * width, 3, 2, padding=1)
        self.down3 = Block(2 * width, 4 * width, features)
        self.attention = Attention(4 * width)
        self.middle = Block(4 * width, 4 * width, features)
        self.up3 = Block(8 * width, 4 * width, features)
        self.up2 = Block(6 * width, 2 * width, features)
        self.up1 = Block(3 * width, width, features)
        self.norm = nn.GroupNorm(8, width)
        last = nn.Conv2d(width, values, 3, padding=1)
        nn.init.zeros_(last.weight)  # so that training begins near the guess "no noise", whose error is 1
        self.leave = nn.Sequential(last, nn.PixelShuffle(patch))

    def forward(self, images: Tensor, t: Tensor) -> Tensor:
        time = self.time(t)
        full = self.down1(self.enter(images), time)
        half = self.down2(self.shrink1(full), time)
        quarter = self.down3(self.shrink2(half), time)
        maps = self.middle(self.attention(quarter), time)
        maps = _twice(self.up3(torch.cat([maps, quarter], 1), time))
        maps = _twice(self.up2(torch.cat([maps, half], 1), time))
        maps = self.up1(torch.cat([maps, full], 1), time)
        noise: Tensor = self.leave(functional.silu(self.norm(maps)))
        return noise


def _twice(maps: Tensor) -> Tensor:
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")


def add_noise(images: Tensor, noise: Tensor, t: Tensor, betas: Tensor) -> Tensor:
    """Images after `t` + 1 steps of noise at once (equation 4): `√ᾱ x + √(1 − ᾱ) ε`; `t` is `[batch]`."""
    kept = torch.cumprod(1 - betas, 0)[t].to(images)[:, None, None, None]
    return kept.sqrt() * images + (1 - kept).sqrt() * noise


@torch.no_grad()
def sample(
    model: UNet,
    betas: Tensor,
    shape: tuple[int, int, int, int],
    seed: int = 0,
    predicts: Predicts = "noise",
) -> Tensor:
    """Images from noise by the paper's algorithm 2, with the guess at the clean image kept within −1 to 1.

    Args:
        shape: `[samples, channels, height, width]`.
        predicts: what the model was trained to tell.
    """
    random = torch.Generator().manual_seed(seed)
    kept = torch.cumprod(1 - betas, 0)
    before = torch.cat([torch.ones(1, dtype=kept.dtype), kept[:-1]])
    images = torch.randn(shape, generator=random)
    for t in reversed(range(len(betas))):
        told = model(images, torch.full((shape[0],), t))
        signal, spread = float(kept[t].sqrt()), float((1 - kept[t]).sqrt())
        clean = signal * images - spread * told if predicts == "velocity" else (images - spread * told) / signal
        clean = clean.clamp(-1, 1)
        mean = float(before[t].sqrt() * betas[t] / (1 - kept[t])) * clean
        mean = mean + float((1 - betas[t]).sqrt() * (1 - before[t]) / (1 - kept[t])) * images
        deviation = float((betas[t] * (1 - before[t]) / (1 - kept[t])).sqrt())  # 0 at the last step
        images = mean + deviation * torch.randn(shape, generator=random)
    return images


def loss(model: UNet, images: Tensor, betas: Tensor, random: torch.Generator, predicts: Predicts = "noise") -> Tensor:
    """The mean squared error of what the model tells, at random steps.

    "noise": the paper's simple loss (equation 14); 1 is the error of the guess "no noise". "velocity":
    `√ᾱ ε − √(1 − ᾱ) x` (Salimans and Ho 2022, "Progressive Distillation for Fast Sampling of Diffusion Models"), which
    also tells the image where all is noise: a small model comes to make images in a fraction of the steps.
    """
    t = torch.randint(len(betas), (len(images),), generator=random)
    noise = torch.randn(images.shape, generator=random)
    told = model(add_noise(images, noise, t, betas), t)
    return functional.mse_loss(told, noise if predicts == "noise" else add_noise(noise, -images, t, betas))


def train(
    model: UNet,
    images: Tensor,
    betas: Tensor,
    *,
    epochs: int = 10,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    average: float = 0.995,
    predicts: Predicts = "noise",
    seed: int = 0,
    held_out: Tensor | None = None,
    run: Log | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[float]:
    """Train on `images` `[n, channels, height, width]`, −1 to 1, by Adam with a cosine schedule; `model` ends in eval.

    Args:
        betas: of `schedule`.
        average: the weights that stay are a running average with this decay (Ho et al., appendix B): samples of
            the last step's weights are noisier. It begins short, so that the first weights are soon forgotten.
        predicts: what the model learns to tell, see `loss`.
        seed: of the order of the images, the steps and the noise; the global generators stay as they are.
        held_out: images whose loss is measured after each epoch, with the averaged weights.
        run: gets `loss` each step, `val_loss` each epoch.
        progress: called with (steps done, steps in all).

    Returns:
        The mean loss of each epoch.
    """
    random = torch.Generator().manual_seed(seed)
    steps = epochs * -(-len(images) // batch_size)
    optimizer = torch.optim.Adam(model.parameters(), learning_rate)
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    averaged = copy.deepcopy(model).eval()
    means, step = [], 0
    model.train()
    try:
        for _ in range(epochs):
            total = 0.0
            for chosen in torch.randperm(len(images), generator=random).split(batch_size):
                error = loss(model, images[chosen], betas, random, predicts)
                optimizer.zero_grad()
                error.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                rates.step()
                step += 1
                decay = min(average, (1 + step) / (10 + step))
                with torch.no_grad():
                    for mean, parameter in zip(averaged.parameters(), model.parameters(), strict=True):
                        mean.lerp_(parameter, 1 - decay)
                total += error.item() * len(chosen)
                if run is not None:
                    run.log(step, loss=error.item())
                if progress is not None:
                    progress(step, steps)
            means.append(total / len(images))
            if run is not None and held_out is not None:
                run.log(step, val_loss=evaluate(averaged, held_out, betas, predicts=predicts))
    finally:
        model.load_state_dict(averaged.state_dict())
        model.eval()
    return means


@torch.no_grad()
def evaluate(model: UNet, images: Tensor, betas: Tensor, seed: int = 0, predicts: Predicts = "noise") -> float:
    """The loss of images that were not trained on, at the same steps and noise for the same `seed`."""
    return float(loss(model, images, betas, torch.Generator().manual_seed(seed), predicts))

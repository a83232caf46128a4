"""The DDPM adds noise as the paper says, learns to tell it, and its cached weights tell it in emoji."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from nnwidgets import data
from nnwidgets.zoo import ddpm
from nnwidgets.zoo.weights import load_weights


@pytest.mark.parametrize("kind", ["linear", "cosine"])
@pytest.mark.parametrize("steps", [50, 1000])
def test_schedules_go_from_the_image_to_noise(kind: str, steps: int) -> None:
    betas = ddpm.schedule(steps, kind)
    kept = torch.cumprod(1 - betas, 0)
    assert betas.shape == (steps,) and ((betas > 0) & (betas < 1)).all()
    assert kept[0] > 0.99 and kept[-1] < 1e-3
    if (kind, steps) == ("linear", 1000):
        torch.testing.assert_close(betas[[0, -1]], torch.tensor([1e-4, 0.02], dtype=torch.float64))  # the paper's


def test_what_is_no_schedule_is_told() -> None:
    with pytest.raises(ValueError, match="kind='sine', but it is one of 'linear', 'cosine'"):
        ddpm.schedule(10, "sine")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="steps=0"):
        ddpm.schedule(0)


def test_shapes_and_the_first_guess() -> None:
    for channels, patch in [(1, 1), (3, 2)]:
        model = ddpm.UNet(channels, width=8, patch=patch)
        images, t = torch.randn(2, channels, 16, 24), torch.tensor([0, 999])
        noise = model(images, t)
        assert noise.shape == images.shape
        assert noise.abs().max() < 0.5  # nearly "no noise"
    torch.nn.init.normal_(model.leave[0].weight)
    other = model(images, torch.tensor([500, 999]))
    assert not torch.allclose(model(images, t)[0], other[0])  # it knows the time
    torch.testing.assert_close(model(images, t)[1], other[1])  # and each image its own


def test_noise_at_once_is_noise_step_by_step() -> None:
    betas, random = ddpm.schedule(50), torch.Generator().manual_seed(0)
    images = torch.full((1, 1, 200, 200), 0.7)
    stepped = images.clone()
    for beta in betas[:30].tolist():
        stepped = (1 - beta) ** 0.5 * stepped + beta**0.5 * torch.randn(images.shape, generator=random)
    at_once = ddpm.add_noise(images, torch.randn(images.shape, generator=random), torch.tensor([29]), betas)
    error = 4.5 / 200  # standard errors of a mean of 40,000 values of variance 1 at most
    assert stepped.mean().item() == pytest.approx(at_once.mean().item(), abs=error * 2**0.5)
    assert stepped.std().item() == pytest.approx(at_once.std().item(), abs=error)


def test_it_learns_digits(digits: Tensor, logged) -> None:
    torch.manual_seed(0)
    model, betas, images = ddpm.UNet(1, width=8, patch=1), ddpm.schedule(100), digits * 2 - 1
    means = ddpm.train(
        model, images[:1000], betas, epochs=2, held_out=images[1500:], learning_rate=4e-3, average=0.9, run=logged
    )
    assert means[-1] < 0.7 * means[0] and not model.training
    assert len(logged.values("loss")) == 32
    assert logged.values("val_loss")[-1] == pytest.approx(ddpm.evaluate(model, images[1500:], betas))
    assert logged.values("val_loss")[-1] < 0.5
    made = ddpm.sample(model, betas, (8, 1, 8, 8), seed=3)
    assert made.shape == (8, 1, 8, 8) and made.abs().max() <= 1
    assert torch.equal(made, ddpm.sample(model, betas, (8, 1, 8, 8), seed=3))


def test_the_sampler_finds_the_image_that_the_model_knows() -> None:
    """A model that knows the only image there is: the noise follows from equation 4."""
    betas, image = ddpm.schedule(40), torch.linspace(-0.9, 0.9, 64).view(1, 1, 8, 8)
    kept = torch.cumprod(1 - betas, 0).float()

    class Knows(ddpm.UNet):
        def forward(self, images: Tensor, t: Tensor) -> Tensor:
            at = kept[t][:, None, None, None]
            return (images - at.sqrt() * image) / (1 - at).sqrt()

    torch.testing.assert_close(ddpm.sample(Knows(), betas, (2, 1, 8, 8)), image.expand(2, -1, -1, -1))


@pytest.mark.packages
def test_the_cached_weights_tell_the_noise_in_emoji(weights: Path) -> None:
    with np.load(data.load("emoji") / "emoji.npz") as arrays:
        wanted = list(arrays["categories"]).index("Smileys & Emotion")
        images = torch.from_numpy(arrays["images"][arrays["labels"] == wanted]).permute(0, 3, 1, 2) / 127.5 - 1
    model = load_weights(ddpm.UNet(), weights / "ddpm.safetensors")
    untrained = ddpm.evaluate(ddpm.UNet(), images, ddpm.schedule(), predicts="velocity")
    assert ddpm.evaluate(model, images, ddpm.schedule(), predicts="velocity") < 0.3 < 0.7 < untrained

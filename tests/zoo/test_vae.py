"""The VAE has the paper's loss, learns, and its cached weights reconstruct clothes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal, kl_divergence

from nnwidgets import data
from nnwidgets.zoo import vae
from nnwidgets.zoo.weights import load_weights


def test_shapes() -> None:
    model = vae.VAE(latent_size=5, channels=3, size=32).eval()
    images = torch.rand(4, 3, 32, 32)
    reconstruction, mean, log_variance = model(images)
    assert reconstruction.shape == images.shape and mean.shape == log_variance.shape == (4, 5)
    torch.testing.assert_close(reconstruction, model.decode(model.encode(images)[0]))  # no draw in eval
    assert not torch.equal(model.train()(images)[0], reconstruction)
    with pytest.raises(ValueError, match="size=30, but"):
        vae.VAE(size=30)


def test_the_loss_is_that_of_the_distributions() -> None:
    images = torch.rand(3, 1, 8, 8).round()
    reconstruction, mean, log_variance = torch.rand(3, 1, 8, 8), torch.randn(3, 2), torch.randn(3, 2)
    pixels, divergence = vae.loss(images, reconstruction, mean, log_variance)
    torch.testing.assert_close(pixels, -Bernoulli(reconstruction).log_prob(images).sum() / 3)
    expected = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum() / 3
    torch.testing.assert_close(divergence, expected)


def test_it_learns_digits(digits: Tensor, logged) -> None:
    def trained() -> tuple[vae.VAE, list[float]]:
        torch.manual_seed(0)
        model = vae.VAE(size=8)
        done: list[tuple[int, int]] = []
        means = vae.train(
            model, digits[:1500], epochs=3, batch_size=50, held_out=digits[1500:], run=logged,
            progress=lambda *each: done.append(each),
        )  # fmt: skip
        assert done == [(step, 90) for step in range(1, 91)] and not model.training
        return model, means

    before = torch.random.get_rng_state()
    model, means = trained()
    assert means[-1] < 0.85 * means[0]
    assert len(logged.values("loss")) == 90
    measured = logged.values("val_loss")
    assert len(measured) == 3 and measured[-1] < measured[0]
    assert measured[-1] == pytest.approx(vae.evaluate(model, digits[1500:]))
    again = trained()[0]
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    torch.random.set_rng_state(before)


@pytest.mark.packages
@pytest.mark.parametrize(("name", "latent_size", "bound"), [("vae", 2, 275), ("vae_10d", 10, 255)])
def test_the_cached_weights_reconstruct_clothes(name: str, latent_size: int, bound: float, weights: Path) -> None:
    with np.load(data.load("fashion-mnist") / "fashion-mnist.npz") as arrays:
        images = torch.from_numpy(arrays["test_images"][:1000, None]) / 255
    torch.manual_seed(0)
    assert vae.evaluate(vae.VAE(latent_size), images) > 500
    assert vae.evaluate(load_weights(vae.VAE(latent_size), weights / f"{name}.safetensors"), images) < bound

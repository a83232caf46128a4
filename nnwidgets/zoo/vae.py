"""The variational autoencoder: images as points of a small latent space, and back."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from nnwidgets.zoo.training import Log


class VAE(nn.Module):
    """A convolutional encoder to a normal distribution in latent space, and a decoder back to pixels.

    After Kingma and Welling (2014), "Auto-Encoding Variational Bayes".

    Args:
        latent_size: dimensions of the latent space.
        channels: of the images.
        size: their height and width, a multiple of 4.
        width: channels of the first convolution; twice that of the second.

    Shapes: images `[batch, channels, size, size]`, 0 to 1 → reconstruction of that shape, mean and log variance
    `[batch, latent_size]`.

    Raises:
        ValueError: `size` is no multiple of 4.
    """

    def __init__(self, latent_size: int = 2, channels: int = 1, size: int = 28, width: int = 16) -> None:
        super().__init__()
        if size < 4 or size % 4:
            raise ValueError(f"size={size}, but two strided convolutions need a multiple of 4")
        self.latent_size = latent_size
        maps, small = 2 * width, size // 4
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, maps, 4, 2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(maps * small * small, 128),
            nn.ReLU(),
        )
        self.mean = nn.Linear(128, latent_size)
        self.log_variance = nn.Linear(128, latent_size)
        self.decoder = nn.Sequential(
            nn.Linear(latent_size, 128),
            nn.ReLU(),
            nn.Linear(128, maps * small * small),
            nn.ReLU(),
            nn.Unflatten(1, (maps, small, small)),
            nn.ConvTranspose2d(maps, width, 4, 2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, 2, padding=1),
        )

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and the log variance of each image's place in latent space."""
        features = self.encoder(images)
        return self.mean(features), self.log_variance(features)

    def decode(self, latents: Tensor) -> Tensor:
        """`[batch, latent_size]` → images, 0 to 1."""
        return torch.sigmoid(self.decoder(latents))

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, draw (in training; else the mean is taken), decode: the reparametrisation of section 2.4."""
        mean, log_variance = self.encode(images)
        latents = mean
        if self.training:
            noise = torch.randn(mean.shape, generator=generator).to(mean)
            latents = mean + (log_variance / 2).exp() * noise
        return self.decode(latents), mean, log_variance


def loss(images: Tensor, reconstruction: Tensor, mean: Tensor, log_variance: Tensor) -> tuple[Tensor, Tensor]:
    """The two halves of the negative evidence lower bound, in nats an image: reconstruction, and divergence.

    The reconstruction is Bernoulli (as in the paper's appendix C), the divergence that from a standard normal
    distribution (appendix B). Their sum is what is minimised.
    """
    # As logits would be steadier, but images are what `decode` gives: clamped, the logarithm stays finite.
    pixels = functional.binary_cross_entropy(reconstruction.clamp(1e-6, 1 - 1e-6), images, reduction="sum")
    divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum()
    return pixels / len(images), divergence / len(images)


def train(
    model: VAE,
    images: Tensor,
    *,
    epochs: int = 10,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    seed: int = 0,
    held_out: Tensor | None = None,
    run: Log | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[float]:
    """Train on `images` `[n, channels, size, size]`, 0 to 1, by Adam with a cosine schedule; leaves `model` in eval.

    Args:
        seed: of the order of the images and of the draws; the global generators stay as they are.
        held_out: images whose loss is measured after each epoch.
        run: gets `loss`, `reconstruction` and `divergence` each step, `val_loss` each epoch.
        progress: called with (steps done, steps in all).

    Returns:
        The mean loss of each epoch, in nats an image.
    """
    generator = torch.Generator().manual_seed(seed)
    steps = epochs * -(-len(images) // batch_size)
    optimizer = torch.optim.Adam(model.parameters(), learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    means, step = [], 0
    model.train()
    try:
        for _ in range(epochs):
            total = 0.0
            for chosen in torch.randperm(len(images), generator=generator).split(batch_size):
                batch = images[chosen]
                pixels, divergence = loss(batch, *model(batch, generator))
                optimizer.zero_grad()
                (pixels + divergence).backward()
                optimizer.step()
                schedule.step()
                step += 1
                value = (pixels + divergence).item()
                total += value * len(batch)
                if run is not None:
                    run.log(step, loss=value, reconstruction=pixels.item(), divergence=divergence.item())
                if progress is not None:
                    progress(step, steps)
            means.append(total / len(images))
            if run is not None and held_out is not None:
                run.log(step, val_loss=evaluate(model, held_out))
    finally:
        model.eval()
    return means


@torch.no_grad()
def evaluate(model: VAE, images: Tensor, batch_size: int = 500) -> float:
    """The mean loss of images that were not trained on, at the encoder's means; the model's mode stays as it is."""
    training = model.training
    model.eval()
    total = sum(float(sum(loss(batch, *model(batch)))) * len(batch) for batch in images.split(batch_size))
    model.train(training)
    return total / len(images)

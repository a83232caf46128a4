"""The DCGAN: a generator and a discriminator, both convolutional, train each other."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from nnwidgets.zoo.training import Log


class Generator(nn.Module):
    """Strided transposed convolutions from noise to an image, with batch normalisation and ReLU between.

    After Radford, Metz and Chintala (2016), "Unsupervised Representation Learning with Deep Convolutional Generative
    Adversarial Networks", for small images.

    Args:
        latent_size: length of the noise vector.
        channels: of the images.
        size: their height and width, a multiple of 4.
        width: channels of the last hidden layer.
        normalized: whether there is batch normalisation. Without it a generator tends to make one and the same image
            of all noise: the paper's section 3 found it critical against that.

    Shapes: latents `[batch, latent_size]` → images `[batch, channels, size, size]`, −1 to 1.
    """

    def __init__(
        self, latent_size: int = 64, channels: int = 1, size: int = 28, width: int = 32, normalized: bool = True
    ) -> None:
        super().__init__()
        if size < 4 or size % 4:
            raise ValueError(f"size={size}, but two strided convolutions need a multiple of 4")
        self.latent_size = latent_size
        self.layers = nn.Sequential(
            nn.Unflatten(1, (latent_size, 1, 1)),
            nn.ConvTranspose2d(latent_size, 4 * width, size // 4, bias=not normalized),
            _normalization(4 * width, normalized),
            nn.ReLU(),
            nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, padding=1, bias=not normalized),
            _normalization(2 * width, normalized),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, 2, padding=1, bias=not normalized),
            _normalization(width, normalized),
            nn.ReLU(),
            nn.Conv2d(width, channels, 3, padding=1),
            nn.Tanh(),
        )
        self.apply(_start)

    def forward(self, latents: Tensor) -> Tensor:
        images: Tensor = self.layers(latents)
        return images


class Discriminator(nn.Module):
    """Strided convolutions with leaky ReLU: whether an image is from the data.

    Args:
        channels, size: of the images.
        width: channels of the first convolution.
        normalized: whether there is batch normalisation, by which images of one batch are seen beside each other.

    Shapes: images `[batch, channels, size, size]`, −1 to 1 → logits `[batch]`, above 0 for "from the data".
    """

    def __init__(self, channels: int = 1, size: int = 28, width: int = 32, normalized: bool = True) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, 2, padding=1, bias=not normalized),
            _normalization(2 * width, normalized),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, 2, padding=1, bias=not normalized),
            _normalization(4 * width, normalized),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(4 * width * (-(-size // 8)) ** 2, 1),
        )
        self.apply(_start)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(images)
        return logits.squeeze(1)


class FaceGenerator(nn.Module):
    """The paper's generator for 64 × 64 colour images: 3,576,704 parameters. `load("face-generator")` has weights.

    Shapes: latents `[batch, 100]` → images `[batch, 3, 64, 64]`, −1 to 1.
    """

    latent_size = 100

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ConvTranspose2d(100, 512, 4, bias=False), nn.BatchNorm2d(512), nn.ReLU()]
        for maps in [512, 256, 128]:
            layers += [
                nn.ConvTranspose2d(maps, maps // 2, 4, 2, padding=1, bias=False),
                nn.BatchNorm2d(maps // 2),
                nn.ReLU(),
            ]
        self.main = nn.Sequential(*layers, nn.ConvTranspose2d(64, 3, 4, 2, padding=1, bias=False), nn.Tanh())

    def forward(self, latents: Tensor) -> Tensor:
        images: Tensor = self.main(latents[:, :, None, None])
        return images


def _normalization(maps: int, normalized: bool) -> nn.Module:
    return nn.BatchNorm2d(maps) if normalized else nn.Identity()


def _start(layer: nn.Module) -> None:
    """The paper's first weights: normal, of standard deviation 0.02 (the scales of batch normalisation around 1)."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)


def diversity(images: Tensor) -> float:
    """How far images are from each other: the mean root-mean-square difference of all pairs. 0: all are one.

    They are compared at a quarter of their size, so that flicker from pixel to pixel counts for nothing. A generator
    that has collapsed has a small share of the data's. (Salimans et al. 2016, "Improved Techniques for Training GANs",
    watch for the same within a batch.)
    """
    coarse = functional.avg_pool2d(images, 4).flatten(1)
    return float(functional.pdist(coarse).mean() / coarse.shape[1] ** 0.5)


def grid(images: Tensor, columns: int) -> Tensor:
    """Images `[n, channels, height, width]`, −1 to 1, as one `[channels, rows · height, columns · width]`, 0 to 1.

    Where the last row is not full, its rest is white.
    """
    missing = -len(images) % columns
    rows = (
        torch.cat([images, images.new_ones(missing, *images.shape[1:])])
        .unflatten(0, (-1, columns))
        .permute(2, 0, 3, 1, 4)
    )
    sheet: Tensor = (rows.flatten(3).flatten(1, 2) + 1) / 2
    return sheet


def train(
    generator: Generator,
    discriminator: Discriminator,
    images: Tensor,
    *,
    epochs: int = 10,
    batch_size: int = 64,
    generator_rate: float = 2e-4,
    discriminator_rate: float = 2e-4,
    generator_steps: int = 1,
    seed: int = 0,
    run: Log | None = None,
    samples: int = 64,
    samples_every: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[tuple[float, float]]:
    """Train both on `images` `[n, channels, size, size]`, −1 to 1, by the paper's Adam; leaves both in eval.

    Args:
        generator_steps: updates of the generator for each of the discriminator. With many it comes to make only what
            this discriminator is most surely fooled by: a mode collapse.
        seed: of the order of the images and of the noise; the global generators stay as they are.
        run: gets `generator_loss` and `discriminator_loss` each step; and what the generator makes of the same noise,
            before the first step and then as often as `samples_every` says: the picture `samples`, their `diversity`,
            and that of as many images of the data, `data_diversity`.
        samples: how many the noise stands for.
        samples_every: in steps; None for once an epoch.
        progress: called with (steps done, steps in all).

    Returns:
        The mean losses of generator and discriminator in each epoch.

    Raises:
        ValueError: there are fewer images than a batch has.
    """
    random = torch.Generator().manual_seed(seed)
    latent_size = generator.latent_size
    fixed = torch.randn(samples, latent_size, generator=random)
    data_diversity = diversity(images[torch.randperm(len(images), generator=random)[:samples]])
    per_epoch = len(images) // batch_size
    if not per_epoch:
        raise ValueError(f"batch_size={batch_size}, but there are {len(images)} images")
    every = samples_every or per_epoch
    makers = torch.optim.Adam(generator.parameters(), generator_rate, betas=(0.5, 0.999))
    judges = torch.optim.Adam(discriminator.parameters(), discriminator_rate, betas=(0.5, 0.999))

    def show(step: int) -> None:
        if run is None:
            return
        generator.eval()
        with torch.no_grad():
            made = generator(fixed)
        generator.train()
        picture = grid(made, round(samples**0.5))
        run.log(step, samples=picture, diversity=diversity(made), data_diversity=data_diversity)

    means, step = [], 0
    generator.train()
    discriminator.train()
    try:
        show(0)
        for _ in range(epochs):
            totals = [0.0, 0.0]
            order = torch.randperm(len(images), generator=random)
            for chosen in order[: per_epoch * batch_size].split(batch_size):
                made = generator(torch.randn(batch_size, latent_size, generator=random))
                right, wrong = discriminator(images[chosen]), discriminator(made.detach())
                judged = _cross_entropy(right, 1.0) + _cross_entropy(wrong, 0.0)
                judges.zero_grad()
                judged.backward()
                judges.step()

                for turn in range(generator_steps):
                    if turn:
                        made = generator(torch.randn(batch_size, latent_size, generator=random))
                    fooled = _cross_entropy(discriminator(made), 1.0)  # the non-saturating loss
                    makers.zero_grad()
                    fooled.backward()
                    makers.step()

                step += 1
                losses = fooled.item(), judged.item()
                totals = [total + each for total, each in zip(totals, losses, strict=True)]
                if run is not None:
                    run.log(step, generator_loss=losses[0], discriminator_loss=losses[1])
                if step % every == 0:
                    show(step)
                if progress is not None:
                    progress(step, epochs * per_epoch)
            means.append((totals[0] / per_epoch, totals[1] / per_epoch))
    finally:
        generator.eval()
        discriminator.eval()
    return means


def _cross_entropy(logits: Tensor, target: float) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))

"""The DCGAN has the paper's layers, trains on digits, and its cached generator makes different clothes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import nnwidgets as nnw
from nnwidgets.runs.diagnosis import diagnose
from nnwidgets.zoo import dcgan
from nnwidgets.zoo.weights import load_weights


def test_shapes() -> None:
    for size, channels in [(28, 1), (32, 3)]:
        generator, discriminator = dcgan.Generator(64, channels, size), dcgan.Discriminator(channels, size)
        images = generator(torch.randn(5, 64))
        assert images.shape == (5, channels, size, size) and images.abs().max() <= 1
        assert discriminator(images).shape == (5,)
    with pytest.raises(ValueError, match="size=30, but"):
        dcgan.Generator(size=30)


def test_the_papers_generator_has_its_size() -> None:
    generator = dcgan.FaceGenerator()
    assert sum(parameter.numel() for parameter in generator.parameters()) == 3_576_704
    assert generator(torch.zeros(2, 100)).shape == (2, 3, 64, 64)


def test_diversity_is_of_coarse_pictures() -> None:
    one, images = torch.rand(1, 1, 8, 8), torch.rand(20, 1, 2, 2).repeat_interleave(4, 2).repeat_interleave(4, 3)
    pairs = [(images[i] - images[j]).square().mean().sqrt() for i in range(20) for j in range(i)]
    expected = float(torch.stack(pairs).mean())
    assert dcgan.diversity(images) == pytest.approx(expected, rel=1e-5)
    assert dcgan.diversity(one.expand(20, -1, -1, -1)) == pytest.approx(0, abs=1e-6)
    flicker = one + torch.tensor([1.0, -1.0]).repeat(4) * torch.randint(0, 2, (20, 1, 8, 1))
    assert dcgan.diversity(flicker) == pytest.approx(0, abs=1e-6)


def test_the_grid_goes_row_by_row() -> None:
    images = torch.linspace(-1, 1, 6)[:, None, None, None].expand(6, 3, 4, 5)
    grid = dcgan.grid(images, columns=3)
    assert grid.shape == (3, 8, 15)
    torch.testing.assert_close(grid[1, ::4, ::5], torch.tensor([[0.0, 0.2, 0.4], [0.6, 0.8, 1.0]]))


def test_the_rest_of_a_last_row_is_white() -> None:
    assert dcgan.grid(torch.zeros(5, 1, 2, 2), columns=3)[0, 2:, 4:].tolist() == [[1, 1], [1, 1]]
    with pytest.raises(ValueError, match="batch_size=64, but there are 2 images"):
        dcgan.train(dcgan.Generator(), dcgan.Discriminator(), torch.zeros(2, 1, 28, 28))


def test_it_trains_on_digits(digits: Tensor, logged) -> None:
    torch.manual_seed(0)
    generator, discriminator = dcgan.Generator(16, size=8, width=8), dcgan.Discriminator(size=8, width=8)
    images = digits * 2 - 1
    with torch.no_grad():
        first = generator.eval()(torch.randn(200, 16)).mean(0)
    means = dcgan.train(
        generator, discriminator, images, epochs=4, generator_rate=1e-3, discriminator_rate=2e-3, run=logged,
        samples=16, samples_every=20,
    )  # fmt: skip
    assert len(means) == 4 and not generator.training and not discriminator.training
    assert len(logged.values("generator_loss")) == len(logged.values("discriminator_loss")) == 4 * 28
    assert [step for step, _ in logged.points["samples"]] == [0, 20, 40, 60, 80, 100]
    assert logged.values("samples")[0].shape == (1, 32, 32)
    with torch.no_grad():
        last = generator(torch.randn(200, 16)).mean(0)
    data = images.mean(0)
    assert (last - data).square().mean() < 0.3 * (first - data).square().mean()  # the ink lies where digits have it
    assert logged.values("diversity")[-1] > 0.5 * logged.values("data_diversity")[-1] > 0
    assert logged.values("diversity")[0] < 0.1


def test_a_discriminator_that_sees_images_one_by_one_ends_in_a_collapse_that_is_named(digits: Tensor) -> None:
    """Recipe of the notebook: the same rates as above, but no batch normalisation in the discriminator."""
    torch.manual_seed(0)
    generator, discriminator = (
        dcgan.Generator(16, size=8, width=8),
        dcgan.Discriminator(size=8, width=8, normalized=False),
    )
    with nnw.RunStore(":memory:").run("collapse") as run:
        dcgan.train(
            generator, discriminator, digits * 2 - 1, epochs=8, generator_rate=1e-3, discriminator_rate=2e-3, run=run,
            samples_every=10,
        )  # fmt: skip
    assert "mode_collapse" in [finding.kind for finding in diagnose(run)]


def test_a_stopped_training_leaves_both_in_eval(digits: Tensor) -> None:
    generator, discriminator = dcgan.Generator(16, size=8, width=8), dcgan.Discriminator(size=8, width=8)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dcgan.train(generator, discriminator, digits, progress=stop)
    assert not generator.training and not discriminator.training


def test_the_cached_generator_makes_different_sharp_clothes(weights: Path) -> None:
    def made(generator: nn.Module) -> Tensor:
        with torch.no_grad():
            return generator.eval()(torch.randn(64, 64, generator=torch.Generator().manual_seed(0)))

    torch.manual_seed(0)
    untrained = made(dcgan.Generator(width=24))
    images = made(load_weights(dcgan.Generator(width=24), weights / "dcgan.safetensors"))
    assert dcgan.diversity(images) > 0.5 > 0.1 > dcgan.diversity(untrained)
    corners = images[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners < -0.9).float().mean() > 0.9  # clothes lie on black
    assert (images > 0).float().mean() > 0.2

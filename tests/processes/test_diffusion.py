"""Diffusion against its closed forms: with an exact denoiser, schedules, the bits of every way to a step."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from nnwidgets.processes import Diffusion, ProcessError, Schedule, cosine, linear
from nnwidgets.source import NotStored

SHAPE = (1, 4, 4)


class Exact:
    """The best denoiser there is for images of independent pixels N(mean, spread²): E[ε | x]."""

    def __init__(self, schedule: Schedule, mean: float, spread: float) -> None:
        self.bars, self.mean, self.spread, self.calls = schedule.alphas_bar, mean, spread, 0

    def __call__(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        bar = float(self.bars[int(t[0])])
        return math.sqrt(1 - bar) * (x - math.sqrt(bar) * self.mean) / (bar * self.spread**2 + 1 - bar)


class Net(torch.nn.Module):
    """A small network with all that must be left alone: dropout, batch norm, a part that is in eval already."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU(inplace=True)
        )
        self.dropout = torch.nn.Dropout(0.5).eval()
        self.head = torch.nn.Conv2d(4, 1, 3, padding=1)
        self.seen: list[bool] = []

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        self.seen.append(self.training or torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"))
        x.relu_()  # a model may work in place
        return self.head(self.dropout(self.body(x + t[:, None, None, None] / 1000)))


def net(**keywords: object) -> Diffusion:
    return Diffusion(Net(), shape=SHAPE, timesteps=50, samples=3, **keywords)  # type: ignore[arg-type]


@pytest.mark.parametrize("schedule", [linear(), cosine(), linear(100, 1e-3, 0.2)])
@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_forward_marginals_match_the_closed_form(schedule: Schedule, share: float) -> None:
    t = round(share * (len(schedule) - 1))
    image = torch.linspace(-1, 1, 16).reshape(SHAPE)
    samples = 20_000
    process = Diffusion(lambda x, t: x, shape=SHAPE, schedule=schedule, seed=5)
    noisy = process.forward(image.expand(samples, *SHAPE), t).double()
    bar = float(np.prod(1 - schedule.betas[: t + 1]))
    error = math.sqrt((1 - bar) / samples)
    assert (noisy.mean(0) - math.sqrt(bar) * image).abs().max() < 4.5 * error
    assert (noisy.var(0) / (1 - bar) - 1).abs().max() < 4.5 * math.sqrt(2 / samples)


def test_the_chain_of_single_steps_comes_to_the_closed_form() -> None:
    schedule, samples = linear(100, 1e-3, 0.2), 10_000
    image = torch.linspace(-1, 1, 16).reshape(SHAPE)
    chain, generator = image.expand(samples, *SHAPE), torch.Generator().manual_seed(0)
    for beta in schedule.betas[:40]:
        noise = torch.randn(samples, *SHAPE, generator=generator)
        chain = math.sqrt(1 - beta) * chain + math.sqrt(beta) * noise
    bar = schedule.alphas_bar[39]
    error = math.sqrt((1 - bar) / samples)
    assert (chain.double().mean(0) - math.sqrt(bar) * image).abs().max() < 4.5 * error
    assert (chain.double().var(0) / (1 - bar) - 1).abs().max() < 4.5 * math.sqrt(2 / samples)


@pytest.mark.parametrize(
    ("sampler", "eta", "timesteps"), [("ddpm", 0, None), ("ddpm", 0, 100), ("ddim", 0.0, 100), ("ddim", 0.5, 100)]
)
def test_an_exact_denoiser_gives_the_images_that_it_was_made_for(sampler: str, eta: float, timesteps: int) -> None:
    mean, spread, samples = 0.3, 0.2, 500
    schedule = cosine(400)
    model = Exact(schedule, mean, spread)
    process = Diffusion(
        model,
        shape=SHAPE,
        schedule=schedule,
        samples=samples,
        sampler=sampler,
        eta=eta,
        timesteps=timesteps,
        clip=False,
    )  # type: ignore[arg-type]
    end = process.state(process.steps)
    assert model.calls == process.steps  # one run of the model a step, its measures included
    count = samples * 16
    assert abs(float(end.mean()) - mean) < 4.5 * spread / math.sqrt(count) + 0.01
    assert (
        abs(float(end.std()) / spread - 1) < 4.5 / math.sqrt(2 * count) + 0.06
    )  # of steps that are not infinitely small


def test_ddpm_takes_the_posterior_of_ho_et_al() -> None:
    schedule = linear(20, 0.01, 0.3)
    process = Diffusion(lambda x, t: torch.full_like(x, 0.25), shape=SHAPE, schedule=schedule, samples=2, clip=False)
    bars, betas = schedule.alphas_bar, schedule.betas
    for step in (0, 7, 18):
        t = process.timesteps[step]
        x, after = process.state(step).double(), process.state(step + 1).double()
        before = bars[t - 1]
        image = (x - math.sqrt(1 - bars[t]) * 0.25) / math.sqrt(bars[t])
        mean = math.sqrt(before) * betas[t] / (1 - bars[t]) * image
        mean = mean + math.sqrt(1 - betas[t]) * (1 - before) / (1 - bars[t]) * x
        variance = (1 - before) / (1 - bars[t]) * betas[t]
        noise = (after - mean) / math.sqrt(variance)
        assert torch.allclose(noise, process._noise(0, step + 1).double(), atol=1e-4)
    x, end = process.state(19), process.state(20)
    assert torch.allclose(
        end, (x - math.sqrt(1 - bars[0]) * 0.25) / math.sqrt(bars[0]), atol=1e-6
    )  # no noise at the end


def test_ddim_is_deterministic_and_consistent() -> None:
    first, again = net(sampler="ddim"), net(sampler="ddim")
    assert torch.equal(first.state(50), again.state(50))
    assert not torch.equal(net(sampler="ddim", seed=1).state(50), first.state(50))
    assert not torch.equal(net(sampler="ddim", eta=1.0).state(50), first.state(50))
    assert torch.allclose(net(sampler="ddim", eta=1.0).state(50), net().state(50))
    start = torch.randn(3, *SHAPE)
    ends = [process.state(50, process.edit(0, start).index) for process in (first, net(sampler="ddim", seed=9))]
    assert torch.equal(*ends)  # the seed is in the start alone


@pytest.mark.parametrize("sampler", ["ddpm", "ddim"])
def test_scrubbing_gives_the_bits_of_a_straight_run(sampler: str) -> None:
    straight = net(sampler=sampler)
    states = [straight.state(step) for step in range(51)]
    scrubbed = net(sampler=sampler, memory_limit=10_000)
    assert scrubbed.interval > 1
    for step in (50, 3, 49, 20, 21, 19, 33, 0):
        assert torch.equal(scrubbed.state(step), states[step])
        torch.rand(7)  # a caller that draws in between
    branch = scrubbed.edit(17, scrubbed.state(17))
    assert torch.equal(scrubbed.state(50, branch.index), states[50])
    assert np.array_equal(scrubbed.curve("change", branch.index), straight.curve("change"), equal_nan=True)


def test_a_model_that_draws_random_numbers_draws_the_same_again() -> None:
    def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return x * 0.5 + 0.1 * torch.randn_like(x)

    before = torch.get_rng_state()
    straight = Diffusion(model, shape=SHAPE, timesteps=40)
    states = [straight.state(step) for step in range(41)]
    scrubbed = Diffusion(model, shape=SHAPE, timesteps=40, memory_limit=10_000)
    assert all(torch.equal(scrubbed.state(step), states[step]) for step in (40, 7, 22, 5))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_branch_with_other_noise_shares_its_past() -> None:
    process = net()
    branch = process.branch_noise(20, seed=1)
    assert (branch.step, branch.label) == (20, "noise 1 from step 20")
    for step in (0, 19, 20):
        assert torch.equal(process.state(step, branch.index), process.state(step))
    assert not torch.equal(process.state(21, branch.index), process.state(21))
    again = process.branch_noise(20, seed=0)  # the process's own
    assert torch.equal(process.state(50, again.index), process.state(50))
    child = process.edit(30, process.state(30, branch.index), branch=branch.index)
    assert torch.equal(process.state(50, child.index), process.state(50, branch.index))
    with pytest.raises(ValueError, match=r"eta=0 draws no noise"):
        net(sampler="ddim").branch_noise(3, seed=1)


def test_the_model_is_left_as_it_was() -> None:
    model = Net()
    flags = [module.training for module in model.modules()]
    buffers = [buffer.clone() for buffer in model.buffers()]
    process = Diffusion(model, shape=SHAPE, timesteps=5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        end = process.state(5)
    assert not any(model.seen)
    assert end.dtype == torch.float32 and not end.requires_grad
    assert [module.training for module in model.modules()] == flags
    assert all(map(torch.equal, buffers, model.buffers()))
    assert torch.equal(end, Diffusion(Net(), shape=SHAPE, timesteps=5).state(5))


def test_what_the_model_sees() -> None:
    process = net()
    for step in (0, 20, 49):
        x, bar = process.state(step), process.schedule.alphas_bar[process.timesteps[step]]
        image, noise = process.predicted(step), process.noise_estimate(step)
        assert image.abs().max() <= 1
        assert torch.allclose(math.sqrt(bar) * image + math.sqrt(1 - bar) * noise, x, atol=1e-5)
        assert process.measured(step)["noise_norm"] == pytest.approx(float(noise.square().mean().sqrt()), rel=1e-5)
        assert process.measured(step)["signal_to_noise"] == pytest.approx(bar / (1 - bar))
    assert torch.equal(process.predicted(50), process.state(50))
    assert not process.noise_estimate(50).any()
    assert process.measured(50)["signal_to_noise"] == math.inf
    seen = process.predictions(10, 15)
    assert all(torch.equal(image, process.predicted(step)) for step, image in enumerate(seen, 10))
    with process.stored_only(), pytest.raises(NotStored):
        process.predicted(12)


@pytest.mark.parametrize("predicts", ["image", "velocity"])
def test_models_that_predict_something_else(predicts: str) -> None:
    schedule = cosine(60)
    exact = Exact(schedule, 0.3, 0.2)

    def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        bar = float(schedule.alphas_bar[int(t[0])])
        noise = exact(x, t)
        image = (x - math.sqrt(1 - bar) * noise) / math.sqrt(bar)
        return image if predicts == "image" else math.sqrt(bar) * noise - math.sqrt(1 - bar) * image

    made = [
        Diffusion(each, shape=SHAPE, schedule=schedule, predicts=kind, clip=False).state(60)  # type: ignore[arg-type]
        for each, kind in ((exact, "noise"), (model, predicts))
    ]
    assert torch.allclose(*made, atol=1e-3)


def test_labels_are_given_to_the_model() -> None:
    def model(x: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return x - labels[:, None, None, None].float()

    process = Diffusion(model, shape=SHAPE, samples=2, labels=[0, 1], timesteps=4, predicts="image", clip=False)
    assert process.state(4).shape == (2, *SHAPE)
    with pytest.raises(ValueError, match=r"labels has 3 classes, but there are 2 samples"):
        Diffusion(model, shape=SHAPE, samples=2, labels=[0, 1, 2])


def test_schedules() -> None:
    assert linear().betas[[0, -1]].tolist() == [1e-4, 0.02]
    bars = np.cos((np.arange(1, 1001) / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2 / np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    assert np.allclose(cosine().alphas_bar[:990], bars[:990])
    assert (np.diff(cosine().signal_to_noise) < 0).all()
    process = Diffusion(lambda x, t: x, shape=SHAPE, schedule="cosine", timesteps=20)
    assert process.timesteps[0] == 999 and process.timesteps[-1] == 0 and process.steps == 20
    chosen = Diffusion(lambda x, t: x, shape=SHAPE, timesteps=[10, 500, 999])
    assert chosen.timesteps == (999, 500, 10)
    betas = Diffusion(lambda x, t: x, shape=SHAPE, schedule=torch.tensor([0.1, 0.2]))
    assert betas.steps == 2 and betas.signal_to_noise[1] == pytest.approx(9)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"schedule": [0.1, -0.1]},
            r"betas\[1\] is -0.1, but each step of a noise schedule is more than 0, less than 1",
        ),
        ({"schedule": [0.1, float("nan")]}, r"betas\[1\] is nan"),
        ({"schedule": [0.999] * 200}, r"betas leave 0 of the image's variance at timestep 10\d, .*: make them smaller"),
        ({"schedule": [1e-18]}, r"betas leave 1 of the image's variance at timestep 0, .*: make them larger"),
        ({"schedule": "square"}, r"schedule='square', but it is 'linear', 'cosine'"),
        ({"schedule": []}, r"betas has the shape \(0,\)"),
        ({"timesteps": 0}, r"timesteps=0, but it lies between 1 and 1000"),
        ({"timesteps": [1, 1]}, r"each once"),
        ({"timesteps": [1000]}, r"timesteps=1000, but it lies between 0 and 999"),
        ({"sampler": "euler"}, r"sampler='euler'"),
        ({"predicts": "score"}, r"predicts='score'"),
        ({"eta": 2}, r"eta=2, but it lies between 0 and 1"),
        ({"shape": (4, 4)}, r"shape=\(4, 4\), but it is \(channels, height, width\)"),
        ({"samples": 0}, r"samples=0, but it is at least 1"),
        ({"seed": -1}, r"seed=-1"),
    ],
)
def test_what_is_wrong_is_said_once(given: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Diffusion(lambda x, t: x, **({"shape": SHAPE} | given))


def test_a_model_of_the_wrong_shape_and_images_of_nan() -> None:
    process = Diffusion(lambda x, t: x[:, :, 1:], shape=SHAPE, timesteps=5)
    with pytest.raises(
        ProcessError, match=r"measuring step 0 .*the model gave \(4, 1, 3, 4\) for images \(4, 1, 4, 4\)"
    ):
        process.state(1)
    broken = Diffusion(lambda x, t: x * math.nan, shape=SHAPE, timesteps=5)
    assert broken.state(5).isnan().all()
    assert math.isnan(broken.measured(5)["change"])


def test_forward_keeps_one_noise_and_its_bounds() -> None:
    process = Diffusion(lambda x, t: x, shape=SHAPE, schedule="linear")
    image = torch.zeros(SHAPE)
    few, many = process.forward(image, [100, 900])
    assert torch.equal(process.forward(image, 900), many)
    bars = process.schedule.alphas_bar
    assert torch.allclose(few / math.sqrt(1 - bars[100]), many / math.sqrt(1 - bars[900]), atol=1e-5)
    with pytest.raises(IndexError, match=r"t=1000, but it lies between 0 and 999"):
        process.forward(image, 1000)
    with pytest.raises(ValueError, match=r"image has the shape \(3, 4, 4\), but an image here is \(1, 4, 4\)"):
        process.forward(torch.zeros(3, 4, 4), 1)

"""Small real trainings, each with something that is known to be wrong with it or with nothing: what the diagnosis is
tried on.

Every run is a function of its seed that trains a net with plain torch on scikit-learn's digits (1,797 images of 8 × 8)
or on numbers made up for it, in a few seconds on one thread, and returns what a person would have logged.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import (
    CosineAnnealingWarmRestarts,
    LambdaLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
)


class Logged(NamedTuple):
    """One series as it was logged: all that the diagnosis asks of a history."""

    steps: np.ndarray
    values: np.ndarray


Run = dict[str, Logged]


class Log:
    """Keeps what is logged, as a `Run` of the store does."""

    def __init__(self) -> None:
        self._points: dict[str, list[tuple[float, float]]] = {}

    def log(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self._points.setdefault(name, []).append((step, float(value)))

    def run(self) -> Run:
        return {name: Logged(*np.array(points, float).T) for name, points in self._points.items()}


class Data(NamedTuple):
    x: Tensor
    y: Tensor
    val_x: Tensor
    val_y: Tensor


@cache
def _digits() -> tuple[Tensor, Tensor]:
    data = load_digits()
    return torch.tensor(data.data / 16, dtype=torch.float32), torch.tensor(data.target)


def digits(seed: int, samples: int = 1000, val: int = 500) -> Data:
    x, y = _digits()
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(x)))
    train, held = order[:samples], order[-val:]
    return Data(x[train], y[train], x[held], y[held])


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """One thread, a seed, and the caller's random numbers left as they were."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def mlp(*sizes: int, activation: type[nn.Module] = nn.ReLU, dropout: float = 0) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size, following in pairwise(sizes):
        layers += [nn.Linear(size, following), activation()]
        if dropout:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers[: -2 if dropout else -1])


def cnn() -> nn.Sequential:
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 12, 3, padding=1),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 24, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24 * 16, 10),
    )


class Watch:
    """What `nnw.watch` logs of a model, by the same names."""

    def __init__(self, model: nn.Module) -> None:
        self._layers = {
            path: list(module.parameters(recurse=False))
            for path, module in model.named_modules()
            if any(True for _ in module.parameters(recurse=False))
        }
        self._active: dict[str, Tensor] = {}
        for path, module in model.named_modules():
            if isinstance(module, nn.ReLU):
                module.register_forward_hook(self._saw(path))

    def _saw(self, path: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            active = (
                (output.detach() > 0).flatten(2).any(2).any(0) if output.dim() > 2 else (output.detach() > 0).any(0)
            )
            self._active[path] = self._active[path] | active if path in self._active else active

        return hook

    def before_step(self) -> dict[str, float]:
        values: dict[str, float] = {}
        squares = 0.0
        self._before = {path: [each.detach().clone() for each in layer] for path, layer in self._layers.items()}
        for path, layer in self._layers.items():
            gradients = torch.cat([each.grad.flatten() for each in layer if each.grad is not None])
            values[f"gradient_mean/{path}"] = gradients.abs().mean().item()
            values[f"gradient_max/{path}"] = gradients.abs().max().item()
            squares += gradients.double().square().sum().item()
        values["gradient_norm"] = math.sqrt(squares)
        return values

    def after_step(self) -> dict[str, float]:
        values: dict[str, float] = {}
        for path, layer in self._layers.items():
            change = sum(
                (new.detach() - old).square().sum() for new, old in zip(layer, self._before[path], strict=True)
            )
            size = sum(old.square().sum() for old in self._before[path])
            values[f"update_ratio/{path}"] = float(torch.sqrt(change / (size + 1e-12)))
        for path, active in self._active.items():
            values[f"dead/{path}"] = 1 - active.float().mean().item()
        self._active.clear()
        return values


def train(
    model: nn.Module,
    data: Data,
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    batch: int = 32,
    per: str = "step",
    schedule: LRScheduler | None = None,
    watch: int = 0,
    loss_of: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    accuracy: bool = False,
    validate: int = 1,
    clip: float | None = None,
    spoil: tuple[int, float] | None = None,
) -> Run:
    """Trains and logs: `per` step each batch's loss, or `per` epoch their mean; validation each `validate` epochs (0:
    never).

    `spoil`: each so many steps, a batch whose inputs are so many times too large.
    """
    log, step = Log(), 0
    watched = Watch(model) if watch else None
    for epoch in range(epochs):
        model.train()
        order, losses, right = torch.randperm(len(data.x)), [], 0
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            spoilt = spoil is not None and step % spoil[0] == spoil[0] - 1
            output = model(data.x[rows] * (spoil[1] if spoil and spoilt else 1))
            loss = loss_of(output, data.y[rows])
            optimizer.zero_grad()
            loss.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            now = watched is not None and step % watch == 0
            values = watched.before_step() if watched and now else {}
            optimizer.step()
            if watched and now:
                values |= watched.after_step()
            losses.append(loss.item())
            if accuracy:
                right += int((output.argmax(1) == data.y[rows]).sum())
            if per == "step":
                values["loss"] = loss.item()
            if schedule is not None:
                values["learning_rate"] = optimizer.param_groups[0]["lr"]
                schedule.step()
            log.log(step, values)
            step += 1
        at = step - 1 if per == "step" else epoch
        if per == "epoch":
            log.log(at, {"loss": float(np.mean(losses))})
        if accuracy:
            log.log(at, {"accuracy": right / len(order)})
        if validate and epoch % validate == 0:
            model.eval()
            with torch.no_grad():
                output = model(data.val_x)
                log.log(at, {"val_loss": loss_of(output, data.val_y).item()})
                if accuracy:
                    log.log(at, {"val_accuracy": (output.argmax(1) == data.val_y).float().mean().item()})
    return log.run()


SGD, Adam = torch.optim.SGD, torch.optim.Adam


# Provoked: each of these has what its name says.


def overfitting(seed: int, per: str = "epoch") -> Run:
    """A large net, a hundred noisy images, no regularisation."""
    with seeded(seed):
        model, data = mlp(64, 512, 512, 10), digits(seed, 100)
        data = data._replace(x=noisy(data.x), val_x=noisy(data.val_x))
        return train(model, data, Adam(model.parameters(), 3e-3), epochs=150, per=per, accuracy=True)


def noisy(x: Tensor) -> Tensor:
    return x + 0.3 * torch.randn_like(x)


def overfitting_wrong_labels(seed: int) -> Run:
    """Three labels in ten are wrong, and a large net learns them by heart."""
    with seeded(seed):
        data = digits(seed, 500)
        wrong = torch.rand(len(data.y)) < 0.3
        data = data._replace(y=torch.where(wrong, torch.randint(0, 10, data.y.shape), data.y))
        model = mlp(64, 256, 256, 10)
        return train(model, data, Adam(model.parameters(), 1e-3), epochs=60, per="step", accuracy=True)


def underfitting(seed: int, per: str = "epoch") -> Run:
    """Ten classes through one hidden unit."""
    with seeded(seed):
        model = mlp(64, 1, 10, activation=nn.Tanh)
        return train(model, digits(seed), Adam(model.parameters(), 1e-2), epochs=60, per=per, accuracy=True)


def underfitting_line(seed: int) -> Run:
    """A straight line through a sine: regression, with no accuracy to be logged."""
    with seeded(seed):
        x = torch.rand(800, 1) * 12 - 6
        y = torch.sin(2 * x) + 0.2 * x
        model = nn.Linear(1, 1)
        nn.init.zeros_(model.weight)
        nn.init.zeros_(model.bias)
        data = Data(x[:500], y[:500], x[500:], y[500:])
        return train(model, data, SGD(model.parameters(), 0.002), epochs=60, per="epoch", loss_of=F.mse_loss)


def rate_too_high_sgd(seed: int, rate: float = 20.0, per: str = "step") -> Run:
    with seeded(seed):
        model = mlp(64, 64, 64, 10)
        return train(model, digits(seed), SGD(model.parameters(), rate), epochs=12, per=per, watch=4)


def rate_too_high_adam(seed: int, rate: float = 1.0) -> Run:
    with seeded(seed):
        model = mlp(64, 64, 64, 10)
        return train(model, digits(seed), Adam(model.parameters(), rate), epochs=12)


def rate_too_low(seed: int, per: str = "step") -> Run:
    with seeded(seed):
        model = mlp(64, 64, 64, 10)
        return train(model, digits(seed), SGD(model.parameters(), 1e-5), epochs=15, per=per, watch=8, accuracy=True)


def vanishing(seed: int) -> Run:
    """Ten layers of sigmoids."""
    with seeded(seed):
        model = mlp(64, *[32] * 9, 10, activation=nn.Sigmoid)
        return train(model, digits(seed), SGD(model.parameters(), 0.1), epochs=10, watch=5)


def exploding_depth(seed: int) -> Run:
    """Thirty layers of tanh, drawn four times too large: the chaotic phase of Poole et al. (2016)."""
    with seeded(seed):
        model = mlp(64, *[48] * 29, 10, activation=nn.Tanh)
        for module in model.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=4 / math.sqrt(module.in_features))
        return train(model, digits(seed), SGD(model.parameters(), 1e-8), epochs=5, watch=8)


class Recurrent(nn.Module):
    """A plain RNN whose recurrent weights begin orthogonal, times `gain`; it answers at each step."""

    def __init__(self, inputs: int, gain: float, nonlinearity: str) -> None:
        super().__init__()
        self.rnn = nn.RNN(inputs, 32, batch_first=True, nonlinearity=nonlinearity)
        self.out = nn.Linear(32, 1)
        with torch.no_grad():
            self.rnn.weight_hh_l0.copy_(gain * torch.linalg.qr(torch.randn(32, 32))[0])

    def forward(self, x: Tensor) -> Tensor:
        answers: Tensor = self.out(self.rnn(x)[0])[..., 0]
        return answers


def running_sums(length: int) -> Data:
    """Numbers in, at each step their sum up to there: a net must carry a value without loss to tell it."""
    x = torch.rand(600, length, 1) * 2 - 1
    y = x[..., 0].cumsum(1)
    return Data(x[:400], y[:400], x[400:], y[400:])


def exploding_recurrent(seed: int) -> Run:
    """A plain RNN of ReLUs, nothing clipped: as it learns to keep a value over 60 steps it crosses over to amplifying
    it."""
    with seeded(seed):
        model, data = Recurrent(1, 0.9, "relu"), running_sums(60)
        return train(model, data, SGD(model.parameters(), 0.01), epochs=15, batch=20, watch=1, loss_of=F.mse_loss)


def dead_bias(seed: int) -> Run:
    """Hidden units that start with a bias of −3: hardly one ever fires."""
    with seeded(seed):
        model = mlp(64, 64, 64, 10)
        nn.init.constant_(model[2].bias, -3.0)
        return train(model, digits(seed), SGD(model.parameters(), 0.05), epochs=10, watch=4)


def dead_rate(seed: int) -> Run:
    """A learning rate so large that the first steps throw most ReLUs far into the negative."""
    return rate_too_high_sgd(seed, 3.0)


def nan_by_logarithm(seed: int) -> Run:
    """Cross entropy by hand: learns well, until a probability has grown so sure that its complement's logarithm is
    infinite."""

    def by_hand(output: Tensor, target: Tensor) -> Tensor:
        sure, right = torch.sigmoid(output), F.one_hot(target, 10)
        return -(right * sure.log() + (1 - right) * (1 - sure).log()).sum(1).mean()

    with seeded(seed):
        model = mlp(64, 64, 10)
        return train(model, digits(seed), Adam(model.parameters(), 0.01), epochs=30, loss_of=by_hand)


def nan_from_the_start(seed: int) -> Run:
    """A learning rate so high that log(softmax) is infinite at the second step, and NaN from then on."""

    def by_hand(output: Tensor, target: Tensor) -> Tensor:
        return -(torch.softmax(output, 1).log() * F.one_hot(target, 10)).sum(1).mean()

    with seeded(seed):
        model = mlp(64, 64, 10)
        return train(model, digits(seed), Adam(model.parameters(), 2.0), epochs=8, loss_of=by_hand)


def diverging(seed: int, per: str = "step") -> Run:
    """Learns well, until the learning rate is multiplied by 300 half way."""
    with seeded(seed):
        model = mlp(64, 64, 64, 10)
        optimizer = Adam(model.parameters(), 2e-3)
        schedule = LambdaLR(optimizer, lambda step: 1.0 if step < 32 * 10 else 300.0)
        return train(model, digits(seed), optimizer, epochs=20, per=per, schedule=schedule)


def degrading(seed: int, per: str = "step") -> Run:
    """Learns well, then is pulled back by far too strong a weight decay that sets in half way."""
    with seeded(seed):
        model = mlp(64, 64, 64, 10)
        optimizer = SGD(model.parameters(), 0.05, momentum=0.9)
        first = train(model, digits(seed), optimizer, epochs=12, per=per)
        optimizer.param_groups[0]["weight_decay"] = 0.05
        return joined(first, train(model, digits(seed), optimizer, epochs=12, per=per))


def joined(first: Run, second: Run) -> Run:
    def after(one: Logged, other: Logged) -> Logged:
        return Logged(
            np.concatenate([one.steps, other.steps + one.steps[-1] + 1]), np.concatenate([one.values, other.values])
        )

    return {name: after(first[name], second[name]) for name in first}


def unstable(seed: int) -> Run:
    """Each 70 steps a batch with inputs that someone forgot to scale, nothing clipped: it throws the weights out."""
    with seeded(seed):
        model = mlp(64, 64, 64, 10)
        optimizer = SGD(model.parameters(), 0.05, momentum=0.5)
        return train(model, digits(seed), optimizer, epochs=24, spoil=(70, 20.0))


def unstable_edge(seed: int, per: str = "epoch") -> Run:
    """Plain gradient descent on all images at once, at a learning rate that the curvature just bears."""
    with seeded(seed):
        model = mlp(64, 64, 64, 10)
        return train(model, digits(seed), SGD(model.parameters(), 1.0), epochs=150, batch=1000, per=per)


# A small GAN on digits.


def spread(images: Tensor) -> float:
    """Mean distance between two of these images."""
    return torch.pdist(images).mean().item()


def gan(
    seed: int,
    steps: int,
    *,
    generator_rate: float = 1e-3,
    discriminator_rate: float = 1e-3,
    hidden: int = 64,
    normalised: bool = True,
    then: tuple[int, float, float] | None = None,
) -> Run:
    """Logs both losses, and every 20 steps `diversity`: the spread of 64 samples relative to that of the data.

    `then`: from that step on, the generator's and the discriminator's learning rate.
    """
    with seeded(seed):
        x = _digits()[0] * 2 - 1
        data_spread = spread(x[torch.randperm(len(x))[:256]])

        def layer(size: int) -> list[nn.Module]:
            return [nn.Linear(size, 64), *([nn.BatchNorm1d(64)] if normalised else []), nn.ReLU()]

        generator = nn.Sequential(*layer(16), *layer(64), nn.Linear(64, 64), nn.Tanh())
        discriminator = mlp(64, hidden, hidden, 1, activation=nn.LeakyReLU)
        for module in generator.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight)
        g = Adam(generator.parameters(), generator_rate, betas=(0.5, 0.999))
        d = Adam(discriminator.parameters(), discriminator_rate, betas=(0.5, 0.999))
        fixed, log = torch.randn(64, 16), Log()
        for step in range(steps):
            if then is not None and step == then[0]:
                g.param_groups[0]["lr"], d.param_groups[0]["lr"] = then[1:]
            real, fake = x[torch.randint(len(x), (64,))], generator(torch.randn(64, 16)).detach()
            d_loss = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()
            d.zero_grad()
            d_loss.backward()
            d.step()
            g_loss = F.softplus(-discriminator(generator(torch.randn(64, 16)))).mean()
            g.zero_grad()
            g_loss.backward()
            g.step()
            log.log(step, {"generator_loss": g_loss.item(), "discriminator_loss": d_loss.item()})
            if step % 20 == 0:
                with torch.no_grad():
                    log.log(step, {"diversity": spread(generator(fixed)) / data_spread})
        return log.run()


def mode_collapse(seed: int) -> Run:
    """A generator that learns well, and from half way on far faster than its discriminator: the losses stay in
    balance."""
    return gan(seed, 1000, normalised=False, then=(500, 1e-2, 1e-4))


def mode_collapse_from_the_start(seed: int) -> Run:
    """A generator that is far too fast all along."""
    return gan(seed, 800, normalised=False, generator_rate=2e-2, discriminator_rate=5e-4)


def discriminator_win(seed: int) -> Run:
    """A large, fast discriminator against a generator that hardly moves."""
    return gan(seed, 800, generator_rate=3e-5, discriminator_rate=2e-3, hidden=128)


# Healthy.


def healthy_sgd(seed: int, per: str = "step") -> Run:
    with seeded(seed):
        model = mlp(64, 64, 64, 10)
        return train(
            model, digits(seed), SGD(model.parameters(), 0.05, momentum=0.5), epochs=25, per=per, watch=4, accuracy=True
        )


def healthy_adam(seed: int, per: str = "step") -> Run:
    with seeded(seed):
        model = mlp(64, 64, 64, 10)
        return train(model, digits(seed), Adam(model.parameters(), 1e-3), epochs=25, per=per, watch=4, accuracy=True)


def healthy_dropout(seed: int) -> Run:
    with seeded(seed):
        model = mlp(64, 128, 128, 10, dropout=0.4)
        return train(model, digits(seed), Adam(model.parameters(), 2e-3), epochs=25, watch=4, accuracy=True)


def healthy_cnn(seed: int, per: str = "step") -> Run:
    with seeded(seed):
        model = cnn()
        return train(model, digits(seed), Adam(model.parameters(), 2e-3), epochs=10, per=per, watch=4, accuracy=True)


def healthy_tiny_batches(seed: int, batch: int = 4) -> Run:
    """So small batches that single losses jump by more than the run has learnt."""
    with seeded(seed):
        model = mlp(64, 64, 10)
        return train(model, digits(seed), SGD(model.parameters(), 0.01), epochs=8, batch=batch, watch=16)


def healthy_full_batch(seed: int) -> Run:
    with seeded(seed):
        model = mlp(64, 64, 10)
        return train(model, digits(seed), Adam(model.parameters(), 5e-3), epochs=150, batch=1000)


def healthy_restarts(seed: int, per: str = "step", rate: float = 0.1, logged: bool = True) -> Run:
    """Cosine annealing with warm restarts: the loss rises a little each time that the rate jumps up."""
    with seeded(seed):
        model = mlp(64, 64, 64, 10)
        optimizer = SGD(model.parameters(), rate, momentum=0.9)
        schedule = CosineAnnealingWarmRestarts(optimizer, 32 * 5)
        run = train(model, digits(seed), optimizer, epochs=22, per=per, schedule=schedule)
        return run if logged else {name: each for name, each in run.items() if name != "learning_rate"}


def healthy_one_cycle(seed: int) -> Run:
    with seeded(seed):
        model = mlp(64, 64, 64, 10)
        optimizer = SGD(model.parameters(), 0.1, momentum=0.9)
        schedule = OneCycleLR(optimizer, 0.1, total_steps=32 * 20 + 1)
        return train(model, digits(seed), optimizer, epochs=20, schedule=schedule)


def healthy_decay(seed: int) -> Run:
    with seeded(seed):
        model = mlp(64, 64, 64, 10)
        optimizer = SGD(model.parameters(), 0.15)
        schedule = MultiStepLR(optimizer, [32 * 8, 32 * 14])
        return train(model, digits(seed), optimizer, epochs=20, schedule=schedule)


def healthy_small_validation(seed: int) -> Run:
    """Thirty images to validate with."""
    with seeded(seed):
        model = mlp(64, 32, 10)
        return train(model, digits(seed, val=30), Adam(model.parameters(), 2e-3), epochs=30, per="epoch", accuracy=True)


def healthy_ten_epochs(seed: int) -> Run:
    with seeded(seed):
        model = mlp(64, 64, 10)
        return train(model, digits(seed), Adam(model.parameters(), 2e-3), epochs=10, per="epoch")


def healthy_loss_only(seed: int) -> Run:
    with seeded(seed):
        model = mlp(64, 64, 10)
        return train(model, digits(seed), SGD(model.parameters(), 0.2), epochs=15, validate=0)


def healthy_smoothed_labels(seed: int) -> Run:
    """With smoothed labels the loss cannot fall below half a nat."""
    with seeded(seed):
        model = mlp(64, 64, 10)
        loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
        return train(model, digits(seed), Adam(model.parameters(), 2e-3), epochs=25, loss_of=loss_of, accuracy=True)


def healthy_autoencoder(seed: int) -> Run:
    with seeded(seed):
        data = digits(seed)
        model = mlp(64, 32, 8, 32, 64)
        data = Data(data.x, data.x, data.val_x, data.val_x)
        return train(model, data, Adam(model.parameters(), 2e-3), epochs=40, per="epoch", loss_of=F.mse_loss)


def healthy_sine(seed: int) -> Run:
    """Regression."""
    with seeded(seed):
        x = torch.rand(800, 1) * 6 - 3
        y = torch.sin(2 * x) + 0.1 * torch.randn_like(x)
        model = mlp(1, 64, 64, 1, activation=nn.Tanh)
        data = Data(x[:500], y[:500], x[500:], y[500:])
        return train(model, data, Adam(model.parameters(), 5e-3), epochs=60, loss_of=F.mse_loss, watch=4)


def healthy_recurrent(seed: int, clip: float | None = 1.0) -> Run:
    """As `exploding_recurrent`, shorter, with Adam and clipped gradients."""
    with seeded(seed):
        model, data = Recurrent(1, 0.9, "relu"), running_sums(30)
        optimizer = Adam(model.parameters(), 2e-3)
        return train(model, data, optimizer, epochs=25, batch=20, watch=1, loss_of=F.mse_loss, clip=clip)


def healthy_deep_residual(seed: int) -> Run:
    """Ten blocks with skips and normalisation."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.linear = nn.LayerNorm(32), nn.Linear(32, 32)

        def forward(self, x: Tensor) -> Tensor:
            return x + F.gelu(self.linear(self.norm(x)))

    with seeded(seed):
        model = nn.Sequential(nn.Linear(64, 32), *[Block() for _ in range(10)], nn.Linear(32, 10))
        return train(model, digits(seed), Adam(model.parameters(), 1e-3), epochs=8, watch=4)


def healthy_continued(seed: int) -> Run:
    """A net that is trained already, trained on: the loss is low and stays low."""
    with seeded(seed):
        model, data = mlp(64, 64, 10), digits(seed)
        train(model, data, Adam(model.parameters(), 2e-3), epochs=20)
        return train(model, data, Adam(model.parameters(), 2e-4), epochs=10, accuracy=True)


def healthy_embedding(seed: int) -> Run:
    """A next-letter model: of the embedding's rows most have no gradient in a step."""
    with seeded(seed):
        numbers = np.random.default_rng(7)
        follows = numbers.dirichlet(np.full(200, 0.02), 200)
        x = torch.from_numpy(numbers.integers(0, 200, 3000))
        y = torch.tensor([int(numbers.choice(200, p=follows[int(each)])) for each in x])
        model = nn.Sequential(nn.Embedding(200, 32), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 200))
        data = Data(x[:2500], y[:2500], x[2500:], y[2500:])
        return train(model, data, Adam(model.parameters(), 2e-3), epochs=10, batch=50, watch=5)


def healthy_gan(seed: int) -> Run:
    return gan(seed, 1000)


def healthy_gan_without_normalisation(seed: int) -> Run:
    return gan(seed, 1000, normalised=False)

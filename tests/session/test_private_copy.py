"""Looking at a model in training changes nothing of the training: not a bit of its weights, not a random number."""

from __future__ import annotations

import copy
import random
import threading
import time
from collections.abc import Callable, Collection, Iterator
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune

from nnwidgets.capture.private_random import PrivateRandom
from nnwidgets.runs import Run, RunStore
from nnwidgets.session import ModelSession
from nnwidgets.session import subject as subject_module
from nnwidgets.session.private_copy import private_copy
from nnwidgets.session.watch import watch
from nnwidgets.source import NotStored

from .models import WIDTH, Gated, Picture

PATIENCE = 30.0
STEPS = 60


class Net(nn.Module):
    """Attention, dropout, batch normalisation, and noise of its own: all that a look could disturb."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.TransformerEncoderLayer(WIDTH, 4, 48, dropout=0.2, batch_first=True)
        self.norm = nn.BatchNorm1d(WIDTH)
        self.head = nn.Sequential(nn.Linear(WIDTH, 16), nn.ReLU(inplace=True), nn.Dropout(0.3), nn.Linear(16, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.norm(self.block(x).mean(1))
        if self.training:
            hidden = hidden + 0.01 * torch.randn_like(hidden)
        return self.head(hidden)


def made() -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(3)
    model = Net().train()
    return model, torch.optim.Adam(model.parameters(), lr=0.01)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, step_ends: Callable[[int, float], object]) -> list[Any]:
    """Some steps, with an evaluation now and then; all that came of it, to the bit."""
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    losses = []
    for step in range(STEPS):
        x, y = torch.randn(8, 6, WIDTH), torch.randint(3, (8,))
        model.train()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % 10 == 9:
            model.eval()
            with torch.no_grad():
                losses.append(model(x).sum().item())
        step_ends(step, losses[-1])
    return [losses, *everything(model)]


def everything(model: nn.Module) -> list[Any]:
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    flags = [module.training for module in model.modules()]
    return [state, flags, torch.get_rng_state(), random.getstate(), np.random.get_state()[1]]


def same(first: list[Any], second: list[Any]) -> bool:
    losses, state, flags, rng, python, numpy = first
    losses2, state2, flags2, rng2, python2, numpy2 = second
    tensors = all(torch.equal(state[name], state2[name]) for name in state)
    return (
        losses == losses2
        and tensors
        and flags == flags2
        and torch.equal(rng, rng2)
        and python == python2
        and np.array_equal(numpy, numpy2)
    )


def bare() -> list[Any]:
    return train(*made(), lambda step, loss: None)


class Hammer:
    """Threads that ask a session for everything, at random moments, until they are stopped."""

    def __init__(self, session: ModelSession, threads: int = 2, asks: Collection[str] | None = None) -> None:
        self.session = session
        self._asks = asks
        self.answers = 0
        self.steps: set[int | None] = set()
        self.errors: list[BaseException] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(seed,)) for seed in range(threads)]
        for thread in self._threads:
            thread.start()

    def _work(self, seed: int) -> None:
        draw = random.Random(seed)
        layer = list(self.session._modules)[-1]
        known: dict[str, Callable[[], Any]] = {
            "outputs": lambda: self.session.outputs,
            "activation": lambda: self.session.activation(layer),
            "gradient": lambda: self.session.gradient(layer, 1),
            "attention": lambda: self.session.attention.weights(0, draw.randrange(4)),
            "layers": lambda: self.session.layers,
        }
        asks = [known[name] for name in self._asks or known]
        while not self._stop.is_set():
            try:
                draw.choice(asks)()
                self.steps.add(self.session.at_step)
                self.answers += 1
            except NotStored:
                pass
            except BaseException as error:
                self.errors.append(error)
                return
            time.sleep(draw.random() * 0.002)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        assert not self.errors, self.errors


@pytest.fixture(autouse=True)
def eager_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take copies as often as anybody asks."""
    monkeypatch.setattr(subject_module, "_SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(subject_module, "_SHARE", 1e9)


@pytest.fixture
def run() -> Iterator[Run]:
    run = RunStore(":memory:").run("lenet")
    yield run
    run.close()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never did"
        time.sleep(0.001)


@pytest.mark.parametrize("mode", ["eval", "as is"])
@pytest.mark.parametrize("where", ["thread", "cell"])
def test_a_training_that_is_looked_at_is_the_same_to_the_bit(
    run: Run, mode: Literal["eval", "as is"], where: str
) -> None:
    """With everything at once: `run.log`, a watch with histograms, and threads that ask for all there is."""
    expected = bare()
    model, optimizer = made()
    session = ModelSession(model, torch.randn(2, 6, WIDTH), mode=mode)
    found: list[Any] = []
    hammers: list[Hammer] = []

    def step_ends(step: int, loss: float) -> None:
        run.log(step, loss=loss)
        if step == 2:
            hammers.append(Hammer(session))
        if step % 5 == 4:  # answers in between, or the training would be over before the first one
            answers = hammers[0].answers
            until(lambda: hammers[0].answers > answers + 3 or bool(hammers[0].errors))

    def training() -> None:
        with watch(model, optimizer, run, every=2, histograms=5):
            found.extend(train(model, optimizer, step_ends))

    if where == "thread":
        run.train(training).wait(PATIENCE)
    else:
        with run:
            training()
    hammers[0].end()
    assert same(found, expected)
    assert hammers[0].answers > 30 and len(hammers[0].steps - {None}) > 5, "it was looked at, at many steps"
    before = [tensor.clone() for tensor in model.state_dict().values()]
    _ = session.outputs
    assert session.at_step is None, "the training is over: the model itself"
    session.close()
    assert all(map(torch.equal, before, model.state_dict().values()))


def test_a_compiled_training_stays_compiled_while_it_is_looked_at(run: Run) -> None:
    """What a look switches off in torch.compile is switched off for all threads, unless it is a look at a copy."""
    ran: list[int] = []

    def backend(graph: Any, _: Any) -> Callable[..., Any]:
        def run_graph(*arguments: Any) -> Any:
            ran.append(1)
            return graph.forward(*arguments)

        return run_graph

    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))
    x = torch.randn(16, 4)
    session = ModelSession(model, x[:2], mode="as is")
    torch._dynamo.reset()
    compiled = torch.compile(model, backend=backend)
    compiled(x).sum().backward()
    runs = len(ran)
    hammers: list[Hammer] = []

    def training() -> None:
        for step in range(STEPS):
            compiled(x).sum().backward()
            run.log(step, loss=0.0)
            if not hammers:
                hammers.append(Hammer(session, asks=("outputs", "activation", "gradient")))
            if step % 10 == 5:
                until(lambda: hammers[0].answers > len(ran) // 4 or bool(hammers[0].errors))

    run.train(training).wait(PATIENCE)
    hammers[0].end()
    torch._dynamo.reset()
    assert len(ran) == (STEPS + 1) * runs


def held(run: Run, model: nn.Module, optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """Trains in a thread until the function returned is called; then the model holds still, and the run goes on."""
    paused = threading.Event()

    def step_ends(step: int, loss: float) -> None:
        run.log(step, loss=loss)

    def training() -> None:
        train(model, optimizer, step_ends)
        paused.wait(PATIENCE)

    run.train(training)
    return paused.set


def test_answers_are_those_of_the_model_at_that_step(run: Run) -> None:
    model, optimizer = made()
    x = torch.randn(2, 6, WIDTH)
    session = ModelSession(model, x)
    snapshots: dict[int, nn.Module] = {}
    go = threading.Event()

    def step_ends(step: int, loss: float) -> None:
        snapshots[step] = copy.deepcopy(model).eval()
        run.log(step, loss=loss)
        if step == 20:
            go.wait(PATIENCE)

    run.train(lambda: train(model, optimizer, step_ends))
    outputs = []
    for _ in range(5):
        outputs.append((session.outputs, session.at_step, session.version))
    go.set()
    run.wait(PATIENCE)
    for output, step, _ in outputs:
        assert step is not None
        with torch.no_grad():
            assert torch.equal(output, snapshots[step](x))


def test_a_newer_copy_raises_the_version_and_says_which_step(run: Run) -> None:
    model, optimizer = made()
    session = ModelSession(model, torch.randn(2, 6, WIDTH))
    heard: list[str] = []
    session.on_change(lambda _, reason: heard.append(reason))
    gate = threading.Semaphore(1)

    def step_ends(step: int, loss: float) -> None:
        gate.acquire(timeout=PATIENCE)
        run.log(1000 + step, loss=loss)

    run.train(lambda: train(model, optimizer, step_ends))
    until(lambda: run.step == 1000)
    threading.Timer(0.2, gate.release).start()
    first, version = session.outputs, session.version
    assert session.at_step == 1001 and heard == ["recomputed: at step 1,001 of lenet"]
    assert session.attention.notes[-1] == "Recomputed: at step 1,001 of lenet."
    assert session.outputs is first and session.version == version, "while it goes no further, it is stored"
    gate.release(5)
    # `outputs` had the session follow the training: it hears of newer copies by itself.
    until(lambda: session.version > version)
    assert heard[-1].startswith("recomputed: at step 1,00")
    assert not torch.equal(session.outputs, first)
    gate.release(STEPS)
    run.wait(PATIENCE)
    until(lambda: heard[-1] == "recomputed: the weights as they are now, not in training")
    assert session.at_step is None


def test_a_paused_training_answers(run: Run) -> None:
    model, optimizer = made()
    session = ModelSession(model, torch.randn(2, 6, WIDTH))
    run.control.pause()
    run.train(lambda: train(model, optimizer, lambda step, loss: run.log(step, loss=loss)))
    until(lambda: run.control.state == "paused")
    assert session.outputs is not None and session.at_step == 0
    run.control.resume()
    run.wait(PATIENCE)


def test_copies_are_not_taken_more_often_than_every_two_seconds(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    model, optimizer = made()
    session = ModelSession(model, torch.randn(2, 6, WIDTH))
    hammers: list[Hammer] = []

    def step_ends(step: int, loss: float) -> None:
        run.log(step, loss=loss)
        if not hammers:
            hammers.append(Hammer(session))
        until(lambda: hammers[0].answers > 3 * step)

    run.train(lambda: train(model, optimizer, step_ends)).wait(PATIENCE)
    seconds = run.history("loss").times[-1]
    hammers[0].end()
    assert len(hammers[0].steps - {None}) <= 2 + seconds / 2


def test_without_a_boundary_what_holds_still_is_copied_and_what_moves_is_not(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject_module, "_FIRST_PATIENCE", 0.1)
    model, _ = made()
    session = ModelSession(model, torch.randn(2, 6, WIDTH))
    end, moving, moved = threading.Event(), threading.Event(), threading.Event()

    def training() -> None:
        while not end.wait(0.0001):
            if moving.is_set():
                with torch.no_grad():
                    model.norm.weight.mul_(1.001)
                moved.set()

    run.train(training)
    moving.set()
    assert moved.wait(PATIENCE)
    real = subject_module.private_copy

    def slowly(model: nn.Module) -> nn.Module:
        moved.clear()
        copied = real(model)
        assert not moving.is_set() or moved.wait(PATIENCE)
        return copied

    monkeypatch.setattr(subject_module, "private_copy", slowly)
    with pytest.raises(NotStored, match="lenet is in the middle of a step"):
        _ = session.outputs
    moving.clear()
    time.sleep(0.05)
    with torch.no_grad():
        expected = private_copy(model).eval()(session.inputs)
    assert torch.equal(session.outputs, expected)
    end.set()
    run.wait(PATIENCE)


def test_the_training_thread_itself_looks_at_the_model_itself(run: Run) -> None:
    expected = bare()
    model, optimizer = made()
    session = ModelSession(model, torch.randn(2, 6, WIDTH), mode="as is")
    found: list[Any] = []

    def step_ends(step: int, loss: float) -> None:
        run.log(step, loss=loss)
        assert session.needs_idle_kernel
        if step % 7 == 0:
            _ = session.outputs, session.gradient("norm", 0)
            assert session.at_step is None

    run.train(lambda: found.extend(train(model, optimizer, step_ends))).wait(PATIENCE)
    assert same(found, expected)


def test_a_kernel_need_not_be_idle_for_a_model_in_training(run: Run) -> None:
    session = ModelSession(Net(), torch.randn(2, 6, WIDTH))
    go = threading.Event()
    assert session.needs_idle_kernel, "this thread opened the run, and may train"
    run.train(lambda: go.wait(PATIENCE))
    assert not session.needs_idle_kernel
    go.set()
    run.wait(PATIENCE)
    assert session.needs_idle_kernel


def test_a_model_that_is_not_in_training_is_copied_once(run: Run) -> None:
    """A bystander's random numbers are its own too, and its captures stay."""
    model, optimizer = made()
    session = ModelSession(Picture(), torch.randn(2, 3, 8, 8), mode="as is")
    run.control.models.add(model)
    found: list[Any] = []
    answers: list[torch.Tensor] = []

    def step_ends(step: int, loss: float) -> None:
        run.log(step, loss=loss)
        if step % 10 == 5:
            done = threading.Thread(target=lambda: answers.append(session.outputs))
            done.start()
            until(lambda: not done.is_alive() or boundary(run))

    run.train(lambda: found.extend(train(model, optimizer, step_ends))).wait(PATIENCE)
    assert same(found, bare())
    assert len({id(answer) for answer in answers}) == 1 and len(answers) == 6
    session.close()


def boundary(run: Run) -> bool:
    run.control.boundary()
    return False


def test_a_session_that_closes_lets_go_of_the_run(run: Run) -> None:
    model, optimizer = made()
    session = ModelSession(model, torch.randn(2, 6, WIDTH))
    release = held(run, model, optimizer)
    _ = session.outputs
    _ = session.outputs
    assert len(run.control._on_change) == 2, "the run itself, and the session"
    session.close()
    assert len(run.control._on_change) == 1
    release()
    run.wait(PATIENCE)


def test_a_model_that_cannot_be_copied_says_so(run: Run) -> None:
    class Stubborn(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 2)

        def __deepcopy__(self, memo: Any) -> Any:
            raise ValueError("no two of me")

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x)

    session = ModelSession(Stubborn(), torch.randn(1, 2))
    go = threading.Event()

    def training() -> None:
        while not go.wait(0.001):
            run.log(0, loss=1.0)

    run.train(training)
    with pytest.raises(TypeError, match="no two of me"):
        _ = session.outputs
    go.set()
    run.wait(PATIENCE)
    assert session.outputs is not None


# The copy


def test_the_copy_shares_nothing_that_a_run_could_change() -> None:
    model = Picture().train()
    model(torch.randn(2, 3, 8, 8)).sum().backward()
    copied = private_copy(model)
    assert all(parameter.grad is None for parameter in copied.parameters())
    assert all(parameter.grad is not None for name, parameter in model.named_parameters() if "unused" not in name)
    mine, its = model.state_dict(), copied.state_dict()
    assert all(torch.equal(mine[name], its[name]) for name in mine)
    before = {name: tensor.clone() for name, tensor in mine.items()}
    with torch.no_grad():
        for tensor in its.values():
            tensor.zero_()
    copied.eval()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(module.training for module in model.modules())


def test_tensors_of_a_graph_and_shared_parameters_are_copied() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
            self.second.weight = self.first.weight
            self.kept = [self.first.weight * 2]
            self.register_buffer("scaled", self.first.weight * 3)
            self.leaf = torch.ones(3, requires_grad=True)
            self.leaf.sum().backward()
            self.me = self.first

    model = Odd()
    copied = private_copy(model)
    assert copied.first.weight is copied.second.weight is not model.first.weight
    assert copied.me is copied.first
    assert torch.equal(copied.kept[0], model.kept[0]) and copied.kept[0].grad_fn is None
    assert torch.equal(copied.scaled, model.scaled) and model.scaled.grad_fn is not None
    assert copied.leaf.requires_grad and copied.leaf.grad is None and model.leaf.grad is not None


def test_locks_are_shared_and_the_rest_is_copied() -> None:
    model = Gated()
    copied = private_copy(model)
    assert copied.gate is model.gate and copied.tail is not model.tail
    assert isinstance(copied.body[0], nn.Linear) and copied.body[0] is not model.body[0]


def test_hooks_that_belong_to_the_training_stay_behind() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3, 3)
            self.inner.register_forward_hook(self.count)
            self.calls = 0

        def count(self, *_: Any) -> None:
            self.calls += 1

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x)

    model = Counting()
    heard: list[Any] = []
    model.inner.register_forward_hook(lambda *_: heard.append(1))
    model.inner.register_full_backward_hook(lambda *_: heard.append(2))
    copied = private_copy(model)
    copied(torch.ones(1, 3)).sum().backward()
    assert (copied.calls, model.calls, heard) == (1, 0, [])
    assert len(model.inner._forward_hooks) == 2 and len(model.inner._backward_hooks) == 1


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_hooks_of_torch_come_along() -> None:
    model = nn.Sequential(nn.utils.weight_norm(nn.Linear(3, 3)), nn.utils.spectral_norm(nn.Linear(3, 3))).eval()
    prune.l1_unstructured(model[1], "bias", 1)
    x = torch.randn(2, 3)
    model(x)
    copied = private_copy(model)
    with torch.no_grad():
        copied[0].weight_g.mul_(2)
        copied[1].weight_orig[0, 0] = 3.0
        model[0].weight_g.mul_(2)
        model[1].weight_orig[0, 0] = 3.0
    assert torch.equal(copied(x), model(x))


def test_compiled_modules_are_copied_as_they_were_written() -> None:
    inner = nn.Sequential(nn.Linear(3, 3), torch.compile(nn.Linear(3, 3), backend="eager"))
    model = torch.compile(inner, backend="eager")
    copied = private_copy(model)
    assert type(copied) is nn.Sequential and type(copied[1]) is nn.Linear
    inner.compile(backend="eager")
    assert private_copy(inner)._compiled_call_impl is None
    assert torch.equal(copied(torch.ones(1, 3)), inner(torch.ones(1, 3)))


# Random numbers of one's own

DRAWS: dict[str, Callable[[], Any]] = {
    "rand": lambda: torch.rand(3),
    "randn": lambda: torch.randn(2, 2),
    "randint": lambda: torch.randint(10, (4,)),
    "randint low": lambda: torch.randint(-3, 10, (4,)),
    "randperm": lambda: torch.randperm(9),
    "rand_like": lambda: torch.rand_like(torch.ones(3)),
    "randn_like": lambda: torch.randn_like(torch.ones(3)),
    "randint_like": lambda: torch.randint_like(torch.ones(3), 7),
    "normal": lambda: torch.normal(0.0, 1.0, (3,)),
    "normal of tensors": lambda: torch.normal(torch.zeros(3), torch.ones(3)),
    "bernoulli": lambda: torch.bernoulli(torch.full((9,), 0.5)),
    "multinomial": lambda: torch.multinomial(torch.ones(9), 4),
    "poisson": lambda: torch.poisson(torch.full((5,), 3.0)),
    "in place": lambda: torch.empty(4).uniform_() + torch.empty(4).exponential_() + torch.empty(4).random_(5),
    "dropout": lambda: F.dropout(torch.ones(20), 0.4),
    "alpha dropout": lambda: F.alpha_dropout(torch.ones(20), 0.4, training=True),
    "feature dropout": lambda: F.dropout2d(torch.ones(2, 5, 2, 2), 0.4),
    "rrelu": lambda: F.rrelu(-torch.ones(20), training=True),
    "attention": lambda: F.scaled_dot_product_attention(*torch.ones(3, 1, 2, 4, 8), dropout_p=0.3),
    "lstm": lambda: lstm()(torch.ones(3, 2, 4))[0],
    "in inference mode": lambda: inferred(lambda: F.dropout(torch.ones(20), 0.4)),
    "distribution": lambda: torch.distributions.Gamma(torch.ones(3), torch.ones(3)).sample(),
    "backward": lambda: drawn_in_backward(),
}


def lstm() -> nn.Module:
    net = nn.LSTM(4, 5, num_layers=2, dropout=0.5)
    for parameter in net.parameters():
        nn.init.constant_(parameter, 0.1)
    return net


def inferred(draw: Callable[[], torch.Tensor]) -> torch.Tensor:
    with torch.inference_mode():
        return draw().clone()


def drawn_in_backward() -> torch.Tensor:
    x = torch.ones(5, requires_grad=True)
    x.register_hook(lambda gradient: gradient * torch.rand(5))
    (gradient,) = torch.autograd.grad(x.sum(), x)
    return gradient


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS.keys())
def test_random_numbers_are_those_of_the_moment_and_the_global_ones_stay(draw: Callable[[], Any]) -> None:
    torch.manual_seed(11)
    private = PrivateRandom(nn.Linear(1, 1))
    state = torch.get_rng_state()
    for _ in range(2):
        with private.mode():
            found = [draw(), draw()]
        assert torch.equal(torch.get_rng_state(), state)
    assert all(map(torch.equal, found, [draw(), draw()]))
    assert not torch.equal(torch.get_rng_state(), state), "it does draw"


def test_a_generator_of_the_models_own_is_not_drawn_from() -> None:
    generator = torch.Generator().manual_seed(1)
    state = generator.get_state()
    with PrivateRandom(nn.Linear(1, 1)).mode():
        torch.rand(3, generator=generator)
    assert torch.equal(generator.get_state(), state)

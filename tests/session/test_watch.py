"""`nnw.watch`: what it logs is right, training is the same to the bit, and nothing of it stays."""

from __future__ import annotations

import copy
import gc
import math
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import optimizer as torch_optimizer

from nnwidgets.runs import Histogram, NotRecording, Run, RunStore
from nnwidgets.session import watch as watch_module
from nnwidgets.session.activity import Activity
from nnwidgets.session.measures import histogram_of
from nnwidgets.session.watch import Watch, watch

from .models import Picture

Step = Callable[[int], object]


@pytest.fixture
def run() -> Iterator[Run]:
    run = RunStore(":memory:").run("lenet")
    yield run
    run.close()
    assert not watch_module._open, "a run that ends takes its watches along"


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))


def train(model: nn.Module, optimizer: Any, x: torch.Tensor, step_ends: Step, steps: int = 12) -> list[torch.Tensor]:
    """Some steps from one seed; everything that came of it."""
    torch.manual_seed(7)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x + torch.randn_like(x)), torch.arange(len(x)) % 3)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        if step == steps // 2:
            model.eval()
            with torch.no_grad():
                losses.append(model(x).sum())
            model.train()
        step_ends(step)
    states = [
        value for state in optimizer.state.values() for value in state.values() if isinstance(value, torch.Tensor)
    ]
    return [*losses, *model.state_dict().values(), *states, torch.get_rng_state()]


def trace(model: nn.Module, optimizer: Any) -> list[Any]:
    """All hooks that are on them."""
    hooks = [
        held
        for module in model.modules()
        for name, held in vars(module).items()
        if name.endswith("hooks") or "_hooks_" in name
    ]
    hooks += [held for name, held in vars(optimizer).items() if name.endswith("hooks")]
    hooks += [parameter._backward_hooks or {} for parameter in model.parameters()]
    hooks += [torch_optimizer._global_optimizer_pre_hooks, torch_optimizer._global_optimizer_post_hooks]
    return [dict(each) for each in hooks]


# Nothing changes

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.01),
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.01),
    "fused adam": lambda parameters: torch.optim.Adam(parameters, lr=0.01, fused=True),
    "for each": lambda parameters: torch.optim.AdamW(parameters, lr=0.01, foreach=True, amsgrad=True),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
@pytest.mark.parametrize("kind", ["mlp", "convolutions"])
@pytest.mark.parametrize("given", [True, False])
def test_training_is_the_same_to_the_bit(run: Run, make: Callable[[Any], Any], kind: str, given: bool) -> None:
    torch.manual_seed(1)
    model = mlp() if kind == "mlp" else Picture().train()
    x = torch.randn(8, 6) if kind == "mlp" else torch.randn(8, 3, 8, 8)
    other = copy.deepcopy(model)
    optimizer, before = make(model.parameters()), make(other.parameters())
    none = trace(model, optimizer)
    expected = train(other, before, x, lambda step: None)
    with watch(model, optimizer if given else None, run, every=2, histograms=3) as handle:
        found = train(model, optimizer, x, lambda step: run.log(step, loss=0.0))
    assert all(map(torch.equal, found, expected)) and len(found) == len(expected)
    assert trace(model, optimizer) == none and not handle.notes
    names = set(run.series())
    assert {"gradient_norm", "learning_rate"} <= names
    assert any(name.startswith("dead/") for name in names), "or it would prove nothing"
    assert any(name.startswith("activations/") for name in names)


def test_a_compiled_model_is_the_same_to_the_bit_and_compiled_as_often(run: Run) -> None:
    counters = torch._dynamo.utils.counters
    x = torch.randn(8, 6)
    torch.manual_seed(1)
    inner = mlp()
    other = copy.deepcopy(inner)
    torch._dynamo.reset()
    counters.clear()
    try:
        compiled = torch.compile(other, backend="aot_eager")
        expected = train(compiled, torch.optim.Adam(other.parameters()), x, lambda step: None)
        frames = dict(counters["frames"])
        torch._dynamo.reset()
        counters.clear()
        model = torch.compile(inner, backend="aot_eager")
        optimizer = torch.optim.Adam(inner.parameters())
        with watch(model, optimizer, run, every=2, histograms=2) as handle:
            found = train(model, optimizer, x, lambda step: run.log(step, loss=0.0))
        assert dict(counters["frames"]) == frames
        assert all(map(torch.equal, found, expected))
        assert "torch.compile" in handle.notes[0]
        assert {"gradient_mean/0", "weights/3"} <= set(run.series()), "paths without the wrapper's own name"
    finally:
        torch._dynamo.reset()
        counters.clear()


def test_a_hook_that_is_compiled_in_leaves_nothing_in_the_compiled_code(run: Run) -> None:
    """A batch of another size may be compiled anew in the very step that is looked at."""
    graphs: list[list[str]] = []

    def backend(graph: Any, _: Any) -> Any:
        graphs.append([str(node.target) for node in graph.graph.nodes if node.op.startswith("call")])
        return graph.forward

    for hooked in (False, True):
        torch._dynamo.reset()
        model = mlp()
        activity = Activity(model, None)
        if hooked:
            activity.look(dead=True, histograms=True)
            assert model[1]._forward_hooks
        torch.compile(model, backend=backend)(torch.randn(8, 6))
        assert not activity.take()
    torch._dynamo.reset()
    assert len(graphs) == 2 and graphs[0] == graphs[1]


def test_nothing_stays_and_nothing_is_held(run: Run) -> None:
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters())
    none = trace(model, optimizer)
    handle = watch(model, optimizer, run, every=1, histograms=1)
    train(model, optimizer, torch.randn(8, 6), lambda step: run.log(step, loss=0.0))
    assert trace(model, optimizer) != none
    handle.close()
    handle.close()
    assert trace(model, optimizer) == none
    assert not run._at_step and not run.control.can_set_learning_rate and not list(run.control.models)
    held = weakref.ref(model), weakref.ref(optimizer)
    del model, optimizer, handle
    gc.collect()
    assert [each() for each in held] == [None, None]


def test_a_copy_of_the_model_has_hooks_that_do_nothing(run: Run) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    copies: list[nn.Module] = []
    with watch(model, optimizer, run, every=1):
        train(model, optimizer, torch.randn(8, 6), lambda step: copies.append(copy.deepcopy(model)), steps=3)
        assert any(copied[1]._forward_hooks for copied in copies)
        for copied in copies:
            copied(torch.randn(8, 6))
    assert model[1] is not copies[0][1]
    assert not model[1]._forward_hooks


def test_the_end_of_the_run_ends_the_watch() -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    none = trace(model, optimizer)
    with RunStore(":memory:").run("lenet") as run:
        watch(model, optimizer, run)
        train(model, optimizer, torch.randn(8, 6), lambda step: run.log(step, loss=0.0))
    assert trace(model, optimizer) == none
    train(model, optimizer, torch.randn(8, 6), lambda step: None)


def test_an_error_while_measuring_is_no_error_of_the_training(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    handle = watch(model, optimizer, run)
    monkeypatch.setattr(watch_module, "total_norm", lambda tensors: 1 / 0)
    train(model, optimizer, torch.randn(8, 6), lambda step: run.log(step, loss=0.0))
    assert "ZeroDivisionError" in handle.notes[0] and len(caplog.records) == 1


# What it logs is right


def test_gradients_and_updates_are_those_of_the_loop(run: Run) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    expected: dict[str, list[float]] = {}
    steps = 6

    def note(name: str, value: Any) -> None:
        expected.setdefault(name, []).append(float(value))

    with watch(model, optimizer, run, every=2, histograms=None):
        for step in range(steps):
            optimizer.zero_grad()
            model(torch.randn(8, 6)).square().mean().backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.05)
            norms = [parameter.grad.square().sum() for parameter in model.parameters()]
            note("gradient_norm", sum(norms).sqrt())
            before = {path: [each.detach().clone() for each in model[int(path)].parameters()] for path in "03"}
            optimizer.step()
            if step % 2 == 0:
                for path, weights in before.items():
                    layer = model[int(path)]
                    gradients = torch.cat([each.grad.flatten() for each in layer.parameters()]).abs()
                    note(f"gradient_mean/{path}", gradients.mean())
                    note(f"gradient_max/{path}", gradients.max())
                    old = torch.cat([each.flatten() for each in weights])
                    new = torch.cat([each.detach().flatten() for each in layer.parameters()])
                    note(f"update_ratio/{path}", (new - old).norm() / old.norm())
            run.log(step, loss=0.0)
            optimizer.param_groups[0]["lr"] *= 0.5
    for name, values in expected.items():
        history = run.history(name)
        assert list(history.values) == pytest.approx(values, rel=1e-5), name
        assert list(history.steps) == list(range(0, steps, 1 if name == "gradient_norm" else 2)), name
    assert list(run.history("learning_rate").values) == [0.1 * 0.5**step for step in range(steps)]


def test_large_layers_are_measured_by_a_part_that_tells_the_same(run: Run) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(64, 256, 3), nn.Flatten(), nn.Linear(4096, 3)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with watch(model, optimizer, run, every=1, histograms=1):
        train(model, optimizer, torch.randn(6, 64, 6, 6), lambda step: run.log(step, loss=0.0), steps=2)
    gradient = model[0].weight.grad.abs()
    both = torch.cat([gradient.flatten(), model[0].bias.grad.abs()])
    assert run.history("gradient_mean/0").values[-1] == pytest.approx(both.mean().item(), rel=0.02)
    assert run.history("gradient_max/0").values[-1] == both.max().item(), "the largest is the largest of all"
    histogram = run.histograms("weights/0")[-1][1]
    assert 12_000 < histogram.counts.sum() <= 16_385
    assert histogram.std == pytest.approx(model[0].weight.std().item(), rel=0.05)


class HalfDead(nn.Module):
    """Of 8 units 2 are never active, and one only for one input of the evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 8)
        self.relu = nn.ReLU(inplace=True)
        self.convolution = nn.Conv1d(1, 3, 2)
        self.second = nn.ReLU()
        self.out = nn.Linear(3 * 7, 3)
        with torch.no_grad():
            self.inner.bias[:2] = -1000.0
            self.convolution.bias[0] = -1000.0
            self.convolution.bias[1:] = 1000.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.relu(self.inner(x))
        return self.out(self.second(self.convolution(hidden[:, None] / 100)).flatten(1) / 1000)


def test_dead_units_and_channels_are_counted(run: Run) -> None:
    torch.manual_seed(0)
    model = HalfDead()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    with watch(model, optimizer, run, every=2, histograms=None):
        for step in range(25):
            model(torch.randn(64, 4) * 10).square().mean().backward()
            with torch.no_grad():
                model(torch.full((1, 4), 1e9))
            optimizer.step()
            run.log(step, loss=0.0)
    dead = run.history("dead/relu")
    assert list(dead.values) == [0.25] * 2 and list(dead.steps) == [10, 20]
    assert list(run.history("dead/second").values) == [pytest.approx(1 / 3)] * 2


def test_a_unit_that_is_active_once_is_not_dead(run: Run) -> None:
    model = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU())
    with torch.no_grad():
        model[0].weight.fill_(1.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with watch(model, optimizer, run, every=1, histograms=None):
        for step in range(7):
            model(torch.tensor([[1.0 if step == 3 else -1.0]])).sum().backward()
            optimizer.step()
            run.log(step, loss=0.0)
    assert list(run.history("dead/1").values) == [0.0]


def test_histograms_show_weights_gradients_and_outputs(run: Run) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True), nn.Linear(2, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen: list[torch.Tensor] = []
    with watch(model, optimizer, run, every=None, histograms=4):
        for step in range(6):
            optimizer.zero_grad()
            x = torch.randn(16, 2)
            seen.append(F.linear(x, model[0].weight, model[0].bias).detach())
            model(x).square().mean().backward()
            optimizer.step()
            run.log(step, loss=0.0)
    assert [step for step, _ in run.histograms("weights/0")] == [0, 4]
    assert [step for step, _ in run.histograms("gradients/2")] == [0, 4]
    outputs = run.histograms("activations/0")
    assert [step for step, _ in outputs] == [1, 5]
    assert outputs[1][1].minimum == pytest.approx(seen[5].min().item()), "before the ReLU wrote into it"
    assert outputs[1][1].minimum < 0 <= run.histograms("activations/1")[1][1].minimum
    assert "gradient_mean/0" not in run.series()


def test_only_the_layers_that_were_chosen(run: Run) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, run, every=1, histograms=1, layers=["3"], activations=False):
        train(model, optimizer, torch.randn(8, 6), lambda step: run.log(step, loss=0.0))
    assert {name.split("/")[1] for name in run.series() if "/" in name} == {"3"}
    assert not any(name.startswith(("activations", "dead")) for name in run.series())


# The loop as it comes


def test_a_loop_that_logs_nothing_is_counted_and_its_steps_are_told(run: Run) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    heard: list[int] = []
    run.at_step(heard.append)
    with watch(model, optimizer, run):
        train(model, optimizer, torch.randn(8, 6), lambda step: None)
    assert list(run.history("gradient_norm").steps) == list(range(12)) == heard


def test_a_loop_that_logs_epochs_gets_one_value_an_epoch(run: Run) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, run):
        train(model, optimizer, torch.randn(8, 6), lambda step: step % 4 == 3 and run.log(step // 4, loss=0.0))
    assert list(run.history("gradient_norm").steps) == [0, 1, 2]


def test_steps_can_be_stopped_and_the_learning_rate_be_set_without_a_log(run: Run) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def hands(step: int) -> None:
        if step == 3:
            run.control.set_learning_rate(0.025)
        if step == 4:
            assert optimizer.param_groups[0]["lr"] == 0.025
        if step == 5:
            run.control.stop()

    with run, watch(model, optimizer):
        train(model, optimizer, torch.randn(8, 6), hands)
    assert run.status == "stopped"
    assert list(run.history("learning_rate").values) == [0.1] * 5 + [0.025] * 2


def test_several_optimizers_and_models(run: Run) -> None:
    generator, discriminator = mlp(), mlp()
    both = nn.ModuleDict({"generator": generator, "discriminator": discriminator})
    optimizers = {name: torch.optim.SGD(model.parameters(), lr=0.1) for name, model in both.items()}
    with watch(both, optimizers, run, every=1, histograms=None):
        for step in range(3):
            for name, model in both.items():
                model(torch.randn(4, 6)).sum().backward()
                optimizers[name].step()
            run.log(step, loss=0.0)
    names = set(run.series())
    assert {"gradient_norm/generator", "learning_rate/discriminator", "gradient_mean/generator.0"} <= names
    assert list(run.history("gradient_norm/discriminator").steps) == [0, 1, 2]
    first = watch(generator, optimizers["generator"], run)
    with pytest.raises(ValueError, match="name="):
        watch(discriminator, optimizers["discriminator"], run)
    second = watch(discriminator, optimizers["discriminator"], run, name="second")
    again = watch(generator, optimizers["generator"], run)  # its cell runs again
    assert repr(first).endswith("closed)") and not repr(again).endswith("closed)")
    for model, optimizer in ((generator, optimizers["generator"]), (discriminator, optimizers["discriminator"])):
        model(torch.randn(4, 6)).sum().backward()
        optimizer.step()
    second.close()
    again.close()
    assert "gradient_norm" in run.series() and "gradient_norm/second" in run.series()


def test_an_optimizer_that_is_not_given_is_found_and_others_are_left_alone(run: Run) -> None:
    model, other = mlp(), mlp()
    optimizer, apart = (torch.optim.SGD(each.parameters(), lr=0.1) for each in (model, other))
    with watch(model):
        train(other, apart, torch.randn(8, 6), lambda step: None)
        assert not run.control.can_set_learning_rate
        train(model, optimizer, torch.randn(8, 6), lambda step: None, steps=3)
        assert run.control.can_set_learning_rate
    assert run.series()["gradient_norm"].count == 3


# Odd ones


class Odd(nn.Module):
    """Frozen, unused, shared, sparse, complex and empty parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 4, sparse=True)
        self.frozen, self.unused = nn.Linear(4, 4), nn.Linear(4, 4)
        self.frozen.requires_grad_(False)
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.wave = nn.Parameter(torch.randn(4, dtype=torch.complex64))
        self.empty = nn.Parameter(torch.zeros(0))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        hidden = self.second(self.first(self.frozen(self.embedding(ids))))
        return (hidden * (hidden * self.wave).abs()).mean() + self.empty.sum()


def test_parameters_of_all_kinds(run: Run) -> None:
    torch.manual_seed(0)
    model = Odd()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, run, every=1, histograms=1) as handle:
        for step in range(3):
            optimizer.zero_grad()
            model(torch.tensor([1, 1, 5])).backward()
            norms = [
                (each.grad.to_dense() if each.grad.is_sparse else each.grad).abs().square().sum()
                for each in model.parameters()
                if each.grad is not None
            ]
            optimizer.step()
            run.log(step, loss=0.0)
            expected = math.sqrt(sum(norms))
            assert run.history("gradient_norm").values[-1] == pytest.approx(expected, rel=1e-5)
    assert not handle.notes
    names = set(run.series())
    assert {"gradient_mean/embedding", "gradient_mean/Odd", "gradient_mean/first", "weights/second"} <= names
    assert not {"gradient_mean/frozen", "gradient_mean/unused", "gradients/unused"} & names
    assert run.history("update_ratio/unused").values[-1] == 0.0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions(run: Run, dtype: torch.dtype) -> None:
    model = nn.Linear(64, 64).to(dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with watch(model, optimizer, run, every=1, histograms=1) as handle:
        for step in range(2):
            optimizer.zero_grad()
            (model(torch.ones(2, 64, dtype=dtype)) * 200).sum().backward()
            optimizer.step()
            run.log(step, loss=0.0)
    assert not handle.notes
    assert run.history("gradient_norm").values[-1] == pytest.approx(400 * math.sqrt(64 * 65), rel=0.01), "no overflow"
    assert run.history("gradient_mean/Linear").values[-1] == pytest.approx(400, rel=0.01)


def test_gradients_that_are_no_numbers_are_told(run: Run) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, run, every=1, histograms=1) as handle:
        for step, factor in enumerate((1.0, math.inf, math.nan)):
            optimizer.zero_grad()
            (model(torch.ones(2, 6)).sum() * factor).backward()
            optimizer.step()
            run.log(step, loss=0.0)
    assert not handle.notes
    norms = run.history("gradient_norm").values
    assert math.isfinite(norms[0]) and not math.isfinite(norms[1]) and math.isnan(norms[2])
    assert math.isnan(run.history("gradient_max/3").values[2]) and run.histograms("gradients/3")[2][1].nan > 0


def test_an_optimizer_with_a_closure(run: Run) -> None:
    model = nn.Linear(3, 1)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=3)
    x = torch.randn(8, 3)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (model(x) - 1).square().mean()
        loss.backward()
        return loss

    with watch(model, optimizer, run, every=1) as handle:
        for step in range(3):
            optimizer.step(closure)
            run.log(step, loss=0.0)
    assert not handle.notes and list(run.history("gradient_norm").steps) == [0, 1, 2]
    assert run.history("gradient_norm").values[0] > 0


@pytest.mark.parametrize("fused", [False, True])
def test_gradients_are_unscaled_under_a_grad_scaler(run: Run, fused: bool) -> None:
    model = nn.Linear(3, 1)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    optimizer = torch.optim.Adam(model.parameters(), fused=fused)
    with watch(model, optimizer, run, every=1):
        scaler.scale(model(torch.ones(2, 3)).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        run.log(0, loss=0.0)
    assert run.history("gradient_norm").values[0] == pytest.approx(4.0)
    assert run.history("gradient_max/Linear").values[0] == pytest.approx(2.0)


def test_it_does_not_matter_which_thread_trains(run: Run) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, run, every=1):
        thread = threading.Thread(
            target=lambda: train(model, optimizer, torch.randn(8, 6), lambda step: run.log(step, loss=0.0))
        )
        thread.start()
        thread.join()
    assert run.series()["dead/1"].count == 2


# What cannot be


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"model": "net"}, TypeError, "str"),
        ({"optimizer": object()}, TypeError, "torch.optim.Optimizer"),
        ({"run": "lenet"}, TypeError, "Run"),
        ({"every": 0}, ValueError, "every=0"),
        ({"histograms": -1}, ValueError, "histograms=-1"),
        ({"layers": ["7"]}, KeyError, "'7'"),
    ],
)
def test_arguments_are_checked(run: Run, change: dict[str, Any], error: type[Exception], words: str) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    none = trace(model, optimizer)
    with pytest.raises(error, match=words):
        watch(**({"model": model, "optimizer": optimizer, "run": run} | change))
    assert trace(model, optimizer) == none


def test_the_run_must_be_clear() -> None:
    model = mlp()
    with pytest.raises(NotRecording, match="none"):
        watch(model)
    store = RunStore(":memory:")
    with store.run("a") as run:
        with watch(model) as handle:
            assert isinstance(handle, Watch) and handle.run is run
        with store.run("b"), pytest.raises(NotRecording, match="'a', 'b'|'b', 'a'"):
            watch(model)
    with pytest.raises(NotRecording, match="'a' does not record"):
        watch(model, run=run)


@pytest.mark.parametrize(
    "values",
    [
        torch.linspace(-3, 5, 5000) ** 3,
        torch.arange(999.0) % 5,
        torch.full((7,), 2.0),
        torch.tensor([1.0, math.nan, 2.0, math.inf]),
        torch.tensor([-3e38, 3e38]),
        torch.zeros(0),
    ],
)
def test_a_histogram_is_that_of_the_runs(values: torch.Tensor) -> None:
    mine, theirs = histogram_of([values]), Histogram.of(values)
    assert list(mine.counts) == list(theirs.counts)
    assert (mine.nan, mine.infinite) == (theirs.nan, theirs.infinite)
    for name in ("edges", "quantiles", "minimum", "maximum", "mean", "std"):
        assert getattr(mine, name) == pytest.approx(getattr(theirs, name), rel=1e-6, abs=1e-6, nan_ok=True), name

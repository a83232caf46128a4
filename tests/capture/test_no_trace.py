"""A run leaves no trace: parameters, buffers, gradients, flags, hooks, random states and inputs are as they were."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import nn
from torch.nn.modules import module as torch_module
from torch.overrides import _get_current_function_mode_stack

from nnwidgets.capture import Call, record_attention, record_gradients, record_outputs, tensors

from .models import HUGGING_FACE, classifier, token_batch


def state(model: nn.Module, inputs: Any) -> dict[str, Any]:
    """Everything that a user could find changed, as comparable values."""
    found: dict[str, Any] = {
        "random": random.getstate(),
        "numpy": [np.asarray(part).tobytes() for part in np.random.get_state()],
        "torch": torch.get_rng_state().numpy().tobytes(),
        "grad mode": torch.is_grad_enabled(),
        "modes": len(_get_current_function_mode_stack()),
        "global hooks": [
            list(getattr(torch_module, name))
            for name in dir(torch_module)
            if name.startswith("_global_") and "hooks" in name
        ],
        "inputs": [(path, id(t), t._version, t.requires_grad, t.grad is None, bits(t)) for path, t in tensors(inputs)],
    }
    for path, module in model.named_modules():
        hooks = [list(getattr(module, name)) for name in vars(module) if name.endswith("_hooks")]
        found[f"module {path}"] = (module.training, hooks, sorted(vars(module)), list(module._buffers))
    for path, tensor in (*model.named_parameters(), *model.named_buffers()):
        gradient = None if tensor.grad is None else (id(tensor.grad), bits(tensor.grad))
        found[path] = (id(tensor), tensor.data_ptr(), tensor.requires_grad, gradient, bits(tensor))
    return found


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.detach().flatten().view(torch.uint8).numpy().tobytes()


class Careless(nn.Module):
    """Does what a forward should not: writes into buffers and inputs, draws random numbers, freezes a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(32)
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True, dropout=0.2)
        self.dropout = nn.Dropout(0.5)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("last", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.last = torch.rand(3)
        x += random.random() + float(np.random.rand()) + torch.rand(())
        self.train()
        self.norm.bias.requires_grad_(False)
        self.norm.bias.grad = None
        hidden = self.norm(x.transpose(1, 2)).transpose(1, 2)
        return self.attention(hidden, hidden, self.dropout(hidden))[0].mean(dim=1)


def careless() -> tuple[nn.Module, Any]:
    model = Careless().eval()
    model.dropout.train()
    model.norm.weight.requires_grad_(False)
    model.attention.out_proj.weight.grad = torch.ones(32, 32)
    model.norm.bias.grad = torch.ones(32)
    return model, torch.randn(2, 5, 32)


def encoder() -> tuple[nn.Module, Any]:
    return classifier().train(), token_batch()


def hugging_face(name: str) -> Callable[[], tuple[nn.Module, Any]]:
    build, inputs = HUGGING_FACE[name]
    return lambda: (build().train(), inputs())


CASES = {"careless": careless, "encoder": encoder, **{name: hugging_face(name) for name in ("bert", "llama", "vit")}}
RUNS: dict[str, Callable[[Call], Any]] = {
    "run": lambda call: call.run(),
    "outputs": record_outputs,
    "attention": record_attention,
    "gradients": lambda call: record_gradients(call, [last_layer(call.model)], first_number),
}


def last_layer(model: nn.Module) -> str:
    linear = (nn.Linear, nn.BatchNorm1d)
    # The projection inside nn.MultiheadAttention is read as weights, never called.
    names = [name for name, module in model.named_modules() if isinstance(module, linear) and "out_proj" not in name]
    return next(name for name in reversed(names) if "pooler" not in name)


def first_number(outputs: Any) -> torch.Tensor:
    return next(tensor for _, tensor in tensors(outputs)).flatten()[0]


@pytest.mark.parametrize("mode", ["eval", "as is"])
@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("case", CASES)
def test_everything_is_as_before(case: str, run: str, mode: Any) -> None:
    model, inputs = CASES[case]()
    before = state(model, inputs)
    RUNS[run](Call(model, inputs, mode=mode))
    assert state(model, inputs) == before


class Failure(Exception):
    """Raised in the middle of a run."""


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("case", CASES)
def test_also_when_the_model_raises(case: str, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, inputs = CASES[case]()
    # Late in the run: by then hooks are on, modes entered, random numbers drawn, buffers written.
    path = last_layer(model)
    late = model.get_submodule(path)

    def fail(*_: Any, **__: Any) -> None:
        raise Failure

    monkeypatch.setattr(late, "forward", fail)
    before = state(model, inputs)
    with pytest.raises(Failure):
        RUNS[run](Call(model, inputs, mode="as is"))
    assert state(model, inputs) == before


def cancelled_after(calls: int) -> Iterator[Callable[[int, int], None]]:
    def progress(done: int, total: int) -> None:
        assert 0 < done <= total
        if done == calls:
            raise Failure

    yield progress


@pytest.mark.parametrize("calls", [1, 4])
@pytest.mark.parametrize(
    "record",
    [
        lambda call, progress: record_outputs(call, progress=progress),
        lambda call, progress: record_attention(call, progress=progress),
        lambda call, progress: record_gradients(call, [last_layer(call.model)], first_number, progress=progress),
    ],
    ids=["outputs", "attention", "gradients"],
)
@pytest.mark.parametrize("case", ["encoder", "bert"])
def test_also_when_it_is_cancelled(case: str, record: Any, calls: int) -> None:
    model, inputs = CASES[case]()
    before = state(model, inputs)
    for progress in cancelled_after(calls):
        with pytest.raises(Failure):
            record(Call(model, inputs), progress)
    assert state(model, inputs) == before


def test_the_next_call_of_the_user_gives_the_same_bits() -> None:
    model, inputs = encoder()
    torch.manual_seed(3)
    first = model(**inputs)  # in training mode, with dropout: it draws from the global generator
    torch.manual_seed(3)
    record_attention(Call(model, inputs))
    record_outputs(Call(model, inputs))
    record_gradients(Call(model, inputs), ["head"], 1)
    assert torch.equal(model(**inputs), first)


def test_a_call_gives_the_same_each_time_although_it_draws_random_numbers() -> None:
    model, inputs = encoder()
    call = Call(model, inputs, mode="as is")
    assert torch.equal(call.run(), call.run())


def test_a_cache_that_is_given_as_an_input_does_not_grow() -> None:
    model, batch = HUGGING_FACE["llama"][0]().eval(), token_batch()
    cache = transformers.DynamicCache(config=model.config)
    with torch.no_grad():
        model(input_ids=batch["input_ids"], past_key_values=cache)
    call = Call(model, {"input_ids": batch["input_ids"][:, :1], "past_key_values": cache})
    (record, _) = record_attention(call).records
    assert cache.get_seq_length() == 9
    assert (record.queries_count, record.keys_count, record.kind) == (1, 10, "decoder")


def test_other_threads_are_not_recorded() -> None:
    model = nn.Sequential(nn.Linear(4, 4))

    class Elsewhere(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            thread = threading.Thread(target=lambda: model(torch.full((1, 4), 7.0)))
            thread.start()
            thread.join()
            return model(x)

    outer = Elsewhere()
    outer.inner = model
    recorded = record_outputs(Call(outer, torch.zeros(1, 4)), ["inner.0"])
    assert "inner.0" not in recorded.calls
    assert torch.equal(recorded.layers["inner.0"], model(torch.zeros(1, 4)))


def test_compiled_models_are_seen_and_stay_compiled() -> None:
    graphs = []

    def backend(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    torch.compiler.reset()
    model, inputs = classifier().eval(), token_batch()
    compiled = torch.compile(model, backend=backend)
    with torch.no_grad():
        expected = compiled(**inputs)
        count = len(graphs)
        assert count > 0
        capture = record_attention(Call(compiled, inputs))
        layers = record_outputs(Call(compiled, inputs), ["encoder.layers.0"])
        assert [record.path for record in capture.records] == [f"encoder.layers.{i}.self_attn" for i in (0, 1)]
        assert list(layers.layers) == ["encoder.layers.0"]
        assert torch.equal(compiled(**inputs), expected)
        assert torch.equal(Call(compiled, inputs).run(), expected)
    assert len(graphs) == count

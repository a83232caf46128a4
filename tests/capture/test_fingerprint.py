"""Changed weights are noticed, however they were changed; unchanged ones are not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from nnwidgets.capture import Call, fingerprint, record_attention, record_gradients, record_outputs

from .models import classifier, token_batch


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    model(**token_batch()).square().sum().backward()
    optimizer.step()


def through_numpy(model: nn.Module) -> None:
    model.head.weight.detach().numpy()[:] *= 1.01


def replace_module(model: nn.Module) -> None:
    model.head = nn.Linear(32, 5)


def changed_state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor + 0.1 for name, tensor in model.state_dict().items()}


def set_data(model: nn.Module) -> None:
    model.head.weight.data = model.head.weight.data.clone()


CHANGES: dict[str, Callable[[nn.Module], object]] = {
    "sgd": lambda model: step(model, torch.optim.SGD(model.parameters(), 0.01)),
    "adam": lambda model: step(model, torch.optim.Adam(model.parameters(), 0.01)),
    "fused adam": lambda model: step(model, torch.optim.Adam(model.parameters(), 0.01, fused=True)),
    "fused sgd": lambda model: step(model, torch.optim.SGD(model.parameters(), 0.01, fused=True)),
    "p.data.mul_": lambda model: model.head.weight.data.mul_(1.01),
    "p.data.clamp_": lambda model: model.head.weight.data.clamp_(-0.01, 0.01),
    "p.data =": set_data,
    "another parameter over the same data": lambda model: setattr(
        model.head, "weight", nn.Parameter(model.head.weight.data)
    ),
    "numpy view": through_numpy,
    "load_state_dict": lambda model: model.load_state_dict(changed_state(model)),
    "load_state_dict, assigned": lambda model: model.load_state_dict(changed_state(model), assign=True),
    "one value, in place": lambda model: model.head.weight.data[:1, :1].add_(1) and None,
    "a value of a large buffer that is not sampled": lambda model: model.large[1].add_(1),
    "a buffer": lambda model: model.counts.add_(1),
    "a buffer by data": lambda model: model.counts.data.add_(1),
    "another module": replace_module,
    "another parameter": lambda model: model.register_parameter("extra", nn.Parameter(torch.zeros(1))),
    "double": lambda model: model.double(),
    "a hook": lambda model: model.head.register_forward_hook(lambda module, arguments, output: output * 2),
}


def model_with_buffer() -> nn.Module:
    model = classifier()
    model.register_buffer("counts", torch.zeros(3))
    model.register_buffer("large", torch.zeros(300_000))
    return model


@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_noticed(name: str) -> None:
    model = model_with_buffer()
    before = fingerprint(model)
    assert before.changed(model) is None
    with torch.no_grad() if "adam" not in name and "sgd" not in name else torch.enable_grad():
        CHANGES[name](model)
    reason = before.changed(model)
    assert reason is not None
    assert any(word in reason for word in ("changed", "replaced", "added"))
    assert fingerprint(model).changed(model) is None


def test_what_changes_nothing_is_not_reported() -> None:
    model, batch = model_with_buffer(), token_batch()
    model.head.weight.data[0, 0] = torch.nan  # NaN equals itself here
    before = fingerprint(model)
    Call(model, batch).run()
    record_outputs(Call(model, batch))
    record_attention(Call(model, batch))
    record_gradients(Call(model, batch), ["head"], 0)
    model.eval()
    model(**batch).sum().backward()
    model.train()
    assert before.changed(model) is None


def test_another_model_with_equal_weights_is_another() -> None:
    model, other = classifier(), classifier()
    other.load_state_dict(model.state_dict())
    assert fingerprint(model).changed(other) is not None


def test_odd_tensors() -> None:
    model = nn.Module()
    model.register_buffer("empty", torch.zeros(0))
    model.register_buffer("scalar", torch.tensor(3.0))
    model.register_buffer("transposed", torch.randn(300, 200).T)
    model.register_buffer("flags", torch.ones(5, dtype=torch.bool))
    model.register_buffer("half_precision", torch.ones(5, dtype=torch.bfloat16))
    model.register_buffer("nothing", None)
    before = fingerprint(model)
    assert before.changed(model) is None
    model.transposed.data.mul_(2)
    assert before.changed(model) == "transposed changed"

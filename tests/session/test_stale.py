"""Weights that change are noticed by the next request, however they changed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from nnwidgets.session import ModelSession

from .models import encoder


def fused_adam(model: nn.Module) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    model(torch.randn(1, 3, 32)).square().sum().backward()
    optimizer.step()


def data(model: nn.Module) -> None:
    model.layers[0].linear1.weight.data.mul_(1.01)


def new_data(model: nn.Module) -> None:
    weight = model.layers[0].linear1.weight
    weight.data = weight.data * 1.01


def load(model: nn.Module) -> None:
    model.load_state_dict(encoder().state_dict())


def load_and_assign(model: nn.Module) -> None:
    model.load_state_dict(encoder().state_dict(), assign=True)


def in_place(model: nn.Module) -> None:
    with torch.no_grad():
        model.layers[0].linear1.bias[0] += 1


CHANGES = [fused_adam, data, new_data, load, load_and_assign, in_place]


@pytest.mark.parametrize("change", CHANGES)
def test_changed_weights_are_noticed(change: Callable[[nn.Module], None]) -> None:
    model, x = encoder(), torch.randn(2, 5, 32)
    session = ModelSession(model, x)
    heard: list[tuple[int, str]] = []
    session.on_change(lambda session, reason: heard.append((session.version, reason)))
    outputs, weights, version = session.outputs, session.attention.weights(2, 0), session.version
    layer = session.activation("layers.0")
    change(model)
    assert not torch.equal(session.outputs, outputs)
    assert session.version == version + 1 and len(heard) == 1
    assert heard[0][0] == session.version and heard[0][1].startswith("recomputed: ")
    assert not np.array_equal(session.attention.weights(2, 0), weights)
    assert not torch.equal(session.activation("layers.0"), layer)
    assert session.attention.notes[-1].startswith("Recomputed: ")
    model.eval()
    with torch.no_grad():
        assert torch.equal(session.outputs, model(x))
    assert len(heard) == 1


def test_every_request_notices() -> None:
    for ask in (
        lambda session: session.outputs,
        lambda session: session.activation("layers.0"),
        lambda session: session.attention.layers,
        lambda session: session.attention.tokens(),
        lambda session: session.attention.weights(0, 0),
        lambda session: session.layers,
        lambda session: session.remember("key", int),
        lambda session: session.check(),
    ):
        session = ModelSession(encoder(), torch.randn(1, 4, 32))
        _ = session.outputs, session.attention.weights(0, 0)
        data(session.model)
        ask(session)
        assert session.version == 2


def test_stored_captures_answer_while_the_model_trains() -> None:
    session = ModelSession(encoder(), torch.randn(1, 4, 32))
    weights = session.attention.weights(0, 0)
    data(session.model)
    with session.stored_only():
        assert np.array_equal(session.attention.weights(0, 0), weights) and session.version == 1
    assert not np.array_equal(session.attention.weights(1, 0), weights) and session.version == 2


def test_refresh() -> None:
    session = ModelSession(encoder(), torch.randn(1, 4, 32))
    outputs = session.outputs
    heard: list[str] = []
    session.on_change(lambda _, reason: heard.append(reason))
    session.refresh()
    assert heard == ["recomputed: refreshed"] and session.version == 2
    assert session.outputs is not outputs and torch.equal(session.outputs, outputs)


def test_a_change_during_a_run_is_noticed_by_the_next_request() -> None:
    session = ModelSession(encoder(), torch.randn(1, 4, 32))
    before = session.outputs

    def target(outputs: torch.Tensor) -> torch.Tensor:
        data(session.model)  # another thread could do so at any time
        return outputs.sum()

    session.gradient("layers.0", target)
    assert session.outputs is not before and session.version == 2


def test_a_train_flag_is_no_change() -> None:
    session = ModelSession(encoder(), torch.randn(1, 4, 32))
    outputs = session.outputs
    session.model.train()
    assert session.outputs is outputs

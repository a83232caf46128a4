"""After a session, however it ended, the model, its inputs and the random states are bit for bit what they were."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from nnwidgets.session import ModelError, ModelSession

from ..capture.test_no_trace import state
from .models import Narrowing, Picky, Picture, Reader, Translator, encoder


def reader() -> tuple[nn.Module, Any]:
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    return Reader(), {"input_ids": torch.randint(50, (2, 4)), "attention_mask": mask}


def picture() -> tuple[nn.Module, Any]:
    model = Picture().train()
    model.head.weight.requires_grad_(False)
    model.convolution.weight.grad = torch.ones(8, 3, 3, 3)
    model.norm.register_forward_hook(lambda module, inputs, output: output + 1)
    return model, torch.randn(2, 3, 8, 8)


def narrowing() -> tuple[nn.Module, Any]:
    return Narrowing().train(), (torch.randint(50, (2, 4)),)


def translator() -> tuple[nn.Module, Any]:
    return Translator(), {"input_ids": torch.randint(50, (1, 5)), "decoder_input_ids": torch.randint(50, (1, 3))}


def stack() -> tuple[nn.Module, Any]:
    return encoder().train(), torch.randn(2, 5, 32, requires_grad=True)


def picky() -> tuple[nn.Module, Any]:
    return Picky(), -torch.ones(1, 4)


def run(model: nn.Module, inputs: Any) -> Any:
    """The user's own call, twice: in eval and as the model is, from one random state."""
    found = []
    training = [(module, module.training) for module in model.modules()]
    with torch.no_grad(), torch.random.fork_rng():
        for mode in ("as is", "eval"):
            torch.manual_seed(1)
            model.train(False) if mode == "eval" else None
            arguments = (inputs,) if not isinstance(inputs, tuple | dict) else inputs
            found.append(model(**arguments) if isinstance(arguments, dict) else model(*arguments))
    for module, flag in training:
        module.training = flag
    return repr(found)


@pytest.mark.parametrize("mode", ["eval", "as is"])
@pytest.mark.parametrize("make", [reader, picture, narrowing, translator, stack, picky])
def test_a_session_leaves_no_trace(make: Callable[[], tuple[nn.Module, Any]], mode: Any) -> None:
    torch.set_printoptions(precision=10)
    model, inputs = make()
    fails = isinstance(model, Picky)
    output = None if fails else run(*make_again(model, inputs))
    before = state(model, inputs)
    with ModelSession(model, inputs, mode=mode) as session:
        last = next(
            name
            for name, module in reversed(list(model.named_modules()))
            if isinstance(module, nn.Linear | nn.LayerNorm)
        )
        asks: list[Callable[[], Any]] = [
            lambda: session.outputs,
            lambda: session.layers,
            lambda: session.attention.notes,
            lambda: session.activation(last),
            lambda: session.gradient(last, lambda outputs: first_tensor(outputs).sum()),
        ]
        for ask in asks:
            with contextlib.suppress(LookupError, *([ModelError] if fails else [])):
                ask()
            assert state(model, inputs) == before
    assert state(model, inputs) == before
    if not fails:
        assert run(*make_again(model, inputs)) == output


def make_again(model: nn.Module, inputs: Any) -> tuple[nn.Module, Any]:
    """A copy to call, for the call itself counts in BatchNorm."""
    return copy.deepcopy(model), inputs


def first_tensor(outputs: Any) -> torch.Tensor:
    if isinstance(outputs, dict):
        return next(iter(outputs.values()))
    return outputs[0] if isinstance(outputs, tuple) else outputs


def test_an_exception_in_the_block_leaves_no_trace() -> None:
    model, inputs = picture()
    before = state(model, inputs)
    with pytest.raises(ZeroDivisionError), ModelSession(model, inputs) as session:
        _ = session.outputs
        raise ZeroDivisionError
    assert session.closed and state(model, inputs) == before

"""What a model is called with: inputs of all forms, those that are refused, and none."""

from __future__ import annotations

from collections import UserDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nnwidgets.session import ModelSession
from nnwidgets.session.errors import NoInputs

from .models import Counting, Narrowing, Reader


def test_inputs_of_all_forms() -> None:
    x = torch.randn(2, 4)
    model = Counting()
    expected = ModelSession(model, x).outputs
    for inputs in ((x,), {"x": x}, UserDict(x=x)):
        assert torch.equal(ModelSession(model, inputs).outputs, expected)
    doubled = ModelSession(model, [x, x], forward=lambda model, inputs: model(inputs[0]) + model(inputs[1]))
    assert torch.equal(doubled.outputs, expected + expected)
    without = ModelSession(model, forward=lambda model, _: model(x))
    assert torch.equal(without.outputs, expected)
    logits, hidden = ModelSession(Narrowing(), torch.randint(50, (2, 5))).outputs
    assert (logits.shape, hidden.shape) == ((2, 5, 50), (2, 5, 32))


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"input_ids": torch.zeros(1, 0, dtype=torch.long)}, r"input_ids has shape \[1, 0\]"),
        (torch.zeros(0, 4), r"its tensor has shape \[0, 4\]"),
        ((), "the input is empty: give at least one sample"),
        ({}, "the input is empty"),
        ([], "the input is empty"),
    ],
)
def test_an_empty_input_is_an_error(inputs: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ModelSession(Reader(), inputs)


@pytest.mark.parametrize(
    ("inputs", "kind"),
    [([1, 2, 3], "list"), ([[1.0, 2], [3, 4]], "list"), ([np.zeros(4)], "list"), (np.zeros((1, 4)), "numpy array")],
)
def test_numbers_in_no_tensor(inputs: Any, kind: str) -> None:
    words = rf"inputs is a {kind}, but a model is called with tensors: torch\.as_tensor\(inputs\)"
    with pytest.raises(TypeError, match=words):
        ModelSession(Counting(), inputs)
    session = ModelSession(Counting(), torch.zeros(1, 4))
    with pytest.raises(TypeError, match=words):
        session.set_inputs(inputs)
    assert session.version == 1
    taken = ModelSession(Counting(), inputs, forward=lambda model, inputs: len(inputs))
    assert taken.outputs == len(inputs)


def test_lists_that_models_take() -> None:
    class Images(nn.Module):
        def forward(self, images: list[torch.Tensor], sizes: list[int] | None = None) -> torch.Tensor:
            return torch.stack(images).sum()

    assert ModelSession(Images(), [torch.ones(3), torch.ones(3)]).outputs == 6
    assert ModelSession(Images(), {"images": [torch.ones(3)], "sizes": [3]}).outputs == 3
    with pytest.raises(TypeError, match="input_ids is a list"):
        ModelSession(Reader(), {"input_ids": [[1, 2, 3]]})


def test_no_inputs() -> None:
    session = ModelSession(Counting())
    with pytest.raises(NoInputs, match=r"pass inputs= or call session\.set_inputs"):
        _ = session.outputs
    assert "Output shapes are not known: the session has no inputs" in repr(session.layers)
    session.set_inputs(torch.zeros(1, 4))
    assert session.outputs.shape == (1, 3)

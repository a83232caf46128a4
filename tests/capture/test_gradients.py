"""Gradients with respect to layer outputs, against finite differences and autograd by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from nnwidgets.capture import Call, record_gradients

from .models import bert, classifier, gpt2, token_batch


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=True), nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 2))


@pytest.mark.parametrize("frozen", [True, False])
def test_against_autograd_by_hand(frozen: bool) -> None:
    model, x = net().requires_grad_(not frozen), torch.randn(6, 4)
    found = record_gradients(Call(model, x), ["0", "1", "3", "4"], target=1)
    first = model[0](x).detach().requires_grad_()
    second = first.clone().relu()
    fourth = model[3](model[2](second))
    logits = model[4](fourth)
    expected = torch.autograd.grad(logits[:, 1].sum(), [first, second, fourth, logits])
    for path, gradient in zip(["0", "1", "3", "4"], expected, strict=True):
        torch.testing.assert_close(found[path], gradient, atol=1e-6, rtol=0)
        assert not found[path].requires_grad
    assert all(parameter.grad is None and parameter.requires_grad is not frozen for parameter in model.parameters())


def test_against_finite_differences() -> None:
    model, x = net().double(), torch.randn(1, 4).double()
    gradient = record_gradients(Call(model, x), ["2"], target=0)["2"]
    hidden, step = model[2](model[1](model[0](x))).detach(), 1e-6
    for unit in range(3):
        shift = torch.zeros(1, 3).double()
        shift[0, unit] = step
        up, down = (model[4](model[3](hidden + sign * shift))[0, 0].item() for sign in (1, -1))
        assert gradient[0, unit].item() == pytest.approx((up - down) / (2 * step), abs=1e-8)


def test_one_class_for_each_sample() -> None:
    model, x = net(), torch.randn(3, 4)
    together = record_gradients(Call(model, x), ["0"], target=[0, 1, 0])["0"]
    for sample, target in enumerate([0, 1, 0]):
        alone = record_gradients(Call(model, x), ["0"], target=target)["0"]
        torch.testing.assert_close(together[sample], alone[sample])
    assert torch.equal(record_gradients(Call(model, x), ["0"], target=torch.tensor([0, 1, 0]))["0"], together)


def test_a_target_of_ones_own_and_outputs_of_tuples() -> None:
    model, batch = gpt2(), token_batch()
    found = record_gradients(
        Call(model, batch), ["transformer.h.0.attn", "transformer.h.1"], lambda outputs: outputs.logits[:, -1, 7].sum()
    )
    attention = found["transformer.h.0.attn"]
    assert isinstance(attention, tuple)
    assert attention[0].shape == (2, 9, 32)
    assert attention[0].abs().sum() > 0
    block = found["transformer.h.1"]
    block = block[0] if isinstance(block, tuple) else block
    # The last block is followed by the norm and the head alone, each position by itself.
    assert (block[:, :-1] == 0).all()
    assert (block[:, -1] != 0).any()


def test_layers_inside_a_fused_encoder_layer() -> None:
    model = classifier().requires_grad_(False)
    found = record_gradients(Call(model, token_batch()), ["encoder.layers.1.linear2", "encoder.layers.0"], target=2)
    assert all(gradient.shape == (2, 9, 32) and gradient.abs().sum() > 0 for gradient in found.values())


def test_several_calls_give_a_list_and_independence_gives_zero() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell, self.aside = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.aside(x)
            return self.cell(self.cell(x))

    model = Twice()
    found = record_gradients(Call(model, torch.randn(2, 4)), ["cell", "aside"], target=3)
    first, second = found["cell"]
    assert second.tolist() == [[0, 0, 0, 1]] * 2
    torch.testing.assert_close(first, model.cell.weight[3].expand(2, 4))
    assert (found["aside"] == 0).all()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (2, r"target=2, but the model has 2 classes \(0 to 1\)"),
        (-1, r"target=-1, but the model has 2 classes"),
        ([0, 1], r"target has 2 classes, but there are 3 samples"),
        (lambda outputs: outputs, r"returned \[3, 2\]: it must return a tensor with one number"),
        (lambda outputs: 1.0, r"returned float"),
    ],
)
def test_targets_that_do_not_fit(target: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        record_gradients(Call(net(), torch.randn(3, 4)), ["0"], target)


def test_logits_that_are_not_of_classes_and_layers_that_do_not_run() -> None:
    with pytest.raises(ValueError, match=r"\[2, 9, 32\].*give a function"):
        record_gradients(Call(bert(), token_batch()), ["encoder.layer.0"], 1)
    model = net()
    model[0].unused = nn.Linear(1, 1)
    with pytest.raises(LookupError, match=r"not called in this run: '0\.unused'"):
        record_gradients(Call(model, torch.randn(3, 4)), ["0.unused"], 1)

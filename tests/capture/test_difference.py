"""The difference between the plain run and the one under the mode."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

from nnwidgets.capture import Call, OutputDifference, output_difference, record_attention

from .models import classifier, gpt2, llama, token_batch


def test_padding_of_a_fused_encoder_is_told_apart() -> None:
    model = classifier().encoder
    padding = torch.zeros(2, 6, dtype=torch.bool)
    padding[1, 3:] = True
    call = Call(model, {"src": torch.randn(2, 6, 32), "src_key_padding_mask": padding})
    capture = record_attention(call)
    assert capture.records[0].padding is not None
    found = output_difference(call.run(), capture.outputs, capture.records[0].padding)
    assert 0 < found.largest < 1e-5
    assert found.largest_padded > 0.1  # zeros in one run, numbers in the other
    assert found.prediction_changed is None
    assert output_difference(call.run(), capture.outputs).largest == found.largest_padded


@pytest.mark.parametrize("build", [gpt2, llama])
def test_hugging_face_models_run_bit_equal_under_the_mode(build: object) -> None:
    call = Call(build(), token_batch())  # type: ignore[operator]
    assert output_difference(call.run(), record_attention(call).outputs) == OutputDifference(0.0, 0.0, False)


def test_whole_and_complex_numbers_count() -> None:
    first = (torch.tensor([1, 5]), torch.tensor([True]), torch.tensor([1 + 2j]))
    assert output_difference(first, first).largest == 0
    assert output_difference(first, (torch.tensor([1, 2]), *first[1:])).largest == 3
    assert output_difference(first, (*first[:2], torch.tensor([1 + 4j]))).largest == 2


def output(logits: torch.Tensor) -> transformers.modeling_outputs.CausalLMOutput:
    return transformers.modeling_outputs.CausalLMOutput(logits=logits)


def test_predictions() -> None:
    first = torch.tensor([[1.0, 2.0], [2.0, 1.0]])
    second = torch.tensor([[1.0, 2.5], [1.0, 2.0]])
    assert output_difference(first, second) == OutputDifference(1.0, 0.0, True)
    assert output_difference({"logits": first}, {"logits": first + 1}) == OutputDifference(1.0, 0.0, False)
    assert output_difference(first[0], second[0]).prediction_changed is None
    per_token = output_difference(output(first[None]), output(second[None]), np.array([[False, True]]))
    assert per_token == OutputDifference(0.5, 1.0, False)


def test_numbers_that_are_none() -> None:
    first, nan = torch.zeros(2, 2), torch.zeros(2, 2)
    nan[0, 0] = torch.nan
    assert output_difference(nan, nan).largest == 0
    assert output_difference(first, nan).largest == float("inf")
    assert output_difference(first, torch.zeros(3, 2)).largest == float("inf")
    assert output_difference((first, torch.ones(1)), (first, torch.ones(1).neg())).largest == 2

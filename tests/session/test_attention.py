"""`session.attention`: weights against a reference, blocks, means, bounds, notes, and what has no attention."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nnwidgets.session import ModelSession
from nnwidgets.session.errors import NoAttention
from nnwidgets.source import NotStored

from .models import Narrowing, Picture, Reader, encoder


def reference(model: Narrowing, ids: torch.Tensor) -> list[torch.Tensor]:
    """Weights of both layers, `[batch, heads, queries, keys]`."""
    found = []
    hidden = model.embedding(ids)
    mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
    for attention in (model.wide, model.narrow):
        output, weights = attention(hidden, hidden, hidden, attn_mask=mask, average_attn_weights=False)
        found.append(weights.detach())
        hidden = hidden + output
    return found


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(50, (2, 7))


def test_weights_agree_with_a_reference(ids: torch.Tensor) -> None:
    model = Narrowing()
    attention = ModelSession(model, ids).attention
    for entry, weights in zip(attention.layers, reference(model, ids), strict=True):
        assert entry.heads == weights.shape[1] and entry.kind == "decoder" and entry.seen == "rebuilt"
        assert max(entry.receipt) < 1e-4
        for sample in range(2):
            for head in range(entry.heads):
                found = attention.weights(entry.index, head, sample=sample)
                assert found.dtype == np.float32 and found.flags.c_contiguous
                np.testing.assert_allclose(found, weights[sample, head], atol=1e-5)
            mean = attention.weights(entry.index, "mean", sample=sample)
            np.testing.assert_allclose(mean, weights[sample].mean(0), atol=1e-5)


def test_layers_by_index_path_and_selection(ids: torch.Tensor) -> None:
    session = ModelSession(Narrowing(), ids)
    weights = session.attention.weights
    narrow = weights(1, 1, sample=1)
    assert np.array_equal(weights(-1, 1, sample=1), narrow) and np.array_equal(weights("narrow", 1, sample=1), narrow)
    session.selection.update(attention=1, heads=(0, 1), sample=1)
    assert np.array_equal(weights(), narrow) and session.attention.entry().index == 1
    assert not np.array_equal(weights(head=0), narrow)


def test_blocks(ids: torch.Tensor) -> None:
    weights = ModelSession(Narrowing(), ids).attention.weights
    whole = weights(0, 2)
    assert np.array_equal(weights(0, 2, queries=(2, 5), keys=(1, None)), whole[2:5, 1:])
    assert np.array_equal(weights(0, 2, queries=slice(-2, None), keys=slice(3)), whole[-2:, :3])
    assert weights(0, 2, queries=slice(5, 2)).shape == (0, 7)
    np.testing.assert_allclose(weights(0, "mean", queries=(2, 4)), weights(0, "mean")[2:4], atol=1e-7)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"layer": 2}, IndexError, "layer=2, but Narrowing has 2 attention layers (0 to 1)"),
        ({"layer": "head"}, IndexError, "layer='head' holds no attention that can be seen"),
        ({"layer": "x"}, IndexError, "no module 'x' in Narrowing; see session.attention.layers"),
        ({"layer": "wid"}, IndexError, "no module 'wid' in Narrowing; the nearest are 'wide'"),
        ({"layer": 1.0}, TypeError, "layer=1.0, but it is a whole number or the path of a module"),
        ({"layer": ""}, IndexError, "layer='' holds several attention layers: give one of 0, 1"),
        ({"head": 12}, IndexError, "head=12, but layer 0 has 4 heads (0 to 3)"),
        ({"head": -1}, IndexError, "head=-1, but layer 0 has 4 heads"),
        ({"head": "max"}, TypeError, "head='max'"),
        ({"sample": 2}, IndexError, "sample=2, but layer 0 has 2 samples (0 to 1)"),
        ({"step": 0}, IndexError, "step=0, but layer 0 has no steps"),
        ({"queries": (3, 8)}, IndexError, "queries=(3, 8), but layer 0 has 7 queries (0 to 6)"),
        ({"keys": slice(0, 7, 2)}, ValueError, "leave the stride out"),
    ],
)
def test_out_of_bounds(ids: torch.Tensor, arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        ModelSession(Narrowing(), ids).attention.weights(**({"layer": 0, "head": 0} | arguments))
    assert words in str(caught.value)


def test_a_model_without_attention() -> None:
    session = ModelSession(Picture(), torch.randn(2, 3, 8, 8))
    assert session.attention.layers == [] and session.attention.unseen == []
    with pytest.raises(NoAttention, match="Picture has no attention that can be seen"):
        session.attention.weights()
    assert session.attention.tokens()["target"] is None
    assert session.attention.notes == []
    session.refresh()
    assert session.attention.notes == ["Recomputed: refreshed."]


def test_attention_that_cannot_be_seen_says_why() -> None:
    class OwnAttention(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x @ x.mT).softmax(-1) @ x

    session = ModelSession(OwnAttention(), torch.randn(1, 5, 8))
    assert session.attention.layers == []
    [unseen] = session.attention.unseen
    with pytest.raises(NoAttention) as caught:
        session.attention.weights()
    assert unseen.reason and unseen.reason in str(caught.value)
    assert unseen.reason in repr(session.attention) and unseen.reason in repr(session.layers)


def test_the_two_runs_are_compared() -> None:
    ids = torch.randint(50, (8, 12))
    mask = torch.ones_like(ids)
    mask[::2, 3:] = 0
    attention = ModelSession(Reader(), {"input_ids": ids, "attention_mask": mask}).attention
    assert attention.difference > 0.1, "pooled over padded rows, which the fused path fills with zeros"
    assert f"by at most {attention.difference:.1e}" in attention.notes[0]
    assert "The top prediction of the second run differs" in attention.notes[1]
    calm = ModelSession(
        encoder(), {"src": torch.randn(2, 5, 32), "src_key_padding_mask": torch.arange(5).expand(2, 5) > 3}
    )
    assert calm.attention.difference < 1e-4, "padded positions apart"
    assert "in padded positions by" in calm.attention.notes[0] and len(calm.attention.notes) == 1


def test_two_runs_that_are_bit_equal() -> None:
    attention = ModelSession(Narrowing(), torch.randint(50, (2, 5))).attention
    assert attention.difference == 0
    assert attention.notes == ["The run that showed the attention gave the same outputs, bit for bit."]


def test_dropout_is_told() -> None:
    session = ModelSession(encoder().train(), torch.randn(2, 5, 32), mode="as is")
    assert any("Dropout (0.1) was active" in note for note in session.attention.notes)
    entry = session.attention.layers[0]
    assert entry.receipt is None and entry.receipt_note


def test_nan_passes_through() -> None:
    model = encoder()
    with torch.no_grad():
        model.layers[1].self_attn.in_proj_weight[0, 0] = float("nan")
    session = ModelSession(model, torch.randn(2, 5, 32))
    assert np.isfinite(session.attention.weights(0, 0)).all()
    assert np.isnan(session.attention.weights(1, 0)).all()
    assert session.outputs.isnan().all() and session.attention.notes
    before = session.outputs
    session.check()
    assert session.outputs is before and session.version == 1, "NaN in the weights is no change of the weights"


def test_a_dropped_layer_is_captured_again_alone() -> None:
    model, x = encoder(layers=4), torch.randn(2, 64, 32)
    everything = ModelSession(model, x)
    expected = [everything.attention.weights(layer, 1) for layer in range(4)]
    one = everything._captures.record("layers.0.self_attn", 0).nbytes
    session = ModelSession(model, x, memory_limit=2 * one + 100)
    for _ in range(2):
        for layer in range(4):
            assert np.array_equal(session.attention.weights(layer, 1), expected[layer])
            assert session._captures.store.nbytes <= 2 * one + 100
    with session.stored_only():
        session.attention.weights(3, 1)
        with pytest.raises(NotStored, match=r"the attention of 'layers\.0\.self_attn'"):
            session.attention.weights(0, 1)


def test_a_layer_larger_than_the_limit_is_returned_all_the_same() -> None:
    model, x = encoder(), torch.randn(2, 5, 32)
    session = ModelSession(model, x, memory_limit=0)
    assert np.array_equal(session.attention.weights(2, 1), ModelSession(model, x).attention.weights(2, 1))
    assert len(session._captures.store) == 0


def test_a_causal_cache_has_steps() -> None:
    class Steps(nn.Module):
        """Reads one token at a time, each attending to those before it."""

        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(32, 4, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen = (x[:, : step + 1] for step in range(x.shape[1]))
            return torch.cat([self.attention(past[:, -1:], past, past)[0] for past in seen], dim=1)

    session = ModelSession(Steps(), torch.randn(2, 5, 32))
    [entry] = session.attention.layers
    assert entry.steps == 5
    whole = session.attention.weights(0, 1)
    assert whole.shape == (5, 5) and np.array_equal(whole, np.tril(whole))
    np.testing.assert_array_equal(session.attention.weights(0, 1, step=3)[0], whole[3])
    with pytest.raises(IndexError, match=r"step=5, but layer 0 has 5 steps \(0 to 4\)"):
        session.attention.weights(0, 1, step=5)


def test_the_receipt_over_all_rows() -> None:
    with ModelSession(encoder(), torch.randn(5, 40, 32)) as session:
        sampled, full = session.attention.layers[1].receipt, session.attention.receipt(1)
        assert sampled is not None and full is not None and len(full) == len(sampled)
        assert max(full) < 1e-5
        assert sampled != full  # 8 rows of 4 samples are not all


@pytest.mark.parametrize("block", [0, 3, [0, 2], range(2)])
def test_rows_are_a_slice_or_a_span(block: Any) -> None:
    with (
        ModelSession(encoder(), torch.randn(1, 5, 32)) as session,
        pytest.raises(TypeError, match="it is a slice or"),
    ):
        session.attention.weights(layer=0, head=0, queries=block)

"""What an attention record says of itself: receipts, kinds, shapes, bounds, memory."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
import transformers
from torch import nn
from torch.nn import functional as F

from nnwidgets.capture import AttentionRecord, Call, record_attention
from nnwidgets.capture.receipt import receipt
from nnwidgets.capture.record import Step

from .models import ATTENTION, HUGGING_FACE, VOCABULARY, SelfAttention, bart, classifier, llama, token_batch


def only(model: nn.Module, inputs: Any, **options: Any) -> AttentionRecord:
    (record,) = record_attention(Call(model, inputs, **options)).records
    return record


def test_a_receipt_of_wrong_weights_is_large_in_the_wrong_head_alone() -> None:
    query, key, value = torch.randn(3, 2, 4, 6, 8).mul(0.01).unbind()  # small values pass any absolute bound
    output = F.scaled_dot_product_attention(query, key, value)
    right = Step(query, key, value, None, False, 8**-0.5, 6)
    assert max(receipt(right, output)) < 1e-6
    spoiled = output.clone()
    spoiled[:, 2] *= 1.01
    errors = receipt(right, spoiled)
    assert errors[2] == pytest.approx(0.01 / 1.01, rel=1e-3)
    assert max(errors[:2] + errors[3:]) < 1e-6
    sharp = Step(query * 1000, key * 1000, value, None, False, 8**-0.5, 6)
    assert min(receipt(sharp, output)) > 0.1


def test_all_rows_find_what_the_sample_misses() -> None:
    query, key, value = torch.randn(3, 1, 2, 100, 8).unbind()
    output = F.scaled_dot_product_attention(query, key, value)
    output[0, 1, 1] += 1  # the sample takes 8 of 100 rows: 0, 14, 28, …
    step = Step(query, key, value, None, False, 8**-0.5, 100)
    assert max(receipt(step, output)) < 1e-5
    assert receipt(step, output, all_rows=True)[1] > 0.1
    output[0, 0, 14] = torch.nan
    assert receipt(step, output)[0] == float("inf")


def test_all_rows_of_a_model() -> None:
    capture = record_attention(Call(llama(), token_batch(30)), all_rows=True)
    assert all(0 < max(record.receipt or (1.0,)) < 1e-4 for record in capture.records)


def test_with_dropout_there_is_a_note_instead_of_a_number() -> None:
    model, x = nn.MultiheadAttention(32, 4, dropout=0.2), torch.randn(5, 2, 32)
    for need_weights in (True, False):
        call = Call(model, x, lambda m, x, w=need_weights: m(x, x, x, need_weights=w), "as is")
        (record,) = record_attention(call).records
        assert record.receipt is None
        assert "dropout" in (record.receipt_note or "")
        assert record.dropout == 0.2
        _, weights = model.eval()(x, x, x, average_attn_weights=False)
        torch.testing.assert_close(record.weights(1, 3), weights[1, 3], atol=1e-5, rtol=0)  # those before dropout
        model.train()
    assert only(model, (x, x, x)).dropout == 0  # eval


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float16, 2e-3), (torch.bfloat16, 2e-2), (torch.float64, 1e-12)])
@pytest.mark.parametrize("name", HUGGING_FACE)
def test_other_precisions(name: str, dtype: torch.dtype, bound: float) -> None:
    build, inputs = HUGGING_FACE[name]
    batch = {key: value.to(dtype) if value.is_floating_point() else value for key, value in inputs().items()}
    records = record_attention(Call(build().to(dtype), batch)).records
    assert len(records) == 2
    for record in records:
        assert record.held[0].query.dtype == dtype
        assert max(record.receipt or (1.0,)) < bound
        weights = record.weights(0, 1)
        assert weights.dtype == torch.float32
        torch.testing.assert_close(weights.sum(-1), torch.ones(len(weights)), atol=1e-5, rtol=0)


class Raw(nn.Module):
    """Calls the kernel with tensors in any shape."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__()
        vars(self).update(attributes)

    def forward(self, query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        return F.scaled_dot_product_attention(query, key, key, attn_mask=mask)


@pytest.mark.parametrize(
    ("shape", "mask", "attributes", "expected"),
    [
        ((5, 8), (5, 5), {}, (1, 1)),
        ((3, 5, 8), (3, 1, 5), {}, (3, 1)),
        ((6, 5, 8), (6, 5, 5), {"num_heads": 3}, (2, 3)),
        ((2, 3, 5, 8), (2, 1, 1, 5), {}, (2, 3)),
        ((2, 4, 3, 5, 8), (4, 1, 5, 5), {}, (8, 3)),
    ],
)
def test_tensors_in_any_shape(
    shape: tuple[int, ...], mask: tuple[int, ...], attributes: dict[str, int], expected: tuple[int, int]
) -> None:
    query, key, hidden = torch.randn(shape), torch.randn(shape), torch.rand(mask) > 0.3
    record = only(Raw(**attributes), (query, key, hidden))
    assert (record.batch, record.heads) == expected
    logits = (query @ key.mT / 8**0.5).masked_fill(~hidden, -1e30)
    weights = logits.softmax(-1).masked_fill(~hidden, 0).reshape(*expected, 5, 5)
    for sample in range(record.batch):
        for head in range(record.heads):
            torch.testing.assert_close(record.weights(sample, head), weights[sample, head], atol=1e-6, rtol=0)
    assert max(record.receipt or (1.0,)) < 1e-5


def test_queries_that_all_samples_share() -> None:
    query, key = torch.randn(1, 2, 3, 8), torch.randn(4, 2, 5, 8)
    record = only(Raw(), (query, key))
    assert (record.batch, record.queries_count, record.keys_count) == (4, 3, 5)
    expected = (query @ key.mT / 8**0.5).softmax(-1)
    torch.testing.assert_close(record.weights(3, 1), expected[3, 1], atol=1e-6, rtol=0)


class Projected(SelfAttention):
    """A plain name, projections, and nothing that says what kind of attention it is."""


def test_kinds_without_names() -> None:
    x, memory = torch.randn(2, 5, 32), torch.randn(2, 5, 32)
    assert only(Projected(), {"x": x}).kind == "encoder"
    assert only(Projected(), {"x": x, "is_causal": True}).kind == "decoder"
    assert only(Projected(), {"x": x, "memory": memory}).kind == "cross"
    assert only(Raw(), (x, memory)).kind == "unknown"
    only_padding = torch.ones(2, 1, 5, 5, dtype=torch.bool)
    only_padding[:, :, :, 1:] = False  # one token a sample: not a causal mask
    assert only(Projected(), {"x": x, "attn_mask": only_padding}).kind == "encoder"


class Latent(nn.Module):
    """Queries and keys each through a bottleneck of its own (DeepSeek-V2's latent attention), then turned (rope)."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Sequential(nn.Linear(32, 8), nn.LayerNorm(8), nn.Linear(8, 32))
        self.key = nn.Sequential(nn.Linear(32, 8), nn.LayerNorm(8), nn.Linear(8, 32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key = (t.unflatten(-1, (4, 8)).transpose(1, 2) * 2 for t in (self.query(x), self.key(x)))
        return F.scaled_dot_product_attention(query, key, key).transpose(1, 2).flatten(2)


class TwoInOne(nn.Module):
    """Two attentions in one module, each over its normalised input, with turned queries and keys."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.all = nn.LayerNorm(32), nn.Linear(32, 96)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(2):
            query, key, value = self.all(self.norm(x)).unflatten(-1, (3, 4, 8)).transpose(1, 3).unbind(2)
            x = x + F.scaled_dot_product_attention(query * 2, key * 2, value).transpose(1, 2).flatten(2)
        return x


class Decoder(nn.Module):
    """Self- and cross-attention in one module, over two sequences of the same length."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(32, 32) for _ in range(8))

    def attend(self, first: int, x: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        sources = (x, memory, memory)
        made = (self.maps[first + i](t).unflatten(-1, (4, 8)).transpose(1, 2) for i, t in enumerate(sources))
        return x + self.maps[first + 3](F.scaled_dot_product_attention(*made).transpose(1, 2).flatten(2))

    def forward(self, x: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        return self.attend(4, self.attend(0, x, x), memory)


def test_kinds_of_modules_that_do_more_than_one_thing() -> None:
    x, memory = torch.randn(2, 5, 32), torch.randn(2, 5, 32)
    assert only(Latent(), x).kind == "encoder"
    assert [record.kind for record in record_attention(Call(TwoInOne(), x)).records] == ["encoder", "encoder"]
    assert [record.kind for record in record_attention(Call(Decoder(), (x, memory))).records] == ["encoder", "cross"]


def test_a_module_shared_by_layers_is_one_record_a_call() -> None:
    config = transformers.AlbertConfig(vocab_size=VOCABULARY, embedding_size=16, **ATTENTION)
    records = record_attention(Call(transformers.AlbertModel(config), token_batch())).records
    assert len({record.path for record in records}) == 1
    assert [(record.call, record.steps, record.queries_count) for record in records] == [(0, None, 9), (1, None, 9)]
    assert not torch.equal(records[0].weights(0, 0), records[1].weights(0, 0))


def test_time_steps_of_a_decoder_are_one_record() -> None:
    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell, self.attention = nn.GRUCell(32, 32), nn.MultiheadAttention(32, 4, batch_first=True)

        def forward(self, memory: torch.Tensor) -> torch.Tensor:
            state = memory.mean(1)
            for _ in range(4):
                context, _ = self.attention(state[:, None], memory, memory)
                state = self.cell(context[:, 0], state)
            return state

    record = only(Decoder(), torch.randn(2, 6, 32))
    assert (record.path, record.kind, record.steps) == ("attention", "cross", 4)
    assert (record.queries_count, record.keys_count) == (4, 6)
    assert torch.equal(record.weights(1, 2, step=3), record.weights(1, 2)[3:])
    assert torch.equal(record.weights(1, 2, slice(1, 3)), record.weights(1, 2)[1:3])
    assert len({step.key.data_ptr() for step in record.held}) == 1  # the memory is kept once


class Crossing(nn.Module):
    """Two blocks by name: a self-attention each, and in the second one across if it is given a memory."""

    def __init__(self, first: str, second: str, cross: bool) -> None:
        super().__init__()
        self.names, self.cross = (first, second), cross
        for name in self.names:
            self.add_module(name, nn.ModuleList(nn.MultiheadAttention(32, 4) for _ in range(2)))

    def forward(self, x: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        blocks = [self.get_submodule(name) for name in self.names]
        for block in blocks:
            x = block[0](x, x, x)[0]
        return blocks[1][1](x, memory, memory)[0] if self.cross else x


@pytest.mark.parametrize(
    ("first", "second", "cross", "kinds"),
    [
        ("encoder", "decoder", True, ["encoder", "decoder", "cross"]),
        ("Text_Encoder", "Text_Decoder", True, ["encoder", "decoder", "cross"]),
        ("reader", "writer", True, ["encoder", "encoder", "cross"]),
        ("encoder_decoder", "mixer", True, ["encoder", "encoder", "cross"]),
        ("encoder", "decoder", False, ["encoder", "encoder"]),
    ],
)
def test_a_decoder_by_name_counts_beside_cross_attention(
    first: str, second: str, cross: bool, kinds: list[str]
) -> None:
    records = record_attention(Call(Crossing(first, second, cross), torch.randn(2, 5, 2, 32).unbind())).records
    assert [record.kind for record in records] == kinds


@pytest.mark.parametrize("target", [1, 3])
def test_the_decoder_of_nn_transformer_needs_no_mask(target: int) -> None:
    model = nn.Transformer(32, 4, 1, 1, 64, batch_first=True)
    records = record_attention(Call(model, (torch.randn(2, 5, 32), torch.randn(2, target, 32)))).records
    assert [(record.path, record.kind) for record in records] == [
        ("encoder.layers.0.self_attn", "encoder"),
        ("decoder.layers.0.self_attn", "decoder"),
        ("decoder.layers.0.multihead_attn", "cross"),
    ]
    alone = nn.TransformerDecoderLayer(32, 4, 64, batch_first=True)
    records = record_attention(Call(alone, (torch.randn(2, 3, 32), torch.randn(2, 5, 32)))).records
    assert [record.kind for record in records] == ["decoder", "cross"]


def test_bounds() -> None:
    record = only(SelfAttention(), torch.randn(2, 5, 32))
    for arguments, message in (
        ({"sample": 2, "head": 0}, r"sample=2, but the model \(call 0\) has 2 samples \(0 to 1\)"),
        ({"sample": 0, "head": 4}, r"head=4, but the model \(call 0\) has 4 heads \(0 to 3\)"),
        ({"sample": 0, "head": -1}, r"head=-1"),
        ({"sample": 0, "head": 0, "step": 0}, r"has no steps"),
    ):
        with pytest.raises(IndexError, match=message):
            record.weights(**arguments)  # type: ignore[arg-type]


def test_an_empty_sequence() -> None:
    record = only(SelfAttention(), torch.randn(2, 0, 32))
    assert record.receipt is None
    assert "no queries" in (record.receipt_note or "")
    assert record.weights(0, 0).shape == (0, 0)


def test_nan_stays_nan() -> None:
    x = torch.randn(1, 5, 32)
    x[0, 2] = torch.nan
    record = only(SelfAttention(), {"x": x, "is_causal": True})
    weights = record.weights(0, 0)
    assert not weights[:2].isnan().any()
    assert weights[2:].isnan().any(dim=-1).all()


def test_only_what_is_asked_for_is_kept() -> None:
    call = Call(bart(), {**token_batch(), "decoder_input_ids": torch.randint(1, 50, (2, 6))})
    whole = record_attention(call).records
    site = (whole[3].path, whole[3].call)
    some = record_attention(call, keep=[site]).records
    for full, part in zip(whole, some, strict=True):
        described = dataclasses.replace(part, held=full.held, kept=True, padding=full.padding)
        assert described == full
        assert (part.padding is None) == (full.padding is None)
        if (part.path, part.call) == site:
            assert torch.equal(part.weights(1, 2), full.weights(1, 2))
            assert part.nbytes == full.nbytes > 0
        else:
            assert part.nbytes == 0
            with pytest.raises(LookupError, match="record again with keep="):
                part.weights(0, 0)


def test_each_storage_is_kept_once() -> None:
    tokens, size, batch = 40, 32, 2
    records = record_attention(Call(llama(), token_batch(tokens))).records
    storages = records[0].storages() | records[1].storages()
    queries, keys = batch * tokens * size * 4, batch * tokens * size // 2 * 4  # key-value heads are half of the heads
    mask = batch * tokens * tokens
    assert sum(storages.values()) == 2 * (queries + 2 * keys) + mask  # one mask for both layers
    assert records[0].nbytes == queries + 2 * keys + mask
    assert sum(storages.values()) < 2 * 4 * batch * 4 * tokens * tokens  # less than the weights alone


def test_masks_that_repeat_for_each_head_are_kept_once() -> None:
    model, batch = classifier(), token_batch(40)
    record = record_attention(Call(model, batch)).records[0]
    assert record.held[0].mask is not None
    assert record.held[0].mask.shape[1] == 1


def test_a_record_does_not_change_when_the_model_writes_into_its_cache() -> None:
    class Cached(SelfAttention):
        def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
            heads = self.query(x).unflatten(-1, (4, -1)).transpose(1, 2)
            out = F.scaled_dot_product_attention(heads, heads, heads)
            self.weights = (heads @ heads.mT / 8**0.5).softmax(-1)
            heads.zero_()
            return out

    model = Cached()
    record = only(model, torch.randn(2, 5, 32))
    torch.testing.assert_close(record.weights(1, 3), model.weights[1, 3], atol=1e-6, rtol=0)


class Reads(nn.Module):
    """Two attentions over the same keys, which `change` may write into in between."""

    def __init__(self, change: bool) -> None:
        super().__init__()
        self.change = change

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        key = x.clone()
        first = F.scaled_dot_product_attention(x + 1, key, key)
        if self.change:
            key.mul_(2)
        return first + F.scaled_dot_product_attention(x - 1, key, key)


def test_keys_that_two_attentions_read_are_kept_once_unless_they_changed() -> None:
    x = torch.randn(1, 2, 5, 8)
    for change in (False, True):
        first, second = record_attention(Call(Reads(change), x)).records
        assert (first.call, second.call) == (0, 1)
        shared = first.storages().keys() & second.storages().keys()
        assert len(shared) == (0 if change else 1)
        for record, query, key in ((first, x + 1, x), (second, x - 1, x * 2 if change else x)):
            expected = (query @ key.mT / 8**0.5).softmax(-1)
            torch.testing.assert_close(record.weights(0, 1), expected[0, 1], atol=1e-6, rtol=0)

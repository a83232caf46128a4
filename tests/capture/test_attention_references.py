"""Rebuilt weights against independent references: need_weights=True, Hugging Face eager, attention written out."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import nn

from nnwidgets.capture import AttentionRecord, Call, record_attention

from .models import HUGGING_FACE, SelfAttention, bart, classifier, eager_copy, llama, token_batch


def all_weights(record: AttentionRecord) -> torch.Tensor:
    return torch.stack(
        [torch.stack([record.weights(sample, head) for head in range(record.heads)]) for sample in range(record.batch)]
    )


def assert_agree(record: AttentionRecord, reference: torch.Tensor, bound: float = 1e-5) -> None:
    rebuilt = all_weights(record)
    assert rebuilt.shape == reference.shape
    assert rebuilt.dtype == torch.float32
    torch.testing.assert_close(rebuilt, reference.float(), atol=bound, rtol=0, equal_nan=True)
    assert record.receipt is not None
    assert len(record.receipt) == record.heads
    assert max(record.receipt) < 1e-4


@pytest.mark.parametrize("name", HUGGING_FACE)
def test_hugging_face_under_sdpa_as_its_eager_form(name: str) -> None:
    build, inputs = HUGGING_FACE[name]
    model, batch = build().eval(), inputs()
    assert model.config._attn_implementation == "sdpa"  # what a user gets without asking
    capture = record_attention(Call(model, batch))
    with torch.no_grad():
        reference = eager_copy(model)(**batch, output_attentions=True).attentions
    assert capture.unseen == []
    assert len(capture.records) == len(reference) == 2
    for record, weights in zip(capture.records, reference, strict=True):
        assert_agree(record, weights)
    assert {record.kind for record in capture.records} == {"encoder" if name in ("bert", "vit") else "decoder"}
    grouped = name.startswith(("llama", "mistral"))
    assert {(record.heads, record.key_value_heads) for record in capture.records} == {(4, 2 if grouped else 4)}


def test_sliding_window_of_mistral_cuts_far_keys() -> None:
    build, inputs = HUGGING_FACE["mistral"]
    record = record_attention(Call(build(), inputs())).records[0]
    weights = record.weights(0, 0)
    assert (weights.tril(-4) == 0).all()
    assert (weights.diagonal(-3) > 0).all()


def test_encoder_decoder_of_hugging_face() -> None:
    model = bart().eval()
    batch = {**token_batch(9), "decoder_input_ids": torch.randint(1, 50, (2, 6))}
    capture = record_attention(Call(model, batch))
    with torch.no_grad():
        reference = eager_copy(model)(**batch, output_attentions=True)
    by_kind = {
        kind: [record for record in capture.records if record.kind == kind] for kind in ("encoder", "decoder", "cross")
    }
    for kind, weights in (
        ("encoder", reference.encoder_attentions),
        ("decoder", reference.decoder_attentions),
        ("cross", reference.cross_attentions),
    ):
        assert len(by_kind[kind]) == 2
        for record, expected in zip(by_kind[kind], weights, strict=True):
            assert_agree(record, expected)
    assert [record.path for record in by_kind["cross"]] == [f"model.decoder.layers.{i}.encoder_attn" for i in (0, 1)]
    assert by_kind["cross"][0].padding is not None
    assert by_kind["cross"][0].padding.tolist() == [[False] * 9, [False] * 6 + [True] * 3]


@pytest.mark.parametrize(
    ("batch_first", "need_weights", "cross", "padded", "causal"),
    [case for case in itertools.product([True, False], repeat=5) if not (case[2] and case[4])],
)
def test_multi_head_attention(batch_first: bool, need_weights: bool, cross: bool, padded: bool, causal: bool) -> None:
    module = nn.MultiheadAttention(32, 4, batch_first=batch_first).eval()
    queries = torch.randn(3, 7, 32)
    keys = torch.randn(3, 5, 32) if cross else queries
    padding = torch.zeros(3, keys.shape[1], dtype=torch.bool)
    padding[1, -2:] = True
    arguments: dict[str, Any] = {"key_padding_mask": padding if padded else None}
    if causal:
        arguments["attn_mask"] = nn.Transformer.generate_square_subsequent_mask(7).isinf()
    if not batch_first:
        queries, keys = queries.transpose(0, 1), (keys if cross else queries).transpose(0, 1)
        keys = keys if cross else queries

    call = Call(
        module,
        (queries, keys),
        forward=lambda m, given: m(given[0], given[1], given[1], need_weights=need_weights, **arguments),
    )
    capture = record_attention(call)
    with torch.no_grad():
        own, _ = module(queries, keys, keys, need_weights=need_weights, **arguments)
        _, weights = module(queries, keys, keys, need_weights=True, average_attn_weights=False, **arguments)
    (record,) = capture.records
    assert_agree(record, weights)
    assert record.kind == ("cross" if cross else "decoder" if causal else "encoder")
    assert capture.outputs[0].shape == own.shape
    assert (record.padding is not None) == padded
    if record.padding is not None:
        assert (record.padding == padding.numpy()).all()


@pytest.mark.parametrize("need_weights", [True, False])
def test_multi_head_attention_runs_bit_equal_under_the_mode(need_weights: bool) -> None:
    module = nn.MultiheadAttention(32, 4, dropout=0.3)  # in training mode nothing takes a fused path
    x = torch.randn(7, 3, 32)
    call = Call(module, x, forward=lambda m, x: m(x, x, x, need_weights=need_weights), mode="as is")
    (output, weights), plain = record_attention(call).outputs, call.run()
    assert torch.equal(output, plain[0])
    assert weights is None if not need_weights else torch.equal(weights, plain[1])


@pytest.mark.parametrize("need_weights", [True, False])
def test_multi_head_attention_without_a_batch(need_weights: bool) -> None:
    module = nn.MultiheadAttention(32, 4).eval()
    x = torch.randn(7, 32)
    (record,) = record_attention(Call(module, x, forward=lambda m, x: m(x, x, x, need_weights=need_weights))).records
    _, weights = module(x, x, x, average_attn_weights=False)
    assert_agree(record, weights[None])


@pytest.mark.parametrize("need_weights", [True, False])
def test_a_fully_padded_sample_has_the_weights_of_its_own_kernel(need_weights: bool) -> None:
    module, x = nn.MultiheadAttention(32, 4, batch_first=True).train(), torch.randn(2, 5, 32)
    padding = torch.tensor([[False] * 5, [True] * 5])
    call = Call(module, x, lambda m, x: m(x, x, x, key_padding_mask=padding, need_weights=need_weights), mode="as is")
    capture = record_attention(call)
    (record,) = capture.records
    # Written out by torch (need_weights) that is 0 / 0; the fused kernel defines it as nothing.
    assert capture.outputs[0][1].isnan().all() == need_weights
    assert record.weights(1, 0).isnan().all() == need_weights
    assert need_weights or (record.weights(1, 0) == 0).all()
    assert not record.weights(0, 0).isnan().any()
    assert max(record.receipt or (1.0,)) < 1e-4


@pytest.mark.parametrize("options", [{"add_bias_kv": True}, {"add_zero_attn": True}, {"kdim": 16, "vdim": 20}])
@pytest.mark.parametrize("need_weights", [True, False])
def test_rarer_options_of_multi_head_attention(options: dict[str, Any], need_weights: bool) -> None:
    module = nn.MultiheadAttention(32, 4, batch_first=True, **options).eval()
    x, key, value = torch.randn(2, 6, 32), torch.randn(2, 6, 16), torch.randn(2, 6, 20)
    given = (x, key, value) if "kdim" in options else (x, x, x)
    (record,) = record_attention(Call(module, given, forward=lambda m, g: m(*g, need_weights=need_weights))).records
    _, weights = module(*given, average_attn_weights=False)
    assert_agree(record, weights)


@pytest.mark.parametrize("padded", [True, False])
def test_transformer_encoder(padded: bool) -> None:
    model, batch = classifier().eval(), token_batch()
    if not padded:
        del batch["attention_mask"]
    capture = record_attention(Call(model, batch))
    assert [record.path for record in capture.records] == [f"encoder.layers.{i}.self_attn" for i in (0, 1)]
    hidden = model.embedding(batch["input_ids"])
    padding = batch["attention_mask"] == 0 if padded else None
    for record, layer in zip(capture.records, model.encoder.layers, strict=True):
        assert record.kind == "encoder"
        _, weights = layer.self_attn(hidden, hidden, hidden, key_padding_mask=padding, average_attn_weights=False)
        assert_agree(record, weights)
        hidden = layer(hidden, src_key_padding_mask=padding)


def test_transformer_with_encoder_and_decoder() -> None:
    model = nn.Transformer(32, 4, 1, 1, 48, batch_first=True).eval()
    source = torch.randn(2, 6, 32)
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    capture = record_attention(Call(model, {"src": source, "tgt": torch.randn(2, 6, 32), "tgt_mask": mask}))
    assert [(record.path, record.kind) for record in capture.records] == [
        ("encoder.layers.0.self_attn", "encoder"),
        ("decoder.layers.0.self_attn", "decoder"),
        ("decoder.layers.0.multihead_attn", "cross"),
    ]


def written_out(
    module: SelfAttention, x: torch.Tensor, memory: torch.Tensor, mask: torch.Tensor | None, scale: float | None
) -> torch.Tensor:
    """softmax(QKᵀ)V's weights by loops over samples, heads and queries, with Python's own exp, in float64."""
    query, key = module.query(x).double(), module.key(memory).double()
    size = query.shape[-1] // module.heads
    scale = size**-0.5 if scale is None else scale
    batch, queries, keys = x.shape[0], x.shape[1], memory.shape[1]
    weights = torch.zeros(batch, module.heads, queries, keys)
    for sample, head, i in itertools.product(range(batch), range(module.heads), range(queries)):
        shared = head // (module.heads // module.key_value_heads)
        q = query[sample, i, head * size : (head + 1) * size]
        powers = []
        for j in range(keys):
            logit = float(q @ key[sample, j, shared * size : (shared + 1) * size]) * scale
            allowed = True
            if mask is not None:
                entry = mask.expand(batch, module.heads, queries, keys)[sample, head, i, j]
                allowed = bool(entry) if mask.dtype == torch.bool else math.isfinite(float(entry))
                logit += 0 if mask.dtype == torch.bool or not allowed else float(entry)
            powers.append(math.exp(logit) if allowed else 0.0)
        total = sum(powers)
        weights[sample, head, i] = torch.tensor([power / total if total else 0.0 for power in powers])
    return weights


def hidden(keys: list[int], queries: int = 4, count: int = 4) -> torch.Tensor:
    mask = torch.ones(queries, count, dtype=torch.bool)
    mask[:, keys] = False
    return mask


MASKS: dict[str, dict[str, Any]] = {
    "none": {},
    "scale": {"scale": 0.7},
    "causal": {"is_causal": True},
    "boolean": {"attn_mask": torch.rand(4, 4) > 0.4},
    "boolean for each sample": {"attn_mask": torch.rand(2, 1, 1, 4) > 0.3},
    "boolean for each head": {"attn_mask": torch.rand(1, 4, 4, 4) > 0.4},
    "float": {"attn_mask": torch.randn(4, 4)},
    "float with a row of -inf": {"attn_mask": torch.randn(4, 4).index_fill(0, torch.tensor([1]), -torch.inf)},
    "row that sees nothing": {"attn_mask": hidden([]).index_fill(0, torch.tensor([2]), False)},
    "float for each head, broadcast over queries": {"attn_mask": torch.randn(2, 4, 1, 4)},
    "one number for all keys": {"attn_mask": torch.randn(2, 4, 4, 1)},
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("key_value_heads", [4, 2, 1])
def test_masks(name: str, key_value_heads: int) -> None:
    arguments = MASKS[name]
    module, x = SelfAttention(key_value_heads=key_value_heads), torch.randn(2, 4, 32)
    more = {"enable_gqa": True} if key_value_heads < 4 else {}
    (record,) = record_attention(Call(module, {"x": x, **arguments, **more})).records
    mask = arguments.get("attn_mask")
    if "is_causal" in arguments:
        mask = torch.ones(4, 4, dtype=torch.bool).tril()
    with torch.no_grad():
        assert_agree(record, written_out(module, x, x, mask, arguments.get("scale")))
    assert record.key_value_heads == key_value_heads


@pytest.mark.parametrize(("queries", "keys"), [(3, 6), (6, 3)])
def test_the_causal_flag_counts_from_the_first_query_and_key(queries: int, keys: int) -> None:
    module, x, memory = SelfAttention(), torch.randn(1, queries, 32), torch.randn(1, keys, 32)
    (record,) = record_attention(Call(module, {"x": x, "memory": memory, "is_causal": True})).records
    mask = torch.ones(queries, keys, dtype=torch.bool).tril()
    with torch.no_grad():
        assert_agree(record, written_out(module, x, memory, mask, None))
    expected = [[j >= queries for j in range(keys)]] if keys > queries else None
    assert (None if record.padding is None else record.padding.tolist()) == expected


def test_blocks_of_rows_and_columns_are_those_of_the_whole() -> None:
    record = record_attention(Call(SelfAttention(), {"x": torch.randn(2, 9, 32), "is_causal": True})).records[0]
    whole = record.weights(1, 2)
    assert torch.allclose(record.weights(1, 2, slice(3, 7), slice(2, 5)), whole[3:7, 2:5], atol=1e-7)
    assert record.weights(1, 2, slice(4, 4)).shape == (0, 9)
    assert torch.allclose(record.mean_weights(1, slice(3, 7)), all_weights(record)[1].mean(0)[3:7], atol=1e-7)


@pytest.mark.parametrize("mask", [True, False])
def test_generation_is_one_entry_with_steps(mask: bool) -> None:
    model, batch = llama().eval(), token_batch(5)
    batch = batch if mask else {"input_ids": batch["input_ids"]}
    batch["input_ids"][1] = batch["input_ids"][0]  # without padding at the end, which generation warns of
    if mask:
        batch["attention_mask"] = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]])

    def generate(m: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        return m.generate(**inputs, max_new_tokens=4, min_new_tokens=4, do_sample=False, pad_token_id=0)

    capture = record_attention(Call(model, batch, forward=generate))
    assert [(r.call, r.steps, r.queries_count, r.keys_count) for r in capture.records] == [(0, 4, 8, 8)] * 2
    tokens = capture.outputs[:, :-1]
    whole = torch.ones_like(tokens)
    if mask:
        whole[1, :2] = 0
    with torch.no_grad():
        positions = (whole.cumsum(1) - 1).clamp(min=0)
        reference = eager_copy(model)(
            input_ids=tokens, attention_mask=whole, position_ids=positions, output_attentions=True
        ).attentions
    for record, expected in zip(capture.records, reference, strict=True):
        assert record.kind == "decoder"
        assert (record.heads, record.key_value_heads) == (4, 2)
        torch.testing.assert_close(all_weights(record)[0], expected[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(all_weights(record)[1, :, 2:], expected[1, :, 2:], atol=1e-5, rtol=0)
        assert torch.equal(record.weights(0, 3, step=2), record.weights(0, 3)[6:7])
        assert max(record.receipt or (1.0,)) < 1e-4
        # The cache is kept once, not once a step: keys and values of 8 tokens, 2 heads of 8 numbers, 2 samples.
        assert len({step.key.data_ptr() for step in record.held}) == 1

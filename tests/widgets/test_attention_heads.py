"""AttentionHeads: its result holds the selected heads, and its page is told what it shows."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from nnwidgets.session import ModelSession
from nnwidgets.widgets.attention_heads import AttentionHeads
from nnwidgets.wire.codec import decode


def test_the_result_holds_the_selected_heads(session: ModelSession) -> None:
    view = AttentionHeads(session)
    for entry in session.attention.layers:
        session.selection.update(attention=entry.index, heads=(3, 0))
        result = view.result
        assert result.heads == (3, 0)
        assert result.weights.shape == (2, entry.queries, entry.keys)
        for head, weights in zip(result.heads, result.weights, strict=True):
            assert np.array_equal(weights, session.attention.weights(layer=entry.index, head=head))


def test_cross_attention_has_two_lists_of_tokens() -> None:
    from tests.widgets.conftest import a_translator

    with a_translator() as session:
        view = AttentionHeads(session)
        entries = {entry.kind: entry for entry in session.attention.layers}
        assert set(entries) == {"encoder", "decoder", "cross"}
        session.selection.attention = entries["cross"].index
        assert view.result.query_tokens.texts == tuple("wxyz")
        assert view.result.key_tokens.texts == tuple("abcdef")
        overview = view.answer("attention.overview", {"sample": 0}).value
        cross = overview["entries"][entries["cross"].index]
        assert (cross["queryTokens"], cross["keyTokens"]) == ("target", "source")
        assert overview["tokens"]["target"]["texts"] == list("wxyz")


def test_the_overview_describes_every_layer(session: ModelSession) -> None:
    overview = AttentionHeads(session).answer("attention.overview", {"sample": 0}).value
    assert json.loads(json.dumps(overview, allow_nan=False)) == overview
    assert [entry["path"] for entry in overview["entries"]] == [entry.path for entry in session.attention.layers]
    for described, entry in zip(overview["entries"], session.attention.layers, strict=True):
        assert (described["heads"], described["queries"], described["keys"]) == (entry.heads, entry.queries, entry.keys)
        assert described["keyValueHeads"] == entry.key_value_heads
        assert max(described["receipt"]) < 1e-4
    assert (overview["label"], overview["samples"]) == (session.label, session.samples)


def test_padding_is_told() -> None:
    from tests.widgets.conftest import a_bert

    with a_bert() as session:
        overview = AttentionHeads(session).answer("attention.overview", {"sample": 1}).value
        assert overview["tokens"]["source"]["padding"] == [4, 5, 6]


def test_weights_that_are_not_numbers_reach_the_page_as_such(small: ModelSession) -> None:
    torch.nn.init.constant_(small.model.layers[0].self_attn.in_proj_weight, float("nan"))
    view = AttentionHeads(small)
    answer = view.answer("attention.weights", {"attention": 0, "head": 0, "sample": 0})
    assert answer.arrays["weights"].header["specials"]
    assert answer.value["maximum"] == 0
    exact = view.answer("attention.exact", {"attention": 0, "head": 0, "sample": 0, "queries": [0, 1], "keys": [0, 1]})
    assert np.isnan(decode(exact.arrays["weights"].header, exact.arrays["weights"].data)).all()
    overview = view.answer("attention.overview", {"sample": 0}).value
    json.dumps(overview, allow_nan=False)
    assert np.isnan(view.result.weights).all()


def test_a_model_without_attention_is_told_with_the_reason() -> None:
    with ModelSession(torch.nn.Linear(4, 2), torch.randn(3, 4)) as plain:
        view = AttentionHeads(plain)
        overview = view.answer("attention.overview", {"sample": 2}).value
        assert overview["entries"] == []
        assert [what for what, _ in view.first_questions()] == ["attention.overview"]
        assert {what for what, _ in view.bake()} == {"attention.overview"}
        with pytest.raises(LookupError, match="Linear has no attention"):
            _ = view.result


def test_long_token_lists_come_in_blocks_of_rows() -> None:
    layer = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    with ModelSession(
        layer, torch.randn(1, 1_500, 8), forward=lambda model, x: model(x, x, x, need_weights=False)
    ) as session:
        view = AttentionHeads(session)
        session.selection.heads = (1,)

        def rows(questions: Any, head: int) -> list[list[int]]:
            return [arguments["rows"] for _, arguments in questions if arguments.get("head") == head]

        assert rows(view.first_questions(), 1) == [[0, 64], [64, 128]]
        baked = rows(view.bake(), 0)
        assert {tuple(block) for block in baked} == {(start, min(start + 64, 1_500)) for start in range(0, 1_500, 64)}


def test_threshold_and_height_have_bounds(small: ModelSession) -> None:
    for name, value in (("threshold", 1.5), ("threshold", -0.1), ("height", 10)):
        with pytest.raises(Exception, match=name):
            AttentionHeads(small, **{name: value})
        view = AttentionHeads(small)
        with pytest.raises(Exception, match=name):
            setattr(view, name, value)

"""AttentionMap: its result and answers are the session's weights, and what it bakes is what its page asks."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from nnwidgets.analysis.pyramid import Pyramid
from nnwidgets.session import ModelSession
from nnwidgets.widgets.attention_map import AttentionMap
from nnwidgets.wire.codec import decode


def array(answer: Any, name: str) -> Any:
    coded = answer.arrays[name]
    return decode(coded.header, coded.data)


def long(tokens: int = 1_500, **options: Any) -> ModelSession:
    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    return ModelSession(
        layer, torch.randn(1, tokens, 8), forward=lambda model, x: model(x, x, x, need_weights=False), **options
    )


def test_the_result_is_the_head_in_focus_or_the_mean(session: ModelSession) -> None:
    view = AttentionMap(session)
    for entry in session.attention.layers:
        session.selection.update(attention=entry.index, heads=(2, 1))
        view.mean = False
        result = view.result
        assert np.array_equal(result.weights, session.attention.weights(layer=entry.index, head=1))
        assert result.weights.shape == (entry.queries, entry.keys)
        assert (result.head, result.path, result.kind) == (1, entry.path, entry.kind)
        assert (len(result.query_tokens), len(result.key_tokens)) == (entry.queries, entry.keys)
        view.mean = True
        heads = [session.attention.weights(layer=entry.index, head=head) for head in range(entry.heads)]
        assert view.result.weights == pytest.approx(np.mean(heads, axis=0), abs=1e-6)
        assert view.result.head == "mean"


def test_answers_are_the_weights(session: ModelSession) -> None:
    view = AttentionMap(session)
    for entry in session.attention.layers:
        where = {"attention": entry.index, "head": 1, "sample": 0, "step": None}
        weights = session.attention.weights(layer=entry.index, head=1, sample=0)
        answer = view.answer("attention.weights", {**where, "rows": None})
        assert array(answer, "weights") == pytest.approx(weights, abs=4e-3)
        assert answer.value["maximum"] == pytest.approx(weights.max())
        block = view.answer("attention.weights", {**where, "rows": [1, 3]})
        assert array(block, "weights") == pytest.approx(weights[1:3], abs=4e-3)
        for queries, keys in (
            ([2, 3], [0, 1]),
            ([2, 3], [0, entry.keys]),
            ([0, entry.queries], [0, 1]),
            ([1, 4], [2, 4]),
        ):
            exact = view.answer("attention.exact", {**where, "queries": queries, "keys": keys})
            expected = weights[slice(*queries), slice(*keys)]
            assert exact.value == {}
            assert exact.headers()["weights"]["coding"] == "raw"
            assert array(exact, "weights").shape == expected.shape
            assert array(exact, "weights") == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("what", "arguments", "words"),
    [
        ("attention.weights", {"attention": 9}, "attention=9, but TransformerEncoder has 3 attention layers"),
        ("attention.weights", {"head": 4}, "head=4, but layer 0 has 4 heads"),
        ("attention.weights", {"sample": 2}, "sample=2"),
        ("attention.weights", {"rows": [3, 9]}, "there are 5 queries"),
        ("attention.weights", {"rows": "all"}, r"it is \[start, stop\]"),
        ("attention.weights", {"head": True}, "head=True"),
        ("attention.exact", {"queries": [4, 6], "keys": [0, 1]}, "there are 5 queries: 0 <= start < stop <= 5"),
        ("attention.exact", {"queries": [0, 1], "keys": [-1, 1]}, r"keys=\[-1, 1\], but there are 5 keys"),
        ("attention.exact", {"queries": [0.5, 1], "keys": [0, 1]}, "queries=0.5, but it must be a whole number"),
        ("attention.exact", {"queries": 0, "keys": [0, 1]}, r"queries=0, but it is \[start, stop\]"),
        ("attention.exact", {"queries": [0, 1], "keys": None}, r"keys=None, but it is \[start, stop\]"),
        ("attention.tile", {"level": 3, "row": 0, "column": 0, "reduce": "max"}, "level=3"),
        ("attention.tile", {"level": 0, "row": 0, "column": 0, "reduce": "least"}, "least"),
        ("attention.weights", {"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_question_gets_one_clear_error(
    small: ModelSession, what: str, arguments: dict[str, Any], words: str
) -> None:
    asked = {"attention": 0, "head": 0, "sample": 0} | arguments
    with pytest.raises((ValueError, LookupError, TypeError), match=words):
        AttentionMap(small).answer(what, asked)


def test_tiles_are_those_of_the_pyramid() -> None:
    with long() as session:
        view = AttentionMap(session)
        weights = session.attention.weights(layer=0, head=1)
        pyramid = Pyramid(lambda start, stop: weights[start:stop], 1_500, 1_500)
        for level, row, column in ((3, 0, 0), (1, 2, 1), (0, 5, 5)):
            answer = view.answer(
                "attention.tile",
                {"attention": 0, "head": 1, "sample": 0, "level": level, "row": row, "column": column, "reduce": "max"},
            )
            expected = pyramid.tile(level, row, column)
            assert array(answer, "tile") == pytest.approx(expected, abs=4e-3 * float(expected.max()))
        with pytest.raises(ValueError, match="are 450000 weights, but one answer holds 262144"):
            view.answer(
                "attention.exact", {"attention": 0, "head": 0, "sample": 0, "queries": [0, 300], "keys": [0, 1500]}
            )
        with pytest.raises(ValueError, match="1500 × 1500 weights are too many for one answer"):
            view.answer("attention.weights", {"attention": 0, "head": 0, "sample": 0})


def test_the_first_questions_of_a_large_matrix_reach_the_screens_resolution() -> None:
    with long() as session:
        asked = [arguments for what, arguments in AttentionMap(session).first_questions() if what == "attention.tile"]
        # 188, 375 and 750 cells along a side: the last is finer than the 560 px of the picture.
        assert [arguments["level"] for arguments in asked] == [3, *[2] * 4, *[1] * 9]
        assert max(len(asked) for asked in (list(AttentionMap(session, height=160).first_questions()),)) == 2


def test_a_reader_of_a_page_can_ask_no_more_than_is_baked() -> None:
    with long() as session:
        view = AttentionMap(session)
        questions = [(what, tuple(arguments.items())) for what, arguments in view.bake()]
        tiles = {dict(arguments)["level"] for what, arguments in questions if what == "attention.tile"}
        assert tiles == {0, 1, 2, 3}
        # Coarse pictures of all heads come before the first close look at one.
        first_close = next(i for i, (_, arguments) in enumerate(questions) if dict(arguments).get("level") == 0)
        coarse = {dict(arguments)["head"] for what, arguments in questions[:first_close] if what == "attention.tile"}
        assert coarse == {0, 1, "mean"}
        counts = len({question for question in questions if question[0] == "attention.tile"})
        assert counts == 3 * 2 * (1 + 4 + 9 + 36)


def test_what_is_baked_comes_in_the_order_of_likelihood(small: ModelSession) -> None:
    small.selection.update(attention=1, heads=(2,), sample=1)
    asked = [
        (arguments["sample"], arguments["attention"], arguments["head"])
        for what, arguments in AttentionMap(small).bake()
        if what == "attention.weights"
    ]
    assert asked[0] == (1, 1, 2)
    new = list(dict.fromkeys(asked))
    assert [sample for sample, _ in itertools.groupby(new, key=lambda at: at[0])] == [1, 0]
    assert [layer for layer, _ in itertools.groupby(new[1:15], key=lambda at: at[1])] == [1, 0, 2]
    assert len(new) == 2 * 3 * 5

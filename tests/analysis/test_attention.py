"""The results of the attention widgets: checked when made, read-only, cut without changing a number."""

from typing import Literal

import numpy as np
import pytest

from nnwidgets.analysis.attention import AttentionLinks, AttentionWeights
from nnwidgets.analysis.tokens import TokenColumn


def column(count: int, special: tuple[int, ...] = (), padding: tuple[int, ...] = ()) -> TokenColumn:
    return TokenColumn(tuple(f"t{i}" for i in range(count)), special, padding)


def one(
    weights: np.ndarray, queries: TokenColumn, keys: TokenColumn, head: int | Literal["mean"] = 0
) -> AttentionWeights:
    return AttentionWeights(weights=weights, query_tokens=queries, key_tokens=keys, layer=2, path="a.b", head=head)


def several(weights: np.ndarray, queries: TokenColumn, keys: TokenColumn, heads: tuple[int, ...]) -> AttentionLinks:
    return AttentionLinks(weights=weights, query_tokens=queries, key_tokens=keys, layer=2, path="a.b", heads=heads)


def test_weights_are_float32_and_read_only_and_leave_the_callers_array_alone():
    given = np.random.default_rng(0).random((2, 3))
    mine = given.astype(np.float32)
    result = one(mine, column(2), column(3), head="mean")
    with pytest.raises(ValueError, match="read-only"):
        result.weights[0, 0] = 1
    mine[0, 0] = 0.5
    assert one(given, column(2), column(3)).weights.dtype == np.float32


def test_maximum_is_that_of_the_finite_weights():
    weights = np.array([[np.nan, 0.25, np.inf]], np.float32)
    assert one(weights, column(1), column(3)).maximum == 0.25
    assert several(weights[None] * np.nan, column(1), column(3), heads=(3,)).maximum == 0


@pytest.mark.parametrize(
    ("weights", "queries", "keys", "message"),
    [
        (np.ones((2, 3)), 2, 4, r"4 key tokens, but weights of shape \[2, 3\] have 3"),
        (np.ones((2, 3)), 1, 3, r"1 query tokens, but weights of shape \[2, 3\] have 2"),
        (np.ones(3), 1, 3, r"weights of shape \[3\], but \[queries, keys\] is needed"),
        (np.ones((0, 0)), 0, 0, "at least one token"),
    ],
)
def test_what_does_not_fit_is_refused(weights, queries, keys, message):
    with pytest.raises(ValueError, match=message):
        one(weights, column(queries), column(keys))


def test_links_need_a_number_for_each_head():
    with pytest.raises(ValueError, match=r"weights of 2 heads, but 1 head numbers: \(5,\)"):
        several(np.ones((2, 1, 1), np.float32), column(1), column(1), heads=(5,))


def test_take_keeps_the_numbers_and_renumbers_the_tokens():
    weights = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    links = several(weights, column(3, special=(0,)), column(4, special=(0, 3), padding=(2,)), heads=(1, 4))
    cut = links.take([1, 2], [1, 2, 3])
    assert np.array_equal(cut.weights, weights[:, 1:, 1:])
    assert cut.key_tokens == TokenColumn(("t1", "t2", "t3"), special=(2,), padding=(1,))
    assert cut.query_tokens.special == ()
    assert (cut.heads, cut.layer, cut.path) == ((1, 4), 2, "a.b")
    assert links.without_aside().weights.tolist() == weights[:, 1:, 1:2].tolist()
    single = one(weights[0], column(3), column(4)).take([2], [0])
    assert single.weights.tolist() == [[8]]


def test_token_positions_are_checked():
    with pytest.raises(ValueError, match=r"padding position 3, but there are 3 tokens \(0 to 2\)"):
        column(3, padding=(3,))
    assert column(5, special=(4, 0), padding=(3, 4)).aside == (0, 3, 4)


def test_hiding_all_tokens_is_an_error():
    with pytest.raises(ValueError, match="all 2 key tokens are special or padding"):
        one(np.ones((1, 2)), column(1), column(2, special=(0,), padding=(1,))).without_aside()

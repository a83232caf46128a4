"""Attention results that the figures are tested with."""

import numpy as np

from nnwidgets.analysis.attention import AttentionLinks, AttentionWeights
from nnwidgets.analysis.tokens import TokenColumn

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img onerror=alert(1)>',
    "$\\frac{1}{2}$",
    "$",
    "_^{}%\\&amp;-->",
    "مرحبا",
    "שלום",
    "😀",
    "👨\u200d👩\u200d👧",
    "日本語",
    "\n",
    "\t",
    "",
    "  ",
    "\u202eabc",
    "\ud800x",
    "x" * 10_000,
    "e\u0301" * 40,
    "\x00\x1b[31m",
    "\uffff",
)


def column(count: int, special: tuple[int, ...] = (), padding: tuple[int, ...] = ()) -> TokenColumn:
    return TokenColumn(tuple(f"token{i}" for i in range(count)), special, padding)


def softmax(*shape: int, seed: int = 0) -> np.ndarray:
    scores = np.exp(np.random.default_rng(seed).normal(scale=2, size=shape))
    return (scores / scores.sum(axis=-1, keepdims=True)).astype(np.float32)


def one_head(
    weights: np.ndarray, queries: TokenColumn | None = None, keys: TokenColumn | None = None, **fields
) -> AttentionWeights:
    given = {"layer": 3, "path": "encoder.layer.3.attention.self", "head": 5, "kind": "encoder"} | fields
    return AttentionWeights(
        weights=weights,
        query_tokens=queries or column(weights.shape[-2]),
        key_tokens=keys or column(weights.shape[-1]),
        **given,
    )


def several_heads(
    weights: np.ndarray, heads: tuple[int, ...], queries: TokenColumn | None = None, keys: TokenColumn | None = None
) -> AttentionLinks:
    return AttentionLinks(
        weights=weights,
        heads=heads,
        query_tokens=queries or column(weights.shape[-2]),
        key_tokens=keys or column(weights.shape[-1]),
        layer=3,
        path="encoder.layer.3.attention.self",
        kind="encoder",
    )

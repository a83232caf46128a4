"""The selection: fields that bring each other along, bounds, and changes that are taken whole or not at all."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from traitlets import TraitError

from nnwidgets.session import ModelSession
from nnwidgets.source import Selection

from ..session.models import Narrowing, Picture, encoder


@pytest.fixture
def narrowing() -> ModelSession:
    """Layer 0 has 4 heads, layer 1 has 2; three samples of 6 tokens."""
    session = ModelSession(Narrowing(), torch.randint(50, (3, 6)))
    assert len(session.attention.layers) == 2
    return session


def test_a_selection_needs_no_torch() -> None:
    code = (
        "import sys; from nnwidgets.source.selection import Selection; Selection(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_head_and_heads() -> None:
    selection = Selection()
    assert (selection.heads, selection.head) == ((0,), 0)
    selection.heads = [2, 5]
    assert (selection.heads, selection.head) == ((2, 5), 5)
    selection.head = np.int64(3)
    assert (selection.heads, selection.head) == ((3,), 3) and type(selection.head) is int
    selection.update(heads=(1, 2, 3), head=1)
    assert (selection.heads, selection.head) == ((2, 3, 1), 1)
    selection.head = None
    assert (selection.heads, selection.head) == ((), None)


def test_one_round_of_notifications() -> None:
    selection = Selection()
    heard: list[tuple[str, Any, Any, dict[str, Any]]] = []
    selection.observe(lambda change: heard.append((change["name"], change["old"], change["new"], selection.fields())))
    selection.update(heads=(1, 4), sample=2, query=None)
    assert [(name, old, new) for name, old, new, _ in heard] == [
        ("heads", (0,), (1, 4)),
        ("head", 0, 4),
        ("sample", 0, 2),
    ]
    assert all(fields == heard[-1][3] for *_, fields in heard), "all fields are set before anyone hears of one"
    selection.update(heads=(1, 4))
    assert len(heard) == 3


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"head": "3"}, "head='3', but it must be a whole number"),
        ({"head": True}, "head=True"),
        ({"head": -1}, "head=-1, but it counts from 0"),
        ({"heads": 3}, "for one head set head="),
        ({"heads": (1, 1)}, "each head counts once"),
        ({"heads": (1, 2), "head": 3}, "head=3, but it is not one of heads"),
        ({"layer": 3}, "for an attention layer set attention="),
        ({"sample": 1.0}, "sample=1.0"),
        ({"latent": (1.0, float("nan"))}, "finite"),
        ({"latent": "x"}, "list of numbers"),
        ({"haed": 3}, "no field 'haed'; did you mean 'head'"),
    ],
)
def test_a_wrong_value_changes_nothing(fields: dict[str, Any], words: str) -> None:
    selection = Selection(query=3)
    before = selection.fields()
    with pytest.raises(TraitError) as caught:
        selection.update(sample=1, **fields) if "sample" not in fields else selection.update(**fields)
    assert words in str(caught.value)
    assert selection.fields() == before


def test_a_misspelt_field_is_an_error() -> None:
    with pytest.raises(AttributeError, match="did you mean 'sample'"):
        Selection().smaple = 3  # type: ignore[attr-defined]
    with pytest.raises(TraitError, match="no field"):
        Selection(haed=1)


def test_attention_sets_layer_and_drops_heads(narrowing: ModelSession) -> None:
    selection = narrowing.selection
    assert selection.layer == "wide", "known as soon as the attention is"
    selection.update(heads=(3, 1), query=5)
    selection.attention = -1
    assert (selection.attention, selection.layer, selection.heads) == (1, "narrow", (1,))
    selection.attention = 0
    selection.heads = (2, 3)
    selection.attention = 1
    assert selection.heads == (1,), "the nearest head that there is"


def test_layer_sets_attention_where_it_can_only_mean_one() -> None:
    session = ModelSession(encoder(layers=3), torch.randn(2, 5, 32))
    assert len(session.attention.layers) == 3
    session.selection.layer = "layers.2.self_attn"
    assert session.selection.attention == 2
    session.selection.layer = "layers.1"
    assert (session.selection.attention, session.selection.layer) == (1, "layers.1")
    session.selection.layer = "layers"  # holds three
    assert session.selection.attention == 1
    session.selection.layer = "layers.0.linear1"  # holds none
    assert session.selection.attention == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"head": 12}, "head=12, but layer 0 has 4 heads (0 to 3)"),
        ({"attention": 1, "head": 2}, "head=2, but layer 1 has 2 heads (0 to 1)"),
        ({"attention": 2}, "attention=2, but Narrowing has 2 attention layers (0 to 1)"),
        ({"attention": -3}, "attention=-3, but Narrowing has 2 attention layers"),
        ({"query": 6}, "query=6, but layer 0 has 6 queries (0 to 5)"),
        ({"key": 9}, "key=9, but layer 0 has 6 keys (0 to 5)"),
        ({"sample": 3}, "sample=3, but the input has 3 samples (0 to 2)"),
        ({"layer": "narow"}, "layer='narow', but Narrowing has no module of that path; the nearest are 'narrow'"),
    ],
)
def test_out_of_bounds(narrowing: ModelSession, fields: dict[str, Any], words: str) -> None:
    before = narrowing.selection.fields()
    with pytest.raises(TraitError) as caught:
        narrowing.selection.update(**fields)
    assert words in str(caught.value)
    assert narrowing.selection.fields() == before
    if len(fields) == 1:
        with pytest.raises(TraitError):
            setattr(narrowing.selection, *fields.popitem())
        assert narrowing.selection.fields() == before


def test_bounds_known_from_the_start() -> None:
    session = ModelSession(Picture(), torch.randn(2, 3, 8, 8), class_names=["a", "b", "c", "d", "e"])
    with pytest.raises(TraitError, match=r"sample=2, but the input has 2 samples \(0 to 1\)"):
        session.selection.sample = 2
    with pytest.raises(TraitError, match=r"target=5, but Picture has 5 classes \(0 to 4\)"):
        session.selection.target = 5


def test_what_was_set_before_the_bounds_were_known_is_brought_within_them() -> None:
    session = ModelSession(Narrowing(), torch.randint(50, (3, 6)))
    session.selection.update(attention=-1, heads=(1, 7), query=99, sample=5)  # 6 tokens and 3 samples, or the reverse?
    assert session.attention.layers
    assert session.selection.fields() | {"layer": None} == Selection(attention=1, heads=(1,), sample=2).fields()
    assert session.selection.layer == "narrow"
    assert "The selection was out of bounds and was moved: attention -1 → 1" in session.attention.notes[-1]


def test_sessions_share_a_selection() -> None:
    first = ModelSession(encoder(layers=3), torch.randn(2, 5, 32))
    second = ModelSession(encoder(layers=2), torch.randn(2, 5, 32), selection=first.selection)
    picture = ModelSession(Picture(), torch.randn(2, 3, 8, 8), selection=first.selection)
    for session in (first, second, picture):
        assert session.selection is first.selection
        _ = session.attention.layers
    first.selection.attention = 1
    with pytest.raises(TraitError, match="attention=2, but TransformerEncoder has 2 attention layers"):
        first.selection.attention = 2
    second.close()
    first.selection.attention = 2
    assert first.selection.layer == "layers.2.self_attn"


def test_a_selection_outlives_a_session_without_holding_it() -> None:
    selection = ModelSession(Picture(), torch.randn(2, 3, 8, 8)).selection
    gc.collect()
    selection.sample = 7
    assert selection.sample == 7

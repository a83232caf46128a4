"""The names at the two sides of attention: given, tokenized, patches or numbers; special tokens and padding."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from nnwidgets.analysis.tokens import TokenColumn
from nnwidgets.session import ModelSession
from nnwidgets.session.errors import TokensError
from nnwidgets.session.tokens import readable

from .models import Narrowing, Reader, Tokenizer, Translator, encoder


@pytest.mark.parametrize(
    ("pieces", "texts", "byte_level"),
    [
        (["The", "Ġcat", "Ċ", "Ġ", "ĠCafÃ©", "ĊĊ"], ("The", " cat", "↵", "␣", " Café", "↵↵"), True),
        (["▁The", "▁cat", "s", "▁"], (" The", " cat", "s", "␣"), False),
        (["[CLS]", "sit", "##ting", "<script>"], ("[CLS]", "sit", "##ting", "<script>"), False),
        (["Ġâ", "Ģ", "Ļ", "<|end of text|>"], (" \\xe2", "\\x80", "\\x99", "<|end of text|>"), True),
        ([None, "a", "Ġorġ"], ("", "a", "Ġorġ"), False),
    ],
)
def test_pieces_become_readable(pieces: list[str | None], texts: tuple[str, ...], byte_level: bool) -> None:
    assert readable(pieces, byte_level=byte_level) == texts


def test_text_is_read_with_a_tokenizer() -> None:
    session = ModelSession(Reader(), ["the cat", "the cat sat ##ting <script>"], tokenizer=Tokenizer())
    assert session.samples == 2
    tokens = session.attention.tokens(0)
    assert tokens["target"] is None
    assert tokens["source"] == TokenColumn(
        ("[CLS]", "the", "cat", "[SEP]", "[PAD]", "[PAD]", "[PAD]"), (0, 3, 4, 5, 6), (4, 5, 6)
    )
    assert session.attention.tokens(1)["source"].texts[4:] == ("##ting", "<script>", "[SEP]")


def test_reading_another_text() -> None:
    session = ModelSession(Reader(), tokenizer=Tokenizer())
    session.read("the cat sat")
    session.selection.update(attention=1, heads=(1, 2), query=4)
    before = session.version
    session.read("the")
    assert session.version > before
    assert session.attention.weights().shape == (3, 3)
    assert session.attention.tokens()["source"].texts == ("[CLS]", "the", "[SEP]")
    assert (session.selection.attention, session.selection.heads, session.selection.query) == (1, (1, 2), None)


@pytest.mark.parametrize(("text", "held"), [(5, "5"), (None, "None"), (["a", 3], "3"), (("the", "cat"), r"\('the'")])
def test_reading_what_is_no_text(text: Any, held: str) -> None:
    session = ModelSession(Reader(), "the cat", tokenizer=Tokenizer())
    version, inputs = session.version, session.inputs
    with pytest.raises(TypeError, match=f"text holds {held}.*, but it is a text or a list of texts"):
        session.read(text)
    assert session.version == version and session.inputs is inputs
    if isinstance(text, list):
        with pytest.raises(TypeError, match=f"inputs holds {held}, but it is a text or a list of texts"):
            ModelSession(Reader(), text, tokenizer=Tokenizer())
        assert ModelSession(Reader(), text, forward=lambda model, inputs: len(inputs)).outputs == 2


def test_text_without_a_tokenizer_is_an_error() -> None:
    with pytest.raises(TypeError, match="no tokenizer: pass tokenizer="):
        ModelSession(Reader(), "the cat")


def test_given_tokens() -> None:
    inputs = {"input_ids": torch.randint(50, (2, 3)), "attention_mask": torch.tensor([[1, 1, 1], [1, 1, 0]])}
    session = ModelSession(Reader(), inputs, tokens=[["<s>", "a", "b"], ["<s>", "c", "<pad>"]])
    assert session.attention.tokens(1)["source"] == TokenColumn(("<s>", "c", "<pad>"), (0, 2), (2,))
    shared = ModelSession(Reader(), inputs, tokens=("x", "y", "z"))
    assert shared.attention.tokens(0)["source"].texts == shared.attention.tokens(1)["source"].texts == ("x", "y", "z")


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (["a"] * 5, "sample 0 has 5 source tokens, but the input has 3 positions"),
        ([["a"] * 3, ["a"] * 4], "sample 1 has 4 source tokens, but the input has 3 positions"),
        ([["a"] * 3] * 3, "tokens= has 3 lists, but the input has 2 samples"),
        ("abc", "tokens='abc'"),
        ([1, 2, 3], "it is a list of texts"),
        ([], r"tokens=\[\]"),
        ({"sorce": ["a"]}, "'sorce'"),
        ({"source": ["a"] * 2}, "sample 0 has 2 source tokens"),
    ],
)
def test_tokens_that_do_not_fit_are_an_error_at_once(tokens: Any, words: str) -> None:
    inputs = {"input_ids": torch.randint(50, (2, 3))}
    with pytest.raises(TokensError, match=words):
        ModelSession(Reader(), inputs, tokens=tokens)
    session = ModelSession(Reader(), inputs)
    version = session.version
    with pytest.raises(TokensError, match=words):
        session.set_inputs(inputs, tokens=tokens)
    assert session.version == version


@pytest.mark.parametrize("inputs", [torch.ones(2, 7).long(), (torch.ones(2, 7).long(),), torch.ones(1, 7).int()])
def test_tokens_are_counted_by_ids_without_a_name(inputs: Any) -> None:
    opened: list[ModelSession] = []
    ModelSession.opened.append(opened.append)
    words = "sample 0 has 3 source tokens, but the input has 7 positions"
    try:
        with pytest.raises(TokensError, match=words):
            ModelSession(Narrowing(), inputs, tokens=list("abc"))
    finally:
        ModelSession.opened.remove(opened.append)
    assert not opened
    session = ModelSession(Narrowing(), inputs, tokens=list("abcdefg"))
    version = session.version
    with pytest.raises(TokensError, match=words):
        session.set_inputs(inputs, tokens=list("abc"))
    assert session.version == version and session.attention.tokens()["source"].texts == tuple("abcdefg")


def test_ids_without_a_name_may_have_the_batch_second() -> None:
    model = nn.Sequential(nn.Embedding(50, 32), nn.TransformerEncoderLayer(32, 4, 64)).eval()
    session = ModelSession(model, torch.randint(50, (5, 2)), tokens=list("abcde"))
    assert session.attention.tokens(1)["source"].texts == tuple("abcde")


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (list("abcd"), "tokens= has 4 source tokens, but the attention has 5 positions"),
        ([list("abcde"), list("abc")], "tokens= has 3 source tokens, but the attention has 5 positions"),
        ([list("abcde")] * 3, "tokens= has 3 lists, but the attention has 2 samples"),
    ],
)
def test_tokens_that_cannot_be_counted_before_the_run(tokens: Any, words: str) -> None:
    session = ModelSession(encoder(), torch.randn(2, 5, 32), tokens=tokens)
    for ask in (lambda: session.attention.layers, lambda: session.attention.tokens()):
        with pytest.raises(TokensError, match=words):
            ask()
    assert session.attention.unseen == []
    session.set_inputs(torch.randn(2, 5, 32), tokens=list("abcde"))
    assert session.attention.tokens()["source"].texts == tuple("abcde")


def test_positions_and_padding_where_nothing_is_named() -> None:
    inputs = {"src": torch.randn(2, 4, 32), "src_key_padding_mask": torch.tensor([[0, 0, 0, 0], [0, 0, 1, 1]]).bool()}
    session = ModelSession(encoder(), inputs)
    assert session.attention.tokens(0)["source"] == TokenColumn(("0", "1", "2", "3"))
    assert session.attention.tokens(1)["source"] == TokenColumn(("0", "1", "2", "3"), (), (2, 3))


def test_two_sides() -> None:
    inputs = {"input_ids": torch.randint(50, (2, 5)), "decoder_input_ids": torch.randint(50, (2, 3))}
    session = ModelSession(Translator(), inputs, tokens={"source": list("abcde"), "target": list("xyz")})
    attention = session.attention
    by_kind = {entry.kind: entry for entry in attention.layers}
    assert set(by_kind) == {"encoder", "decoder", "cross"}
    assert {kind: attention.sides(entry) for kind, entry in by_kind.items()} == {
        "encoder": ("source", "source"),
        "decoder": ("target", "target"),
        "cross": ("target", "source"),
    }
    queries, keys = attention.columns(by_kind["cross"].index, 1)
    assert (queries.texts, keys.texts) == (tuple("xyz"), tuple("abcde"))
    unnamed = ModelSession(Translator(), inputs).attention.tokens()
    assert (len(unnamed["source"]), len(unnamed["target"])) == (5, 3)
    only_source = ModelSession(Translator(), inputs, tokens=list("abcde")).attention.tokens()
    assert (only_source["source"].texts[0], only_source["target"].texts[0]) == ("a", "0")


def test_a_decoder_alone_reads_its_own_text() -> None:
    session = ModelSession(Narrowing(), torch.randint(50, (1, 3)), tokens=["a", "b", "c"])
    assert {session.attention.sides(entry) for entry in session.attention.layers} == {("source", "source")}
    assert session.attention.tokens()["target"] is None


def test_a_kind_that_is_set_stays() -> None:
    session = ModelSession(encoder(), torch.randn(1, 4, 32))
    heard: list[str] = []
    session.on_change(lambda session, reason: heard.append(reason))
    entry, version = session.attention.layers[0], session.version
    entry.kind = "decoder"
    assert session.version > version and heard == ["layer 0 is of kind 'decoder' now"]
    session.refresh()
    assert session.attention.layers[0].kind == "decoder"
    with pytest.raises(ValueError, match="kind='decodr', but it is one of 'encoder'"):
        entry.kind = "decodr"  # type: ignore[assignment]


def test_sample_out_of_range() -> None:
    session = ModelSession(encoder(), torch.randn(2, 4, 32))
    with pytest.raises(IndexError, match=r"sample=2, but the input has 2 samples \(0 to 1\)"):
        session.attention.tokens(2)


class Vision(nn.Module):
    """Patches of 4 × 4 pixels and, with a class token, one more."""

    def __init__(self, class_token: bool) -> None:
        super().__init__()
        self.config = SimpleNamespace(patch_size=4)
        self.patches = nn.Conv2d(3, 32, 4, 4)
        if class_token:
            self.cls_token = nn.Parameter(torch.randn(1, 1, 32))
        self.encoder = encoder(1)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        hidden = self.patches(pixel_values).flatten(2).mT
        if hasattr(self, "cls_token"):
            hidden = torch.cat([self.cls_token.expand(len(hidden), 1, 32), hidden], dim=1)
        return self.encoder(hidden)


def test_patches_of_an_image() -> None:
    images = {"pixel_values": torch.randn(2, 3, 8, 12)}
    patches = tuple(f"patch {row},{column}" for row in range(2) for column in range(3))
    assert ModelSession(Vision(False), images).attention.tokens()["source"] == TokenColumn(patches)
    with_class = ModelSession(Vision(True), images).attention.tokens()["source"]
    assert with_class == TokenColumn(("[CLS]", *patches), (0,))
    unknown = Vision(True)
    del unknown.config
    assert ModelSession(unknown, images).attention.tokens()["source"].texts[:2] == ("0", "1")

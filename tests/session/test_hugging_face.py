"""Hugging Face models as they come: their inputs, their outputs, their tokenizers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from nnwidgets.session import ModelSession

from ..capture.models import VOCABULARY, bart, bert, gpt2, token_batch, vit


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE, as GPT-2 and SmolLM have it."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = [*pre_tokenizers.ByteLevel.alphabet()]
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<|end|>"], initial_alphabet=alphabet)
    backend.train_from_iterator(["the cat sat on the mat"] * 10, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|end|>", pad_token="<|end|>")


def test_a_tokenizer_reads_and_names(tokenizer: PreTrainedTokenizerFast) -> None:
    model = gpt2()
    model.resize_token_embeddings(len(tokenizer))
    session = ModelSession(model, ["the cat", "the café <script>\n"], tokenizer=tokenizer)
    source = session.attention.tokens(1)["source"]
    assert "".join(source.texts) == "the␣caf\\xc3\\xa9␣<script>↵"
    assert ModelSession(model, "é", tokenizer=tokenizer).attention.tokens()["source"].texts == ("\\xc3", "\\xa9")
    assert source.texts[0] == "the" and source.texts[-1] == "↵" and not source.padding
    short = session.attention.tokens(0)["source"]
    assert short.texts[:2] == ("the", " cat") and short.padding == tuple(range(2, len(source))) == short.special
    session.set_inputs(tokenizer("the cat", return_tensors="pt"))
    assert session.attention.tokens()["source"].texts == ("the", " cat")


def test_outputs_are_the_models_own() -> None:
    model, inputs = bert().eval(), token_batch()
    session = ModelSession(model, inputs)
    with torch.no_grad():
        expected = model(**inputs)
    assert type(session.outputs) is type(expected)
    assert torch.equal(session.outputs.last_hidden_state, expected.last_hidden_state)
    assert session.label == "BertModel" and session.samples == 2
    assert [entry.path for entry in session.attention.layers] == [
        f"encoder.layer.{index}.attention.self" for index in range(2)
    ]
    assert session.attention.tokens(1)["source"].padding == (6, 7, 8)
    session.selection.layer = "encoder.layer.1"
    assert session.selection.attention == 1


def test_patches_of_a_vision_transformer() -> None:
    session = ModelSession(vit(), {"pixel_values": torch.randn(1, 1, 16, 16)})
    source = session.attention.tokens()["source"]
    assert source.texts[:3] == ("[CLS]", "patch 0,0", "patch 0,1") and len(source) == 17 and source.special == (0,)


def test_an_encoder_decoder_has_two_sides(tokenizer: PreTrainedTokenizerFast) -> None:
    inputs = {"input_ids": torch.randint(VOCABULARY, (1, 6)), "decoder_input_ids": torch.randint(VOCABULARY, (1, 4))}
    session = ModelSession(bart(), inputs, tokenizer=tokenizer)
    tokens = session.attention.tokens()
    assert (len(tokens["source"]), len(tokens["target"])) == (6, 4)
    kinds = {entry.kind: session.attention.sides(entry) for entry in session.attention.layers}
    assert kinds == {
        "encoder": ("source", "source"),
        "decoder": ("target", "target"),
        "cross": ("target", "source"),
    }
    for entry in session.attention.layers:
        weights = session.attention.weights(entry.index, 0)
        assert weights.shape == tuple(map(len, session.attention.columns(entry.index)))
        np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)

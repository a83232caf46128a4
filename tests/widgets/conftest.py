"""One session for each form of attention that the widgets must show."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import pytest
import torch

from nnwidgets.session import ModelSession
from tests.capture import models as tiny
from tests.session.models import Translator, encoder


def an_encoder() -> ModelSession:
    return ModelSession(encoder(), torch.randn(2, 5, 32), tokens=list("abcde"))


def a_decoder() -> ModelSession:
    return ModelSession(tiny.gpt2().eval(), tiny.token_batch(6))


def a_translator() -> ModelSession:
    source, target = torch.randint(50, (1, 6)), torch.randint(50, (1, 4))
    tokens = {"source": list("abcdef"), "target": list("wxyz")}
    return ModelSession(Translator().eval(), (source, target), tokens=tokens)


def a_bert() -> ModelSession:
    return ModelSession(tiny.bert().eval(), tiny.token_batch(7))


def a_llama() -> ModelSession:
    return ModelSession(tiny.llama().eval(), tiny.token_batch(6))


SESSIONS: dict[str, Callable[[], ModelSession]] = {
    "encoder": an_encoder,
    "GPT-2": a_decoder,
    "nn.Transformer": a_translator,
    "BERT": a_bert,
    "Llama": a_llama,
}


@pytest.fixture(params=SESSIONS)
def session(request: pytest.FixtureRequest) -> Iterator[ModelSession]:
    """Each of the models in turn."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and transformers, about the models
        made = SESSIONS[request.param]()
    with made:
        yield made


@pytest.fixture
def small() -> Iterator[ModelSession]:
    """The encoder alone."""
    torch.manual_seed(0)
    with an_encoder() as made:
        yield made

"""Attention that cannot be seen is listed with its reason; a softmax that is no attention is not listed."""

from __future__ import annotations

import pytest
import torch
import transformers
from torch import nn
from torch.nn.attention.flex_attention import flex_attention

from nnwidgets.capture import Call, record_attention

from .models import ATTENTION, HUGGING_FACE, VOCABULARY, Plain, SelfAttention, bert, token_batch


def unseen(model: nn.Module, inputs: object) -> dict[str, str]:
    capture = record_attention(Call(model, inputs))
    assert capture.records == []
    return {found.path: found.reason for found in capture.unseen}


def test_hugging_face_eager_says_how_to_get_it_seen() -> None:
    model = bert()
    model.set_attn_implementation("eager")  # type: ignore[operator]
    found = unseen(model, token_batch())
    assert list(found) == [f"encoder.layer.{i}.attention.self" for i in (0, 1)]
    assert all('set_attn_implementation("sdpa")' in reason for reason in found.values())


def test_hugging_face_eager_without_another_form() -> None:
    config = transformers.BloomConfig(vocab_size=VOCABULARY, hidden_size=32, n_layer=1, n_head=4)
    found = unseen(transformers.BloomForCausalLM(config), token_batch())
    assert list(found) == ["transformer.h.0.self_attention"]
    assert "no other form" in found["transformer.h.0.self_attention"]


def test_attention_written_out() -> None:
    found = unseen(nn.Sequential(nn.Linear(8, 8), Plain()), torch.randn(2, 5, 8))
    assert list(found) == ["1"]
    assert "steps of its own" in found["1"]


class MaskedEinsum(nn.Module):
    """Written out with einsum, a mask, a cast and dropout between softmax and product."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = torch.einsum("bqd,bkd->bqk", x, x) / 3
        logits = logits.masked_fill(torch.ones(x.shape[1], x.shape[1]).triu(1).bool(), -1e9)
        weights = nn.functional.dropout(torch.softmax(logits.float(), dim=-1), 0.1, self.training).to(x.dtype)
        return torch.einsum("bqk,bkd->bqd", weights, x)


def test_softmax_is_followed_through_masks_casts_and_dropout() -> None:
    assert list(unseen(MaskedEinsum(), torch.randn(2, 5, 8))) == [""]


class AdditiveAttention(nn.Module):
    """Bahdanau et al. (2015): the logits come from a learned vector; only the name says that it is attention."""

    def __init__(self) -> None:
        super().__init__()
        self.score = nn.Linear(8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weights = torch.softmax(self.score(torch.tanh(x)).squeeze(-1), dim=-1)
        return torch.bmm(weights.unsqueeze(1), x)


def test_a_class_that_is_called_attention_needs_no_product_of_activations() -> None:
    found = unseen(nn.Sequential(nn.Linear(8, 8), AdditiveAttention()), torch.randn(2, 5, 8))
    assert list(found) == ["1"]
    assert "steps of its own" in found["1"]


class LinearAttention(nn.Module):
    """No softmax at all."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ (x.transpose(-2, -1) @ x)


def test_attention_without_softmax_is_named_as_such() -> None:
    found = unseen(nn.Sequential(LinearAttention()), torch.randn(2, 5, 8))
    assert list(found) == ["0"]
    assert "LinearAttention" in found["0"]


class Flex(nn.Module):
    """Attention in a kernel of its own; its name does not say so."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heads = x.unflatten(-1, (2, 4)).transpose(1, 2)
        return flex_attention(heads, heads, heads).transpose(1, 2).flatten(2)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_flex_attention() -> None:
    found = unseen(nn.Sequential(Flex()), torch.randn(2, 5, 8))
    assert list(found) == ["0"]
    assert "flex_attention" in found["0"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_torchscript() -> None:
    x = torch.randn(2, 5, 32)
    traced = torch.jit.trace(nn.Sequential(SelfAttention(), nn.ReLU()).eval(), x)
    found = unseen(nn.Sequential(nn.Linear(32, 32), traced), x)
    assert list(found) == ["1"]
    assert "TorchScript" in found["1"]
    scripted = torch.jit.script(nn.Sequential(nn.Linear(32, 32), nn.Softmax(dim=-1)).eval())
    assert unseen(nn.Sequential(scripted), x) == {}


class Classifier(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(x, dim=-1)


class ExpectedEmbedding(nn.Module):
    """Soft tokens: the softmax of logits by weights, times weights."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = x @ self.embedding.weight.T
        return torch.softmax(logits, dim=-1) @ self.embedding.weight


class ExpectedEmbeddingByEinsum(ExpectedEmbedding):
    """The same in another notation."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = torch.einsum("bqd,vd->bqv", x, self.embedding.weight)
        return torch.einsum("bqv,vd->bqd", torch.softmax(logits, dim=-1), self.embedding.weight)


class MixedEmbedding(ExpectedEmbedding):
    """Weights choose among activations: the logits come from weights of the model, so no token looks at another."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(x @ self.embedding.weight.T[:, :5], dim=-1) @ torch.tanh(x)


class Router(nn.Module):
    """A soft mixture of experts: gates from a linear layer, times the experts' outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(8, 3)
        self.experts = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gates = torch.softmax(self.gate(x), dim=-1).unsqueeze(-2)
        return (gates @ torch.stack([expert(x) for expert in self.experts], dim=-2)).squeeze(-2)


@pytest.mark.parametrize("module", [Classifier, ExpectedEmbedding, ExpectedEmbeddingByEinsum, MixedEmbedding, Router])
def test_a_softmax_that_is_no_attention_is_not_listed(module: type[nn.Module]) -> None:
    assert unseen(nn.Sequential(nn.Linear(8, 8), module()), torch.randn(2, 5, 8)) == {}


@pytest.mark.parametrize("name", HUGGING_FACE)
def test_nothing_is_listed_where_everything_was_seen(name: str) -> None:
    build, inputs = HUGGING_FACE[name]
    assert record_attention(Call(build(), inputs())).unseen == []


def test_routers_of_a_mixture_of_experts_are_not_listed() -> None:
    config = transformers.MixtralConfig(vocab_size=VOCABULARY, num_key_value_heads=2, num_local_experts=4, **ATTENTION)
    capture = record_attention(Call(transformers.MixtralForCausalLM(config), token_batch()))
    assert [record.kind for record in capture.records] == ["decoder", "decoder"]
    assert capture.unseen == []


def test_sparse_inputs_are_no_hindrance() -> None:
    class Graph(nn.Module):
        def forward(self, adjacency: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
            return torch.softmax(adjacency @ x, dim=-1)

    assert unseen(Graph(), (torch.eye(5).to_sparse(), torch.randn(5, 8))) == {}


def test_a_model_without_attention_has_neither() -> None:
    assert unseen(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Softmax(dim=-1)), torch.randn(2, 8)) == {}

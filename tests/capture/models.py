"""Small random models for the capture tests: one of each attention form, and Hugging Face models with tiny configs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import transformers
from torch import nn
from torch.nn import functional as F

VOCABULARY = 50
ATTENTION = {"num_attention_heads": 4, "hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 48}


def token_batch(length: int = 9) -> dict[str, torch.Tensor]:
    """Two sequences of tokens, the second padded at its end."""
    ids = torch.randint(1, VOCABULARY, (2, length))
    mask = torch.ones_like(ids)
    mask[1, length - 3 :] = 0
    return {"input_ids": ids, "attention_mask": mask}


def bert() -> nn.Module:
    return transformers.BertModel(transformers.BertConfig(vocab_size=VOCABULARY, **ATTENTION))


def gpt2() -> nn.Module:
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=VOCABULARY, n_embd=32, n_head=4, n_layer=2))


def llama() -> nn.Module:
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(vocab_size=VOCABULARY, num_key_value_heads=2, **ATTENTION)
    )


def mistral() -> nn.Module:
    config = transformers.MistralConfig(vocab_size=VOCABULARY, num_key_value_heads=2, sliding_window=4, **ATTENTION)
    return transformers.MistralForCausalLM(config)


def vit() -> nn.Module:
    return transformers.ViTModel(transformers.ViTConfig(image_size=16, patch_size=4, num_channels=1, **ATTENTION))


def bart() -> nn.Module:
    config = transformers.BartConfig(
        vocab_size=VOCABULARY, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
        decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, max_position_embeddings=32,
    )  # fmt: skip
    return transformers.BartForConditionalGeneration(config)


HUGGING_FACE: dict[str, tuple[Callable[[], nn.Module], Callable[[], dict[str, torch.Tensor]]]] = {
    "bert": (bert, token_batch),
    "gpt2": (gpt2, token_batch),
    "llama": (llama, token_batch),
    "mistral": (mistral, token_batch),
    "llama without a mask": (llama, lambda: {"input_ids": token_batch()["input_ids"]}),
    "vit": (vit, lambda: {"pixel_values": torch.randn(2, 1, 16, 16)}),
}


def eager_copy(model: nn.Module) -> Any:
    """The same weights in Hugging Face's plain form, which returns its attention weights."""
    eager: Any = copy.deepcopy(model).eval()
    eager.set_attn_implementation("eager")
    return eager


class SelfAttention(nn.Module):
    """Attention by hand over `F.scaled_dot_product_attention`, whose other arguments are given to the call."""

    def __init__(self, heads: int = 4, size: int = 8, key_value_heads: int | None = None) -> None:
        super().__init__()
        self.heads, self.key_value_heads = heads, key_value_heads or heads
        self.query = nn.Linear(heads * size, heads * size)
        self.key = nn.Linear(heads * size, self.key_value_heads * size)
        self.value = nn.Linear(heads * size, self.key_value_heads * size)

    def forward(self, x: torch.Tensor, memory: torch.Tensor | None = None, **arguments: Any) -> torch.Tensor:
        source = x if memory is None else memory
        query = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key = self.key(source).unflatten(-1, (self.key_value_heads, -1)).transpose(1, 2)
        value = self.value(source).unflatten(-1, (self.key_value_heads, -1)).transpose(1, 2)
        return F.scaled_dot_product_attention(query, key, value, **arguments).transpose(1, 2).flatten(2)


class Plain(nn.Module):
    """Attention written out: softmax(QKᵀ)V."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(x @ x.transpose(-2, -1), dim=-1) @ x


def classifier() -> nn.Module:
    """An nn.TransformerEncoder over tokens, in the layout that takes the fused path in eval."""

    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layer = nn.TransformerEncoderLayer(32, 4, 48, batch_first=True)
            self.embedding = nn.Embedding(VOCABULARY, 32)
            self.encoder = nn.TransformerEncoder(layer, 2)
            self.head = nn.Linear(32, 5)

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
            padding = None if attention_mask is None else attention_mask == 0
            hidden = self.encoder(self.embedding(input_ids), src_key_padding_mask=padding)
            return self.head(hidden.mean(dim=1))

    return Classifier()

"""Small models for the session tests: each a form of input, output or attention that a session must read."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 32


def encoder(layers: int = 3, heads: int = 4) -> nn.Module:
    """An encoder stack: `[batch, tokens, 32]` in and out; runs as fused kernels in eval."""
    layer = nn.TransformerEncoderLayer(WIDTH, heads, 64, batch_first=True)
    return nn.TransformerEncoder(layer, layers).eval()


class Reader(nn.Module):
    """Token ids and mask in, `{"logits": [batch, classes]}` out; pools all positions, as it should not."""

    def __init__(self, layers: int = 2, heads: int = 4, classes: int = 3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, WIDTH)
        self.encoder = encoder(layers, heads)
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> dict[str, torch.Tensor]:
        padding = None if attention_mask is None else attention_mask == 0
        hidden = self.encoder(self.embedding(input_ids), src_key_padding_mask=padding)
        return {"logits": self.head(hidden.mean(dim=1))}


class Narrowing(nn.Module):
    """Two attention layers with 4 and with 2 heads, causal; ids `[batch, tokens]` in, `(logits, hidden)` out."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, WIDTH)
        self.wide = nn.MultiheadAttention(WIDTH, 4, batch_first=True)
        self.narrow = nn.MultiheadAttention(WIDTH, 2, batch_first=True)
        self.head = nn.Linear(WIDTH, 50)

    def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.embedding(ids)
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        for attention in (self.wide, self.narrow):
            hidden = hidden + attention(hidden, hidden, hidden, attn_mask=mask, need_weights=False)[0]
        return self.head(hidden), hidden


class Translator(nn.Module):
    """Source ids and target ids in: an encoder, a causal decoder and the attention across."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, WIDTH)
        self.transformer = nn.Transformer(WIDTH, 4, 1, 2, 64, batch_first=True).eval()

    def forward(self, input_ids: torch.Tensor, decoder_input_ids: torch.Tensor) -> torch.Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(decoder_input_ids.shape[1])
        return self.transformer(self.embedding(input_ids), self.embedding(decoder_input_ids), tgt_mask=mask)


class Picture(nn.Module):
    """A convolutional classifier with batch normalisation and dropout; no attention."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(8, 5)
        self.unused = nn.Linear(8, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = self.act(self.norm(self.convolution(images)))
        return self.head(self.dropout(F.adaptive_avg_pool2d(hidden, 1).flatten(1)))


class Heavy(nn.Module):
    """A chain whose layers each put out `floats` numbers: activations far larger than its weights."""

    def __init__(self, layers: int, floats: int) -> None:
        super().__init__()
        self.floats = floats
        self.chain = nn.ModuleList(Scale(index) for index in range(layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.expand(self.floats)
        for link in self.chain:
            x = link(x)
        return x[:3].clone()


class Scale(nn.Module):
    def __init__(self, index: int) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(1.0 + index / 100))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor


class Picky(nn.Module):
    """Raises for negative input."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if (x < 0).any():
            raise ArithmeticError("no negative numbers, please")
        return self.inner(x)


class Counting(nn.Module):
    """Counts its runs."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 3)
        self.__dict__["runs"] = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.__dict__["runs"] += 1
        return self.inner(x)


class Gated(nn.Module):
    """Stops in the middle of its forward until the gate is opened."""

    def __init__(self, layers: int = 4) -> None:
        super().__init__()
        self.body = nn.Sequential(*(nn.Linear(4, 4) for _ in range(layers)))
        self.norm = nn.BatchNorm1d(4)
        self.tail = nn.Linear(4, 4)
        self.__dict__["entered"] = threading.Event()
        self.__dict__["gate"] = threading.Event()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.body(x))
        self.entered.set()
        assert self.gate.wait(10)
        return self.tail(x)


class Tokenizer:
    """The part of a Hugging Face tokenizer that a session uses: words by a table, padded with [PAD]."""

    words = ("[PAD]", "[CLS]", "[SEP]", "the", "cat", "sat", "##ting", "<script>")
    all_special_ids = (0, 1, 2)
    all_special_tokens = words[:3]

    def __call__(self, texts: list[str], *, return_tensors: str, padding: bool) -> dict[str, Any]:
        rows = [[1, *(self.words.index(word) for word in text.split()), 2] for text in texts]
        length = max(map(len, rows))
        assert padding or len({len(row) for row in rows}) == 1
        return {
            "input_ids": torch.tensor([row + [0] * (length - len(row)) for row in rows]),
            "attention_mask": torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows]),
        }

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [self.words[id] for id in ids]

"""The arguments of one attention in one shape, whatever shape the model has them in: `[batch, heads, tokens, size]`."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

_HEADS = ("num_heads", "num_attention_heads", "n_heads", "n_head", "nhead", "heads")
_KEY_VALUE_HEADS = ("num_key_value_heads", "num_kv_heads", "n_kv_heads", "n_kv_head", "kv_heads")


@dataclass(frozen=True)
class Arguments:
    """What `F.scaled_dot_product_attention` was given and returned.

    `key_value_heads` is how many key-value heads the model has, which may have been repeated before the call.
    """

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    attn_mask: torch.Tensor | None
    output: torch.Tensor
    scale: float
    dropout: float = 0.0
    is_causal: bool = False
    hidden_rows_are_zero: bool = True
    key_value_heads: int = 1

    @classmethod
    def of_call(
        cls,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
        *,
        output: torch.Tensor,
    ) -> Arguments:
        """From the function's own arguments."""
        scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
        return cls(query, key, value, attn_mask, output, scale, dropout_p, is_causal)

    @property
    def queries(self) -> int:
        """Number of queries."""
        return self.query.shape[-2]

    @property
    def keys(self) -> int:
        """Number of keys."""
        return self.key.shape[-2]

    def with_heads(self, module: nn.Module) -> Arguments:
        """All tensors as `[batch, heads, tokens, size]`, without a copy; the mask's axes may be 1.

        Tensors of three axes are samples, or samples times heads where `module` says how many heads it has. Single
        queries that Hugging Face packs as `[batch, key-value heads, group, size]` are unpacked again.
        """
        joined = _number(module, _HEADS) or 1
        if self.query.ndim != 3 or self.query.shape[0] % joined:
            joined = 1
        lead = torch.broadcast_shapes(self.query.shape[:-3], self.key.shape[:-3], self.value.shape[:-3])

        def four(tensor: torch.Tensor) -> torch.Tensor:
            if tensor.ndim == 3:
                return _split(tensor, joined)
            if tensor.ndim == 2:
                return tensor[None, None]
            return torch.flatten(tensor.expand(*lead, *tensor.shape[-3:]), 0, -4)

        query, key, value, output = four(self.query), four(self.key), four(self.value), four(self.output)
        mask = None if self.attn_mask is None else self._mask(self.attn_mask, joined, lead)
        key_value_heads = _key_value_heads(module, query.shape[1], key.shape[1])
        groups = _number(module, ("num_key_value_groups",)) or 1
        packed = query.shape[1] == key.shape[1] and query.shape[2] == groups > 1
        if packed and query.shape[1] * groups == (_config_number(module, "num_attention_heads") or 0):
            query, output = query.flatten(1, 2).unsqueeze(2), output.flatten(1, 2).unsqueeze(2)
            key_value_heads = key.shape[1]
            if mask is not None and mask.shape[1] > 1:
                mask = mask.flatten(1, 2).unsqueeze(2)
        elif query.shape[1] < key.shape[1]:
            query = query.expand(-1, key.shape[1], -1, -1)
        return dataclasses.replace(
            self, query=query, key=key, value=value, attn_mask=mask, output=output, key_value_heads=key_value_heads
        )

    def _mask(self, mask: torch.Tensor, joined: int, lead: torch.Size) -> torch.Tensor:
        mask = mask[(None,) * (self.query.ndim - mask.ndim)]
        if mask.ndim == 2:
            return mask[None, None]
        if mask.ndim == 3:
            return mask[None] if mask.shape[0] == 1 else _split(mask, joined)
        if mask.ndim == 4:
            return mask
        samples = mask.expand(*lead, *mask.shape[-3:]) if math.prod(mask.shape[:-3]) > 1 else mask
        return samples.flatten(0, -4)


def _split(tensor: torch.Tensor, heads: int) -> torch.Tensor:
    return tensor.reshape(-1, heads, *tensor.shape[1:])


def _key_value_heads(module: nn.Module, heads: int, given: int) -> int:
    """How many key-value heads the model has: fewer than `given` where the module says that it repeats them."""
    if given < heads:
        return given
    groups = _number(module, ("num_key_value_groups",))
    said = heads // groups if groups else _number(module, _KEY_VALUE_HEADS) or _config_number(module, *_KEY_VALUE_HEADS)
    return said if said and said < given and given % said == 0 else given


def _number(source: Any, names: tuple[str, ...]) -> int | None:
    for name in names:
        value = getattr(source, name, None)
        if type(value) is int and value > 0:
            return value
    return None


def _config_number(module: nn.Module, *names: str) -> int | None:
    return _number(getattr(module, "config", None), names)

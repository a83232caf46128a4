"""Seeing inside `F.multi_head_attention_forward`, which hides the kernel that it calls from every mode."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F


def _never(_: Any) -> bool:
    return False


def _opened() -> Any:
    """A copy of the function that computes at once instead of handing itself to the active mode again.

    So it runs, bit for bit, what torch runs, with the mode entered: what it calls inside is seen. Forcing
    `need_weights=True` instead would take another kernel and change bits.
    """
    function = F.multi_head_attention_forward
    copy = types.FunctionType(
        function.__code__,
        {**F.__dict__, "has_torch_function": _never},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


open_multi_head_attention = _opened()


@dataclass
class Unfused:
    """Follows a call with `need_weights=True`, which multiplies by itself: product, softmax, product.

    Attributes:
        heads: number of heads; torch joins batch and heads in one axis.
        query: scaled already, `[batch * heads, queries, size]`; key and mask likewise, once the first product was seen.
    """

    heads: int
    query: torch.Tensor | None = None
    key: torch.Tensor | None = None
    mask: torch.Tensor | None = None

    def see(self, func: Any, args: tuple[Any, ...], output: Any) -> dict[str, Any] | None:
        """The arguments of `F.scaled_dot_product_attention` that say the same, with `output`, at the second product."""
        if func not in (torch.bmm, torch.baddbmm):
            return None
        if self.query is None:
            *mask, self.query, key = args
            self.key, self.mask = key.transpose(-2, -1), mask[0] if mask else None
            return None
        found = {"query": self.query, "key": self.key, "value": args[1], "attn_mask": self.mask, "output": output}
        return {name: tensor if tensor is None else self._with_heads(tensor) for name, tensor in found.items()}

    def _with_heads(self, tensor: torch.Tensor) -> torch.Tensor:
        # A mask for all heads and samples has a first axis of 1.
        return tensor[None] if tensor.shape[0] == 1 and self.heads > 1 else tensor.unflatten(0, (-1, self.heads))

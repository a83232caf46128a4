"""What an attention mask says: whether it is causal, and which keys no query can see."""

from __future__ import annotations

from dataclasses import dataclass

import torch

# Models that add numbers to hide keys use -1e4 (half precision), -1e9, the lowest number of the type, or infinity.
HIDDEN_BELOW = -9.9e3


@dataclass(frozen=True)
class Visibility:
    """Whether every query sees itself and earlier keys only, and the keys that none sees.

    Attributes:
        causal: no query sees a later key, and some of those keys are seen by later queries (so it is not padding).
        hidden_keys: `[batch | 1, keys]`, True where no query sees the key; None when every key is seen.
    """

    causal: bool
    hidden_keys: torch.Tensor | None


def visibility(mask: torch.Tensor | None, causal: bool, queries: int, keys: int) -> Visibility:
    """Reads a causal flag and a mask `[batch | 1, heads | 1, queries | 1, keys | 1]` (boolean, or added to logits).

    With more keys than queries (a cache), query i may be aligned with key i or with the i-th of the last keys.
    """
    if mask is None:
        hidden = torch.arange(keys) >= queries
        return Visibility(causal and queries > 1, hidden[None] if causal and keys > queries else None)
    seen = mask if mask.dtype == torch.bool else mask > HIDDEN_BELOW
    seen = seen.any(dim=1)
    if causal:
        seen = seen & torch.ones(queries, keys, dtype=torch.bool, device=mask.device).tril()
    seen = seen.expand(-1, -1, keys)
    seen_keys = seen.any(dim=1)
    hidden_keys = None if bool(seen_keys.all()) else (~seen_keys).cpu()
    if queries == 1 or seen.shape[1] == 1:
        return Visibility(False, hidden_keys)
    pairs = seen.any(dim=0)
    return Visibility(any(_is_causal(pairs, offset) for offset in {0, max(keys - queries, 0)}), hidden_keys)


def _is_causal(pairs: torch.Tensor, offset: int) -> bool:
    later = torch.ones_like(pairs).triu(1 + offset)
    return bool((later & pairs.any(dim=0)).any()) and not bool((later & pairs).any())

"""Attention weights as plain arrays: what a token attends to, in one head or in several.

Scaled dot-product attention is that of Vaswani et al. (2017), "Attention Is All You Need".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from nnwidgets.analysis.tokens import TokenColumn

Kind = Literal["encoder", "decoder", "cross", "unknown"]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Attention:
    """What one head and several heads have in common: the tokens of both sides, and where in the model they stand."""

    weights: NDArray[np.float32]
    query_tokens: TokenColumn
    key_tokens: TokenColumn
    layer: int
    path: str
    sample: int = 0
    kind: Kind = "unknown"
    step: int | None = None

    _axes: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        weights = np.asarray(self.weights, dtype=np.float32).view()
        shape = list(weights.shape)
        if weights.ndim != len(self._axes):
            raise ValueError(f"weights of shape {shape}, but [{', '.join(self._axes)}] is needed")
        if weights.size == 0:
            raise ValueError(f"weights of shape {shape} are empty: an input needs at least one token")
        for name, tokens, count in (("query", self.query_tokens, shape[-2]), ("key", self.key_tokens, shape[-1])):
            if len(tokens) != count:
                raise ValueError(f"{len(tokens)} {name} tokens, but weights of shape {shape} have {count}")
        weights.flags.writeable = False
        object.__setattr__(self, "weights", weights)

    @property
    def maximum(self) -> float:
        """The largest finite weight, 0 where there is none: what the strongest colour or line stands for."""
        if self.missing == 0:
            return float(np.max(self.weights, initial=0.0))
        return float(np.max(self.weights, initial=0.0, where=np.isfinite(self.weights)))

    @cached_property
    def missing(self) -> int:
        """How many weights are not finite: a row that may attend to nothing is NaN."""
        return self.weights.size - int(np.count_nonzero(np.isfinite(self.weights)))

    def take(self, queries: Iterable[int], keys: Iterable[int]) -> Self:
        """The same with these queries and keys only. Weights are not rescaled, so rows may sum to less than 1."""
        rows, columns = list(queries), list(keys)
        return replace(
            self,
            weights=self.weights[..., _indexed(rows), :][..., _indexed(columns)],
            query_tokens=self.query_tokens.take(rows),
            key_tokens=self.key_tokens.take(columns),
        )

    def without_aside(self) -> Self:
        """The same without special tokens and padding. Raises `ValueError` where nothing else is left."""
        for name, tokens in (("query", self.query_tokens), ("key", self.key_tokens)):
            if not tokens.plain:
                raise ValueError(
                    f"all {len(tokens)} {name} tokens are special or padding: without them nothing is left"
                )
        return self.take(self.query_tokens.plain, self.key_tokens.plain)


def _indexed(positions: list[int]) -> slice | list[int]:
    """Neighbouring positions as a slice: what is cut out is then a view, not a copy."""
    if positions and positions == list(range(positions[0], positions[-1] + 1)):
        return slice(positions[0], positions[-1] + 1)
    return positions


@dataclass(frozen=True, eq=False, kw_only=True)
class AttentionWeights(_Attention):
    """How strongly each query token attends to each key token, in one head or averaged over the heads of a layer.

    `weights` is float32 `[queries, keys]` and read-only; a row sums to 1 unless learned sinks take the rest. `layer` is
    the index of the attention in its model (0-based), `path` its module path, `step` the time step of a decoder that
    calls it once a step.
    """

    head: int | Literal["mean"]

    _axes = ("queries", "keys")


@dataclass(frozen=True, eq=False, kw_only=True)
class AttentionLinks(_Attention):
    """How strongly each query token attends to each key token, in several heads of one layer.

    `weights` is float32 `[heads, queries, keys]` and read-only; `heads` are the numbers of those heads, in that order.
    The rest is as in `AttentionWeights`.
    """

    heads: tuple[int, ...]

    _axes = ("heads", "queries", "keys")

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "heads", tuple(self.heads))
        if len(self.heads) != len(self.weights):
            raise ValueError(f"weights of {len(self.weights)} heads, but {len(self.heads)} head numbers: {self.heads}")

"""One attention of a run, kept as queries, keys, mask and scale; its weights are computed when they are asked for.

Scaled dot-product attention: Vaswani et al., "Attention Is All You Need" (2017). Grouped queries: Ainslie et al.,
"GQA" (2023).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

Kind = Literal["encoder", "decoder", "cross", "unknown"]


@dataclass
class Step:
    """The arguments of one call of an attention, each with its batch and head axis (of size 1 where all share it).

    Attributes:
        query: `[batch, heads, queries, size]`.
        key: `[batch, key-value heads, ≥ keys, size]`; steps of one growing cache share the longest.
        value: `[batch, key-value heads, ≥ keys, value size]`.
        mask: `[batch | 1, heads | 1, queries | 1, keys | 1]`, boolean (True is seen) or added to the logits, or None.
        causal: query i sees keys 0 to i only, counted from the first of both.
        scale: what the logits are multiplied with.
        keys_count: how many keys there are.
        hidden_rows_are_zero: a query that sees no key has weights of zero; NaN otherwise.
    """

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    mask: torch.Tensor | None
    causal: bool
    scale: float
    keys_count: int
    hidden_rows_are_zero: bool = True

    @property
    def queries_count(self) -> int:
        """Number of queries."""
        return self.query.shape[2]

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """What is kept."""
        return tuple(tensor for tensor in (self.query, self.key, self.value, self.mask) if tensor is not None)

    def weights(self, samples: slice, heads: slice, rows: slice | torch.Tensor) -> torch.Tensor:
        """`[samples, heads, rows, keys]` in float32 (float64 models: float64), on the model's device."""
        query = _wide(self.query[samples, heads][:, :, rows])
        key = self._per_head(self.key, samples, heads)
        # In place where it can be: for one head, memory that was never touched costs as much as the arithmetic.
        logits = (query @ key.mT).mul_(self.scale)
        if self.mask is not None:
            mask = self.mask if self.mask.shape[0] == 1 else self.mask[samples]
            mask = mask if mask.shape[1] == 1 else mask[:, heads]
            mask = mask if mask.shape[2] == 1 else mask[:, :, rows]
            logits = logits.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else logits + mask.to(logits)
        if self.causal:
            positions = torch.arange(self.queries_count, device=query.device)[rows]
            later = torch.arange(self.keys_count, device=query.device) > positions[:, None]
            logits = logits.masked_fill_(later, -torch.inf)
        weights = torch.softmax(logits, dim=-1)
        # A row of hidden keys alone comes out as NaN, from its first weight on.
        if self.hidden_rows_are_zero and weights[..., :1].isnan().any():
            weights = weights.masked_fill((logits == -torch.inf).all(dim=-1, keepdim=True), 0.0)
        return weights

    def products(self, samples: slice, heads: slice, rows: slice | torch.Tensor) -> torch.Tensor:
        """Weights times values, `[samples, heads, rows, value size]`: what the attention should have put out."""
        return self.weights(samples, heads, rows) @ self._per_head(self.value, samples, heads)

    def _per_head(self, tensor: torch.Tensor, samples: slice, heads: slice) -> torch.Tensor:
        """Keys or values of the query heads `heads`; several query heads may read one key-value head."""
        readers = torch.arange(self.query.shape[1], device=tensor.device)[heads]
        return _wide(tensor[samples, readers * tensor.shape[1] // self.query.shape[1], : self.keys_count])


@dataclass
class AttentionRecord:
    """One attention of a run: a site in the model (`path`, `call`), whose weights can be had head by head.

    A module that is called again with single queries (a decoder's time steps, generation with a cache) is one record
    with `steps`; its rows are those of all steps, one below the other, in one frame of keys, with zeros where a step
    had no such key yet.

    Attributes:
        path: path of the module in which it happened, "" for the model itself.
        call: which attention of that module in the run, from 0.
        kind: "encoder" (every token sees every token), "decoder" (itself and earlier ones), "cross" (the keys come
            from elsewhere than the queries), "unknown".
        heads, key_value_heads: number of query heads, and of the key-value heads that they share.
        batch: number of samples.
        queries_count, keys_count: number of rows and columns of the weights.
        steps: number of steps, or None.
        dropout: the probability with which weights were dropped in the run; `weights` are those before it.
        receipt: per head max |weights @ V - output| / max |output| over sampled rows, or None with `receipt_note`.
        padding: `[batch, keys]`, True for keys that no query can see; None when there are none.
        kept: False for a record that was only described: its weights need another capture (`keep=`).
    """

    path: str
    call: int
    kind: Kind
    heads: int
    key_value_heads: int
    batch: int
    queries_count: int
    keys_count: int
    steps: int | None
    dropout: float
    receipt: tuple[float, ...] | None
    receipt_note: str | None
    padding: npt.NDArray[np.bool_] | None
    kept: bool
    held: list[Step]

    def weights(
        self, sample: int, head: int, queries: slice | None = None, keys: slice | None = None, step: int | None = None
    ) -> torch.Tensor:
        """The attention weights `[queries, keys]` of one head, float32 on the CPU, computed now.

        Args:
            sample: which item of the batch.
            head: which query head.
            queries: which rows, all of them for None; rows of `step` if that is given.
            keys: which columns, all of them for None.
            step: which step alone, for a record with steps.

        Raises:
            IndexError: sample, head or step out of range.
            LookupError: the record was only described (`kept` is False).
        """
        self._check(sample, head, step)
        blocks = [
            _widened(held.weights(slice(sample, sample + 1), slice(head, head + 1), rows)[0, 0], self.keys_count)
            for held, rows in self._rows(queries, step)
        ]
        weights = blocks[0] if len(blocks) == 1 else torch.cat(blocks)
        return weights[:, keys or slice(None)].float().cpu()

    def mean_weights(
        self, sample: int, queries: slice | None = None, keys: slice | None = None, step: int | None = None
    ) -> torch.Tensor:
        """The mean over all heads of `weights`, float32 `[queries, keys]` on the CPU."""
        total = self.weights(sample, 0, queries, keys, step).double()
        for head in range(1, self.heads):
            total += self.weights(sample, head, queries, keys, step)
        return (total / self.heads).float()

    def storages(self) -> dict[int, int]:
        """Bytes of each storage that is kept, by its address; records of one run may share some."""
        kept = {}
        for step in self.held:
            for tensor in step.tensors():
                storage = tensor.untyped_storage()
                kept[storage.data_ptr()] = storage.nbytes()
        return kept

    @property
    def nbytes(self) -> int:
        """Bytes kept for this record, each storage counted once."""
        return sum(self.storages().values())

    @cached_property
    def _offsets(self) -> list[int]:
        offsets = [0]
        for step in self.held:
            offsets.append(offsets[-1] + step.queries_count)
        return offsets

    def _rows(self, queries: slice | None, step: int | None) -> Iterator[tuple[Step, slice]]:
        """The steps that hold the rows `queries`, each with those rows counted from its own first."""
        if step is not None:
            yield self.held[step], queries or slice(None)
            return
        start, stop, stride = (queries or slice(None)).indices(self.queries_count)
        if stride != 1:
            raise ValueError(f"queries has a step of {stride}: rows come in blocks, give one without it")
        found = False
        for held, first in zip(self.held, self._offsets, strict=False):
            rows = slice(max(start - first, 0), min(stop - first, held.queries_count))
            if rows.start < rows.stop:
                found = True
                yield held, rows
        if not found:
            yield self.held[0], slice(0, 0)

    def _check(self, sample: int, head: int, step: int | None) -> None:
        where = f"{self.path or 'the model'} (call {self.call})"
        for name, value, count in (("sample", sample, self.batch), ("head", head, self.heads)):
            if not 0 <= value < count:
                raise IndexError(f"{name}={value}, but {where} has {count} {name}s (0 to {count - 1})")
        if step is not None and self.steps is None:
            raise IndexError(f"step={step}, but {where} was called once and has no steps: leave step out")
        if step is not None and self.steps is not None and not 0 <= step < self.steps:
            raise IndexError(f"step={step}, but {where} has {self.steps} steps (0 to {self.steps - 1})")
        if not self.kept:
            raise LookupError(
                f"the tensors of {where} were not kept: record again with keep=[({self.path!r}, {self.call})]"
            )


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _widened(weights: torch.Tensor, keys: int) -> torch.Tensor:
    missing = keys - weights.shape[1]
    return torch.nn.functional.pad(weights, (0, missing)) if missing else weights

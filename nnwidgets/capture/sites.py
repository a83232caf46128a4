"""One site of a run: a module's attention, in one call or in the steps of several, until the run is over."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from nnwidgets.capture.keeper import Keeper
from nnwidgets.capture.kinds import Evidence
from nnwidgets.capture.masks import visibility
from nnwidgets.capture.receipt import receipt
from nnwidgets.capture.record import AttentionRecord, Kind, Step
from nnwidgets.capture.shapes import Arguments

_DROPPED = "dropout was active: the weights are those before it, so they do not give the output"
_EMPTY = "there are no queries or no keys"


class Site:
    """Collects the calls of one attention and makes the record of them."""

    def __init__(self, path: str, call: int, kept: bool) -> None:
        self.path = path
        self.call = call
        self.kept = kept
        self.held: list[Step] = []
        self.queries: list[int] = []
        self.keys: list[int] = []
        self.kinds: list[tuple[Evidence, bool]] = []
        self.hidden: list[torch.Tensor | None] = []
        self.receipts: list[tuple[float, ...]] = []
        self.note: str | None = None
        self.dropout = 0.0
        self.batch = self.heads = self.key_value_heads = 0

    def continues_with(self, arguments: Arguments) -> bool:
        """Whether this call is the next step of the site: one query for each of the same samples and heads."""
        return arguments.queries == 1 and arguments.output.shape[:2] == (self.batch, self.heads)

    def add(self, arguments: Arguments, evidence: Evidence, keeper: Keeper, all_rows: bool) -> None:
        """One call: its receipt and what its mask says now, its tensors copied if they are to be kept."""
        self.batch, self.heads = arguments.output.shape[:2]
        self.key_value_heads = arguments.key_value_heads
        self.dropout = max(self.dropout, arguments.dropout)
        self.queries.append(arguments.queries)
        self.keys.append(arguments.keys)
        step = Step(
            query=arguments.query.expand(self.batch, -1, -1, -1),
            key=arguments.key.expand(self.batch, -1, -1, -1),
            value=arguments.value.expand(self.batch, -1, -1, -1),
            mask=arguments.attn_mask,
            causal=arguments.is_causal,
            scale=arguments.scale,
            keys_count=arguments.keys,
            hidden_rows_are_zero=arguments.hidden_rows_are_zero,
        )
        seen = visibility(step.mask, step.causal, step.queries_count, step.keys_count)
        self.kinds.append((evidence, seen.causal))
        self.hidden.append(seen.hidden_keys)
        if self.dropout > 0:
            self.note = _DROPPED
        elif arguments.output.numel() == 0 or step.keys_count == 0:
            self.note = _EMPTY
        else:
            self.receipts.append(receipt(step, arguments.output, all_rows))
        if self.kept:
            self._hold(step, keeper)

    def kind(self, beside_cross: bool = False) -> Kind:
        """The kind that its first telling call shows, once the run is over."""
        known = (evidence.kind(causal, beside_cross) for evidence, causal in self.kinds)
        return next((kind for kind in known if kind != "unknown"), "unknown")

    def record(self, beside_cross: bool) -> AttentionRecord:
        """The record, once the run is over; `beside_cross`: whether the run also has a cross-attention."""
        return AttentionRecord(
            path=self.path,
            call=self.call,
            kind=self.kind(beside_cross),
            heads=self.heads,
            key_value_heads=self.key_value_heads,
            batch=self.batch,
            queries_count=sum(self.queries),
            keys_count=max(self.keys),
            steps=len(self.queries) if len(self.queries) > 1 else None,
            dropout=self.dropout,
            receipt=None if self.note else tuple(max(of_head) for of_head in zip(*self.receipts, strict=True)),
            receipt_note=self.note,
            padding=self._padding(),
            kept=self.kept,
            held=self.held,
        )

    def _hold(self, step: Step, keeper: Keeper) -> None:
        step.query = keeper.keep(step.query)
        step.key = keeper.keep_heads(step.key, self.key_value_heads)
        step.value = keeper.keep_heads(step.value, self.key_value_heads)
        step.mask = None if step.mask is None else keeper.keep_mask(step.mask)
        if self.held:
            # A cache that grows by one key a step is kept once, not once a step.
            before = self.held[-1]
            for name in ("key", "value"):
                old, new = getattr(before, name), getattr(step, name)
                if _begins_with(new, old[:, :, : before.keys_count]):
                    for earlier in self.held:
                        if getattr(earlier, name) is old:
                            setattr(earlier, name, new)
        self.held.append(step)

    def _padding(self) -> npt.NDArray[np.bool_] | None:
        """Keys that no query of any step sees."""
        if all(hidden is None for hidden in self.hidden):
            return None
        padding = np.ones((self.batch, max(self.keys)), dtype=np.bool_)
        for hidden, keys in zip(self.hidden, self.keys, strict=True):
            padding[:, :keys] &= False if hidden is None else hidden.numpy()
        return padding if padding.any() else None


def _begins_with(tensor: torch.Tensor, start: torch.Tensor) -> bool:
    if start is tensor or tensor.shape[:2] != start.shape[:2] or tensor.shape[2] < start.shape[2]:
        return False
    return torch.equal(tensor[:, :, : start.shape[2]], start)

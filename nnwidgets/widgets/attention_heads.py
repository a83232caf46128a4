"""AttentionHeads: the attention of several heads as lines between the tokens that look and those that are looked at."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import traitlets

from nnwidgets.analysis.attention import AttentionLinks
from nnwidgets.session.attention import AttentionEntry
from nnwidgets.widgets.attention import ROWS, AttentionWidget, Head
from nnwidgets.widgets.base import Question
from nnwidgets.widgets.options import Choice


class AttentionHeads(AttentionWidget):
    """Lines between query tokens (left, attending from) and key tokens (right, attending to), a colour for each head.

    Layer, heads, sample and tokens come from the session's selection, which all its widgets share. Point at a token
    to see its lines alone, with the weights. After BertViz's head view (Vig 2019, "A Multiscale Visualization of
    Attention in the Transformer Model").

    Args:
        source: the `ModelSession`.
        special_tokens: what becomes of special tokens and padding: "show", "dim" or "hide".
        threshold: weights below this (0 to 1) are not drawn.
        height: the tallest that the view gets before it scrolls, in px.
    """

    special_tokens = Choice("show", "dim", "hide", default="dim")
    threshold = traitlets.Float(0.02, min=0.0, max=1.0).tag(sync=True, option=True)
    height = traitlets.Int(480, min=160, max=4000).tag(sync=True, option=True)

    @property
    def result(self) -> AttentionLinks:
        """The weights `[heads, queries, keys]` of the selected heads."""
        attention, sample = self._attention(), self._sample(self.selection.sample)
        entry, heads = self._entry(attention), self._selected_heads()
        query_tokens, key_tokens = self.source.attention.columns(attention, sample)
        step = self._step(entry)
        return AttentionLinks(
            weights=np.stack([self._read(attention, head, sample, step, None) for head in heads]),
            heads=heads,
            query_tokens=query_tokens,
            key_tokens=key_tokens,
            layer=entry.index,
            path=entry.path,
            sample=sample,
            kind=entry.kind,
            step=step,
        )

    def look(self) -> dict[str, Any]:
        return {"label": self.source.label, "special": self.special_tokens, "threshold": self.threshold}

    def _large_picture(self, entry: AttentionEntry, head: Head, sample: int, step: int | None) -> Iterator[Question]:
        yield from itertools.islice(self._large_rest(entry, head, sample, step), 2)

    def _large_rest(self, entry: AttentionEntry, head: Head, sample: int, step: int | None) -> Iterator[Question]:
        for start in range(0, entry.queries, ROWS):
            rows = [start, min(start + ROWS, entry.queries)]
            yield self._question("attention.weights", entry, head, sample, step, rows=rows)

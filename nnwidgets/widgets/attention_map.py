"""AttentionMap: the attention weights of one head, or the mean over a layer's heads, as a heatmap."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import traitlets

from nnwidgets.analysis.attention import AttentionWeights
from nnwidgets.analysis.pyramid import TILE, Pyramid
from nnwidgets.session.attention import AttentionEntry
from nnwidgets.widgets.attention import AttentionWidget, Head
from nnwidgets.widgets.base import Question
from nnwidgets.widgets.options import Choice


class AttentionMap(AttentionWidget):
    """A heatmap: queries (attending from) from top to bottom, keys (attending to) from left to right.

    Layer, head, sample and tokens come from the session's selection, which all its widgets share. Zoom with the wheel
    or + and −; long inputs (4,096 tokens and more) come in tiles. After Vaswani et al. (2017), "Attention Is All You
    Need", figures 3 to 5.

    Args:
        source: the `ModelSession`.
        scale: "linear" or "log" colours.
        color_map: "viridis", "magma", "cividis" or "gray".
        mean: show the mean over the layer's heads instead of the head in focus.
        reduce: what a cell shows that stands for several weights, where the whole matrix does not fit: their "max" or
            "mean".
        special_tokens: what becomes of special tokens and padding: "show", "dim" (colours end at the largest weight
            between the others) or "hide".
        height: the tallest that the view gets, in px.
    """

    scale = Choice("linear", "log", default="linear")
    color_map = Choice("viridis", "magma", "cividis", "gray", default="viridis")
    mean = traitlets.Bool(False).tag(sync=True, option=True)
    reduce = Choice("max", "mean", default="max")
    special_tokens = Choice("show", "dim", "hide", default="dim")
    height = traitlets.Int(560, min=160, max=4000).tag(sync=True, option=True)

    @property
    def result(self) -> AttentionWeights:
        """The weights `[queries, keys]` of the head in focus, or of the mean over heads."""
        attention, sample = self._attention(), self._sample(self.selection.sample)
        entry, head = self._entry(attention), self._heads()[-1]
        query_tokens, key_tokens = self.source.attention.columns(attention, sample)
        step = self._step(entry)
        return AttentionWeights(
            weights=self._read(attention, head, sample, step, None),
            query_tokens=query_tokens,
            key_tokens=key_tokens,
            layer=entry.index,
            path=entry.path,
            head=head,
            sample=sample,
            kind=entry.kind,
            step=step,
        )

    def look(self) -> dict[str, Any]:
        return {
            "label": self.source.label,
            "scale": self.scale,
            "colors": self.color_map,
            "special": self.special_tokens,
            "reduce": self.reduce,
        }

    def _heads(self) -> tuple[Head, ...]:
        return ("mean",) if self.mean else self._selected_heads()[-1:]

    def _choices(self, entry: AttentionEntry) -> tuple[Head, ...]:
        return (*super()._choices(entry), "mean")

    def _large_picture(self, entry: AttentionEntry, head: Head, sample: int, step: int | None) -> Iterator[Question]:
        """The levels from the coarsest to the first whose cells are no larger than a pixel."""
        pyramid = self._pyramid(entry)
        for level in reversed(range(pyramid.levels)):
            yield from self._tiles(pyramid, level, self.reduce, entry, head, sample, step)
            if max(pyramid.shape(level)) >= self.height:
                break

    def _large_rest(self, entry: AttentionEntry, head: Head, sample: int, step: int | None) -> Iterator[Question]:
        pyramid = self._pyramid(entry)
        for reduce in sorted(("max", "mean"), key=lambda reduce: reduce != self.reduce):
            for level in reversed(range(pyramid.levels)):
                yield from self._tiles(pyramid, level, reduce, entry, head, sample, step)

    def _pyramid(self, entry: AttentionEntry) -> Pyramid:
        """For its shapes alone."""
        return Pyramid(lambda _start, _stop: np.empty((0, 0), np.float32), entry.queries, entry.keys)

    def _tiles(
        self,
        pyramid: Pyramid,
        level: int,
        reduce: str,
        entry: AttentionEntry,
        head: Head,
        sample: int,
        step: int | None,
    ) -> Iterator[Question]:
        rows, columns = (range(-(-cells // TILE)) for cells in pyramid.shape(level))
        for row, column in itertools.product(rows, columns):
            place = {"level": level, "row": row, "column": column, "reduce": reduce}
            yield self._question("attention.tile", entry, head, sample, step, **place)

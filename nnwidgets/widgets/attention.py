"""What the attention widgets share: the questions about attention that a page asks of a session, and their answers."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nnwidgets.analysis.pyramid import Pyramid
from nnwidgets.analysis.tokens import TokenColumn
from nnwidgets.session import ModelSession
from nnwidgets.session.attention import AttentionEntry
from nnwidgets.session.bounds import out_of
from nnwidgets.widgets.arguments import whole
from nnwidgets.widgets.base import Question, Widget
from nnwidgets.wire.answers import Answer, answers
from nnwidgets.wire.codec import encode

Head = int | Literal["mean"]

WHOLE = 1024 * 1024
"""Weights of one head that go to the page whole; larger matrices go as tiles or as blocks of rows."""
ROWS = 64
"""Queries in one block of rows."""
EXACT = 262_144
"""Weights in one exact answer: they go uncoded."""
_QUICK = 4 * WHOLE  # weights of a first picture that a display can wait for: about 0.2 s


class AttentionWidget(Widget):
    """A widget that shows the attention of a session."""

    source: ModelSession
    _selected = ("attention", "heads", "sample", "step", "query", "key")

    def __init__(self, source: ModelSession | None = None, **options: Any) -> None:
        if not isinstance(source, ModelSession):
            other = "" if source is None else f", not at {type(source).__name__}"
            raise TypeError(
                f"{type(self).__name__} looks at a ModelSession{other}: make one with nnw.ModelSession(model, inputs)"
            )
        super().__init__(source, **options)

    @answers("attention.overview")
    def _overview(self, sample: int) -> Answer:
        """Every attention layer with its heads, the tokens, and what there is to say about how it was seen."""
        attention = self.source.attention
        sample = self._sample(sample)
        tokens = attention.tokens(sample)
        return Answer(
            {
                "label": self.source.label,
                "samples": self.source.samples,
                "entries": [self._described(entry) for entry in attention.layers],
                "unseen": [{"path": unseen.path, "reason": unseen.reason} for unseen in attention.unseen],
                "tokens": {side: _column(column) for side, column in tokens.items()},
                "notes": list(attention.notes),
            }
        )

    def _described(self, entry: AttentionEntry) -> dict[str, Any]:
        query_side, key_side = self.source.attention.sides(entry)
        return {
            "index": entry.index,
            "path": entry.path,
            "call": entry.call,
            "kind": entry.kind,
            "heads": entry.heads,
            "keyValueHeads": entry.key_value_heads,
            "seen": entry.seen,
            "receipt": None if entry.receipt is None else [finite(error) for error in entry.receipt],
            "receiptNote": entry.receipt_note,
            "queries": entry.queries,
            "keys": entry.keys,
            "steps": entry.steps,
            "queryTokens": query_side,
            "keyTokens": key_side,
        }

    @answers("attention.weights")
    def _weights(
        self, attention: int, head: Head, sample: int, step: int | None = None, rows: list[int] | None = None
    ) -> Answer:
        """The weights of one head, whole or a block of rows, square-root coded."""
        entry = self._entry(attention)
        queries = None if rows is None else slice(*_span("rows", rows, entry.queries, of="queries"))
        if rows is None and entry.queries * entry.keys > WHOLE:
            raise ValueError(
                f"{entry.queries} × {entry.keys} weights are too many for one answer: ask for rows, or for tiles"
            )
        weights = self._read(attention, head, sample, step, queries)
        return Answer(
            {"attention": attention, "head": head, "maximum": _maximum(weights)},
            {"weights": encode(weights, "sqrt8")},
        )

    @answers("attention.tile")
    def _tile(
        self,
        attention: int,
        head: Head,
        sample: int,
        level: int,
        row: int,
        column: int,
        reduce: Literal["max", "mean"],
        step: int | None = None,
    ) -> Answer:
        """A tile of the pyramid of a head's weights; whole coarse levels are kept, for their other tiles come next."""
        entry = self._entry(attention)

        def rows(start: int, stop: int) -> NDArray[np.float32]:
            return self._read(attention, head, sample, step, slice(start, stop))

        pyramid = Pyramid(rows, entry.queries, entry.keys, reduce)
        if level == 0:
            tile = pyramid.tile(level, row, column)
        else:
            key = ("pyramid", attention, head, sample, step, level, reduce)
            tile = pyramid.cut(self.source.remember(key, lambda: pyramid.level(level)), level, row, column)
        return Answer({"maximum": _maximum(tile)}, {"tile": encode(tile, "sqrt8")})

    @answers("attention.exact")
    def _exact(
        self, attention: int, head: Head, sample: int, queries: list[int], keys: list[int], step: int | None = None
    ) -> Answer:
        """The weights `[queries, keys]` of some queries over some keys, as exact as they were computed."""
        entry = self._entry(attention)
        rows, columns = _span("queries", queries, entry.queries), _span("keys", keys, entry.keys)
        count = (rows[1] - rows[0]) * (columns[1] - columns[0])
        if count > EXACT:
            raise ValueError(f"queries={queries} and keys={keys} are {count} weights, but one answer holds {EXACT}")
        weights = self.source.attention.weights(
            layer=attention, head=head, sample=sample, step=step, queries=slice(*rows), keys=slice(*columns)
        )
        return Answer({}, {"weights": encode(weights)})

    def is_quick(self) -> bool:
        if not self.source.attention.layers:
            return True
        entry = self._entry(self._attention())
        return entry.queries * entry.keys * len(self._heads()) <= _QUICK

    def first_questions(self) -> Iterator[Question]:
        sample = self._sample(self.selection.sample)
        yield "attention.overview", {"sample": sample}
        if self.source.attention.layers:
            entry = self._entry(self._attention())
            for head in self._heads():
                yield from self._picture(entry, head, sample, self._step(entry))

    def bake(self) -> Iterator[Question]:
        """First what is shown, then the other heads of this layer, the other layers, samples and steps, and last what
        large matrices hold closer up.
        """
        yield from self.first_questions()
        here = self._sample(self.selection.sample)
        layers = self.source.attention.layers
        samples = [here, *(other for other in range(self.source.samples) if other != here)]
        nearest = sorted(layers, key=lambda entry: abs(entry.index - self._attention()))
        for sample in samples:
            yield "attention.overview", {"sample": sample}
            for entry in nearest:
                for head in self._choices(entry):
                    yield from self._picture(entry, head, sample, self._step(entry))
        for look in (self._picture, self._closer):
            for sample, entry in itertools.product(samples, nearest):
                for step, head in itertools.product(self._steps(entry), self._choices(entry)):
                    yield from look(entry, head, sample, step)

    def _picture(self, entry: AttentionEntry, head: Head, sample: int, step: int | None) -> Iterator[Question]:
        """What the page asks to show a head."""
        if entry.queries * entry.keys > WHOLE:
            yield from self._large_picture(entry, head, sample, step)
        else:
            yield self._question("attention.weights", entry, head, sample, step, rows=None)

    def _closer(self, entry: AttentionEntry, head: Head, sample: int, step: int | None) -> Iterator[Question]:
        """What the page asks when a reader looks closer at a head, or further on, whose matrix does not go whole."""
        if entry.queries * entry.keys > WHOLE:
            yield from self._large_rest(entry, head, sample, step)

    @abstractmethod
    def _large_picture(self, entry: AttentionEntry, head: Head, sample: int, step: int | None) -> Iterator[Question]:
        """What the page asks first of a matrix that does not go whole."""

    @abstractmethod
    def _large_rest(self, entry: AttentionEntry, head: Head, sample: int, step: int | None) -> Iterator[Question]:
        """What the page can ask later of such a matrix; what it asks first may be among it."""

    @staticmethod
    def _question(what: str, entry: AttentionEntry, head: Head, sample: int, step: int | None, **more: Any) -> Question:
        """A question with its arguments, which are, to the letter, those of the browser half."""
        return what, {"attention": entry.index, "head": head, "sample": sample, "step": step, **more}

    def _read(
        self, attention: int, head: Head, sample: int, step: int | None, queries: slice | None
    ) -> NDArray[np.float32]:
        weights: NDArray[np.float32] = self.source.attention.weights(
            layer=attention, head=head, sample=sample, step=step, queries=queries
        )
        return weights

    def _attention(self) -> int:
        """The index of the selected attention layer."""
        index = self.selection.attention or 0
        exists = index < len(self.source.attention.layers)
        return self.source.attention.entry(index if exists else 0).index

    def _selected_heads(self) -> tuple[int, ...]:
        """The selected heads that this layer has; the first where there is none."""
        count = self._entry(self._attention()).heads
        return tuple(head for head in self.selection.heads if head < count) or (0,)

    def _heads(self) -> tuple[Head, ...]:
        """The heads that the picture shows."""
        return self._selected_heads()

    def _choices(self, entry: AttentionEntry) -> tuple[Head, ...]:
        """The heads that a reader can pick."""
        return tuple(range(entry.heads))

    def _entry(self, attention: int) -> AttentionEntry:
        layers = self.source.attention.layers
        if not 0 <= whole("attention", attention) < len(layers):
            raise ValueError(out_of("attention", attention, self.source.label, len(layers), "attention layers"))
        return layers[attention]

    def _sample(self, sample: int | None) -> int:
        count = self.source.samples
        index = 0 if sample is None else whole("sample", sample)
        if not 0 <= index < count:
            raise ValueError(out_of("sample", index, "the input", count, "samples"))
        return index

    def _step(self, entry: AttentionEntry) -> int | None:
        if entry.steps is None:
            return None
        return min(self.selection.step or 0, entry.steps - 1)

    def _steps(self, entry: AttentionEntry) -> Sequence[int | None]:
        """The steps that a reader can pick."""
        return (None,) if entry.steps is None else range(entry.steps)


def _column(column: TokenColumn | None) -> dict[str, Any] | None:
    if column is None:
        return None
    return {"texts": list(column.texts), "special": list(column.special), "padding": list(column.padding)}


def _maximum(weights: NDArray[np.float32]) -> float:
    """The largest finite weight: colours and opacities are scaled to it."""
    largest = float(weights.max(initial=0.0))  # one pass, where all is finite
    return largest if math.isfinite(largest) else float(weights.max(initial=0.0, where=np.isfinite(weights)))


def finite(number: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return number if math.isfinite(number) else None


def _span(name: str, span: list[int], count: int, of: str | None = None) -> tuple[int, int]:
    """The bounds that `name` gives, within `count`; `of` says of what there are so many, where it is not `name`."""
    if not isinstance(span, list) or len(span) != 2:
        raise ValueError(f"{name}={span!r}, but it is [start, stop]")
    start, stop = (whole(name, bound) for bound in span)
    if not 0 <= start < stop <= count:
        raise ValueError(f"{name}=[{start}, {stop}], but there are {count} {of or name}: 0 <= start < stop <= {count}")
    return start, stop

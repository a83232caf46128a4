"""`session.attention`: which attention layers there are, what cannot be seen, and the weights themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args
from weakref import WeakMethod

import numpy as np
from numpy.typing import NDArray

from nnwidgets.analysis.tokens import TokenColumn
from nnwidgets.capture import AttentionRecord, OutputDifference, Unseen, module_paths, output_difference
from nnwidgets.session.bounds import is_inside, nearest, out_of
from nnwidgets.session.captures import Captures
from nnwidgets.session.errors import NoAttention, TokensError
from nnwidgets.session.inputs import Inputs
from nnwidgets.session.tokens import Side, SideName, numbered, padded, patches
from nnwidgets.source.selection import Selection
from nnwidgets.source.tables import html_table, text_table

Kind = Literal["encoder", "decoder", "cross", "unknown"]
Place = tuple[int, NDArray[np.bool_] | None]
Block = slice | tuple[int | None, int | None] | None

_COLUMNS = ("", "module", "kind", "heads", "queries × keys", "seen", "receipt")


@dataclass(eq=False)
class AttentionEntry:
    """One attention layer: a module path, and which of its calls in the run.

    `receipt` is max |weights @ V − output| / max |output| for each head, over sampled rows; None with a `receipt_note`.
    `steps` counts the calls of a layer that is called again with single queries, else None.
    """

    index: int
    path: str
    call: int
    heads: int
    key_value_heads: int
    batch: int
    queries: int
    keys: int
    steps: int | None
    seen: Literal["rebuilt", "observed", "candidate"]
    dropout: float
    receipt: tuple[float, ...] | None
    receipt_note: str | None
    padding: NDArray[np.bool_] | None = field(repr=False)
    captured_kind: Kind
    _kinds: dict[tuple[str, int], Kind] = field(repr=False)
    _told: WeakMethod[Callable[[str], None]] = field(repr=False)

    @property
    def kind(self) -> Kind:
        """Set it where the capture could not tell, or was wrong: it decides which tokens stand at the two sides."""
        return self._kinds.get((self.path, self.call), self.captured_kind)

    @kind.setter
    def kind(self, kind: Kind) -> None:
        if kind not in get_args(Kind):
            raise ValueError(f"kind={kind!r}, but it is one of {', '.join(map(repr, get_args(Kind)))}")
        self._kinds[self.path, self.call] = kind
        tell = self._told()
        if tell is not None:
            tell(f"layer {self.index} is of kind {kind!r} now")

    def cells(self) -> tuple[str, ...]:
        """The entry as a row of text."""
        heads = f"{self.heads}" + (f" ({self.key_value_heads} key-value)" if self.key_value_heads != self.heads else "")
        steps = f" in {self.steps} steps" if self.steps is not None else ""
        receipt = f"{max(self.receipt):.1e}" if self.receipt else self.receipt_note or "–"
        path = (self.path or "(the model)") + (f" (call {self.call})" if self.call else "")
        return (str(self.index), path, self.kind, heads, f"{self.queries} × {self.keys}{steps}", self.seen, receipt)


class AttentionTable(list[AttentionEntry]):
    """The attention layers in the order in which they ran."""

    def __repr__(self) -> str:
        return text_table(_COLUMNS, [entry.cells() for entry in self]) if self else "[]"

    def _repr_html_(self) -> str:
        return html_table(_COLUMNS, [entry.cells() for entry in self])


@dataclass(frozen=True)
class Index:
    """What is known of a model's attention without its weights; small, so it is not in the store."""

    generation: int
    entries: AttentionTable
    unseen: tuple[Unseen, ...]
    difference: OutputDifference


@dataclass
class Seen:
    """What a session keeps of its attention between two looks at it."""

    captures: Captures
    selection: Selection
    sides: dict[SideName, Side]
    notes: list[str] = field(default_factory=list)
    kinds: dict[tuple[str, int], Kind] = field(default_factory=dict)
    index: Index | None = None

    @property
    def known(self) -> Index | None:
        """What is known without running the model."""
        index = self.index
        return index if index is not None and index.generation == self.captures.store.generation else None


class Attention:
    """The attention of a session's model. Everything is captured when it is first asked for."""

    def __init__(self, seen: Seen, found: Callable[[], None], told: Callable[[str], None]) -> None:
        self._seen = seen
        self._captures = seen.captures
        self._selection = seen.selection
        self._found = found
        self._told = told

    def __repr__(self) -> str:
        index = self._seen.known
        if index is None:
            return "attention: not captured yet; session.attention.layers runs the model"
        unseen = "".join(f"\nnot seen: {item.path or '(the model)'}: {item.reason}" for item in index.unseen)
        return repr(index.entries) + unseen

    @property
    def layers(self) -> AttentionTable:
        """The attention layers that can be seen; empty where there are none (`unseen` may say why).

        Raises `TokensError` where the tokens that were given do not fit them.
        """
        index = self._captured()
        self._check_tokens(index)
        return index.entries

    @property
    def unseen(self) -> list[Unseen]:
        """The modules whose attention cannot be seen, with the reason."""
        return list(self._captured().unseen)

    @property
    def difference(self) -> float:
        """The largest difference between the outputs of the plain run and of the run that showed the attention.

        Padded positions do not count. 0.0 where both are bit-equal, infinite where one of them alone is NaN.
        """
        return self._captured().difference.largest

    @property
    def notes(self) -> list[str]:
        """Sentences that a reader of the weights must know."""
        index = self._captured()
        if not index.entries:
            return list(self._seen.notes)
        largest, padded_too = index.difference.largest, index.difference.largest_padded
        apart = f" (in padded positions by {padded_too:.1e})" if padded_too > largest else ""
        notes = [f"Seen in a second run, whose outputs differ from the plain run by at most {largest:.1e}{apart}."]
        if not largest and not padded_too:
            notes = ["The run that showed the attention gave the same outputs, bit for bit."]
        if index.difference.prediction_changed:
            notes.append("The top prediction of the second run differs from that of the plain run: read with care.")
        dropping = [entry for entry in index.entries if entry.dropout]
        if dropping:
            rates = ", ".join(f"{rate:g}" for rate in sorted({entry.dropout for entry in dropping}))
            notes.append(f"Dropout ({rates}) was active: the weights are those before it.")
        return [*notes, *self._seen.notes]

    def weights(
        self,
        layer: int | str | None = None,
        head: int | Literal["mean"] | None = None,
        *,
        sample: int | None = None,
        step: int | None = None,
        queries: Block = None,
        keys: Block = None,
    ) -> NDArray[np.float32]:
        """Attention weights, float32 `[queries, keys]`; layer, head and sample come from the selection if not given.

        Args:
            layer: index in `layers` (negative ones count from the end) or module path.
            head: a head, or "mean" for the mean over all heads.
            sample: which item of the batch.
            step: one step of a layer with steps; without it the rows of all steps, one below the other.
            queries, keys: rows and columns, as a slice or `(start, stop)`.

        Raises:
            IndexError: a layer, head, sample, step, row or column that does not exist.
            NoAttention: nothing can be seen.
        """
        entry = self.entry(layer)
        chosen = self._selection.head if head is None else head
        head = min(chosen or 0, entry.heads - 1) if head is None else head
        sample = min(self._selection.sample or 0, entry.batch - 1) if sample is None else sample
        owner = f"layer {entry.index}"
        sample = _checked("sample", sample, entry.batch, owner, "samples")
        if head != "mean":
            head = _checked("head", head, entry.heads, owner, "heads")
        if step is not None:
            step = _checked("step", step, entry.steps or 0, owner, "steps")
        rows = _block("queries", queries, entry.queries, owner)
        columns = _block("keys", keys, entry.keys, owner)
        record = self._captures.record(entry.path, entry.call)
        if isinstance(head, str):
            weights = record.mean_weights(sample, rows, columns, step)
        else:
            weights = record.weights(sample, head, rows, columns, step)
        return np.ascontiguousarray(weights.numpy(), dtype=np.float32)

    def receipt(self, layer: int | str | None = None) -> tuple[float, ...] | None:
        """For each head, max |weights @ V − output| / max |output| over all rows of all samples; runs the model.

        `layers[…].receipt` has it over a sample of rows. None where dropout was active.
        """
        entry = self.entry(layer)
        return self._captures.full_receipt(entry.path, entry.call)

    def entry(self, layer: int | str | None = None) -> AttentionEntry:
        """The entry of an index or a module path; without one, that of the selection."""
        index = self._captured()
        entries = index.entries
        if not entries:
            reasons = "".join(f"; {item.path or 'the model'}: {item.reason}" for item in index.unseen)
            raise NoAttention(f"{self._captures.label} has no attention that can be seen{reasons}")
        if layer is None:
            layer = min(self._selection.attention or 0, len(entries) - 1)
        if isinstance(layer, str):
            inside = [entry for entry in entries if is_inside(entry.path, layer)]
            if len(inside) == 1:
                return inside[0]
            if inside:
                numbers = ", ".join(str(entry.index) for entry in inside)
                raise IndexError(f"layer={layer!r} holds several attention layers: give one of {numbers}")
            if layer not in module_paths(self._captures.model):
                near = nearest(layer, [entry.path for entry in entries], "session.attention.layers")
                raise IndexError(f"no module {layer!r} in {self._captures.label}; {near}")
            raise IndexError(f"layer={layer!r} holds no attention that can be seen; see session.attention.layers")
        if isinstance(layer, bool) or not isinstance(layer, int | np.integer):
            raise TypeError(f"layer={layer!r}, but it is a whole number or the path of a module")
        if not -len(entries) <= layer < len(entries):
            raise IndexError(out_of("layer", layer, self._captures.label, len(entries), "attention layers"))
        return entries[layer]

    def tokens(self, sample: int | None = None) -> dict[SideName, TokenColumn | None]:
        """The tokens of a sample: "source", and "target" for a model that reads one text and writes another."""
        index = self._captured()
        self._check_tokens(index)
        sample = (self._selection.sample or 0) if sample is None else sample
        count = max((entry.batch for entry in index.entries), default=self._captures.inputs.likely_samples)
        sample = _checked("sample", sample, count, "the input", "samples")
        target = self._column("target", sample, index) if self._has_target() else None
        return {"source": self._column("source", sample, index), "target": target}

    def sides(self, entry: AttentionEntry) -> tuple[SideName, SideName]:
        """Which tokens stand at the entry's queries and which at its keys."""
        if entry.kind == "cross":
            return "target", "source"
        # A decoder reads what it writes; where there is nothing else to read, that is the source.
        side: SideName = "target" if entry.kind == "decoder" and self._has_target() else "source"
        return side, side

    def columns(self, layer: int | str | None = None, sample: int | None = None) -> tuple[TokenColumn, TokenColumn]:
        """The tokens at the queries and keys of a layer; numbers where it has other positions than the input."""
        entry = self.entry(layer)
        tokens = self.tokens(sample)
        fitted = []
        for side, count in zip(self.sides(entry), (entry.queries, entry.keys), strict=True):
            column = tokens[side]
            fitted.append(column if column is not None and len(column) == count else numbered(count))
        return fitted[0], fitted[1]

    def _captured(self) -> Index:
        self._captures.check()
        index = self._seen.known
        if index is None:
            with self._captures.alone(f"the attention of {self._captures.label}"):
                index = self._seen.known or self._capture()
            self._found()
        return index

    def _capture(self) -> Index:
        plain, capture = self._captures.attention()
        self._seen.index = Index(
            self._captures.store.generation,
            AttentionTable(self._entry_of(number, record) for number, record in enumerate(capture.records)),
            tuple(capture.unseen),
            output_difference(plain, capture.outputs, _padding(self._captures.inputs, capture.records)),
        )
        return self._seen.index

    def _entry_of(self, number: int, record: AttentionRecord) -> AttentionEntry:
        return AttentionEntry(
            index=number,
            path=record.path,
            call=record.call,
            heads=record.heads,
            key_value_heads=record.key_value_heads,
            batch=record.batch,
            queries=record.queries_count,
            keys=record.keys_count,
            steps=record.steps,
            seen="rebuilt",
            dropout=record.dropout,
            receipt=record.receipt,
            receipt_note=record.receipt_note,
            padding=record.padding,
            captured_kind=record.kind,
            _kinds=self._seen.kinds,
            _told=WeakMethod(self._told),
        )

    def _has_target(self) -> bool:
        entries = self._seen.index.entries if self._seen.index is not None else ()
        return "target" in self._seen.sides or any(entry.kind == "cross" for entry in entries)

    def _column(self, side: SideName, sample: int, index: Index) -> TokenColumn:
        """The column of a side: as given or tokenized if it fits, else patches of an image or numbers."""
        places = self._places(side, index)
        counts = [count for count, _ in places]
        known = self._seen.sides.get(side)
        if known is not None:
            column = known.column(sample)
            if not counts or len(column) in counts:
                masked = column.padding or _first_padding(places, sample, len(column))
                return TokenColumn(column.texts, column.special, masked)
        count = counts[0] if counts else 0
        column_of_image = patches(self._captures.model, self._captures.inputs, count) if side == "source" else None
        return column_of_image or numbered(count, _first_padding(places, sample, count))

    def _places(self, side: SideName, index: Index) -> list[Place]:
        """Where the tokens of a side stand: the positions of each query or key axis, and the padding known there."""
        return [
            (count, padding)
            for entry in index.entries
            for at, count, padding in zip(
                self.sides(entry), (entry.queries, entry.keys), (None, entry.padding), strict=True
            )
            if at == side
        ]

    def _check_tokens(self, index: Index) -> None:
        """Raise `TokensError` where tokens that were given fit no attention: too many, too few, for other samples."""
        samples = max((entry.batch for entry in index.entries), default=0)
        for side, known in self._seen.sides.items():
            counts = [count for count, _ in self._places(side, index)]
            if known.origin != "tokens=" or not counts:
                continue
            if len(known.columns) not in (1, samples):
                raise TokensError(f"tokens= has {len(known.columns)} lists, but the attention has {samples} samples")
            wrong = next((len(column) for column in known.columns if len(column) not in counts), None)
            if wrong is not None:
                raise TokensError(
                    f"tokens= has {wrong} {side} tokens, but the attention has {counts[0]} positions"
                    " (padding and special tokens count)"
                )


def _first_padding(places: Sequence[Place], sample: int, count: int) -> tuple[int, ...]:
    """The padding that the first layer with `count` keys knows of."""
    return next((found for keys, padding in places if keys == count and (found := padded(padding, sample, count))), ())


def _padding(inputs: Inputs, records: Sequence[AttentionRecord]) -> NDArray[np.bool_] | None:
    """The padding of what the model writes, `[batch, positions]`: by the input's masks, else by a layer's keys."""
    masks = (inputs.padding(name) for name in ("decoder_attention_mask", "attention_mask"))
    return next((mask for mask in (*masks, *(record.padding for record in records)) if mask is not None), None)


def _checked(field: str, value: int, count: int, owner: str, things: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{field}={value!r}, but it is a whole number" + (' or "mean"' if field == "head" else ""))
    if not 0 <= value < count:
        raise IndexError(out_of(field, int(value), owner, count, things))
    return int(value)


def _block(field: str, block: Block, count: int, owner: str) -> slice:
    """A slice without gaps; `(start, stop)` must lie within the matrix."""
    if isinstance(block, tuple):
        start, stop = (0 if block[0] is None else block[0]), (count if block[1] is None else block[1])
        if not 0 <= start < stop <= count:
            raise IndexError(f"{field}=({start}, {stop}), but {owner} has {count} {field} (0 to {count - 1})")
        return slice(start, stop)
    if block is not None and not isinstance(block, slice):
        raise TypeError(f"{field}={block!r}, but it is a slice or (start, stop); for one row or column (3, 4)")
    start, stop, stride = (slice(None) if block is None else block).indices(count)
    if stride != 1:
        raise ValueError(f"{field}={block}, but only blocks without gaps can be had: leave the stride out")
    return slice(start, max(start, stop))

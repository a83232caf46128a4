"""What a selection may hold for one session: how far layers, heads and tokens go, and what follows from a choice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

import traitlets

from nnwidgets.source.selection import State


class Entry(Protocol):
    """What the bounds of an attention layer are."""

    index: int
    path: str
    heads: int
    queries: int
    keys: int
    steps: int | None


_SINGULAR = {"queries": "query", "classes": "class"}


def out_of(field: str, value: int, owner: str, count: int, things: str) -> str:
    """The sentence for an index that is out of bounds: the value, the bound."""
    thing = things if count != 1 else _SINGULAR.get(things, things.removesuffix("s"))
    span = f" (0 to {count - 1})" if count > 1 else " (0)" if count else ""
    return f"{field}={value}, but {owner} has {count or 'no'} {thing}{span}"


def nearest(path: str, paths: Collection[str], table: str) -> str:
    """The way out for a module path that does not exist: those most like it, else the table that lists them."""
    near = get_close_matches(path, list(paths), n=3)
    return f"the nearest are {', '.join(map(repr, near))}" if near else f"see {table}"


@dataclass(frozen=True)
class Bounds:
    """The bounds of one session, as far as they are known: `entries` is None before its attention was captured.

    A session without attention has no say in the attention fields: it may share its selection with one that has.
    """

    label: str
    paths: Collection[str]
    samples: int | None
    classes: int | None = None
    entries: Sequence[Entry] | None = None

    def resolve(self, asked: frozenset[str], state: State) -> State:
        """The state that follows when the fields in `asked` are set; raises `TraitError` where one is out of bounds."""
        state = dict(state)
        self._check_layer(asked, state)
        if self.samples is not None:
            self._check("sample", self.samples, "the input", "samples", asked, state)
        if self.classes is not None:
            self._check("target", self.classes, self.label, "classes", asked, state)
        if not self.entries:
            return state
        if "attention" in asked:
            self._follow_attention(asked, state)
        elif "layer" in asked:
            self._follow_layer(state)
        if state["attention"] is not None and state["attention"] < len(self.entries):
            self._fit(self.entries[state["attention"]], asked, state)
        return state

    def clipped(self, state: State) -> State:
        """The fields of `state` that are out of bounds, with the nearest values that are not."""
        fitting = dict(state)
        if fitting["sample"] is not None and self.samples is not None:
            fitting["sample"] = min(fitting["sample"], self.samples - 1)
        if self.classes is not None and fitting["target"] is not None and fitting["target"] >= self.classes:
            fitting["target"] = None
        if self.entries and fitting["attention"] is not None:
            index = fitting["attention"] + (len(self.entries) if fitting["attention"] < 0 else 0)
            fitting["attention"] = min(max(index, 0), len(self.entries) - 1)
            entry = self.entries[fitting["attention"]]
            self._fit(entry, frozenset(), fitting)
        return {name: value for name, value in fitting.items() if value != state[name] and name != "head"}

    def _check_layer(self, asked: frozenset[str], state: State) -> None:
        layer = state["layer"]
        if "layer" in asked and layer is not None and layer not in self.paths:
            near = nearest(layer, self.paths, "session.layers")
            raise traitlets.TraitError(f"layer={layer!r}, but {self.label} has no module of that path; {near}")

    def _check(self, field: str, count: int, owner: str, things: str, asked: frozenset[str], state: State) -> None:
        if field in asked and state[field] is not None and state[field] >= count:
            raise traitlets.TraitError(out_of(field, state[field], owner, count, things))

    def _follow_attention(self, asked: frozenset[str], state: State) -> None:
        assert self.entries is not None
        index = state["attention"]
        if index is None:
            return
        count = len(self.entries)
        if not -count <= index < count:
            raise traitlets.TraitError(out_of("attention", index, self.label, count, "attention layers"))
        state["attention"] = index % count
        if "layer" not in asked:
            state["layer"] = self.entries[state["attention"]].path

    def _follow_layer(self, state: State) -> None:
        """Picking a module that holds one attention layer, or is one, picks that."""
        assert self.entries is not None
        if state["layer"] is None:
            return
        inside = [entry.index for entry in self.entries if is_inside(entry.path, state["layer"])]
        if len(inside) == 1:
            state["attention"] = inside[0]

    def _fit(self, entry: Entry, asked: frozenset[str], state: State) -> None:
        """Check what was asked against the attention layer; bring the rest within its bounds."""
        owner = f"layer {entry.index}"
        for head in state["heads"] if asked & {"head", "heads"} else ():
            if not 0 <= head < entry.heads:
                raise traitlets.TraitError(out_of("head", head, owner, entry.heads, "heads"))
        self._check("query", entry.queries, owner, "queries", asked, state)
        self._check("key", entry.keys, owner, "keys", asked, state)
        if entry.steps is not None:
            self._check("step", entry.steps, owner, "steps", asked, state)
        fitting = tuple(head for head in state["heads"] if 0 <= head < entry.heads)
        state["heads"] = fitting or ((entry.heads - 1,) if state["heads"] else ())
        for field, count in (("query", entry.queries), ("key", entry.keys)):
            if state[field] is not None and state[field] >= count:
                state[field] = None
        if entry.steps is not None and state["step"] is not None:
            state["step"] = min(state["step"], entry.steps - 1)


def is_inside(path: str, module: str) -> bool:
    """Whether `path` is the path of `module` or of something in it."""
    return path == module or not module or path.startswith(module + ".")

"""Where people look: one layer, head, token, step and sample for all widgets of a source, also of several sources.

A change is taken whole or not at all: types are checked here, bounds by the sources that registered a validator, and
only then is anything set. All fields have their new values before the first observer hears of one.
"""

from __future__ import annotations

import math
import operator
import threading
import weakref
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MethodType
from typing import Any

import traitlets

State = dict[str, Any]
Validator = Callable[[frozenset[str], State], State]


def _whole(field: str, value: Any) -> int:
    """`value` as a Python int; numpy's integers are welcome, True and 2.0 are not."""
    try:
        if isinstance(value, bool):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise traitlets.TraitError(f"{field}={value!r}, but it must be a whole number") from None


def _index(field: str, value: Any) -> int | None:
    return None if value is None else _whole(field, value)


def _natural(field: str, value: Any) -> int | None:
    index = _index(field, value)
    if index is not None and index < 0:
        raise traitlets.TraitError(f"{field}={index}, but it counts from 0")
    return index


def _layer(field: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise traitlets.TraitError(
        f"{field}={value!r}, but it is the path of a module such as 'encoder.0'; for an attention layer set attention="
    )


def _heads(field: str, value: Any) -> tuple[int, ...]:
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise traitlets.TraitError(f"{field}={value!r}, but it is a list such as (2, 5); for one head set head=")
    heads = tuple(_natural("head", _whole("head", head)) or 0 for head in value)
    if len(set(heads)) < len(heads):
        raise traitlets.TraitError(f"{field}={heads}, but each head counts once")
    return heads


def _latent(field: str, value: Any) -> tuple[float, ...] | None:
    if value is None:
        return None
    try:
        latent = tuple(float(number) for number in value)
    except (TypeError, ValueError):
        raise traitlets.TraitError(f"{field}={value!r}, but it is a list of numbers, one a dimension") from None
    if not all(math.isfinite(number) for number in latent):
        raise traitlets.TraitError(f"{field}={latent}, but its numbers must be finite")
    return latent


class _Field(traitlets.TraitType[Any, Any]):
    """A field that is set through `Selection.update`, however it is assigned."""

    def __init__(self, default: Any, clean: Callable[[str, Any], Any], help: str) -> None:
        super().__init__(default_value=default, allow_none=True, help=help)
        self.clean = clean

    def set(self, obj: traitlets.HasTraits, value: Any) -> None:
        assert isinstance(obj, Selection) and self.name is not None
        obj.update(**{self.name: value})


class Selection(traitlets.HasTraits):
    """What is looked at. Assign a field, or several at once with `update`; observe it like any `HasTraits`.

    Setting `attention` also sets `layer`, to that entry's module path, and drops heads that the entry does not have.
    Setting `head` replaces `heads`; `head` is always the last of `heads`. Raises `traitlets.TraitError`, and changes
    nothing, where a value is of the wrong type or out of the bounds of a source that uses this selection.
    """

    layer = _Field(None, _layer, "Module path of the layer.")
    attention = _Field(0, _index, "Index in `session.attention.layers`; negative ones count from the end.")
    heads = _Field((0,), _heads, "The attention heads that are shown.")
    head = _Field(0, _natural, "The head in focus: the last of `heads`.")
    query = _Field(None, _natural, "Position of the query token.")
    key = _Field(None, _natural, "Position of the key token.")
    unit = _Field(None, _natural, "Channel, neuron or hidden unit of the layer.")
    step = _Field(None, _natural, "Time step, or step of a process or run.")
    sample = _Field(0, _natural, "Which item of the batch.")
    target = _Field(None, _natural, "The class that is explained.")
    latent = _Field(None, _latent, "A point in latent space.")

    def __init__(self, **fields: Any) -> None:
        self._changing = threading.RLock()
        self._validators: list[weakref.ref[Any]] = []
        super().__init__()
        self.update(**fields)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            raise AttributeError(_no_field(name))
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        shown = (f"{name}={value!r}" for name, value in self.fields().items() if value is not None)
        return f"Selection({', '.join(shown)})"

    def fields(self) -> State:
        """All fields and their values."""
        with self._changing:
            return {name: getattr(self, name) for name in FIELDS}

    def update(self, **fields: Any) -> None:
        """Set several fields at once: either all of them or, where one is refused, none."""
        for name in fields:
            if name not in FIELDS:
                raise traitlets.TraitError(_no_field(name))
        with self._changing:
            old = self.fields()
            state = self._resolve(fields, old)
            changed = {name: value for name, value in state.items() if value != old[name]}
            self._trait_values.update(changed)
        # Observers may wait for other threads, so they are told after the lock was let go.
        for name, value in changed.items():
            self.notify_change(traitlets.Bunch(name=name, old=old[name], new=value, owner=self, type="change"))

    def add_validator(self, validator: Callable[[frozenset[str], State], Mapping[str, Any]]) -> None:
        """Have `validator(asked, state)` check and complete every change; it is held weakly.

        `asked` names the fields that someone set, `state` holds all fields as they would become. It returns the state
        to take instead, or raises `TraitError`. `head` follows from `heads`.
        """
        kind = weakref.WeakMethod if isinstance(validator, MethodType) else weakref.ref
        with self._changing:
            self._validators.append(kind(validator))

    def _resolve(self, fields: Mapping[str, Any], old: State) -> State:
        state = old | {name: FIELDS[name].clean(name, value) for name, value in fields.items()}
        if "heads" not in fields and "head" in fields:
            state["heads"] = () if state["head"] is None else (state["head"],)
        elif "head" in fields and state["head"] is not None:
            if state["head"] not in state["heads"]:
                raise traitlets.TraitError(f"head={state['head']}, but it is not one of heads={state['heads']}")
            state["heads"] = (*(head for head in state["heads"] if head != state["head"]), state["head"])
        self._validators = [reference for reference in self._validators if reference() is not None]
        for reference in self._validators:
            validator = reference()
            if validator is not None:
                state = dict(validator(frozenset(fields), state))
        return state | {"head": state["heads"][-1] if state["heads"] else None}


FIELDS: dict[str, _Field] = {name: field for name, field in vars(Selection).items() if isinstance(field, _Field)}
"""The fields by name, in the order in which they are documented."""


def _no_field(name: str) -> str:
    close = get_close_matches(name, FIELDS, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"a selection has no field {name!r}{hint} It has {', '.join(FIELDS)}."

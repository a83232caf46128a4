"""Tensors inside what models take and return: tensors, tuples, lists, mappings, data classes, nested in any way."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, TypeVar

import torch

Structure = TypeVar("Structure")


def map_leaves(value: Any, change: Callable[[Any], Any]) -> Any:
    """`value` rebuilt with `change` applied to every leaf; containers are new objects of their own type.

    A leaf is whatever is no tuple, list, mapping or data class. Mappings that cannot be copied and set become dicts.
    """
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, Mapping):
        changed = {key: map_leaves(item, change) for key, item in value.items()}
        if type(value) is dict or not isinstance(value, MutableMapping):
            return changed
        mapping = copy.copy(value)
        for key, item in changed.items():
            mapping[key] = item
        return mapping
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(map_leaves(item, change) for item in value))
    if type(value) in (tuple, list):
        return type(value)(map_leaves(item, change) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        rebuilt = copy.copy(value)
        for field in dataclasses.fields(value):
            # A frozen data class is ours to fill here: the copy has not been handed to anyone yet.
            object.__setattr__(rebuilt, field.name, map_leaves(getattr(value, field.name), change))
        return rebuilt
    return change(value)


def map_tensors(value: Structure, change: Callable[[torch.Tensor], torch.Tensor]) -> Structure:
    """`value` rebuilt with `change` applied to every tensor; anything else is passed on as it is."""
    rebuilt: Structure = map_leaves(value, lambda leaf: change(leaf) if isinstance(leaf, torch.Tensor) else leaf)
    return rebuilt


def tensors(value: Any, path: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor in `value` with where it is, such as `logits` or `hidden_states.3`; "" for a bare tensor."""
    if isinstance(value, torch.Tensor):
        yield path, value
        return
    items: Any = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, tuple | list):
        items = enumerate(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        items = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
    for key, item in items:
        yield from tensors(item, f"{path}.{key}" if path else str(key))


def logits_of(outputs: Any) -> torch.Tensor | None:
    """The scores in what a model returned: its `logits`, else its first floating-point tensor, else None."""
    named = outputs.get("logits") if isinstance(outputs, Mapping) else getattr(outputs, "logits", None)
    if isinstance(named, torch.Tensor):
        return named
    return next((tensor for _, tensor in tensors(outputs) if tensor.is_floating_point()), None)

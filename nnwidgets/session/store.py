"""A bounded store: what was captured and what was derived from it, the least recently used dropped first.

Captures share memory (a mask that every layer uses, say): each storage is counted once, by its address.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch

MISSING: Final = object()
"""What `Store.get` returns for a key that is not there; None may be a value."""

Storages = Mapping[Any, int]


def storages(value: Any) -> dict[Hashable, int]:
    """The memory behind `value`: storage address → bytes, over tensors and arrays in any nesting."""
    found: dict[Hashable, int] = {}
    seen: set[int] = set()

    def visit(item: Any) -> None:
        if id(item) in seen or isinstance(item, str | bytes | int | float | type(None)):
            return
        seen.add(id(item))
        if isinstance(item, torch.Tensor):
            if item.layout is torch.strided and item.device.type != "meta":
                storage = item.untyped_storage()
                found[(str(item.device), storage.data_ptr())] = storage.nbytes()
            else:
                found[("tensor", id(item))] = item.element_size() * item.numel()
        elif isinstance(item, np.ndarray):
            owner = item
            while isinstance(owner.base, np.ndarray):
                owner = owner.base
            found[("cpu", owner.__array_interface__["data"][0])] = owner.nbytes
        elif isinstance(item, Mapping):
            for part in item.values():
                visit(part)
        elif isinstance(item, list | tuple | set | frozenset):
            for part in item:
                visit(part)
        elif hasattr(item, "__dict__") and not isinstance(item, type | torch.nn.Module):
            visit(vars(item))  # results of the models' own classes, such as a cache of keys and values

    visit(value)
    return found


@dataclass(frozen=True)
class _Item:
    value: Any
    storages: Storages


class Store:
    """Values by key, together at most `limit` bytes. Safe to use from several threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._items: OrderedDict[Hashable, _Item] = OrderedDict()
        self._users: Counter[Hashable] = Counter()
        self._nbytes = 0
        self._generation = 0

    @property
    def nbytes(self) -> int:
        """Bytes that are kept now, each storage counted once."""
        return self._nbytes

    @property
    def generation(self) -> int:
        """Rises with every `clear`: what was computed from an earlier one must not be kept."""
        return self._generation

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._items

    def get(self, key: Hashable) -> Any:
        """The value of `key`, now the most recently used, or `MISSING`."""
        with self._lock:
            item = self._items.get(key)
            if item is None:
                return MISSING
            self._items.move_to_end(key)
            return item.value

    def put(self, key: Hashable, value: Any, storages: Storages, generation: int) -> bool:
        """Keep `value` and drop the least recently used. False if it is larger than the limit or out of date."""
        with self._lock:
            if generation != self._generation or sum(storages.values()) > self.limit:
                return False
            self._drop(key)
            self._items[key] = _Item(value, storages)
            for storage, size in storages.items():
                self._nbytes += size if not self._users[storage] else 0
                self._users[storage] += 1
            while self._nbytes > self.limit:
                self._drop(next(iter(self._items)))
            return True

    def clear(self) -> None:
        """Drop everything; what is still being computed for it will not be kept."""
        with self._lock:
            self._generation += 1
            self._items.clear()
            self._users.clear()
            self._nbytes = 0

    def _drop(self, key: Hashable) -> None:
        item = self._items.pop(key, None)
        for storage, size in item.storages.items() if item else ():
            self._users[storage] -= 1
            if not self._users[storage]:
                del self._users[storage]
                self._nbytes -= size

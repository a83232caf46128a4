"""The store: bounded in bytes, shared memory counted once, the least recently used dropped."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch

from nnwidgets.session.store import MISSING, Store, storages
from nnwidgets.source.sizes import parse_size


def put(store: Store, key: str, value: Any) -> bool:
    return store.put(key, value, storages(value), store.generation)


@pytest.mark.parametrize(
    ("text", "size"),
    [("64 MiB", 64 * 2**20), ("1 GiB", 2**30), ("1.5 GB", 1_500_000_000), ("10kb", 10_000), ("7", 7), (12, 12), (0, 0)],
)
def test_sizes(text: int | str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "64 MiX", "-1", "1e3", -1, 1.5, True, None])
def test_a_size_that_is_none_names_itself(text: Any) -> None:
    with pytest.raises(ValueError, match=r"memory_limit=.*64 MiB"):
        parse_size(text)


def test_the_least_recently_used_goes_first() -> None:
    store = Store(300)
    for key in "abc":
        assert put(store, key, np.zeros(100, np.uint8))
    store.get("a")
    put(store, "d", np.zeros(100, np.uint8))
    assert ["a" in store, "b" in store, "c" in store, "d" in store] == [True, False, True, True]
    assert store.nbytes == 300


def test_shared_memory_counts_once() -> None:
    store = Store(10_000)
    mask = torch.zeros(1000, dtype=torch.uint8)
    for index in range(5):
        put(store, f"layer {index}", {"mask": mask[index:], "own": torch.zeros(10, dtype=torch.uint8)})
    assert store.nbytes == 1000 + 5 * 10
    store.put("layer 0", None, {}, store.generation)
    assert store.nbytes == 1000 + 4 * 10
    array = np.zeros(100, np.uint8)
    assert sum(storages([array, array[5:], array.reshape(10, 10)]).values()) == 100


def test_memory_behind_views_and_objects_is_found() -> None:
    class Cache:
        def __init__(self) -> None:
            self.keys = [torch.zeros(50, dtype=torch.uint8)]
            self.owner = self

    assert sum(storages(torch.zeros(80, dtype=torch.uint8)[:1]).values()) == 80
    assert sum(storages({"cache": Cache(), "text": "abc", "none": None}).values()) == 50


def test_too_large_is_not_kept_and_drops_nothing() -> None:
    store = Store(100)
    put(store, "small", np.zeros(90, np.uint8))
    assert not put(store, "large", np.zeros(101, np.uint8))
    assert "small" in store and store.get("large") is MISSING


def test_what_was_computed_before_a_clear_is_not_kept() -> None:
    store = Store(100)
    before = store.generation
    store.clear()
    assert not store.put("late", 1, {}, before)
    assert len(store) == 0


def test_threads_leave_the_books_in_order() -> None:
    store = Store(5_000)
    shared = torch.zeros(500, dtype=torch.uint8)

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        for _ in range(300):
            key = int(random.integers(20))
            if store.get(key) is MISSING:
                put(store, str(key), [shared, torch.zeros(int(random.integers(1, 900)), dtype=torch.uint8)])
            assert store.nbytes <= 5_000
            if random.random() < 0.01:
                store.clear()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = {name: size for item in store._items.values() for name, size in item.storages.items()}
    assert store.nbytes == sum(counted.values())

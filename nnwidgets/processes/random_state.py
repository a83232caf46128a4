"""Random numbers of a process's own: the states of torch's, numpy's and Python's global generators, kept and put back.

A reader's function draws from the global generators. While a step of a process is computed they hold the process's
states; before and after it those of the caller, who notices nothing. The generators are global to all threads: whoever
puts them holds `LOCK`.
"""

from __future__ import annotations

import contextlib
import pickle
import random
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

LOCK = threading.RLock()
"""Held while the generators are not the caller's. To be taken before any lock of a process: two processes wait so."""


@dataclass(frozen=True)
class RandomState:
    """The generators at one moment, one text of bytes each, so that equal ones are kept once."""

    parts: dict[str, bytes]
    seed: int | None = None
    """Seeds a generator that was not there yet: a function may be the first to import torch, or to use a GPU."""

    @property
    def nbytes(self) -> int:
        return sum(map(len, self.parts.values()))


def seeded(seed: int) -> RandomState:
    """The states of generators that were all seeded with `seed`."""
    parts = {
        "python": pickle.dumps(random.Random(seed).getstate()),
        "numpy": pickle.dumps(np.random.RandomState(seed).get_state(legacy=False)),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        parts["torch"] = torch.Generator().manual_seed(seed).get_state().numpy().tobytes()
    return RandomState(parts, seed)


def read(like: RandomState | None = None) -> RandomState:
    """The global generators as they stand; what is as in `like` is shared with it."""
    parts = {
        "python": pickle.dumps(random.getstate()),
        "numpy": pickle.dumps(np.random.get_state(legacy=False)),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        parts["torch"] = torch.get_rng_state().numpy().tobytes()
        if torch.cuda.is_initialized():
            parts["cuda"] = pickle.dumps([state.numpy() for state in torch.cuda.get_rng_state_all()])
    if like is None:
        return RandomState(parts)
    shared = {name: like.parts[name] if like.parts.get(name) == part else part for name, part in parts.items()}
    return like if shared == like.parts else RandomState(shared, like.seed)


def put(state: RandomState) -> None:
    """Set the global generators to `state`."""
    random.setstate(pickle.loads(state.parts["python"]))
    np.random.set_state(pickle.loads(state.parts["numpy"]))
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return
    if "torch" in state.parts:
        torch.set_rng_state(torch.frombuffer(bytearray(state.parts["torch"]), dtype=torch.uint8))
    elif state.seed is not None:
        torch.default_generator.manual_seed(state.seed)
    if "cuda" in state.parts:
        torch.cuda.set_rng_state_all([torch.from_numpy(part) for part in pickle.loads(state.parts["cuda"])])
    elif state.seed is not None and torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(state.seed)


@contextlib.contextmanager
def borrowed(state: RandomState | None = None) -> Iterator[None]:
    """Inside, the global generators hold `state`; afterwards again what they held."""
    with LOCK:
        callers = read()
        try:
            if state is not None:
                put(state)
            yield
        finally:
            put(callers)


def reseed(seed: int, step: int) -> None:
    """Seed the global generators by `seed` and `step`, so that what is drawn depends on nothing else. Inside
    `borrowed`.
    """
    key = mixed(seed, step) % 2**32
    random.seed(key)
    np.random.seed(key)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.default_generator.manual_seed(key)
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(key)


def mixed(seed: int, step: int) -> int:
    """One number of 63 bits for a seed and a step, such that near ones have nothing in common (splitmix64)."""
    mask = 2**64 - 1
    value = (seed * 0x9E3779B97F4A7C15 + step * 0xD1B54A32D192ED03 + 0x632BE59BD9B4E019) & mask
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
    return (value ^ (value >> 31)) >> 1

"""States of any kind: arrays, tensors, and dicts, lists and tuples of them: copied, weighed, compared."""

from __future__ import annotations

import copy
import sys
from typing import Any

import numpy as np


def is_tensor(value: Any) -> bool:
    """Whether it is a torch tensor; torch is not loaded for the question."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def copied(state: Any) -> Any:
    """A copy that shares nothing with `state`; tensors are cut from their graphs and keep `requires_grad`."""
    if isinstance(state, np.ndarray) and state.dtype != object:
        return state.copy(order="K")
    if is_tensor(state):
        return state.detach().clone().requires_grad_(state.requires_grad)
    if type(state) is dict:
        return {name: copied(part) for name, part in state.items()}
    if type(state) in (list, tuple):
        return type(state)(copied(part) for part in state)
    if isinstance(state, tuple) and hasattr(state, "_fields"):
        return type(state)(*(copied(part) for part in state))
    return copy.deepcopy(state)


def size(state: Any) -> int:
    """About how many bytes it takes."""
    if isinstance(state, np.ndarray) and state.dtype != object:
        return int(state.nbytes)
    if is_tensor(state):
        return int(state.numel() * state.element_size())
    if isinstance(state, dict):
        return sum(size(part) for part in state.values()) + sys.getsizeof(state)
    if isinstance(state, list | tuple):
        return sum(size(part) for part in state) + sys.getsizeof(state)
    return sys.getsizeof(state)


def fitted(state: Any, like: Any, where: str = "state") -> Any:
    """A copy of `state` as a state of the same kind, shape and dtype as `like`.

    Raises ValueError, naming the part, where it is none.
    """
    if isinstance(like, np.ndarray) or is_tensor(like):
        return _fitted_array(state, like, where)
    if type(like) is dict:
        if not isinstance(state, dict) or state.keys() != like.keys():
            given = f"has {sorted(map(str, state))}" if isinstance(state, dict) else f"is a {type(state).__name__}"
            raise ValueError(f"{where} {given}, but the state at that step is a dict of {sorted(map(str, like))}")
        return {name: fitted(state[name], part, f"{where}[{name!r}]") for name, part in like.items()}
    if isinstance(like, list | tuple):
        if not isinstance(state, list | tuple) or (isinstance(like, tuple) and len(state) != len(like)):
            raise ValueError(f"{where} is a {type(state).__name__}, but the state there is {_words(like)}")
        if len(state) == len(like):
            parts = [
                fitted(part, old, f"{where}[{at}]") for at, (part, old) in enumerate(zip(state, like, strict=True))
            ]
            return type(like)(*parts) if hasattr(like, "_fields") else type(like)(parts)
        return copied(state)
    if isinstance(like, float) and isinstance(state, int | np.number) and not isinstance(state, bool):
        return float(state)
    if not isinstance(state, type(like)):
        raise ValueError(f"{where} is a {type(state).__name__}, but the state there is {_words(like)}")
    return copied(state)


def _fitted_array(state: Any, like: Any, where: str) -> Any:
    made: Any
    given = state.detach().cpu().numpy() if is_tensor(state) and not is_tensor(like) else state
    if is_tensor(like):
        import torch

        try:
            made = torch.as_tensor(given).detach().to(like.device, like.dtype).clone()
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(f"{where} is a {type(state).__name__}, but the state there is {_words(like)}") from None
        made.requires_grad_(like.requires_grad)
    else:
        try:
            made = np.array(given, dtype=like.dtype)
        except (TypeError, ValueError):
            raise ValueError(f"{where} is a {type(state).__name__}, but the state there is {_words(like)}") from None
    if tuple(made.shape) != tuple(like.shape):
        raise ValueError(f"{where} has the shape {tuple(made.shape)}, but the state there is {_words(like)}")
    return made


def _words(like: Any) -> str:
    if isinstance(like, np.ndarray) or is_tensor(like):
        return f"of shape {tuple(like.shape)} ({str(like.dtype).removeprefix('torch.')})"
    if isinstance(like, list | tuple):
        return f"a {type(like).__name__} of {len(like)}"
    return f"a {type(like).__name__}"

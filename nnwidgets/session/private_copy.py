"""A private copy of a model: to be run beside a training, which never notices."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Sequence
from types import MethodType
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

_FORWARD_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
_BACKWARD_HOOKS = ("_backward_hooks", "_backward_pre_hooks")


def private_copy(model: nn.Module) -> nn.Module:
    """A deep copy of a model, which no run of it can change the model through. Nothing of the model is written to.

    Tensors that are part of a graph are cut out of it, `.grad` is left out, compiled modules are copied as they were
    written. Hooks that are functions stay behind, for what they do belongs to the training; those of torch (weight
    normalisation, pruning) and methods of the model's own modules come along. Attributes of modules that cannot be
    copied (locks, open files) are shared.

    Raises:
        TypeError: it cannot be copied all the same.
    """
    modules = list(model.modules())
    try:
        return _copied(model, modules, {})
    except Exception:
        shared = {id(value): value for value in _uncopied(modules)}
    try:
        return _copied(model, modules, shared)
    except Exception as error:
        raise TypeError(
            f"{type(model).__name__} cannot be copied ({type(error).__name__}: {error}), and while it is in training "
            "only a copy of it can be looked at"
        ) from error


def _copied(model: nn.Module, modules: Sequence[nn.Module], memo: dict[int, Any]) -> nn.Module:
    """The copy; what `memo` holds is taken as it is."""
    own = {id(module) for module in modules}
    later: list[tuple[OrderedDict[Any, Any], dict[Any, Any]]] = []
    for module in modules:
        for name in (*_FORWARD_HOOKS, *_BACKWARD_HOOKS):
            hooks = module.__dict__.get(name)
            if hooks:
                kept = {key: hook for key, hook in hooks.items() if name in _FORWARD_HOOKS and _comes_along(hook, own)}
                memo[id(hooks)] = OrderedDict()
                later.append((memo[id(hooks)], kept))
    with torch.no_grad(), _Cut():
        for module in reversed(modules):  # from the inside out: torch.compile's wrapper is copied as what it wraps
            if "_orig_mod" in module._modules:
                memo[id(module)] = copy.deepcopy(module._modules["_orig_mod"], memo)
        copied: nn.Module = copy.deepcopy(model, memo)
        for hooks, kept in later:
            hooks.update(copy.deepcopy(kept, memo))
    for module in copied.modules():
        module.__dict__.pop("_compiled_call_impl", None)
    return copied


class _Cut(TorchFunctionMode):
    """Inside, tensors that are no leaves can be copied too, as leaves, and gradients are not copied."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensor, memo = args if func is torch.Tensor.__deepcopy__ else (None, {})
        if tensor is None or (tensor.is_leaf and tensor.grad is None):
            return func(*args, **(kwargs or {}))
        copied = copy.deepcopy(tensor.detach(), memo)
        memo[id(tensor)] = copied.requires_grad_(tensor.requires_grad and tensor.is_leaf)
        return copied


def _comes_along(hook: Any, own: set[int]) -> bool:
    if isinstance(hook, MethodType):
        return id(hook.__self__) in own
    return type(hook).__module__.startswith("torch.")


def _uncopied(modules: Sequence[nn.Module]) -> list[Any]:
    """The attributes of modules that cannot be copied."""
    found = []
    with torch.no_grad(), _Cut():
        for module in modules:
            for name, value in vars(module).items():
                if name.startswith("_") and hasattr(nn.Module, name.removeprefix("_")):
                    continue  # torch's own dicts: parameters, buffers, modules
                try:
                    copy.deepcopy(value, {id(each): each for each in modules})
                except Exception:
                    found.append(value)
    return found

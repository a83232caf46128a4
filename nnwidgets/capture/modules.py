"""The modules of a model by path, as people write them: `layer1.conv1`, also inside a compiled model."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import nn

_COMPILED = "_orig_mod"  # the attribute under which torch.compile keeps the module that it wraps


@dataclass(frozen=True)
class ModuleRow:
    """One module in the table of layers: its path, its class and the parameters that it holds itself and below."""

    name: str
    kind: str
    parameters: int


def is_compiled(module: nn.Module) -> bool:
    """Whether `torch.compile` made `module`, or `module.compile()` was called on it."""
    return _COMPILED in module._modules or getattr(module, "_compiled_call_impl", None) is not None


def module_paths(model: nn.Module) -> dict[str, nn.Module]:
    """Every module of `model` by path, "" the model itself; torch.compile's wrappers are left out of the paths.

    A module that is reachable in several ways has one entry, its first.
    """
    paths: dict[str, nn.Module] = {}
    for name, module in model.named_modules():
        path = ".".join(part for part in name.split(".") if part != _COMPILED)
        paths[path] = module  # a wrapper comes before what it wraps, so the wrapped module stays
    return paths


def find_modules(model: nn.Module, paths: Collection[str] | None) -> dict[str, nn.Module]:
    """The modules at `paths`, all of them for None.

    Raises:
        KeyError: a path that the model does not have, with the nearest ones that it has.
    """
    known = module_paths(model)
    if paths is None:
        return known
    if isinstance(paths, str):
        raise TypeError(f"paths={paths!r} is a string: give a collection of paths, such as [{paths!r}]")
    for path in paths:
        if path not in known:
            near = difflib.get_close_matches(path, known, n=3)
            hint = f"; the nearest are {', '.join(map(repr, near))}" if near else ""
            raise KeyError(f"no layer {path!r} in {type(model).__name__}{hint}")
    return {path: known[path] for path in paths}


def model_device(model: nn.Module) -> torch.device:
    """The device of the model's first parameter, else of its first buffer, else the CPU."""
    first = next(itertools.chain(model.parameters(), model.buffers()), None)
    return torch.device("cpu") if first is None else first.device


def modules_table(model: nn.Module) -> list[ModuleRow]:
    """One row a module, in the order in which the model lists them; shared parameters count once in each row."""
    return [
        ModuleRow(path, type(module).__name__, sum(parameter.numel() for parameter in module.parameters()))
        for path, module in module_paths(model).items()
    ]

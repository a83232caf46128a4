"""Functions of the user's that run a part of the model: which part, and the same function on a private copy of it."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterator
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

from torch import nn

from nnwidgets.capture import module_paths
from nnwidgets.source.errors import NotStored

Function = Callable[..., Any]


class ModelFunction:
    """A function that runs the model or a part of it: `decode(latents)`, or `decode(model, latents)`.

    Args:
        field: what the user calls it, for errors.
        function: a module, a method of one, or any function.
        model: the user's model.

    Raises:
        TypeError: no function, or one that runs a module which is no part of the model: nobody would notice when its
            weights change, or put it into eval.
    """

    def __init__(self, field: str, function: Any, model: nn.Module) -> None:
        if not callable(function):
            raise TypeError(f"{field}={function!r}, but it must be a function")
        self.field = field
        self.function: Function = function
        self._model = model
        self.takes_model = _takes_model(function)
        own = {id(module) for module in model.modules()}
        for module in _modules_of(function):
            inside = getattr(module, "_orig_mod", module)  # what torch.compile wraps
            if id(module) not in own and id(inside) not in own:
                raise TypeError(
                    f"{field} runs {type(module).__name__}, which is no part of {type(model).__name__}: make the "
                    "session of a module that holds both, such as nn.ModuleDict({'encoder': …, 'decoder': …})"
                )

    @property
    def module(self) -> nn.Module | None:
        """The module that it is, or that it is a method of."""
        owner = self.function.__self__ if isinstance(self.function, MethodType) else self.function
        return owner if isinstance(owner, nn.Module) else None

    def on(self, model: nn.Module) -> Callable[[Any], Any]:
        """The function of one argument that runs `model`: the user's own, or a private copy of it.

        Raises `NotStored` for a copy where the function reaches the user's own model in a way that cannot be seen.
        """
        if self.takes_model:
            return lambda value: self.function(model, value)
        if model is self._model:
            return self.function
        swapped = _Swap(self._model, model)
        found = swapped(self.function)
        if not swapped.found:
            raise NotStored(
                f"{self.field} reaches the model on its own, and while that is in training only a copy of it can be "
                f"looked at: write it as {self.field}(model, …), or look again after the training"
            )
        function: Callable[[Any], Any] = found
        return function


def _takes_model(function: Function) -> bool:
    """Whether it has two arguments that must be given, the model first."""
    if isinstance(function, nn.Module):
        return False
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # built in, without a signature
        return False
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in places and each.default is each.empty for each in parameters) >= 2


def _names(code: CodeType) -> Iterator[str]:
    """The global names that a function uses, also in functions inside it."""
    loads = ("LOAD_GLOBAL", "LOAD_NAME")
    yield from (each.argval for each in dis.get_instructions(code) if each.opname in loads)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _reached(function: FunctionType) -> Iterator[Any]:
    """What a function reaches without being given it: its closure and the globals that it names."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not yet set
            continue
    for name in _names(function.__code__):
        if name in function.__globals__:
            yield function.__globals__[name]


def _modules_of(function: Any) -> Iterator[nn.Module]:
    """The modules that a function is, is a method of, or reaches at once."""
    if isinstance(function, nn.Module):
        yield function
    elif isinstance(function, MethodType) and isinstance(function.__self__, nn.Module):
        yield function.__self__
    elif isinstance(function, FunctionType):
        yield from (value for value in _reached(function) if isinstance(value, nn.Module))


class _Swap:
    """Functions and modules of one model as those of its copy; `found` says whether there was anything to swap."""

    def __init__(self, model: nn.Module, copy: nn.Module) -> None:
        copies = module_paths(copy)
        self._copies = {id(module): copies[path] for path, module in module_paths(model).items() if path in copies}
        self._around: dict[str, Any] | None = None  # the globals of the user's function
        self._seen: set[int] = set()
        self.found = False

    def __call__(self, value: Any) -> Any:
        if isinstance(value, nn.Module):
            inside = getattr(value, "_orig_mod", value)
            copied = self._copies.get(id(value), self._copies.get(id(inside)))
            self.found |= copied is not None
            return value if copied is None else copied
        if isinstance(value, MethodType) and isinstance(value.__self__, nn.Module):
            return MethodType(value.__func__, self(value.__self__))
        if isinstance(value, FunctionType):
            return self._function(value)
        return value

    def _function(self, function: FunctionType) -> FunctionType:
        self._around = function.__globals__ if self._around is None else self._around
        if id(function) in self._seen or function.__globals__ is not self._around:
            return function  # it calls itself, or belongs to a library
        self._seen.add(id(function))
        closure = function.__closure__
        cells = None if closure is None else tuple(self._cell(cell) for cell in closure)
        names = {name for name in _names(function.__code__) if name in function.__globals__}
        swapped = {name: self(function.__globals__[name]) for name in names}
        changed = {name: value for name, value in swapped.items() if value is not function.__globals__[name]}
        same = closure is None or all(one is other for one, other in zip(cells or (), closure, strict=True))
        if same and not changed:
            return function
        around = {**function.__globals__, **changed}
        made = FunctionType(function.__code__, around, function.__name__, function.__defaults__, cells)
        made.__kwdefaults__ = function.__kwdefaults__
        return made

    def _cell(self, cell: CellType) -> CellType:
        try:
            swapped = self(cell.cell_contents)
        except ValueError:  # not yet set
            return cell
        return cell if swapped is cell.cell_contents else CellType(swapped)

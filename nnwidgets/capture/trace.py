"""Leave no trace: what a run of the model may change is noted before it and put back after it, whatever happens."""

from __future__ import annotations

import contextlib
import random
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as torch_module

from nnwidgets.capture.modules import model_device

_HOOKS_WARNING = re.compile(r"Using `torch\.compile\(module\)` when there are global hooks")

Progress = Callable[[int, int], None]


@contextlib.contextmanager
def no_trace(model: nn.Module, *, random_states: bool = True) -> Iterator[None]:
    """Puts back training flags, buffers, gradients, `requires_grad` and the random states that a run changed.

    Without `random_states` those are neither read nor written: another thread may be drawing.

    Buffers are copied for it: BatchNorm in training mode counts, and models may cache in buffers. Parameters are not
    (a forward that edits its parameters is the one thing that leaves a trace).
    """
    flags = [(module, module.training) for module in model.modules() if hasattr(module, "training")]
    # (A ScriptModule has no dict of buffers; its code cannot replace one, only write into it.)
    held = [(module, dict(module._buffers)) for module in model.modules() if isinstance(module._buffers, dict)]
    copies = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    parameters = [(parameter, parameter.grad, parameter.requires_grad) for parameter in model.parameters()]
    restore_random = _random_states(model) if random_states else _nothing
    try:
        yield
    finally:
        restore_random()
        for module, training in flags:
            if module.training != training:
                module.training = training
        for buffer, before in copies:
            if not torch.equal(buffer, before):  # BatchNorm on a CPU writes without moving the version counter
                buffer.data.copy_(before)
        for module, buffers in held:
            if module._buffers.keys() != buffers.keys() or any(module._buffers[n] is not b for n, b in buffers.items()):
                module._buffers.clear()
                module._buffers.update(buffers)
        for parameter, gradient, requires in parameters:
            if parameter.grad is not gradient:
                parameter.grad = gradient
            if parameter.requires_grad != requires:
                parameter.requires_grad_(requires)


def _nothing() -> None:
    pass


def _random_states(model: nn.Module) -> Callable[[], None]:
    """Notes the states of every random generator that a model may draw from; returns what puts them back."""
    restore: list[Callable[[], None]] = []

    def note(get: Callable[[], Any], put: Callable[[Any], Any]) -> None:
        state = get()
        restore.append(lambda: put(state))

    note(random.getstate, random.setstate)
    note(torch.get_rng_state, torch.set_rng_state)
    if "numpy" in sys.modules:
        numpy = sys.modules["numpy"]
        note(numpy.random.get_state, numpy.random.set_state)
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        note(torch.cuda.get_rng_state_all, torch.cuda.set_rng_state_all)
    if model_device(model).type == "mps":
        note(torch.mps.get_rng_state, torch.mps.set_rng_state)

    def restore_all() -> None:
        for put in restore:
            put()

    return restore_all


def uncompiled() -> contextlib.AbstractContextManager[Any]:
    """A context in which compiled models and functions run as they were written, and are compiled as before after it.

    Without it each hook and mode would make torch.compile build another graph, and attention inside would stay hidden.
    Costs nothing where torch.compile was never loaded.
    """
    if "torch._dynamo" not in sys.modules:
        return contextlib.nullcontext()
    stance: contextlib.AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance


@contextlib.contextmanager
def module_calls(
    enter: Callable[[nn.Module, tuple[Any, ...]], None] | None,
    leave: Callable[[nn.Module, tuple[Any, ...], dict[str, Any], Any], Any],
    own_hooks: tuple[nn.Module, ...] = (),
) -> Iterator[None]:
    """Calls `enter` before and `leave` after each module call of this thread; what `leave` returns replaces the output.

    A module that raises is not left. The hooks are global: a hook on a module itself would
    switch the fast path of nn.TransformerEncoder off and so change bits. But global hooks run before a module's own,
    so the modules in `own_hooks` (they have hooks, so no fast path) are followed by one that comes after theirs.
    """
    thread = threading.get_ident()
    apart = {id(module) for module in own_hooks}

    def before(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        if enter is not None and threading.get_ident() == thread:
            enter(module, arguments)

    # Another thread, in the middle of a module call while the hook goes, may call it without `named`.
    def after(module: nn.Module, arguments: tuple[Any, ...], *rest: Any) -> Any:
        if threading.get_ident() == thread and id(module) not in apart:
            return leave(module, arguments, *rest)
        return None

    def after_own(module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any], output: Any) -> Any:
        return leave(module, arguments, named, output) if threading.get_ident() == thread else None

    with contextlib.ExitStack() as hooks:
        hooks.enter_context(_unwarned())
        if enter is not None:
            hooks.callback(torch_module.register_module_forward_pre_hook(before).remove)
        handle = torch_module.register_module_forward_hook(after, with_kwargs=True)
        hooks.callback(handle.remove)
        # torch 2.13 forgets this entry of a global hook when it is removed.
        hooks.callback(torch_module._global_forward_hooks_with_kwargs.pop, handle.id, None)
        for module in own_hooks:
            hooks.callback(module.register_forward_hook(after_own, with_kwargs=True).remove)
        yield


@contextlib.contextmanager
def _unwarned() -> Iterator[None]:
    """Without torch's warning of global hooks on compiled modules: the hooks are ours, and the user can do nothing.

    One filter comes and goes, for `warnings.catch_warnings` would take back what other threads set in the meantime.
    """
    ours = ("ignore", _HOOKS_WARNING, UserWarning, None, 0)
    before: Any = warnings.filters  # the stubs hide that it is a list
    before.insert(0, ours)
    try:
        yield
    finally:
        # Another thread may have entered or left a catch_warnings, with a copy of the list.
        now: Any = warnings.filters
        for filters in (before,) if now is before else (before, now):
            with contextlib.suppress(ValueError):
                filters.remove(ours)


class Counter:
    """Tells `progress` how many module calls are done, of about how many; an error it raises ends the run."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress = progress
        self.total = total
        self.done = 0

    def count(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, max(self.done, self.total))

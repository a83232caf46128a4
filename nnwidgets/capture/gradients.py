"""The gradient of a logit, or of any number a model's output gives, with respect to what its layers put out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch
from torch import nn

from nnwidgets.capture.call import Call
from nnwidgets.capture.modules import find_modules
from nnwidgets.capture.outputs import OrdinaryPath
from nnwidgets.capture.structures import logits_of, map_tensors, tensors
from nnwidgets.capture.trace import Counter, Progress, module_calls

Target = int | Sequence[int] | torch.Tensor | Callable[[Any], torch.Tensor]


def record_gradients(
    call: Call, paths: Collection[str], target: Target, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Runs the model forward and backward; for each path the gradient with respect to that module's output.

    A gradient has the structure of the output (a tensor, a tuple …; a list of these where the module was called several
    times); it is zero where the target does not depend on it. Parameters and their `.grad` are not involved. The fused
    path of nn.TransformerEncoder is off, so its submodules are called.

    Args:
        call: `grad` is on, whatever it says.
        paths: module paths.
        target: a class, or one for each sample: the sum over the samples of that logit. Or a function of the outputs
            that returns one number.
        progress: called as `progress(done, total)` after each module call; what it raises ends the run.

    Raises:
        KeyError: a path that the model does not have.
        LookupError: a path that was not called in this run.
        ValueError: a target that does not fit the outputs.
    """
    wanted = find_modules(call.model, paths)
    names = {id(module): path for path, module in wanted.items()}
    held: dict[str, list[Any]] = {path: [] for path in wanted}
    counter = Counter(progress, sum(1 for _ in call.model.modules()))

    def leave(module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any], output: Any) -> Any:
        counter.count()
        if id(module) not in names:
            return None
        node = map_tensors(output, _differentiable)
        held[names[id(module)]].append(node)
        # The model goes on with a copy: a ReLU(inplace=True) that follows must not become part of this output.
        return map_tensors(node, lambda tensor: tensor.clone() if tensor.requires_grad else tensor)

    hooked = tuple(module for module in wanted.values() if module._forward_hooks)
    graph = dataclasses.replace(call, grad=True)
    with graph.prepared() as invoke, graph.uncompiled(), module_calls(None, leave, hooked), OrdinaryPath():
        value = _target_value(invoke(), target)
        if missing := [path for path, values in held.items() if not values]:
            raise LookupError(f"not called in this run: {', '.join(map(repr, missing))}")
        gradients = _gradients(value, held)
    return {path: values[0] if len(values) == 1 else values for path, values in gradients.items()}


def _differentiable(tensor: torch.Tensor) -> torch.Tensor:
    # A model whose parameters are all frozen has no graph until a layer's output begins one.
    if tensor.requires_grad or not tensor.is_floating_point():
        return tensor
    return tensor.detach().requires_grad_()


def _gradients(value: torch.Tensor, held: dict[str, list[Any]]) -> dict[str, list[Any]]:
    nodes = {id(tensor): tensor for _, tensor in tensors(held) if tensor.requires_grad}
    if not nodes:
        raise ValueError(f"no floating-point output to differentiate in {', '.join(map(repr, held))}")
    found: Sequence[torch.Tensor | None] = [None] * len(nodes)
    if value.requires_grad:
        found = torch.autograd.grad(value, list(nodes.values()), allow_unused=True)
    gradients = {
        key: torch.zeros_like(node) if gradient is None else gradient.detach()
        for (key, node), gradient in zip(nodes.items(), found, strict=True)
    }
    return map_tensors(held, lambda tensor: gradients.get(id(tensor), tensor).detach())


def _target_value(outputs: Any, target: Target) -> torch.Tensor:
    if callable(target):
        value = target(outputs)
        if not isinstance(value, torch.Tensor) or value.numel() != 1:
            shape: object = list(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
            raise ValueError(f"target(outputs) returned {shape}: it must return a tensor with one number")
        return value.sum()
    logits = logits_of(outputs)
    if logits is None or logits.ndim != 2:
        shape = "none" if logits is None else list(logits.shape)
        raise ValueError(
            f"target={target!r} needs logits [batch, classes], but the model returns {shape}: "
            "give a function of the outputs, such as lambda outputs: outputs.logits[:, -1, 42].sum()"
        )
    samples, classes = logits.shape
    picked = torch.as_tensor(target, device=logits.device).reshape(-1)
    if len(picked) not in (1, samples):
        raise ValueError(
            f"target has {len(picked)} classes, but there are {samples} samples: give one, or one for each"
        )
    if len(picked) and not bool(((picked >= 0) & (picked < classes)).all()):
        raise ValueError(f"target={target!r}, but the model has {classes} classes (0 to {classes - 1})")
    return logits[torch.arange(samples, device=logits.device), picked.expand(samples)].sum()

"""What each layer of a model puts out, in a run whose results are bit-equal to the user's own."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from nnwidgets.capture.call import Call
from nnwidgets.capture.modules import find_modules, module_paths
from nnwidgets.capture.structures import map_tensors, tensors
from nnwidgets.capture.trace import Counter, Progress, module_calls


@dataclass(frozen=True)
class LayerOutputs:
    """The outputs of a model and of its layers in one run; all copies, detached.

    Attributes:
        outputs: what the model returned.
        layers: for each path what that module returned, in its last call if there were several.
        calls: for each path that was called several times, what it returned each time.
        missing: for each path asked for that has no output, why.
        notes: for each path whose output is not that of the plain run, why.
    """

    outputs: Any
    layers: dict[str, Any]
    calls: dict[str, list[Any]]
    missing: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes of the layers' outputs (the model's own output apart)."""
        values = [values for path, values in self.layers.items() if path not in self.calls]
        return sum(tensor.nbytes for value in (*values, *self.calls.values()) for _, tensor in tensors(value))


class OrdinaryPath(TorchFunctionMode):
    """Does nothing, but while it is active nn.TransformerEncoder calls its submodules instead of one fused kernel."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def record_outputs(
    call: Call, paths: Collection[str] | None = None, *, progress: Progress | None = None
) -> LayerOutputs:
    """Runs the model and copies what the modules at `paths` return (None for every module, () for none).

    `outputs` are bit-equal to the user's own call; a compiled model runs as it was written as soon as layers are asked
    for. Submodules that the fused path of nn.TransformerEncoderLayer passes over are taken from a second run without
    it, and `notes` says so. Nested tensors (that path makes them of padded input) come padded with zeros.

    Args:
        progress: called as `progress(done, total)` after each module call; what it raises ends the run.

    Raises:
        KeyError: a path that the model does not have.
    """
    wanted = find_modules(call.model, paths)
    if not wanted:
        return LayerOutputs(call.run(), {}, {})
    outputs, seen = _run(call, wanted, progress, contextlib.nullcontext())
    notes: dict[str, str] = {}
    passed_over = {path: module for path, module in wanted.items() if path not in seen and _is_fused(call.model, path)}
    if passed_over:
        _, more = _run(call, passed_over, progress, OrdinaryPath())
        seen |= more
        reason = "its layer runs as one fused kernel in eval; this comes from a run with the fused path off"
        notes = dict.fromkeys(more, reason)
    return LayerOutputs(
        outputs=outputs,
        layers={path: values[-1] for path, values in seen.items()},
        calls={path: values for path, values in seen.items() if len(values) > 1},
        missing={path: "not called in this run" for path in wanted if path not in seen} if paths is not None else {},
        notes=notes,
    )


def _run(
    call: Call, wanted: dict[str, nn.Module], progress: Progress | None, mode: contextlib.AbstractContextManager[Any]
) -> tuple[Any, dict[str, list[Any]]]:
    names = {id(module): path for path, module in wanted.items()}
    seen: dict[str, list[Any]] = {}
    counter = Counter(progress, sum(1 for _ in call.model.modules()))

    def leave(module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        if id(module) in names:
            seen.setdefault(names[id(module)], []).append(map_tensors(output, _copied))
        counter.count()

    hooked = tuple(module for module in wanted.values() if module._forward_hooks)
    with call.prepared() as invoke, call.uncompiled(), module_calls(None, leave, hooked), mode:
        outputs = invoke()
    return outputs, {path: seen[path] for path in wanted if path in seen}


def _copied(tensor: torch.Tensor) -> torch.Tensor:
    # A copy, for a following ReLU(inplace=True) writes into what the layer returned.
    tensor = tensor.detach()
    return tensor.to_padded_tensor(0.0) if tensor.is_nested else tensor.clone()


def _is_fused(model: nn.Module, path: str) -> bool:
    """Whether `path` lies inside a module that may run as one fused kernel without calling its submodules."""
    known = module_paths(model)
    parts = path.split(".")
    above = (known.get(".".join(parts[:length])) for length in range(len(parts)))
    return any(isinstance(module, nn.TransformerEncoderLayer | nn.MultiheadAttention) for module in above)

"""What layers put out in training: units that are never active, and histograms. Hooks that come for one step and go."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from nnwidgets.capture.modules import is_compiled, module_paths
from nnwidgets.runs import Histogram
from nnwidgets.session.measures import first_tensor, histogram_of

_ZEROING = (nn.ReLU, nn.ReLU6, nn.Threshold, nn.Hardswish, nn.Hardsigmoid, nn.Hardshrink, nn.Softshrink)
_CHANNELS = (nn.Conv1d, nn.ConvTranspose1d, nn.BatchNorm1d, nn.InstanceNorm1d)  # [batch, channels, length]
_STEPS = 5  # over which a unit must be 0 to count as dead


class Activity:
    """Looks at a model's layers for single steps.

    A layer counts when it runs in training mode with gradients, in the thread that trains: evaluations in between do
    not.
    """

    def __init__(self, model: nn.Module, chosen: frozenset[str] | None) -> None:
        self._layers: dict[str, nn.Module] = {}
        self._zeroing: dict[str, int] = {}  # path → axis of the units in an output with three
        # The first step runs without hooks: what is compiled is compiled in it.
        self._frames = _compiled_frames()
        self._compiled = any(is_compiled(module) for module in model.modules())
        before: nn.Module | None = None
        for path, module in module_paths(model).items():
            own = any(each is not None for each in module._parameters.values())
            zeroing = isinstance(module, _ZEROING)
            if (own or zeroing or _is_activation(module)) and (chosen is None or path in chosen):
                name = path or type(model).__name__
                self._layers[name] = module
                if zeroing:
                    self._zeroing[name] = 1 if isinstance(before, _CHANNELS) else -1
            before = module if own else before
        self._takes_back: list[Callable[[], object]] = []
        self._thread = 0
        self._active: dict[tuple[str, int], torch.Tensor] = {}
        self._steps = 0
        self._calls: dict[str, int] = {}
        self._counting = False
        self._histograms: dict[str, Histogram] = {}

    @property
    def is_compiled(self) -> bool:
        """Whether the model is compiled, or may be: something was, since we are here."""
        return self._compiled or _compiled_frames() > self._frames

    def look(self, *, dead: bool, histograms: bool) -> None:
        """Look at the step that comes, in this thread."""
        self.look_away()
        self._thread, self._counting = threading.get_ident(), dead
        self._calls.clear()
        self._steps += dead
        paths = self._layers if histograms else self._zeroing if dead else ()
        for path in paths:
            module = self._layers[path]
            if not isinstance(module, torch.jit.ScriptModule):
                hook = _Hook(self, path, histograms, dead and path in self._zeroing)
                self._takes_back.append(module.register_forward_hook(hook).remove)

    def look_away(self) -> None:
        """Take all hooks away."""
        while self._takes_back:
            self._takes_back.pop()()

    def take(self) -> dict[str, Any]:
        """What was seen, by name: histograms of the last step, and dead units where enough steps were looked at."""
        found: dict[str, Any] = {f"activations/{path}": each for path, each in self._histograms.items()}
        self._histograms = {}
        if self._steps >= _STEPS:
            counts: dict[str, list[int]] = {}
            for (path, _), active in self._active.items():
                count = counts.setdefault(path, [0, 0])
                count[0] += int(active.numel() - active.sum().item())
                count[1] += active.numel()
            found |= {f"dead/{path}": dead / all_ for path, (dead, all_) in counts.items() if all_}
            self._active, self._steps = {}, 0
        return found

    def see(self, path: str, module: nn.Module, output: Any, histogram: bool, units: bool) -> None:
        """A layer has put something out."""
        tensor = first_tensor(output)
        if tensor is None or not (module.training and torch.is_grad_enabled()):
            return
        if threading.get_ident() != self._thread or not tensor.numel() or tensor.layout is not torch.strided:
            return
        with torch.no_grad():
            tensor = tensor.detach()
            call = self._calls[path] = self._calls.get(path, -1) + 1  # a layer may be used in several places
            if histogram and call == 0:
                self._histograms[path] = histogram_of([tensor])
            if units and tensor.ndim > 1:
                axis = (1 if tensor.ndim != 3 else self._zeroing[path]) % tensor.ndim
                active = (tensor != 0).any(dim=tuple(each for each in range(tensor.ndim) if each != axis))
                known = self._active.get((path, call))
                fits = known is not None and known.shape == active.shape
                self._active[path, call] = known | active if known is not None and fits else active


class _Hook:
    """A forward hook of ours. It changes nothing of what the layer returns; in a copy of the model it does nothing."""

    def __init__(
        self, activity: Activity | None = None, path: str = "", histogram: bool = False, units: bool = False
    ) -> None:
        self._activity, self._path, self._histogram, self._units = activity, path, histogram, units

    def __reduce__(self) -> tuple[Any, ...]:
        return _Hook, ()

    def __call__(self, module: nn.Module, arguments: Any, output: Any) -> None:
        # Where it is compiled in all the same (a batch of another size compiles anew), nothing of it remains.
        if self._activity is not None and not torch.compiler.is_compiling():
            self._activity.see(self._path, module, output, self._histogram, self._units)


def _is_activation(module: nn.Module) -> bool:
    return type(module).__module__ == "torch.nn.modules.activation" and not isinstance(module, nn.MultiheadAttention)


def _compiled_frames() -> int:
    """How much torch.compile has worked on so far in this process."""
    utilities = sys.modules.get("torch._dynamo.utils")
    return int(utilities.counters["frames"]["total"]) if utilities is not None else 0

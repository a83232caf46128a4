"""One call of a model: what goes in, in which mode, and the run itself, which leaves no trace."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from nnwidgets.capture.modules import model_device
from nnwidgets.capture.private_random import PrivateRandom
from nnwidgets.capture.structures import map_leaves, map_tensors
from nnwidgets.capture.trace import no_trace, uncompiled

Forward = Callable[[nn.Module, Any], Any]


@dataclass(frozen=True, eq=False)
class Call:
    """A call of `model` on `inputs`, to be run as often as wished with the same result.

    Args:
        model: the user's module; the same after a run as before it.
        inputs: a mapping is passed as keyword arguments (a Hugging Face `BatchEncoding` too), a tuple as positional
            ones, anything else as the one argument. Copies are passed, on the model's device.
        forward: `forward(model, inputs)` in place of that rule.
        mode: "eval" runs every submodule with `training` off; "as is" leaves the flags as they are.
        grad: whether autograd records; `torch.no_grad` otherwise (never `inference_mode`: its tensors have no version
            counters).
        random: of a private copy that runs while another thread trains: random numbers come from here, and the global
            generators, and what is global in torch.compile, stay untouched.
    """

    model: nn.Module
    inputs: Any = None
    forward: Forward | None = None
    mode: Literal["eval", "as is"] = "eval"
    grad: bool = False
    random: PrivateRandom | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.model, nn.Module):
            raise TypeError(f"model is of type {type(self.model).__name__}: it must be a torch.nn.Module")
        if self.mode not in ("eval", "as is"):
            raise ValueError(f'mode={self.mode!r}: it must be "eval" or "as is"')

    def run(self) -> Any:
        """The model's own output, detached unless `grad`; bit-equal to the user's own call in this mode."""
        with self.prepared() as invoke:
            return invoke()

    @contextlib.contextmanager
    def prepared(self) -> Iterator[Callable[[], Any]]:
        """Inside, the model is in its mode; the function given runs it on fresh copies of the inputs."""
        gradients = torch.enable_grad() if self.grad else torch.no_grad()
        drawing = contextlib.nullcontext() if self.random is None else self.random.mode()
        with no_trace(self.model, random_states=self.random is None), gradients, drawing:
            if self.mode == "eval":
                for module in self.model.modules():
                    # Not model.eval(): an overridden train() may do more than set flags (LoRA merges its weights).
                    if getattr(module, "training", False):
                        module.training = False
            yield self._invoke

    def uncompiled(self) -> contextlib.AbstractContextManager[Any]:
        """A context in which compiled models and functions run as they were written: see `trace.uncompiled`."""
        # That is for all threads, and a training beside this run would go on uncompiled, with other bits. The mode of
        # `random` does it for this thread alone, and a private copy holds no compiled modules.
        return uncompiled() if self.random is None else contextlib.nullcontext()

    def _invoke(self) -> Any:
        inputs = copy_inputs(self.inputs, model_device(self.model))
        if self.forward is not None:
            outputs = self.forward(self.model, inputs)
        elif isinstance(inputs, Mapping):
            outputs = self.model(**inputs)
        elif isinstance(inputs, tuple):
            outputs = self.model(*inputs)
        else:
            outputs = self.model(inputs)
        return outputs if self.grad else map_tensors(outputs, torch.Tensor.detach)


def copy_inputs(inputs: Any, device: torch.device) -> Any:
    """`inputs` with every tensor copied to `device`, so that the model cannot change the user's own.

    A tensor that occurs twice is copied once: nn.MultiheadAttention takes another path for `model(x, x)` than for
    equal tensors. Other objects (a key-value cache) are copied deeply where that is possible.
    """
    copies: dict[int, Any] = {}

    def copied(leaf: Any) -> Any:
        if leaf is None or callable(leaf) or isinstance(leaf, str | bytes | int | float | complex | torch.dtype):
            return leaf
        if id(leaf) not in copies:
            copies[id(leaf)] = _copy_tensor(leaf, device) if isinstance(leaf, torch.Tensor) else _copy_object(leaf)
        return copies[id(leaf)]

    return map_leaves(inputs, copied)


def _copy_tensor(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    if tensor.device != device:
        return tensor.to(device)
    if tensor.layout != torch.strided or tensor.is_nested:
        return tensor.clone()
    # An expanded tensor stays expanded: its strides decide which kernels run, and so the last bits.
    first = tuple(slice(0, 1) if step == 0 else slice(None) for step in tensor.stride())
    return tensor[first].clone().expand(tensor.shape)


def _copy_object(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:  # what cannot be copied (an open file, a generator) is passed on as it is
        return value

"""Random numbers of one's own: a run that draws none from the generators that a training beside it draws from."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from nnwidgets.capture.modules import model_device

_CPU = torch.device("cpu")
_SWITCHES = (
    "dropout_p",
    "dropout",
    "p",
    "train",
)  # arguments that say, where they are 0 or False, that nothing is drawn


class PrivateRandom:
    """The states of torch's generators at one moment: runs under `mode` draw what a run at that moment would draw.

    To be made in the thread that trains, at a step boundary: its generators are read there, and never touched again.
    Python's and numpy's own generators stand apart: a forward that draws from those still draws from the global ones.
    """

    def __init__(self, model: nn.Module) -> None:
        self._states = {_CPU: torch.get_rng_state()}
        device = model_device(model)
        if device.type in ("cuda", "mps"):
            module: Any = getattr(torch, device.type)
            self._states[device] = module.get_rng_state(device) if device.type == "cuda" else module.get_rng_state()

    def mode(self) -> TorchDispatchMode:
        """A mode under which random operations draw from generators of their own; each begins at the same state.

        Compiled functions run as they were written under it.
        """
        return _Mode(self._states)


class _Mode(TorchDispatchMode):
    def __init__(self, states: dict[torch.device, torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._states = states
        self._generators: dict[torch.device, torch.Generator] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        place, drawing = _drawing(func)
        if drawing is not None:
            # Also in place of a generator that the model holds: the training may share it.
            generator = self._generator(_device(args, kwargs))
            if place < len(args):
                return drawing(*args[:place], generator, *args[place + 1 :], **kwargs)
            return drawing(*args, **(kwargs | {"generator": generator}))
        if _draws_nothing(func, args, kwargs):
            return func(*args, **kwargs)
        if func is torch.ops.aten.native_dropout.default:
            return self._dropout(*args, **kwargs)
        if func._can_decompose():
            with self:
                return func.decompose(*args, **kwargs)
        raise RuntimeError(
            f"{func} draws random numbers and takes no generator, so it cannot run beside a training without changing "
            'what that draws: look again after the training, or make the session with mode="eval"'
        )

    def _generator(self, device: torch.device) -> torch.Generator:
        if device not in self._generators:
            generator = self._generators[device] = torch.Generator(device)
            state = self._states.get(device)
            if state is not None:
                generator.set_state(state)
        return self._generators[device]

    def _dropout(self, tensor: torch.Tensor, p: float, train: bool | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        kept = torch.empty_like(tensor, dtype=torch.bool).bernoulli_(1 - p, generator=self._generator(tensor.device))
        return tensor * kept * (1 / (1 - p) if p < 1 else 0.0), kept


@cache
def _drawing(func: Any) -> tuple[int, Any]:
    """The overload of a random operation that takes a generator, and at which place; None where there is none."""
    names = _names(func)
    if "generator" in names:
        return names.index("generator"), func
    packet = func.overloadpacket
    for each in (getattr(packet, overload) for overload in packet.overloads()):
        others = _names(each)
        if "generator" in others and [name for name in others if name != "generator"] == names:
            # By name: before it the order of the arguments is the same, after it they are given by name alone.
            return len(others), each
    return 0, None


def _names(func: Any) -> list[str]:
    return [argument.name for argument in func._schema.arguments]


def _device(args: Any, kwargs: dict[str, Any]) -> torch.device:
    """Where the numbers are drawn: where the output is to lie."""
    asked = kwargs.get("device")
    if asked is not None:
        return _indexed(torch.device(asked))
    return next((each.device for each in (*args, *kwargs.values()) if isinstance(each, torch.Tensor)), _CPU)


def _indexed(device: torch.device) -> torch.device:
    if device.type == "cuda" and device.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    return device


def _draws_nothing(func: Any, args: Any, kwargs: dict[str, Any]) -> bool:
    given = dict(zip(_names(func), args, strict=False)) | kwargs
    defaults = {each.name: each.default_value for each in func._schema.arguments if each.has_default_value()}
    switches = [name for name in _SWITCHES if name in (defaults | given)]
    return any((defaults | given)[name] in (0, False) for name in switches)

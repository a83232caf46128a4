"""Whether a model's weights have changed since something was captured from it, told in a few milliseconds."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import torch
from torch import nn

from nnwidgets.capture.modules import module_paths

_SAMPLES = 16_384  # elements read in all; each is a cache line fetched from memory
_LEAST = 16  # elements read of each tensor at least


@dataclass(frozen=True)
class _Mark:
    """What a tensor was: its identity, where its data lies, and how often torch has seen it written to."""

    tensor: weakref.ref[torch.Tensor]
    address: int
    version: int | None


@dataclass(frozen=True)
class Fingerprint:
    """The parameters and buffers of a model at one moment.

    Compared are the tensor objects (`load_state_dict(assign=True)` replaces them), their addresses (`p.data = …`), the
    version counters (ordinary in-place operations), and a sample of the values themselves, for fused optimisers,
    `p.data.mul_()` and numpy views move nothing else; also the forward hooks, for they change outputs.

    The limit: the sample has about 16,000 values, spread evenly over every tensor. An edit that moves no counter and
    changes only a few values of a large tensor can be missed (`session.refresh()` forces a new capture).
    """

    marks: dict[str, _Mark]
    samples: dict[str, bytes]
    hooks: dict[str, tuple[int, ...]]

    def changed(self, model: nn.Module) -> str | None:
        """What is different in `model` now, in words; None when nothing is."""
        now = fingerprint(model)
        if gone := sorted(self.marks.keys() ^ now.marks.keys()):
            return f"{gone[0]} was {'removed' if gone[0] in self.marks else 'added'}"
        for name, mark in self.marks.items():
            other = now.marks[name]
            if mark.tensor() is not other.tensor() or mark.address != other.address:
                return f"{name} was replaced"
            if mark.version != other.version or self.samples[name] != now.samples[name]:
                return f"{name} changed"
        for path in self.hooks.keys() | now.hooks.keys():
            if self.hooks.get(path) != now.hooks.get(path):
                return f"the hooks of {path or 'the model'} changed"
        return None


def fingerprint(model: nn.Module) -> Fingerprint:
    """The model's fingerprint now; compare it with `changed` later."""
    modules = module_paths(model)
    tensors = {
        f"{path}.{name}" if path else name: tensor
        for path, module in modules.items()
        for name, tensor in (*module._parameters.items(), *module._buffers.items())
        if tensor is not None
    }
    marks = {
        name: _Mark(weakref.ref(tensor), tensor.data_ptr(), None if tensor.is_inference() else tensor._version)
        for name, tensor in tensors.items()
        if _is_plain(tensor)
    }
    hooks = {
        path: (*module._forward_pre_hooks, *module._forward_hooks)
        for path, module in modules.items()
        if module._forward_hooks or module._forward_pre_hooks
    }
    return Fingerprint(marks, _samples({name: tensors[name] for name in marks}), hooks)


def _is_plain(tensor: torch.Tensor) -> bool:
    return tensor.layout == torch.strided and tensor.device.type != "meta"


def _samples(tensors: dict[str, torch.Tensor]) -> dict[str, bytes]:
    """Some values of each tensor as bytes (NaN equals itself there); one transfer for each device and type."""
    count = max(_SAMPLES // max(len(tensors), 1), _LEAST)
    groups: dict[tuple[torch.device, torch.dtype], list[str]] = {}
    for name, tensor in tensors.items():
        groups.setdefault((tensor.device, tensor.dtype), []).append(name)
    samples = {}
    for names in groups.values():
        drawn = [_spread(tensors[name].detach(), count) for name in names]
        data = torch.cat(drawn).contiguous().view(torch.uint8).cpu().numpy().tobytes()
        start = 0
        for name, values in zip(names, drawn, strict=True):
            samples[name] = data[start : start + values.nbytes]
            start += values.nbytes
    return samples


def _spread(tensor: torch.Tensor, count: int) -> torch.Tensor:
    """About `count` elements at even distances, in the order in which they lie in memory."""
    in_memory = sorted(range(tensor.ndim), key=tensor.stride, reverse=True)  # transposed, or channels last
    step = max(tensor.numel() // count, 1)
    return tensor.permute(in_memory).reshape(-1)[::step]

"""What is measured of gradients, weights and outputs while a model trains: in few passes, without a random number."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from nnwidgets.capture.modules import module_paths
from nnwidgets.runs import Histogram

_MEANS = 65_536  # values of a tensor that a mean or a ratio is taken over
_COUNTED = 16_384  # values of a layer that a histogram counts


@dataclass(frozen=True)
class Layer:
    """The parameters that a module holds itself; `path` as in `session.layers`."""

    path: str
    parameters: tuple[nn.Parameter, ...]


def layers_of(model: nn.Module, stepped: Collection[int], chosen: frozenset[str] | None) -> list[Layer]:
    """The layers with parameters whose ids are among `stepped`; a shared parameter belongs to the first that has it."""
    found: list[Layer] = []
    seen: set[int] = set()
    for path, module in module_paths(model).items():
        own = [each for each in module._parameters.values() if each is not None and id(each) in stepped]
        fresh = tuple(each for each in own if id(each) not in seen and each.numel())
        seen.update(id(each) for each in own)
        if fresh and (chosen is None or path in chosen):
            found.append(Layer(path or type(model).__name__, fresh))
    return found


def total_norm(tensors: Sequence[torch.Tensor]) -> float:
    """The Euclidean norm over all values of all tensors."""
    if not tensors:
        return 0.0
    # float32 for the halves: a sum of squares overflows them.
    single = torch.float32 if any(each.element_size() < 4 for each in tensors) else None
    norms = torch._foreach_norm(list(tensors), 2, dtype=single)
    return math.hypot(*(norm.item() for norm in norms))


def mean_and_largest(tensors: Sequence[torch.Tensor]) -> tuple[float, float]:
    """The mean of the absolute values, over at most 65,536 of each tensor, and the largest one of all."""
    total = largest = 0.0
    count = 0
    for tensor in tensors:
        taken = evenly(tensor, _MEANS)
        mean = taken.abs().mean(dtype=torch.float32 if taken.element_size() < 4 else None).item()
        low, high = (each.item() for each in torch.aminmax(tensor))
        total += mean * tensor.numel()
        count += tensor.numel()
        most = max(-low, high)
        largest = most if most > largest or most != most else largest
    return total / max(count, 1), largest


def weights_of(layer: Layer) -> list[torch.Tensor]:
    """A copy of the layer's weights, or of so many that they tell how far it steps."""
    return [evenly(dense(parameter), _MEANS).clone() for parameter in layer.parameters]


def update_ratio(layer: Layer, before: Sequence[torch.Tensor]) -> float:
    """The norm of the step that the layer has taken since `weights_of`, over that of its weights before."""
    now = [evenly(dense(parameter), _MEANS) for parameter in layer.parameters]
    steps = [new - old for new, old in zip(now, before, strict=True)]
    weights = total_norm(before)
    step = total_norm(steps)
    return step / weights if weights else math.inf if step else 0.0


def histogram_of(tensors: Sequence[torch.Tensor]) -> Histogram:
    """How their values are spread, by at most 16,384 of them, evenly taken."""
    share = _COUNTED / max(sum(tensor.numel() for tensor in tensors), 1)
    taken = [evenly(tensor, max(1, round(tensor.numel() * share))) if share < 1 else tensor for tensor in tensors]
    return Histogram.of(torch.cat([each.reshape(-1).float() for each in taken]))


def dense(tensor: torch.Tensor) -> torch.Tensor:
    """The values of any tensor as real numbers in an ordinary one: of a sparse one those that it holds."""
    tensor = tensor.detach()
    if tensor.layout is not torch.strided:
        tensor = tensor.coalesce().values() if tensor.layout is torch.sparse_coo else tensor.values()
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def evenly(tensor: torch.Tensor, most: int) -> torch.Tensor:
    """At most `most` values, at even distances in memory; a distance that shares no factor with the sizes meets all
    places of a kernel."""
    in_memory = sorted(range(tensor.ndim), key=tensor.stride, reverse=True)  # transposed, or channels last
    flat = tensor.permute(in_memory).reshape(-1)
    if flat.numel() <= most:
        return flat
    step = -(-flat.numel() // most)
    while math.gcd(step, flat.numel()) > 1:
        step += 1
    return flat[::step]


def first_tensor(output: Any) -> torch.Tensor | None:
    """The tensor in what a module returned; of several the first."""
    while isinstance(output, tuple | list) and output:
        output = output[0]
    return output if isinstance(output, torch.Tensor) and output.is_floating_point() else None

"""What is measured of gradients, weights and outputs while a model trains: in few passes, without a random number."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from nnwidgets.capture.modules import module_paths
from nnwidgets.runs import Histogram
from nnwidgets.runs.histograms import QUANTILES

_MEANS = 65_536  # values of a tensor that a mean or a ratio is taken over
_BINS = 64
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
    return math.hypot(*_norms(tensors, 2))


def sizes(tensors: Sequence[torch.Tensor]) -> list[tuple[float, float]]:
    """For each tensor the mean of its absolute values, over at most 65,536 of them, and the largest one of all."""
    taken = [evenly(tensor, _MEANS) for tensor in tensors]
    means = [total / each.numel() for total, each in zip(_norms(taken, 1), taken, strict=True)]
    # Torch's largest norm is slow where there is much; where all is taken it is one call for all.
    ends = [each if each is tensor else _ends(tensor) for each, tensor in zip(taken, tensors, strict=True)]
    return list(zip(means, _norms(ends, math.inf), strict=True))


def largest(numbers: Iterable[float]) -> float:
    """The largest of some numbers, NaN where one of them is."""
    found = 0.0
    for number in numbers:
        found = number if number > found or number != number else found
    return found


def weights_of(layers: Sequence[Layer]) -> list[torch.Tensor]:
    """Copies of all weights, or of so many of each that they tell how far it steps."""
    return [evenly(dense(each), _MEANS).clone() for layer in layers for each in layer.parameters]


def update_ratios(layers: Sequence[Layer], before: Sequence[torch.Tensor]) -> dict[str, float]:
    """By path the norm of the step that a layer has taken since `weights_of`, over that of its weights before."""
    if not before:
        return {}
    now = [evenly(dense(each), _MEANS) for layer in layers for each in layer.parameters]
    steps = iter(_norms(torch._foreach_sub(now, list(before)), 2))
    weights = iter(_norms(before, 2))
    ratios = {}
    for layer in layers:
        step = math.hypot(*(next(steps) for _ in layer.parameters))
        size = math.hypot(*(next(weights) for _ in layer.parameters))
        ratios[layer.path] = step / size if size else math.inf if step else 0.0
    return ratios


def _norms(tensors: Sequence[torch.Tensor], order: float) -> list[float]:
    if not tensors:
        return []
    # float32 for the halves: a sum of squares overflows them.
    single = torch.float32 if any(each.element_size() < 4 for each in tensors) else None
    norms = torch._foreach_norm(list(tensors), order, dtype=single)
    first = norms[0]
    if first.device.type != "cpu" and all(each.device == first.device for each in norms):
        numbers: list[float] = torch.stack([each.float() for each in norms]).tolist()  # one wait for the device
        return numbers
    return [norm.item() for norm in norms]


def _ends(tensor: torch.Tensor) -> torch.Tensor:
    return torch.stack(torch.aminmax(tensor))


def histogram_of(tensors: Sequence[torch.Tensor]) -> Histogram:
    """How their values are spread, by at most 16,384 of them, evenly taken."""
    share = _COUNTED / max(sum(tensor.numel() for tensor in tensors), 1)
    taken = [evenly(tensor, max(1, round(tensor.numel() * share))) if share < 1 else tensor for tensor in tensors]
    values = np.sort(torch.cat([each.reshape(-1).float() for each in taken]).cpu().numpy())
    low, high = (float(values[0]), float(values[-1])) if values.size else (math.nan, math.nan)  # NaN is sorted last
    if not high - low > 1e-6 * max(-low, high) or math.isinf(high - low):
        return Histogram.of(values)
    # Of sorted values all else follows in no time; `Histogram.of` would pass over them a dozen times.
    exact = values.astype(np.float64)
    edges = np.linspace(low, high, _BINS + 1)
    counts = np.diff(np.append(np.searchsorted(exact, edges[:-1]), values.size))
    at = np.array(QUANTILES) * (values.size - 1)
    quantiles = np.interp(at, np.arange(values.size), exact)
    return Histogram(edges, counts, low, high, float(exact.mean()), float(exact.std()), tuple(quantiles))


def dense(tensor: torch.Tensor) -> torch.Tensor:
    """The values of any tensor as real numbers in an ordinary one: of a sparse one those that it holds."""
    tensor = tensor.detach() if tensor.requires_grad else tensor
    if tensor.layout is not torch.strided:
        tensor = tensor.coalesce().values() if tensor.layout is torch.sparse_coo else tensor.values()
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def evenly(tensor: torch.Tensor, most: int) -> torch.Tensor:
    """At most `most` values, at even distances in memory; a distance that shares no factor with the sizes meets all
    places of a kernel."""
    if tensor.numel() <= most:
        return tensor
    in_memory = sorted(range(tensor.ndim), key=tensor.stride, reverse=True)  # transposed, or channels last
    flat = tensor.permute(in_memory).reshape(-1)
    step = -(-flat.numel() // most)
    while math.gcd(step, flat.numel()) > 1:
        step += 1
    return flat[::step]


def first_tensor(output: Any) -> torch.Tensor | None:
    """The tensor in what a module returned; of several the first."""
    while isinstance(output, tuple | list) and output:
        output = output[0]
    return output if isinstance(output, torch.Tensor) and output.is_floating_point() else None

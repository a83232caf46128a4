"""How far two runs of a model are apart: the plain one, and the one under the mode that sees attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from nnwidgets.capture.structures import logits_of, tensors


@dataclass(frozen=True)
class OutputDifference:
    """The difference between two runs.

    Attributes:
        largest: largest absolute difference, padded positions left out; infinite where only one run has a number.
        largest_padded: the same over padded positions alone; 0 where there are none. The fused path of
            nn.TransformerEncoder fills them with zeros, the ordinary path does not.
        prediction_changed: whether the class (or token) with the highest logit differs anywhere but in padding; None
            where the model returns no logits.
    """

    largest: float
    largest_padded: float
    prediction_changed: bool | None


def output_difference(first: Any, second: Any, padding: npt.NDArray[np.bool_] | None = None) -> OutputDifference:
    """Compares the outputs of two runs, tensor by tensor.

    Args:
        first, second: what the model returned in each.
        padding: `[batch, positions]`, True for padding; applied to outputs whose first two axes are those.
    """
    padded = None if padding is None else torch.from_numpy(padding)
    others = dict(tensors(second))
    largest = largest_padded = 0.0
    for path, tensor in tensors(first):
        other = others.get(path)
        if other is None or other.shape != tensor.shape:
            largest = float("inf")
            continue
        difference = _difference(tensor, other)
        if padded is not None and difference.shape[:2] == padded.shape:
            largest_padded = max(largest_padded, _largest(difference[padded]))
            difference = difference[~padded]
        largest = max(largest, _largest(difference))
    return OutputDifference(largest, largest_padded, _prediction_changed(first, second, padded))


def _difference(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    first, second = _numbers(first), _numbers(second)
    same = (first == second) | (first.isnan() & second.isnan())
    return torch.where(same, 0.0, (first - second).abs()).nan_to_num(nan=torch.inf, posinf=torch.inf)


def _numbers(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach()
    return (torch.view_as_real(tensor) if tensor.is_complex() else tensor).double().cpu()


def _largest(difference: torch.Tensor) -> float:
    return float(difference.max()) if difference.numel() else 0.0


def _prediction_changed(first: Any, second: Any, padded: torch.Tensor | None) -> bool | None:
    before, after = logits_of(first), logits_of(second)
    if before is None or after is None or before.shape != after.shape or not before.numel():
        return None
    named = before is not first and (hasattr(first, "logits") or (isinstance(first, dict) and "logits" in first))
    if not named and before.ndim != 2:
        return None  # hidden states, pictures: their largest entry is no prediction
    changed = (before.argmax(dim=-1) != after.argmax(dim=-1)).cpu()
    return bool((changed & ~padded if padded is not None and changed.shape == padded.shape else changed).any())

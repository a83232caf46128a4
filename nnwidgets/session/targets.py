"""What a gradient is taken of: a chosen class, one a sample, the predicted ones, or a function of the output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from nnwidgets.capture import logits_of

_WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)

Target = tuple[int, ...] | Callable[[Any], torch.Tensor]


def resolve_target(target: Any, outputs: Callable[[], Any], label: str) -> Target:
    """`target` in a form that can be remembered by; for None the class that the model predicts, for each sample.

    Raises `ValueError` where nothing was chosen and the output has no logits `[batch, classes]`, and `TypeError` for
    what is no class.
    """
    if callable(target):
        function: Target = target
        return function
    if target is None:
        logits = logits_of(outputs())
        if logits is None or logits.ndim != 2:
            shape = "none" if logits is None else list(logits.shape)
            raise ValueError(
                f"no target was given, and {label} predicts no class: its logits are {shape}, not [batch, classes]; "
                "give target=, a class or a function of the output"
            )
        target = logits.argmax(-1)
    try:
        classes = torch.as_tensor(target)
    except (TypeError, ValueError, RuntimeError):
        classes = None
    if classes is None or classes.dtype not in _WHOLE:
        raise TypeError(
            f"target={target!r}, but it is a class (a whole number), one for each sample, or a function of the output"
        )
    return tuple(classes.reshape(-1).tolist())

"""A model run as it is used: in eval, without gradients, without autocast, and left as it was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def quiet(model: Any) -> Iterator[None]:
    """Inside, `model` is in eval and no graph is built; its training flags are put back, each as it was."""
    import torch

    modules = list(model.modules()) if isinstance(model, torch.nn.Module) else []
    training = [module for module in modules if module.training]
    device = device_of(model)
    try:
        for module in training:
            module.training = False  # and not eval(), which a model may have written anew
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            yield
    finally:
        for module in training:
            module.training = True


def device_of(model: Any) -> Any:
    """Where a model's first parameter lies; the CPU for a function."""
    import torch

    if isinstance(model, torch.nn.Module):
        for tensor in (*model.parameters(), *model.buffers()):
            return tensor.device
    return torch.device("cpu")

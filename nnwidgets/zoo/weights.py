"""Trained weights in small files: float16 in safetensors, with a note of how they came about."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from typing import TypeVar

from torch import nn

Model = TypeVar("Model", bound=nn.Module)


def save_weights(model: nn.Module, path: str | PathLike[str], about: Mapping[str, str]) -> None:
    """Write the model's state, floats as float16, and `about` (seed, data set, command …) as the file's metadata."""
    from safetensors.torch import save_file

    state = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in model.state_dict().items()
    }
    save_file(state, fspath(path), metadata=dict(about))


def load_weights(model: Model, path: str | PathLike[str]) -> Model:
    """Fill `model` with the weights of a file, in the precision that the model has, and put it into eval.

    Raises:
        ValueError: they are the weights of another architecture.
    """
    from safetensors.torch import load_file

    state = load_file(fspath(path))
    try:
        model.load_state_dict(state)  # copies into float32
    except RuntimeError as error:
        raise ValueError(f"{fspath(path)} does not fit this {type(model).__name__}: {error}") from None
    return model.eval()


def about_weights(path: str | PathLike[str]) -> dict[str, str]:
    """How the weights came about: seed, data set, command, epochs, seconds, version of torch."""
    from safetensors import safe_open

    with safe_open(fspath(path), framework="pt") as file:
        return dict(file.metadata() or {})

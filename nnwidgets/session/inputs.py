"""What the model is called with, and what can be known of it before the model runs: samples, token ids, padding."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nnwidgets.capture.structures import tensors
from nnwidgets.session.errors import NoInputs

_BATCH_FIRST = ("input_ids", "pixel_values", "inputs_embeds", "input_values", "input_features", "attention_mask")


@dataclass(frozen=True)
class Inputs:
    """What the model is called with: `value` is a tensor, a tuple, a dict or whatever `forward=` takes."""

    value: Any
    given: bool = True

    @property
    def samples(self) -> int | None:
        """How many samples there are; None where the model alone can know (its batch need not come first)."""
        for name in _BATCH_FIRST:
            tensor = self.named(name)
            if tensor is not None and tensor.ndim > 1:
                return int(tensor.shape[0])
        return None

    @property
    def likely_samples(self) -> int:
        """The same, guessed from the first tensor where it cannot be known."""
        first = self._first
        return self.samples or (int(first.shape[0]) if first is not None and first.ndim > 1 else 1)

    @property
    def most_samples(self) -> int | None:
        """At most how many there are: sequences may have the batch second. None where nothing tells."""
        first = self._first
        if self.samples is not None or first is None or first.ndim < 2:
            return self.samples
        sequences = first.ndim == 3 or (first.ndim == 2 and not first.is_floating_point())
        return int(max(first.shape[:2]) if sequences else first.shape[0])

    @property
    def positions(self) -> int:
        """About how many positions the model works on, over all samples: what a forward costs grows with it."""
        tensor = self._first
        if tensor is None:
            return 1
        if not tensor.is_floating_point():
            return tensor.numel()
        if tensor.ndim >= 4:  # images: convolutions and patches work on coarser maps
            return max(1, int(tensor.shape[0] * np.prod(tensor.shape[2:]) // 64))
        return max(1, tensor.numel() // int(tensor.shape[-1])) if tensor.ndim > 1 else 1

    @property
    def _first(self) -> torch.Tensor | None:
        return next((tensor for _, tensor in tensors(self.value)), None)

    def named(self, name: str) -> torch.Tensor | None:
        """The input tensor of that name, where inputs are given by name."""
        value = self.value.get(name) if isinstance(self.value, Mapping) else None
        return value if isinstance(value, torch.Tensor) else None

    @property
    def described(self) -> str:
        """The first tensors with their shapes, such as "input_ids [1, 12], attention_mask [1, 12]"."""
        found = [(name if isinstance(self.value, Mapping) else "", list(at.shape)) for name, at in tensors(self.value)]
        texts = [f"{name} {shape}".lstrip() for name, shape in found]
        return ", ".join([*texts[:4], "…"] if len(texts) > 4 else texts)

    def lengths(self, name: str = "input_ids") -> tuple[int, ...]:
        """How many token ids a sample may have, most likely first; none where only the model can tell.

        Ids without a name, in the first argument, may have the batch second.
        """
        named = self.named(name)
        if named is not None:
            return (int(named.shape[1]),) if _are_ids(named) and named.ndim == 2 else ()
        first = self.value[0] if isinstance(self.value, tuple) and self.value else self.value
        if name != "input_ids" or not isinstance(first, torch.Tensor) or not _are_ids(first) or first.ndim > 2:
            return ()
        batch, length = (1, *first.shape)[-2:]
        return (length, batch) if batch > 1 else (length,)

    def ids(self, name: str = "input_ids") -> list[list[int]] | None:
        """Token ids, `[batch, tokens]`."""
        ids = self.named(name)
        return ids.tolist() if ids is not None and ids.ndim == 2 and _are_ids(ids) else None

    def padding(self, name: str = "attention_mask") -> NDArray[np.bool_] | None:
        """Which positions are padding, `[batch, tokens]`, by a mask that is 0 there."""
        mask = self.named(name)
        return (mask == 0).cpu().numpy() if mask is not None and mask.ndim == 2 else None


def prepare(inputs: Any, tokenizer: Callable[..., Any] | None, forward: Callable[..., Any] | None) -> Inputs:
    """Inputs as the user gives them: text is tokenized, mappings such as a `BatchEncoding` become dicts.

    Raises `TypeError` for text without a tokenizer, for text mixed with other things and, unless there is a `forward`
    that may take them, for numbers that are in no tensor; `ValueError` for empty inputs.
    """
    if inputs is None:
        return Inputs(None, given=False)
    texts = [inputs] if isinstance(inputs, str) else inputs if isinstance(inputs, list) else []
    among = [isinstance(text, str) for text in texts]
    if any(among) and (forward is None or all(among)):
        if tokenizer is None:
            raise TypeError("the input is text, but the session has no tokenizer: pass tokenizer=")
        check_texts("inputs", texts)
        inputs = tokenizer(texts, return_tensors="pt", padding=len(texts) > 1)
    if isinstance(inputs, Mapping):
        inputs = dict(inputs)
    if isinstance(inputs, list | tuple | dict) and not inputs:
        raise ValueError("the input is empty: give at least one sample")
    for name, tensor in tensors(inputs):
        if not tensor.numel():
            shape = f"{name or 'its tensor'} has shape {list(tensor.shape)}"
            raise ValueError(f"the input is empty: {shape}; give at least one sample, with one position")
    if forward is None:
        _check_tensors(inputs)
    return Inputs(inputs)


def check_texts(field: str, texts: Any) -> None:
    """Raise `TypeError` for what is neither a text nor a list of texts."""
    for text in texts if isinstance(texts, list) else [texts]:
        if not isinstance(text, str):
            raise TypeError(f"{field} holds {reprlib.repr(text)}, but it is a text or a list of texts")


def _check_tensors(inputs: Any) -> None:
    """Raise `TypeError` for numbers in no tensor. Other lists may be what the model takes, such as one of images."""
    named = {name: inputs.get(name) for name in _BATCH_FIRST} if isinstance(inputs, dict) else {"inputs": inputs}
    for name, value in named.items():
        if isinstance(value, np.ndarray) or (isinstance(value, list) and _are_numbers(value)):
            kind = "list" if isinstance(value, list) else "numpy array"
            raise TypeError(f"{name} is a {kind}, but a model is called with tensors: torch.as_tensor({name})")


def _are_numbers(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(map(_are_numbers, value))
    return isinstance(value, int | float | np.ndarray | np.number)


def _are_ids(tensor: torch.Tensor) -> bool:
    return not (tensor.is_floating_point() or tensor.is_complex() or tensor.dtype is torch.bool)


def require(inputs: Inputs) -> Any:
    """The value to call the model with; raises `NoInputs` where there is none."""
    if not inputs.given:
        raise NoInputs("the session has no inputs: pass inputs= or call session.set_inputs(…)")
    return inputs.value

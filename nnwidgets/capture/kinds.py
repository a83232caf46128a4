"""Which kind an attention is: encoder, decoder or cross; from causality, from where its keys come, and from names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef

from nnwidgets.capture.keeper import storage_of
from nnwidgets.capture.record import Kind
from nnwidgets.capture.structures import tensors

_CROSS_NAMES = ("cross", "encoder_attn", "encdec", "enc_dec", "encoder_attention", "enc_attn")


@dataclass
class Projection:
    """One linear map of the run: what it read and what it wrote, as storages."""

    source: StorageWeakRef
    result: StorageWeakRef


@dataclass
class Frame:
    """One module call in progress.

    Attributes:
        module, path: which module.
        above: the call that it is part of.
        first: how many projections the run had seen when it began, or at the last attention in it.
        sites: how many attentions it has had.
        arguments: storages of the tensors that the module was given; known once it returned.
    """

    module: nn.Module
    path: str
    above: Frame | None
    first: int
    sites: int = 0
    arguments: set[StorageWeakRef] = field(default_factory=set)

    def returned(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Notes what the module was given (named arguments are only known when it returns)."""
        self.arguments = {storage_of(tensor) for _, tensor in tensors((arguments, named)) if tensor.ndim >= 2}


@dataclass
class Evidence:
    """What was seen of one attention that tells its kind; read when the run is over.

    Attributes:
        frame: the module call in which it happened.
        projections: the linear maps of that call (or of the nearest call above that has some) since the last attention.
        query, key: their storages.
        same_source: whether queries and keys are one tensor, where that is known.
        queries, keys: how many there are.
    """

    frame: Frame
    projections: list[Projection]
    query: StorageWeakRef
    key: StorageWeakRef
    same_source: bool | None
    queries: int
    keys: int

    def kind(self, causal: bool, beside_cross: bool = False) -> Kind:
        """The kind, "unknown" rather than a guess.

        Args:
            causal: whether each query sees only itself and earlier keys.
            beside_cross: whether the run also has a cross-attention, so that it has a decoder.
        """
        module = self.frame.module
        says_cross = getattr(module, "is_cross_attention", None)
        if says_cross is True or self._is_named_cross():
            return "cross"
        if causal:
            return "decoder"
        same = True if says_cross is False else self._reads_one_source()
        if same is None:
            return "unknown"
        if not same:
            return "cross"
        if self._is_in_decoder(beside_cross):
            return "decoder"
        if self.queries > 1:
            return "encoder"
        # A single query cannot show causality: the module says it, or it reads a cache of earlier keys.
        declared = getattr(module, "is_causal", None)
        if declared is True or (declared is None and self.keys > 1):
            return "decoder"
        return "encoder" if declared is False else "unknown"

    def _is_named_cross(self) -> bool:
        names = f"{self.frame.path.rpartition('.')[2]} {type(self.frame.module).__name__}".lower()
        return any(name in names for name in _CROSS_NAMES)

    def _is_in_decoder(self, beside_cross: bool) -> bool:
        """Whether it is part of a decoder, which need not be causal: DETR's is not, nor nn.Transformer's without mask.

        A name alone says little (a masked autoencoder has a decoder that reads nothing else), so it counts beside a
        cross-attention.
        """
        frame: Frame | None = self.frame
        while frame is not None:
            if isinstance(frame.module, nn.TransformerDecoderLayer):
                return True
            frame = frame.above
        coders = [name for name in self.frame.path.lower().split(".") if "encoder" in name or "decoder" in name]
        return beside_cross and bool(coders) and "encoder" not in coders[-1]

    def _reads_one_source(self) -> bool | None:
        """Whether queries and keys are made from one tensor; None where that cannot be told."""
        if self.same_source:
            return True
        if self.same_source is False:
            above = self.frame.above
            return False if above is None or len(above.arguments) > 1 or self.queries != self.keys else None
        sources = {projection.source for projection in self.projections}
        if not sources:
            return True if self.query == self.key else None
        if len(sources) == 1:
            return True
        wrote = {projection.result: projection.source for projection in self.projections}
        query, key = wrote.get(self.query), wrote.get(self.key)
        given = self.frame.arguments
        if query is not None and key is not None:
            if query == key:
                return True
            return False if len(given) > 1 and (query in given or key in given) else None
        read = sources & given
        return True if len(read) == 1 else (False if read else None)


def is_projection(func: Any, args: tuple[Any, ...], parameters: set[StorageWeakRef]) -> bool:
    """Whether this call is a linear map by weights of the model: nn.Linear, the Conv1D of GPT-2, `x @ weight.T`."""
    if func in (nn.functional.linear, torch.addmm):
        return True
    products = (torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.mm)
    return func in products and any(storage_of(arg) in parameters for arg in args if isinstance(arg, torch.Tensor))


def projection(args: tuple[Any, ...], func: Any, output: torch.Tensor) -> Projection:
    """The projection that such a call is."""
    source = args[1] if func is torch.addmm else args[0]
    return Projection(storage_of(source), storage_of(output))

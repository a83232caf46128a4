"""Keeps tensors of a run: each as a copy that nothing writes into later, and each only once."""

from __future__ import annotations

from weakref import WeakValueDictionary

import torch
from torch.multiprocessing.reductions import StorageWeakRef

_Key = tuple[StorageWeakRef, int | None, torch.dtype, int, tuple[int, ...], tuple[int, ...]]


def storage_of(tensor: torch.Tensor) -> StorageWeakRef:
    """A weak reference to the tensor's storage, equal for views of one storage; its address is not used again.

    Sparse tensors have no storage, so theirs equals no other.
    """
    try:
        return StorageWeakRef(tensor.untyped_storage())
    except (NotImplementedError, RuntimeError):
        return StorageWeakRef(torch.UntypedStorage(0))


class Keeper:
    """Copies tensors, and hands the same copy out for the same view of the same storage, not written to in between.

    It holds the copies weakly: a copy lives as long as someone uses it. So a mask that all layers share, or keys that
    several layers read, are kept once.
    """

    def __init__(self) -> None:
        self._copies: WeakValueDictionary[_Key, torch.Tensor] = WeakValueDictionary()
        self._masks: WeakValueDictionary[_Key, torch.Tensor] = WeakValueDictionary()

    def keep(self, tensor: torch.Tensor) -> torch.Tensor:
        """A detached copy; axes that were expanded stay so and take no room."""
        key = self._key(tensor)
        copy = self._copies.get(key)
        if copy is None:
            first = tuple(slice(0, 1) if step == 0 else slice(None) for step in tensor.stride())
            copy = self._copies[key] = tensor.detach()[first].clone().expand(tensor.shape)
        return copy

    def keep_heads(self, tensor: torch.Tensor, heads: int) -> torch.Tensor:
        """Like `keep` for `[batch, heads, tokens, size]`, but of `heads` heads only where each is merely repeated.

        Hugging Face repeats the key-value heads of grouped-query attention before it calls the kernel.
        """
        repeats, rest = divmod(tensor.shape[1], heads)
        if repeats < 2 or rest:
            return self.keep(tensor)
        once = tensor[:, ::repeats]
        grouped = tensor.unflatten(1, (heads, repeats))
        return self.keep(once) if torch.equal(grouped, once.unsqueeze(2).expand_as(grouped)) else self.keep(tensor)

    def keep_mask(self, mask: torch.Tensor) -> torch.Tensor:
        """Like `keep` for `[batch | 1, heads | 1, queries | 1, keys]`, but of one head where all have the same."""
        key = self._key(mask)
        copy = self._masks.get(key)
        if copy is None:
            shared = mask[:, :1]
            same = mask.shape[1] > 1 and torch.equal(mask, shared.expand_as(mask))
            copy = self._masks[key] = self.keep(shared if same else mask)
        return copy

    def _key(self, tensor: torch.Tensor) -> _Key:
        version = None if tensor.is_inference() else tensor._version
        offset = int(tensor.storage_offset())
        return storage_of(tensor), version, tensor.dtype, offset, tuple(tensor.shape), tensor.stride()

"""The attentions of a run that cannot be seen, each with its module and why; what is no attention is left out."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn import functional as F

from nnwidgets.capture.keeper import storage_of
from nnwidgets.capture.sites import Site
from nnwidgets.capture.structures import tensors

_ATTENTION_NAME = re.compile(r"attention|attn", re.IGNORECASE)
_SOFTMAXES = (F.softmax, torch.softmax, torch.Tensor.softmax)
_PRODUCTS = (
    torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.bmm, torch.Tensor.bmm, torch.baddbmm,
    torch.Tensor.baddbmm, torch.einsum, torch.mm, torch.Tensor.mm,
)  # fmt: skip
# Another tensor comes out of these than went in: they neither pass logits on to a softmax nor weights to a product.
_BARRIERS = (F.conv1d, F.conv2d, F.conv3d, F.embedding, F.layer_norm, F.scaled_dot_product_attention)
# Kernels that call no function of torch which a mode sees; looked for in the code of a module's own forward.
_HIDDEN_KERNELS = ("flex_attention", "flash_attn_func", "flash_attn_varlen_func", "memory_efficient_attention")
_FUSED_IN_SCRIPT = ("aten::scaled_dot_product_attention", "aten::_native_multi_head_attention")


@dataclass(frozen=True)
class Unseen:
    """An attention that cannot be seen: where it is, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class _Trail:
    """What a tensor came from: the product of two activations (logits), or the softmax of such in module `softmax`."""

    from_product: bool
    softmax: str | None = None


class UnseenWatch:
    """Follows product → softmax → product through a run, and the modules whose class is called attention.

    A softmax is attention if its input came from a product of two activations, or its module is called attention, and
    what it returns is multiplied with an activation again. So a classifier's or a router's softmax, whose logits come
    from weights of the model, is none.
    """

    def __init__(self, parameters: set[StorageWeakRef]) -> None:
        self._parameters = parameters
        self._trails: dict[int, tuple[weakref.ref[torch.Tensor], _Trail]] = {}
        self._own: set[str] = set()
        self._reasons: dict[str, str] = {}
        self._named: dict[str, nn.Module] = {}
        self._modules: dict[str, nn.Module] = {}

    def add(self, path: str, reason: str) -> None:
        """An attention that is known not to be visible."""
        self._reasons[path] = reason

    def enter(self, module: nn.Module, path: str) -> None:
        """A module call begins."""
        self._modules[path] = module
        if isinstance(module, torch.jit.ScriptModule):
            if _attends_in_script(module):
                self.add(
                    path, "it is TorchScript (torch.jit), which runs outside Python: use the module it was made from"
                )
        elif _is_named(module) or _hidden_kernel(module):
            self._named[path] = module

    def see(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any, path: str) -> None:
        """A function was called in the module at `path`."""
        if func in _SOFTMAXES:
            before = self._trail(args[0] if args else kwargs.get("input"))
            self._follow(output, _Trail(before is not None and before.softmax is None, softmax=path))
        elif func in _PRODUCTS:
            self._see_product([tensor for _, tensor in tensors((args, kwargs))], output)
        elif self._trails and func not in _BARRIERS and isinstance(output, torch.Tensor):
            for arg in args:
                for item in arg if isinstance(arg, tuple | list) else (arg,):  # torch.cat joins learned sinks
                    if (trail := self._trail(item)) is not None:
                        self._follow(output, trail)
                        return

    def found(self, sites: Iterable[Site]) -> list[Unseen]:
        """What was found, in the order of the calls, once the run is over."""
        reasons = {path: self._reason_for_own(path) for path in self._own} | self._reasons
        known = {site.path for site in sites} | reasons.keys()
        for path, module in self._named.items():
            inside = (other for other in (*known, *self._named) if other.startswith(f"{path}.") or not path)
            if path not in known and not any(path.startswith(f"{other}.") for other in known) and not any(inside):
                reasons[path] = self._reason_for_named(path, module)
        return [Unseen(path, reasons[path]) for path in self._modules if path in reasons]

    def _see_product(self, operands: list[torch.Tensor], output: Any) -> None:
        activations = [operand for operand in operands if storage_of(operand) not in self._parameters]
        if len(activations) < 2:
            return
        for operand in activations:
            trail = self._trail(operand)
            if trail is not None and trail.softmax is not None:
                if trail.from_product or _is_named(self._modules.get(trail.softmax)):
                    self._own.add(trail.softmax)
                return
        self._follow(output, _Trail(from_product=True))

    def _trail(self, value: Any) -> _Trail | None:
        reference, trail = self._trails.get(id(value), (None, None))
        return trail if reference is not None and reference() is value else None

    def _follow(self, output: Any, trail: _Trail) -> None:
        if isinstance(output, torch.Tensor):
            self._trails[id(output)] = (weakref.ref(output), trail)

    def _reason_for_own(self, path: str) -> str:
        if self._implementation(path) != "eager":
            return "it computes softmax(QKᵀ)V in steps of its own, not by scaled_dot_product_attention"
        eager = 'it computes its weights in plain steps (Hugging Face "eager")'
        if any(getattr(module, "_supports_sdpa", False) for module in self._modules.values()):
            return f'{eager}; after model.set_attn_implementation("sdpa") it is seen'
        return f"{eager}, and this model has no other form"

    def _reason_for_named(self, path: str, module: nn.Module) -> str:
        kernel = _hidden_kernel(module) or self._implementation(path)
        if kernel in (None, "eager", "sdpa"):
            kind = type(module).__name__
            return f"{kind} called no attention that can be seen: a kernel of its own, or a form without softmax"
        return f"it runs in {kernel}, one kernel in which the weights are never whole"

    def _implementation(self, path: str) -> str | None:
        """What Hugging Face's configuration says, of the module or of the nearest above it that has one."""
        parts = path.split(".")
        for length in range(len(parts), -1, -1):
            config = getattr(self._modules.get(".".join(parts[:length])), "config", None)
            if isinstance(name := getattr(config, "_attn_implementation", None), str):
                return name
        return None


def _is_named(module: nn.Module | None) -> bool:
    return module is not None and _ATTENTION_NAME.search(type(module).__name__) is not None


def _hidden_kernel(module: nn.Module) -> str | None:
    code = getattr(type(module).forward, "__code__", None)
    return next((name for name in _HIDDEN_KERNELS if code is not None and name in code.co_names), None)


def _attends_in_script(module: torch.jit.ScriptModule) -> bool:
    graph = str(module.inlined_graph)
    products = graph.count("aten::matmul") + graph.count("aten::bmm") + graph.count("aten::einsum")
    return any(name in graph for name in _FUSED_IN_SCRIPT) or ("aten::softmax" in graph and products > 1)

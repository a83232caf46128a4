"""The attention of a model as it comes: a run under a mode that sees it and keeps what its weights are made of."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from nnwidgets.capture import kinds
from nnwidgets.capture.call import Call
from nnwidgets.capture.keeper import Keeper, storage_of
from nnwidgets.capture.modules import module_paths
from nnwidgets.capture.multi_head import Unfused, open_multi_head_attention
from nnwidgets.capture.record import AttentionRecord
from nnwidgets.capture.shapes import Arguments
from nnwidgets.capture.sites import Site
from nnwidgets.capture.trace import Counter, Progress, module_calls
from nnwidgets.capture.unseen import Unseen, UnseenWatch

_MULTI_HEAD = inspect.signature(F.multi_head_attention_forward)


@dataclass(frozen=True)
class AttentionCapture:
    """What a run under the mode gave.

    Attributes:
        outputs: what the model returned in this run; `output_difference` compares it with the plain run's.
        records: the attentions that were seen, in the order in which they first ran.
        unseen: the attentions that cannot be seen, and why.
    """

    outputs: Any
    records: list[AttentionRecord]
    unseen: list[Unseen]


def record_attention(
    call: Call,
    *,
    keep: Collection[tuple[str, int]] | None = None,
    all_rows: bool = False,
    progress: Progress | None = None,
) -> AttentionCapture:
    """Runs the model once under a mode that sees its attention; the model itself is not touched.

    Seen is what calls `F.scaled_dot_product_attention` or `F.multi_head_attention_forward`: nn.MultiheadAttention,
    nn.TransformerEncoder (its fused path is off while a mode is active), Hugging Face models under sdpa, and code of
    one's own. A compiled model runs as it was written.

    Args:
        keep: the sites (path, call) whose tensors are kept, None for all; the others are described without them, so
            that a capture larger than the memory can be taken one layer at a time.
        all_rows: compute the receipts over every row instead of a sample.
        progress: called as `progress(done, total)` after each module call; what it raises ends the run.
    """
    mode = AttentionMode(call.model, None if keep is None else frozenset(keep), all_rows, progress)
    with call.prepared() as invoke, call.uncompiled(), module_calls(mode.enter, mode.leave), mode:
        outputs = invoke()
    beside_cross = any(site.kind() == "cross" for site in mode.sites)
    records = [site.record(beside_cross) for site in mode.sites]
    return AttentionCapture(outputs, records, mode.watch.found(mode.sites))


class AttentionMode(TorchFunctionMode):
    """Sees the attention calls of one run, with the module in which each happens."""

    def __init__(
        self, model: nn.Module, keep: frozenset[tuple[str, int]] | None, all_rows: bool, progress: Progress | None
    ) -> None:
        super().__init__()
        self.paths = {id(module): path for path, module in module_paths(model).items()}
        self.keep = keep
        self.all_rows = all_rows
        self.counter = Counter(progress, len(self.paths))
        self.keeper = Keeper()
        self.sites: list[Site] = []
        self.frame = kinds.Frame(model, "", None, 0)
        self.projections: list[kinds.Projection] = []
        self.unfused: Unfused | None = None
        self.same_source: bool | None = None
        self.dropout = 0.0
        self.parameters = {storage_of(parameter) for parameter in model.parameters()}
        self.watch = UnseenWatch(self.parameters)
        self._latest: dict[tuple[str, int], Site] = {}
        self._calls: dict[str, int] = {}

    def enter(self, module: nn.Module, arguments: tuple[Any, ...]) -> None:
        """A module call begins."""
        path = self.paths.get(id(module), self.frame.path)
        self.frame = kinds.Frame(module, path, self.frame, len(self.projections))
        self.watch.enter(module, path)

    def leave(self, module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any], output: Any) -> None:
        """A module call ends; calls inside it that an error ended, and the model caught, end with it."""
        while self.frame.above is not None and self.frame.module is not module:
            self.frame = self.frame.above
        self.frame.returned(arguments, named)
        if self.frame.above is not None:
            self.frame = self.frame.above
        self.counter.count()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is F.multi_head_attention_forward:
            return self._multi_head(*args, **kwargs)
        output = func(*args, **kwargs)
        if func is F.scaled_dot_product_attention:
            self._see(Arguments.of_call(*args, **kwargs, output=output))
        elif self.unfused is not None:
            if (found := self.unfused.see(func, args, output)) is not None:
                self._see(Arguments(**found, scale=1.0, dropout=self.dropout, hidden_rows_are_zero=False))
        elif kinds.is_projection(func, args, self.parameters):
            self.projections.append(kinds.projection(args, func, output))
        else:
            self.watch.see(func, args, kwargs, output, self.frame.path)
        return output

    def _multi_head(self, *args: Any, **kwargs: Any) -> Any:
        given = _MULTI_HEAD.bind(*args, **kwargs)
        given.apply_defaults()
        query, key = given.arguments["query"], given.arguments["key"]
        before = self.unfused, self.same_source, self.dropout
        self.same_source = query is key or storage_of(query) == storage_of(key)
        self.dropout = given.arguments["dropout_p"] if given.arguments["training"] else 0.0
        if given.arguments["need_weights"]:
            self.unfused = Unfused(given.arguments["num_heads"])
        try:
            with self:
                return open_multi_head_attention(*args, **kwargs)
        finally:
            self.unfused, self.same_source, self.dropout = before

    def _see(self, arguments: Arguments) -> None:
        frame = self.frame
        if arguments.query.is_nested:
            self.watch.add(frame.path, "its tensors are nested, and those have no rows and columns: pad the batch")
            return
        query, key = storage_of(arguments.query), storage_of(arguments.key)
        arguments = arguments.with_heads(frame.module)
        evidence = kinds.Evidence(
            frame, self._projections_since(frame), query, key, self.same_source, arguments.queries, arguments.keys
        )
        ordinal = frame.sites
        frame.sites += 1
        site = self._latest.get((frame.path, ordinal))
        if site is None or not site.continues_with(arguments):
            call = self._calls.get(frame.path, 0)
            self._calls[frame.path] = call + 1
            site = Site(frame.path, call, self.keep is None or (frame.path, call) in self.keep)
            self.sites.append(site)
            self._latest[frame.path, ordinal] = site
        site.add(arguments, evidence, self.keeper, self.all_rows)

    def _projections_since(self, frame: kinds.Frame) -> list[kinds.Projection]:
        """The linear maps in this module call since the last attention; in the nearest call above it that has some."""
        above: kinds.Frame | None = frame
        found: list[kinds.Projection] = []
        while above is not None:
            found = found or self.projections[above.first :]
            above.first = len(self.projections)
            above = above.above
        return found

"""Runs that keep nothing of a model's insides: the plain one, bit-equal to the user's own call, and one for shapes."""

from __future__ import annotations

import sys
from typing import Any

from torch import nn

from nnwidgets.capture import Call, module_paths
from nnwidgets.capture.modules import is_compiled
from nnwidgets.capture.outputs import OrdinaryPath
from nnwidgets.capture.trace import Counter, Progress, module_calls
from nnwidgets.session.layers import Shape, shapes_of


def run_plain(call: Call, progress: Progress | None) -> Any:
    """What the model returns. Progress is counted by global hooks, which leave bits alone except in compiled code.

    So a compiled model runs without progress, and one with compiled functions inside runs once more without it.
    """
    if progress is None or any(is_compiled(module) for module in call.model.modules()):
        return call.run()
    counter = Counter(progress, sum(1 for _ in call.model.modules()))
    compiled = _compiled_frames()
    with call.prepared() as invoke, module_calls(None, lambda *_: counter.count()):
        outputs = invoke()
    return outputs if _compiled_frames() == compiled else call.run()


def run_shapes(call: Call, progress: Progress | None) -> dict[str, tuple[Shape, ...]]:
    """The shapes of the tensors that each module puts out, by path; modules that the run does not call are left out."""
    paths = {id(module): path for path, module in module_paths(call.model).items()}
    counter = Counter(progress, len(paths))
    shapes: dict[str, tuple[Shape, ...]] = {}

    def leave(module: nn.Module, _arguments: Any, _named: Any, output: Any) -> None:
        if id(module) in paths:
            shapes[paths[id(module)]] = shapes_of(output)
        counter.count()

    with call.prepared() as invoke, call.uncompiled(), module_calls(None, leave), OrdinaryPath():
        invoke()
    return shapes


def _compiled_frames() -> int:
    """How much torch.compile has worked on so far: it tells whether a function inside the model is compiled."""
    utilities = sys.modules.get("torch._dynamo.utils")
    return int(utilities.counters["frames"]["total"]) if utilities is not None else 0

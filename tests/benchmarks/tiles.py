"""The first tile of a map of 4,096 × 4,096 weights: the kernel's work, beside a bare softmax(QKᵀ). For information."""

from __future__ import annotations

import statistics
from itertools import count

from tests.benchmarks.capture import in_turn
from tests.benchmarks.row import Row, milliseconds
from tests.benchmarks.workshop import Workshop

TOKENS = 4096
HEADS = 12
TIMES = 5


def measure(_workshop: Workshop) -> list[Row]:
    import torch

    import nnwidgets as nnw

    torch.set_num_threads(1)
    torch.manual_seed(0)
    width = 64 * HEADS
    model = torch.nn.MultiheadAttention(width, HEADS, batch_first=True).eval()
    inputs = torch.randn(1, TOKENS, width)
    with nnw.ModelSession(model, (inputs, inputs, inputs)) as session:
        widget = nnw.AttentionMap(session)
        assert len(session.attention.layers) == 1  # captured now
        heads = count()
        query, key = torch.randn(2, TOKENS, 64)

        def top_tile() -> None:
            arguments = {"attention": 0, "sample": 0, "step": None, "level": 4, "row": 0, "column": 0, "reduce": "max"}
            widget.answer("attention.tile", arguments | {"head": next(heads)})

        def bare() -> None:
            torch.softmax(query @ key.T / 8, dim=-1)

        tile, softmax = in_turn((top_tile, bare), TIMES)
    measured = f"{milliseconds(tile)}, softmax(QKᵀ) {milliseconds(softmax)}"
    ratio = statistics.median(tile) / statistics.median(softmax)
    return [Row("first tile of a 4,096-token map, in the kernel", measured, ratio)]

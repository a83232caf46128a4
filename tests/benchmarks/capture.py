"""What seeing attention costs beside the plain forward of a model of GPT-2's size (random weights). For information."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from tests.benchmarks.row import Row, milliseconds
from tests.benchmarks.workshop import Workshop

TIMES = {128: 9, 512: 5}


def measure(_workshop: Workshop) -> list[Row]:
    import torch
    from transformers import GPT2Config, GPT2Model

    from nnwidgets.capture import Call, fingerprint, record_attention

    torch.set_num_threads(1)
    model = GPT2Model(GPT2Config()).eval()
    rows = []
    for count, times in TIMES.items():
        inputs = {"input_ids": torch.randint(0, 50_000, (1, count))}

        def plain(inputs: dict[str, torch.Tensor] = inputs) -> None:
            with torch.no_grad():
                model(**inputs)

        def seen(inputs: dict[str, torch.Tensor] = inputs) -> None:
            record_attention(Call(model, inputs, None, "eval", False))

        forward, capture = in_turn((plain, seen), times)
        ratio = statistics.median(capture) / statistics.median(forward)
        measured = f"{milliseconds(capture)}, forward {milliseconds(forward)}"
        rows.append(Row(f"capture of attention, GPT-2's size, {count} tokens", measured, ratio))
    before = fingerprint(model)
    [looks] = in_turn((lambda: before.changed(model),), 9)
    rows.append(Row("a look whether the weights changed, GPT-2's size", milliseconds(looks)))
    return rows


def in_turn(functions: tuple[Callable[[], object], ...], times: int) -> list[list[float]]:
    """The seconds that each function takes, called in turn, after a first round that does not count."""
    taken: list[list[float]] = [[] for _ in functions]
    for turn in range(times + 1):
        for function, seconds in zip(functions, taken, strict=True):
            began = time.perf_counter()
            function()
            if turn:
                seconds.append(time.perf_counter() - began)
    return taken

"""A control held down at 200 events a second over a model that takes 50 ms: how far the picture is behind at release.

The real thing from end to end: AttentionMap's sample number, a session that keeps nothing, so that every picture needs
a run of the model. Beside it, for information, the same events each sending a message.
"""

from __future__ import annotations

import statistics

from playwright.sync_api import Locator

from tests.benchmarks import bare
from tests.benchmarks.row import Row, judged, milliseconds
from tests.benchmarks.workshop import Workshop, picture, time_to_paint
from tests.browser.lab import Notebook

MOST = 3
SINGLE, HELD = 15, 3
RATE, SECONDS = 200, 3
NAIVE_SECONDS = 1
SLOW = """
import time, torch, nnwidgets as nnw
torch.set_num_threads(1)
torch.manual_seed(0)

class Slow(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, inputs):
        time.sleep(0.05)
        return self.attention(inputs, inputs, inputs)[0]

inputs = 3 * torch.randn(2000, 6, 8)
session = nnw.ModelSession(Slow().eval(), inputs, memory_limit=1)
session.attention.layers
"""
HOLD = """
async ([input, first, count, rate]) => {
    const began = performance.now();
    for (let number = 0; number < count;) {
        await new Promise((resume) => setTimeout(resume, 1));
        for (; number < count && performance.now() - began >= (1000 * number) / rate; number++) {
            input.value = first + number;
            input.dispatchEvent(new Event("input", { bubbles: true }));
        }
    }
}
"""
"""`count` input events at `rate` a second; a real slider's pointer moves would be thinned to one a frame."""


def measure(workshop: Workshop) -> list[Row]:
    with workshop.notebook("flood", SLOW + bare.FLOOD, "nnw.AttentionMap(session)", "make_naive()") as notebook:
        number = notebook.view(1).get_by_label("Sample")
        canvas = picture(notebook, 1)
        single = [_lag(notebook, number, canvas, first) for first in range(1, SINGLE + 1)]
        held = []
        for time in range(HELD):
            first = 100 + time * RATE * SECONDS
            held.append(_lag(notebook, number, canvas, first, RATE * SECONDS))
            notebook.until("session.selection.sample", first + RATE * SECONDS - 1)
        _check_last_picture(notebook, number, canvas, first + RATE * SECONDS - 1)
        naive_input, naive_canvas = notebook.cell(2).locator("input"), notebook.cell(2).locator("canvas")
        naive_single = [_lag(notebook, naive_input, naive_canvas, first) for first in range(1, 6)]
        naive = _lag(notebook, naive_input, naive_canvas, 100, RATE * NAIVE_SECONDS)
    answer, naive_answer = statistics.median(single), statistics.median(naive_single)
    lag = statistics.median(held)
    measured = f"{milliseconds(held)}, one answer {milliseconds(single)}"
    naive_measured = f"{naive:.1f} s, one answer {milliseconds(naive_single)}"
    return [
        judged(f"lag after {RATE} events/s for {SECONDS} s, 50 ms model", measured, lag / answer, MOST, held=held),
        Row(f"the same for {NAIVE_SECONDS} s, a message for each event", naive_measured, naive / naive_answer),
    ]


def _check_last_picture(notebook: Notebook, number: Locator, canvas: Locator, last: int) -> None:
    """A last answer that was lost would look like a quick one: leave the last value and come back to it."""
    hashes = [canvas.evaluate("(canvas) => benchmark.pixels(canvas)")]
    for value in (last - 1, last):
        _lag(notebook, number, canvas, value)
        hashes.append(canvas.evaluate("(canvas) => benchmark.pixels(canvas)"))
    if hashes[0] != hashes[2] or hashes[0] == hashes[1]:
        raise RuntimeError(f"after the last event the picture was not that of sample {last}")


def _lag(notebook: Notebook, control: Locator, canvas: Locator, first: int, count: int = 1) -> float:
    """Seconds from the last of `count` events until the picture stands still."""
    act = lambda: notebook.page.evaluate(HOLD, [control.element_handle(), first, count, RATE])  # noqa: E731
    return time_to_paint(notebook, canvas, act, event="input", still=700).total

"""The monitor with much to show: frames while a hand zooms and pans, and the first picture out of a large store."""

from __future__ import annotations

import itertools
import statistics
import time

from playwright.sync_api import Locator

from tests.benchmarks.row import Row, judged, milliseconds
from tests.benchmarks.workshop import Workshop
from tests.browser.lab import Notebook

POINTS = 100_000
FRAMES = 30
"""A second, at the least, while a hand moves."""
TIMES = 7

LONG = f"""
import numpy as np, nnwidgets as nnw
noise = np.random.default_rng(0).normal(size=(4, {POINTS}))
store = nnw.RunStore("long.sqlite")
with store.run("long") as run:
    for step in range({POINTS}):
        falls = 1 / (1 + step / 5000)
        run.log(
            step, loss=falls + 0.05 * noise[0, step], val_loss=falls + 0.1 + 0.05 * noise[1, step],
            accuracy=0.9 - falls / 2 + 0.02 * noise[2, step], gradient_norm=float(np.exp(noise[3, step] / 4)),
        )
"""

STORES = """
import nnwidgets as nnw

def fill(path, runs):
    store = nnw.RunStore(path)
    for number in range(runs):
        with store.run(f"run {number}", config={"number": number}) as run:
            for step in range(5_000):
                run.log(step, loss=1 / (step + 1), accuracy=step / 5_000)
        run.close()
    return str(path), run.id

small, large = fill("small.sqlite", 10), fill("large.sqlite", 1000)
"""
"""10 runs, and 1,000 with 10 million points."""

OPEN = """
store = nnw.RunStore({which}[0])
table = repr(store.runs())
nnw.TrainingMonitor(store.load({which}[1]))
"""

COUNT = """() => {
  const times = [];
  const tick = (time) => { times.push(time); globalThis.ticking = requestAnimationFrame(tick); };
  globalThis.frames = times;
  globalThis.ticking = requestAnimationFrame(tick);
}"""
TAKE = "() => { cancelAnimationFrame(globalThis.ticking); return globalThis.frames; }"


def measure(workshop: Workshop) -> list[Row]:
    return [_frames(workshop), _first_paint(workshop)]


def _frames(workshop: Workshop) -> Row:
    with workshop.notebook("frames", LONG, "nnw.TrainingMonitor(run)") as notebook:
        chart = _chart(notebook, 1)
        notebook.page.wait_for_timeout(2_000)
        box = chart.bounding_box()
        assert box is not None
        mouse, middle = notebook.page.mouse, (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        mouse.move(*middle)
        notebook.page.evaluate(COUNT)
        notebook.page.keyboard.down("Control")
        for _ in range(40):
            mouse.wheel(0, -60)
        notebook.page.keyboard.up("Control")
        notebook.page.keyboard.down("Shift")
        mouse.down()
        for way in (-1, 1, -1):
            mouse.move(middle[0] + way * box["width"] / 3, middle[1], steps=80)
        mouse.up()
        notebook.page.keyboard.up("Shift")
        frames: list[float] = notebook.page.evaluate(TAKE)
    between = [later - earlier for earlier, later in itertools.pairwise(frames)]
    rate = 1000 / statistics.mean(between)
    measured = f"{rate:.0f} frames/s, median frame {statistics.median(between):.0f} ms"
    work = f"pan and zoom, 4 lines of {POINTS:,} points"
    return Row(work, measured, None, f"≥ {FRAMES}/s", rate >= FRAMES, {"slowest (ms)": max(between)})


def _first_paint(workshop: Workshop) -> Row:
    times: dict[str, list[float]] = {"small": [], "large": []}
    cells = [OPEN.format(which=which) for which in times]
    with workshop.notebook("stores", STORES, *cells) as notebook:
        for _ in range(TIMES):
            for index, taken in enumerate(times.values(), 1):
                notebook.page.evaluate(
                    "index => document.querySelectorAll('.jp-Notebook .jp-Cell')[index].scrollIntoView()", index
                )
                taken.append(_run_to_paint(notebook, index))
    measured = f"{milliseconds(times['large'])}, of 10 runs {milliseconds(times['small'])}"
    ratio = statistics.median(times["large"]) / statistics.median(times["small"])
    return judged("first paint, store of 1,000 runs and 10 M points", measured, ratio, 3.0)


def _run_to_paint(notebook: Notebook, index: int) -> float:
    """Seconds from running the cell to a chart with lines in its new output."""
    old = _chart(notebook, index).element_handle()
    began = time.perf_counter()
    notebook.run(index, wait=False)
    notebook.page.wait_for_function(
        """([old, index]) => {
            const cell = document.querySelectorAll('.jp-Notebook .jp-Cell')[index];
            const chart = cell.querySelector('.nnw-plot[aria-label] canvas');
            return chart !== null && !cell.contains(old) && chart.width > 0;
        }""",
        arg=[old, index],
        polling="raf",
    )
    took = time.perf_counter() - began
    notebook.wait_for_cells()
    return took


def _chart(notebook: Notebook, index: int) -> Locator:
    chart = notebook.view(index).locator(".nnw-plot[aria-label]").first
    chart.wait_for()
    return chart

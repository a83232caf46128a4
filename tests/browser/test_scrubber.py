"""StepScrubber and SampleTimeline in a real JupyterLab, and saved: played without the kernel, scrubbed by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import nnwidgets as nnw
from nnwidgets.export.page import save_page
from tests.browser.lab import Notebook
from tests.browser.test_pages import Opened

WALK = """
import numpy as np, nnwidgets as nnw
def step(picture):
    return np.roll(picture, 1, axis=1)
start = np.zeros((24, 32)); start[:, 0] = 1.0
process = nnw.Process(step, start, steps=300, measures={"column": lambda p: p[0].argmax()}, name="a walk")
nnw.StepScrubber(process)
"""
HOLD = "import time\nbegun = time.time()\nwhile time.time() - begun < 8:\n    pass"
GENERATOR = """
import time, threading, numpy as np, nnwidgets as nnw
run = nnw.RunStore(":memory:").run("generator")
stop = threading.Event()
def train():
    step = 0
    while not stop.wait(0.02):
        run.log(step, loss=1.0 / (1 + step))
        if step % 20 == 0:
            run.log(step, samples=np.full((8, 8), min(255, step // 2), np.uint8))
        step += 1
thread = threading.Thread(target=train); thread.start()
nnw.SampleTimeline(run)
"""


def slider(view: Locator) -> Locator:
    return view.get_by_role("slider", name="Step", exact=True)


def column(view: Locator) -> int:
    """Which column of the picture is white: the step, modulo 32."""
    return int(
        view.locator(".nnw-frame-place canvas").first.evaluate(
            """(canvas) => {
                const { width, height } = canvas;
                const row = canvas.getContext("2d").getImageData(0, height >> 1, width, 1).data;
                const middle = (at) => row[4 * Math.floor(((at + 0.5) * width) / 32)];
                return Array.from({ length: 32 }, (_, at) => at).find((at) => middle(at) > 200) ?? -1;
            }"""
        )
    )


def pace(page: Page, seconds: float) -> dict[str, Any]:
    """While it plays: steps a second by the page's clock, how many were seen, and whether one was gone back to."""
    found: dict[str, Any] = page.evaluate(
        """(seconds) => new Promise((done) => {
            const scrubber = document.querySelector(".nnw-scrubber");
            const seen = [];
            const begun = performance.now();
            const look = (now) => {
                const step = Number(scrubber.value);
                if (seen.at(-1)?.[0] !== step) seen.push([step, now]);
                if (now - begun < 1000 * seconds) requestAnimationFrame(look);
                else {
                    const [[first, from], [last, to]] = [seen[0], seen.at(-1)];
                    const back = seen.some(([step], at) => at > 0 && step < seen[at - 1][0]);
                    done({ pace: (1000 * (last - first)) / (to - from), changes: seen.length, back });
                }
            };
            requestAnimationFrame(look);
        })""",
        seconds,
    )
    return found


def here(view: Locator, page: Page) -> None:
    """Wait until all frames are here: the curve ends where the process does."""
    view.get_by_label("as table").check()
    expect(view.locator(".nnw-table-twin tbody tr").last.locator("td")).not_to_have_text("–")
    view.get_by_label("as table").uncheck()
    page.wait_for_timeout(300)


def test_it_plays_at_twenty_frames_a_second_while_the_kernel_is_held(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(WALK, HOLD, run=False)
    lab.run(0)
    view = lab.view(0)
    here(view, lab.page)
    slider(view).focus()
    lab.page.keyboard.press("Space")
    told = pace(lab.page, 2)
    assert 18 < told["pace"] < 22 and not told["back"]  # nor by what the kernel echoes
    lab.page.keyboard.press("Space")
    lab.page.keyboard.press("Home")
    lab.until("process.selection.step", 0)

    lab.run(1, wait=False)
    expect(lab.cell(1).locator(".jp-InputPrompt")).to_have_text("[*]:")
    slider(view).focus()
    lab.page.keyboard.press("Space")
    told = pace(lab.page, 3)
    assert lab.cell(1).locator(".jp-InputPrompt").inner_text() == "[*]:"
    assert 18.5 < told["pace"] < 21.5
    assert told["changes"] > 50 and not told["back"]  # hardly a frame was left out
    lab.page.keyboard.press("Space")
    step = int(slider(view).input_value())
    assert step > 50
    lab.page.wait_for_timeout(150)
    assert column(view) == step % 32
    expect(view).not_to_contain_text("Waiting for the kernel")
    lab.wait_for_cells()
    lab.until("process.selection.step", step)
    assert lab.errors == []


def test_keys_and_pointer_scrub_and_python_follows(notebook: Callable[..., Notebook], shots: Path | None) -> None:
    lab = notebook(WALK, "process.edit(100, np.eye(24, 32), label='a diagonal'); None", run=False)
    lab.run(0)
    view = lab.view(0)
    slider(view).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        lab.page.keyboard.press(key)
    lab.until("process.selection.step", 2)
    assert column(view) == 2
    view.locator(".nnw-frame-place canvas").first.focus()
    lab.page.keyboard.press("PageDown")
    lab.until("process.selection.step", 32)

    box = slider(view).bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    lab.page.mouse.move(box["x"] + 0.1 * box["width"], middle)
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + 0.6 * box["width"], middle, steps=12)
    lab.page.mouse.up()
    lab.page.wait_for_timeout(400)
    step = int(slider(view).input_value())
    assert 160 < step < 200
    lab.until("process.selection.step", step)
    assert column(view) == step % 32

    chart = view.locator(".nnw-measure canvas")
    box = chart.bounding_box()
    assert box is not None
    chart.click(position={"x": box["width"] - 3, "y": 30})
    lab.until("process.selection.step", 300)
    lab.python("process.selection.update(step=150)")
    expect(slider(view)).to_have_attribute("aria-valuetext", "step 150 of 300")

    lab.run(1)
    expect(view.locator(".nnw-branch-name")).to_have_text(["original", "a diagonal: left the original at step 100"])
    expect(view.locator(".nnw-frame-place canvas")).to_have_count(2)
    expect(view.locator(".nnw-frame-place").last).to_have_attribute("aria-busy", "false")
    if shots:
        for dark in (False, True):
            lab.theme(dark)
            view.screenshot(path=shots / f"step_scrubber_{'dark' if dark else 'light'}.png")
    assert lab.errors == []


def test_a_process_that_raises_keeps_its_steps(notebook: Callable[..., Notebook]) -> None:
    broken = WALK.replace("return np", "assert picture[0].argmax() != 16, 'enough'\n    return np")
    lab = notebook(broken)
    view = lab.view(0)
    expect(view.get_by_role("alert")).to_contain_text("step 17 of a walk raised AssertionError: enough")
    slider(view).focus()
    for _ in range(16):
        lab.page.keyboard.press("ArrowRight")
    lab.until("process.selection.step", 16)
    assert column(view) == 16
    lab.page.keyboard.press("Space")
    lab.page.wait_for_timeout(300)
    expect(view.get_by_role("button", name="Play (Space)")).to_be_visible()
    expect(slider(view)).to_have_attribute("aria-valuetext", "step 16 of 300")


def test_samples_come_while_a_run_trains(notebook: Callable[..., Notebook], shots: Path | None) -> None:
    lab = notebook(GENERATOR)
    view = lab.view(0)
    title = view.locator(".nnw-title")
    expect(title).to_contain_text("samples at step")
    expect(title).to_contain_text(re.compile(r"step (1[0-9]{2}|[2-9][0-9]{2})"))
    slider(view).focus()
    lab.page.keyboard.press("Home")
    lab.until("run.selection.step", 0)
    expect(title).to_contain_text("samples at step 0")
    highest = slider(view).get_attribute("max")
    lab.page.wait_for_function("(max) => document.querySelector('.nnw-scrubber').max !== max", arg=highest)
    expect(title).to_contain_text("samples at step 0")  # new ones come, and the picked one stays
    lab.python("run.selection.update(step=61)")
    expect(title).to_contain_text("samples at step 60")
    view.get_by_role("button", name="newest").click()
    lab.until("run.selection.step", None)
    lab.python("stop.set() or thread.join()")
    if shots:
        view.screenshot(path=shots / "sample_timeline.png")
    assert lab.errors == []


def test_a_saved_page_plays_offline(browser: Browser, tmp_path: Path) -> None:
    start = np.zeros((24, 32, 3))
    start[:, 0] = 1.0
    with nnw.Process(
        lambda picture: np.roll(picture, 1, axis=1),
        start,
        steps=120,
        measures={"column": lambda p: p[0, :, 0].argmax()},
    ) as process:
        saved = save_page(tmp_path / "walk.html", [nnw.StepScrubber(process, fps=30), nnw.StepScrubber(process)])
        assert not saved.left_out
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 1200}, reduced_motion="reduce")
    opened = Opened(context, saved.path)
    view, linked = opened.view(0), opened.view(1)
    expect(slider(view)).to_have_attribute("aria-valuetext", "step 0 of 120")
    opened.page.wait_for_timeout(400)
    assert slider(view).input_value() == "0"  # nothing plays that was not asked to
    slider(view).focus()
    opened.page.keyboard.press("Space")
    told = pace(opened.page, 2)
    assert 27 < told["pace"] < 33
    opened.page.keyboard.press("Space")
    opened.page.wait_for_timeout(200)
    step = int(slider(view).input_value())
    assert column(view) == column(linked) == step % 32
    assert slider(linked).input_value() == str(step)
    opened.page.keyboard.press("End")
    expect(slider(linked)).to_have_attribute("aria-valuetext", "step 120 of 120")
    opened.check()
    context.close()


@pytest.mark.parametrize("dark", [False, True])
def test_pictures_for_people(browser: Browser, tmp_path: Path, shots: Path | None, dark: bool) -> None:
    """A wide strip of samples, curves and texts fit a narrow page without a scroll bar."""
    start = np.random.default_rng(0).random((6, 3, 16, 16))
    with (
        nnw.Process(lambda x: 0.95 * x, start, steps=40, measures={"mean": np.mean, "spread": np.std}) as pictures,
        nnw.Process(lambda v: np.roll(v, 3) * 0.99, np.sin(np.linspace(0, 9, 80)), steps=40) as curves,
        nnw.Process(lambda text: text + " and on", "<b>on</b>", steps=9) as texts,
    ):
        saved = save_page(tmp_path / "all.html", [nnw.StepScrubber(each) for each in (pictures, curves, texts)])
    scheme: Any = "dark" if dark else "light"
    context = browser.new_context(offline=True, viewport={"width": 560, "height": 1200}, color_scheme=scheme)
    opened = Opened(context, saved.path)
    expect(opened.view(2).locator(".nnw-frame-texts li")).to_have_text("<b>on</b>")
    opened.page.wait_for_timeout(300)
    assert opened.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    if shots:
        opened.page.screenshot(path=shots / f"scrubbers_{scheme}.png", full_page=True)
    opened.check()
    context.close()

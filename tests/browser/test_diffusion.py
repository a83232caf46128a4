"""DiffusionScrubber in a real JupyterLab: 1,000 steps forth and back, other seeds, rows, and without the kernel."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from nnwidgets.export.page import save_page
from nnwidgets.processes import Diffusion
from nnwidgets.widgets.diffusion_scrubber import DiffusionScrubber
from tests.browser.lab import Notebook
from tests.widgets.posterior import photographs, posterior

LONG = """
from nnwidgets.processes import Diffusion
from nnwidgets.widgets.diffusion_scrubber import DiffusionScrubber
from tests.widgets.posterior import photographs, posterior
images = photographs(16)
process = Diffusion(posterior(images), shape=(3, 16, 16), schedule="cosine", name="photographs")
scrubber = DiffusionScrubber(process, images=images[:4])
scrubber
"""
BLOCKING = "import time\ntime.sleep(8)"


def canvas(view: Locator, says: str) -> Locator:
    return view.locator(f'.nnw-branches canvas[aria-label*="{says}"]')


def pixel(picture: Locator) -> list[int]:
    """The colour of the first picture's middle."""
    colour: list[int] = picture.evaluate(
        """canvas => [...canvas.getContext("2d").getImageData(
            Math.floor(42 * devicePixelRatio), Math.floor(42 * devicePixelRatio), 1, 1).data.slice(0, 3)]"""
    )
    return colour


def said(view: Locator) -> Locator:
    return view.locator(".nnw-diffusion-step")


def all_here(view: Locator) -> None:
    """Wait until the page holds all steps: then its table of measures has no gap after the first step."""
    table = view.get_by_role("checkbox", name="as table")
    table.check()
    gaps = view.locator("tbody tr:not(:first-child) td").filter(has_text=re.compile("^–$"))
    expect(gaps).to_have_count(0, timeout=60_000)
    table.uncheck()


def drag(page: Page, scrubber: Locator, *shares: float) -> None:
    """Take the scrubber's thumb along, at these shares of its way."""
    box = scrubber.bounding_box()
    assert box is not None
    across = [box["x"] + 8 + share * (box["width"] - 16) for share in shares]
    down = box["y"] + box["height"] / 2
    page.mouse.move(across[0], down)
    page.mouse.down()
    for x in across[1:]:
        page.mouse.move(x, down, steps=12)
    page.mouse.up()


def test_a_thousand_steps_forth_and_back_and_other_seeds(notebook: Callable[..., Notebook], shots: Path | None) -> None:
    lab = notebook(LONG, BLOCKING, run=False)
    lab.run(0)
    view = lab.view(0)
    scrubber = view.locator(".nnw-scrubber")
    expect(said(view)).to_contain_text("t = 999", timeout=60_000)
    expect(canvas(view, "the forward process")).to_be_visible()

    # Forth and back with the pointer, while most is still to be computed; then all steps are here.
    drag(lab.page, scrubber, 0.0, 1.0, 0.3, 0.7, 0.0)
    lab.until("process.selection.step", 0)
    scrubber.focus()
    lab.page.keyboard.press("End")
    lab.until("process.selection.step", 1000)
    expect(said(view)).to_contain_text("step 1,000 of 1,000, image")
    all_here(view)

    # What is on the screen is what Python holds, from whatever side one comes.
    drag(lab.page, scrubber, 1.0, 0.1, 0.9, 0.4)
    step = lab.python("process.selection.step")
    assert 300 < step < 500
    expected = lab.python(
        "[[round(float(v + 1) * 127.5) for v in image[0, :, 7, 7].clamp(-1, 1)]"
        " for image in (process.state(process.selection.step), process.predicted(process.selection.step))]"
    )
    for says, colour in zip(("4 pictures of 16", "x̂₀, the clean"), expected, strict=True):
        found = pixel(canvas(view, says).first)
        assert max(abs(one - other) for one, other in zip(found, colour, strict=True)) <= 1

    # Python moves it.
    lab.python("process.selection.update(step=250)")
    expect(said(view)).to_contain_text("step 250 of 1,000, t = 749")
    if shots:
        view.screenshot(path=shots / "diffusion.png")

    # The kernel is busy, and it plays.
    scrubber.focus()
    lab.page.keyboard.press("Home")
    lab.until("process.selection.step", 0)
    lab.run(1, wait=False)
    lab.page.wait_for_timeout(300)
    scrubber.focus()
    lab.page.keyboard.press("Space")
    expect(said(view)).to_contain_text(re.compile(r"step (4|5|6|7)\d of"), timeout=8000)
    assert lab.cell(1).locator(".jp-InputPrompt").inner_text() == "[*]:"
    lab.page.keyboard.press("Space")
    lab.wait_for_cells()

    # Another seed: a branch beside, the same at its step and other images afterwards.
    lab.python("process.selection.update(step=250)")
    view.get_by_role("button", name="Another seed from step 250").click()
    lab.until("len(process.branches)", 2)
    expect(view.locator(".nnw-branch-name").nth(1)).to_contain_text("noise 1 from step 250")
    assert lab.python("bool((process.state(250, 1) == process.state(250)).all())") is True
    expect(canvas(view, "x̂₀, the clean")).to_have_count(2)
    scrubber.focus()
    lab.page.keyboard.press("Home")
    expect(said(view)).to_contain_text("step 0 of 1,000")
    view.get_by_role("button", name="Other start noise").click()
    lab.until("len(process.branches)", 3)
    expect(view.locator(".nnw-branch-name").nth(2)).to_contain_text("start noise 2")
    expect(canvas(view, "x̂₀, the clean")).to_have_count(3)

    # Rows by hand; Python hears of them.
    view.get_by_role("button", name="noise ε̂").click()
    lab.until("scrubber.rows", ("noisy", "predicted", "forward"))
    expect(canvas(view, "ε̂, the noise").first).to_be_hidden()
    if shots:
        view.screenshot(path=shots / "diffusion-branches.png")
        lab.theme(dark=True)
        view.screenshot(path=shots / "diffusion-dark.png")
    assert lab.errors == []


def test_a_saved_page_scrubs_plays_and_turns_rows_offline(browser: Browser, tmp_path: Path) -> None:
    images = photographs(16)
    model: Any = posterior(images)
    with Diffusion(model, shape=(3, 16, 16), schedule="cosine", timesteps=50, name="photographs") as process:
        widget = DiffusionScrubber(process, images=images[:4])
        widget.answer("diffusion.branch", {"step": 20, "branch": 0, "seed": 3})
        path = save_page(tmp_path / "diffusion.html", [widget]).path
        expected = ((process.predicted(33)[0, :, 7, 7] + 1) * 127.5).round().int().tolist()
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 1100})
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(path.as_uri())
    view = page.locator(".nnw[data-theme]")
    scrubber = view.locator(".nnw-scrubber")
    expect(said(view)).to_contain_text("step 0 of 50, t = 999")
    expect(view.locator(".nnw-branch-name").nth(1)).to_contain_text("noise 3 from step 20")
    all_here(view)
    drag(page, scrubber, 0.0, 1.0, 0.2, 0.66)
    expect(said(view)).to_contain_text("step 33 of 50")
    assert max(abs(a - b) for a, b in zip(pixel(canvas(view, "x̂₀, the clean").first), expected, strict=True)) <= 1
    for name in ("noisy xₜ", "noise ε̂"):
        view.get_by_role("button", name=name).click()
    expect(canvas(view, "ε̂, the noise").first).to_be_hidden()
    expect(canvas(view, "the forward process")).to_be_visible()
    expect(view.get_by_role("button", name=re.compile("Another seed"))).to_be_hidden()
    scrubber.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    expect(said(view)).to_contain_text("step 50 of 50, image", timeout=15_000)
    expect(view.get_by_role("alert")).to_have_count(0)
    assert wrong == []
    context.close()

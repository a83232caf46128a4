"""A Hopfield network in a real JupyterLab: a cue drawn by pointer and keys, run, edited in the middle; offline."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from nnwidgets.processes import Hopfield
from nnwidgets.widgets.hopfield_scrubber import HopfieldScrubber, words
from tests.browser.lab import Notebook
from tests.browser.test_pages import Opened
from tests.widgets.test_hopfield_scrubber import digits

NETWORK = """
import numpy as np, nnwidgets as nnw
from sklearn.datasets import load_digits
found = load_digits()
on = found.images > 7
memories = np.stack([on[found.target == digit][0] for digit in (0, 1, 4)])
process = nnw.processes.Hopfield(memories, cue=memories[0], labels=["zero", "one", "four"], steps=12)
widget = nnw.HopfieldScrubber(process)
widget
"""
LINKED = "nnw.HopfieldScrubber(process)"


def grid(view: Locator, number: int = 0) -> Locator:
    return view.locator("canvas.nnw-hopfield-grid").nth(number)


def button(view: Locator, name: str) -> Locator:
    return view.get_by_role("button", name=re.compile(f"^{name}"))


def cell(canvas: Locator, row: float, column: float, side: int = 8) -> tuple[float, float]:
    box = canvas.bounding_box()
    assert box is not None
    return box["x"] + (column + 0.5) * box["width"] / side, box["y"] + (row + 0.5) * box["height"] / side


def draw(page: Page, canvas: Locator, *cells: tuple[int, int]) -> None:
    """One stroke of the pointer through these cells."""
    canvas.scroll_into_view_if_needed()
    page.mouse.move(*cell(canvas, *cells[0]))
    page.mouse.down()
    for each in cells[1:]:
        page.mouse.move(*cell(canvas, *each), steps=3)
    page.mouse.up()


def shown(page: Page, canvas: Locator) -> Any:
    """The units of a picture, as they are seen."""
    return page.evaluate(
        """canvas => {
            const { width, height } = canvas;
            const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
            copy.drawImage(canvas, 0, 0);
            const at = (part, size) => Math.floor((part + 0.25) / 8 * size);
            const red = (row, column) => copy.getImageData(at(column, width), at(row, height), 1, 1).data[0];
            return Array.from({ length: 64 }, (_, unit) => red(Math.floor(unit / 8), unit % 8) > 127 ? 1 : -1);
        }""",
        canvas.element_handle(),
    )


def test_a_cue_by_hand(notebook: Callable[..., Notebook], shots: Path | None) -> None:
    lab = notebook(NETWORK, LINKED)
    view, page = lab.view(0), lab.page
    expect(view.locator(".nnw-basin")).to_have_text("At step 12: fell into the memory zero (overlap 1.00)")
    expect(grid(view)).to_have_attribute("aria-label", re.compile("step 0 of 12"))

    # One stroke flips the units of the first column, each once.
    draw(page, grid(view), (0, 0), (7, 0))
    expect(view.locator(".nnw-hopfield-draft")).to_have_text("Drawn: 8 of 64 units differ from step 0.")
    button(view, "Run").click()
    lab.until("len(process.branches)", 2)
    column = lab.python("(process.state(0, 1) != process.state(0, 0)).reshape(8, 8).tolist()")
    assert [row[0] for row in column] == [True] * 8
    assert sum(map(sum, column)) == 8
    basin = lab.python("process.basin(1).kind")
    expect(view.locator(".nnw-basin").nth(1)).to_have_attribute("data-kind", basin)
    lab.until("process.selection.step", 12)  # it plays on, to the end
    expect(lab.view(1).locator(".nnw-basin")).to_have_count(2)  # every widget of the process has the branch

    # In the middle of the recall, from a memory, inverted.
    scrubber = view.get_by_role("slider", name="Step")
    scrubber.focus()
    scrubber.press("Home")
    for _ in range(5):
        scrubber.press("ArrowRight")
    lab.until("process.selection.step", 5)
    button(view, "Memory four").click()
    button(view, "Invert").click()
    button(view, "Run").click()
    lab.until("len(process.branches)", 3)
    assert lab.python("process.branches[2].step") == 5
    assert lab.python("bool((process.state(5, 2) == -process.patterns[2]).all())")
    said = view.locator(".nnw-basin").nth(2)
    expect(said).to_have_text(
        f"At step 12: {lab.python('''widget.answer('hopfield.recall', {'branch': 2}).value['words']''')}"
    )

    # The old one is there, bit for bit, beside the new one.
    assert lab.python("bool((process.state(12, 0) == process.patterns[0]).all())")
    expect(grid(view, 2)).to_have_attribute("aria-label", re.compile("the memory four, inverted: left drawn at step 5"))
    if shots is not None:
        for dark in (False, True):
            lab.theme(dark)
            view.screenshot(path=shots / f"hopfield{'_dark' if dark else ''}.png")
    assert not lab.errors


def test_keys_alone(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(NETWORK)
    view, keys = lab.view(0), lab.page.keyboard
    scrubber = view.get_by_role("slider", name="Step")
    scrubber.focus()
    keys.press("ArrowRight")
    lab.until("process.selection.step", 1)
    keys.press("ArrowLeft")
    lab.until("process.selection.step", 0)
    for _ in range(12):
        keys.press("Shift+Tab")
        if lab.page.evaluate("() => document.activeElement.matches('canvas.nnw-hopfield-grid')"):
            break
    for key in ("Home", "Shift+ArrowUp", "Space", "ArrowDown", "Enter", "End", "ArrowUp", "Space"):
        keys.press(key)
    expect(view.get_by_role("status").filter(has_text="row 1, column 8")).to_be_attached()
    lab.until("process.selection.step", 0)
    for _ in range(40):
        keys.press("Tab")
        if lab.page.evaluate("() => document.activeElement.matches('.nnw-hopfield-run')"):
            break
    keys.press("Space")
    lab.until("len(process.branches)", 2)
    changed = lab.python("np.argwhere((process.state(0, 1) != process.state(0)).reshape(8, 8)).tolist()")
    assert changed == [[0, 0], [0, 7], [1, 0]]
    assert lab.page.evaluate("() => document.activeElement.matches('.nnw-hopfield-run')")  # the focus is not lost


def test_the_capacity_experiment(notebook: Callable[..., Notebook], shots: Path | None) -> None:
    lab = notebook(NETWORK)
    view = lab.view(0)
    view.get_by_text("Capacity experiment").click()
    button(view, "Run the capacity experiment on random patterns").click()
    expect(view.locator(".nnw-capacity canvas")).to_have_attribute("aria-label", re.compile("random patterns: 0.0"))
    button(view, "Run the capacity experiment on these patterns").click()
    expect(view.locator(".nnw-capacity li")).to_have_count(2)
    lab.until("widget.experiments", ["random", "own"])
    said = view.locator(".nnw-capacity li").first.inner_text()
    assert f"{lab.python('widget.capacity().critical'):.2f}"[:4] in said
    assert "theory, for many units: 0.138" in said
    if shots is not None:
        view.screenshot(path=shots / "hopfield_capacity.png")


def test_a_saved_page_recalls_by_itself(browser: Browser, tmp_path: Path) -> None:
    memories = digits(0, 1, 4)
    cue = memories[0].copy()
    cue[:2] *= -1
    process = Hopfield(memories, cue=cue, labels=["zero", "</script><b>one", "four"], steps=12)
    process.edit(3, -memories[2], label="inverted by Python")
    widget = HopfieldScrubber(process)
    widget.capacity("own")
    saved = widget.save(tmp_path / "recall.html")
    assert not saved.left_out  # type: ignore[attr-defined]
    context = browser.new_context(offline=True, viewport={"width": 1100, "height": 1400})
    opened = Opened(context, tmp_path / "recall.html")
    view, keys = opened.view(0), opened.page.keyboard
    basins = view.locator(".nnw-basin")
    for at in range(2):
        expect(basins.nth(at)).to_have_text(f"At step 12: {words(process.basin(at))}")
    expect(view.locator(".nnw-capacity canvas")).to_have_attribute("aria-label", re.compile("these patterns"))
    view.get_by_role("slider", name="Step").focus()
    for _ in range(3):
        keys.press("ArrowRight")
    expect(grid(view)).to_have_attribute("aria-label", re.compile("step 3 of 12"))

    # What is drawn here runs to the same bits as in Python, however far it is from all memories.
    for number, share in ((2, None), (3, 20), (3, 50)):  # of five branches the original and the last three are shown
        view.get_by_role("slider", name="Step").focus()
        keys.press("Home")
        if share is None:
            draw(opened.page, grid(view), (2, 1), (6, 5))
        else:
            view.get_by_role("slider", name="Corrupt").focus()
            for _ in range(share % 50):
                keys.press("ArrowRight")
            if share == 50:
                keys.press("End")
        expect(view.locator(".nnw-hopfield-draft")).to_contain_text(
            f"{5 if share is None else round(0.64 * share)} of 64"
        )
        drawn = shown(opened.page, grid(view))
        button(view, "Run").click()
        made = process.edit(0, drawn)
        expect(view.locator(".nnw-switch")).to_have_count(len(process.branches))
        expect(basins).to_have_count(number + 1)
        expect(basins.nth(number)).to_have_text(f"At step 12: {words(process.basin(made.index))}")
        expect(grid(view, number)).to_have_attribute("aria-label", re.compile("step 12 of 12"))
        end = process.state(12, made.index).tolist()
        for _ in range(50):  # of the row's last branch the words may be the same
            if shown(opened.page, grid(view, number)) == end:
                break
            opened.page.wait_for_timeout(100)
        assert shown(opened.page, grid(view, number)) == end
        energy = view.locator(".nnw-measure canvas").first.get_attribute("aria-label") or ""
        said = energy.replace("−", "-").removesuffix(" at step 12").rpartition(" ")[2]
        assert float(said) == pytest.approx(process.curve("energy", made.index)[12], abs=0.006)
    opened.check()
    context.close()

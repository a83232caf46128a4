"""Stills in notebooks: beside the live view, and alone where no widget runs; and what a reopened notebook shows."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.browser.lab import Notebook
from tests.browser.models import HEADS, MAP, SESSION

WIDGET = "application/vnd.jupyter.widget-view+json"


def output(notebook: Any, index: int) -> Any:
    (found,) = [each for each in notebook.cells[index].outputs if WIDGET in each.get("data", {})]
    return found["data"]


def picture(data: Any) -> Any:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB"))


def test_a_saved_notebook_holds_the_still_beside_the_live_view(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(SESSION, "session.attention.layers;", HEADS, MAP)
    expect(lab.view(3)).to_be_visible()
    saved = lab.save()
    for index, name in ((2, "heads"), (3, "map")):
        data = output(saved, index)
        still = f"__import__('base64').b64encode({name}._still_half().still({name}.result, **{name}.look())).decode()"
        assert data["image/png"].strip() == lab.python(still)
        assert picture(data).shape[1] > 200
        assert data["text/plain"].startswith("Attention")
    # The map's still shows its weights: the brightest cell is the largest weight.
    assert len(np.unique(picture(output(saved, 3)).reshape(-1, 3), axis=0)) > 30
    assert lab.errors == []


def test_what_is_slow_leaves_a_line_of_text(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(SESSION, "session._captures._seconds = 9.0\nnnw.AttentionMap(session)")
    expect(lab.view(1).get_by_role("application")).to_be_visible()
    data = output(lab.save(), 1)
    assert "image/png" not in data
    assert "run the notebook to see it" in data["text/plain"]


def test_freeze_leaves_a_picture_in_the_cell(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(
        SESSION, MAP, "map.freeze()", "session.selection.head = 2\nheads = nnw.AttentionHeads(session)\nheads.freeze()"
    )
    saved = lab.save()
    for index in (2, 3):
        (found,) = saved.cells[index].outputs
        assert set(found["data"]) == {"image/png", "text/plain"}
        assert picture(found["data"]).shape[1] > 300
        expect(lab.cell(index).locator(".jp-OutputArea img")).to_be_visible()


def test_a_page_made_of_a_notebook_without_widget_state_shows_the_still(
    notebook: Callable[..., Notebook], tmp_path: Path
) -> None:
    """The user's own Lab saves no state unless told to; with state, nbconvert asks the network for a widget manager."""
    lab = notebook(SESSION, "session.attention.layers;", MAP)
    expect(lab.view(2)).to_be_visible()
    saved = lab.save()
    width = picture(output(saved, 2)).shape[1]
    del saved.metadata["widgets"]
    nbformat.write(saved, tmp_path / "saved.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", str(tmp_path / "saved.ipynb")]
    subprocess.run(command, check=True, capture_output=True)
    page = lab.context.new_page()
    page.route("http*://**", lambda route: route.abort())
    page.goto((tmp_path / "saved.html").as_uri())
    image = page.locator("img[src^='data:image/png']").first
    expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") == width


def test_a_notebook_reopened_with_a_fresh_kernel_shows_the_last_picture_and_says_that_the_kernel_is_gone(
    notebook: Callable[..., Notebook],
) -> None:
    lab = notebook(SESSION, "session.attention.layers;", HEADS, MAP)
    lab.pick(2, "Layer", "1")
    lab.pick(2, "Head", "3")
    expect(lab.view(3).get_by_role("application", name="head 3")).to_be_visible()
    lab.page.wait_for_timeout(1000)
    saved = lab.save()
    assert "application/vnd.jupyter.widget-state+json" in saved.metadata["widgets"]
    lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    lab.page.reload()
    lab.open()
    for index, role in ((2, "img"), (3, "application")):
        expect(lab.view(index).get_by_role(role, name="head 3").first).to_be_visible()
        expect(lab.view(index)).to_contain_text("layers.1.self_attn")
        expect(lab.view(index)).to_contain_text("The kernel is gone: this is the last picture")
    lab.pick(3, "Head", "2")
    expect(lab.view(3).get_by_role("alert")).to_contain_text("The kernel is gone")
    expect(lab.view(3)).not_to_contain_text("Waiting")
    lab.run_all()
    lab.pick(3, "Head", "2")
    expect(lab.view(3).get_by_role("application", name="head 2")).to_be_visible()


SLOW = """
import time
def slowly(self, what, arguments, answer=type(map).answer):
    time.sleep(0.5)
    return answer(self, what, arguments)
type(map).answer = slowly
session.on_job(lambda job: globals().update(job=job));
"""
SAVE = """
try:
    nnw.save_page('x.html', [map])
except BaseException as error:
    print(type(error).__name__, error)
"""


def saving(notebook: Callable[..., Notebook]) -> Notebook:
    """A notebook whose cell 3 saves a page, slowly; it is seen in the map of cell 1."""
    lab = notebook(SESSION, MAP, SLOW, SAVE, run=False)
    for index in (0, 1, 2):
        lab.run(index)
    expect(lab.view(1).get_by_role("application")).to_be_visible()
    lab.run(3, wait=False)
    expect(lab.view(1).get_by_role("progressbar", name="Saving x.html")).to_be_visible(timeout=10_000)
    return lab


def test_saving_a_page_shows_its_progress_and_can_be_cancelled(notebook: Callable[..., Notebook]) -> None:
    lab = saving(notebook)
    lab.view(1).get_by_role("button", name="Cancel: Saving x.html").click()
    lab.wait_for_cells()
    assert "Cancelled the job 'Saving x.html' was cancelled" in lab.output(3)
    expect(lab.view(1).get_by_role("progressbar")).to_be_hidden()
    assert not (lab.path.parent / "x.html").exists()


def test_an_interrupt_ends_saving(notebook: Callable[..., Notebook]) -> None:
    lab = saving(notebook)
    lab.command("notebook:interrupt-kernel")
    lab.wait_for_cells()
    assert "KeyboardInterrupt" in lab.output(3)
    assert lab.python("job.state") == "cancelled"
    expect(lab.view(1).get_by_role("progressbar")).to_be_hidden()
    assert not (lab.path.parent / "x.html").exists()

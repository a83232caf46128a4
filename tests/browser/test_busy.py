"""Run All with a cell that blocks after the display: widgets answer from what is stored, and say what waits for the
cell.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Notebook
from tests.browser.models import HEADS, SESSION

BLOCK = "import time\nfor _ in range(100):\n    time.sleep(0.1)\nblocked = True"


def blocked(lab: Notebook) -> Notebook:
    """Run All, to the point where the widget of cell 1 is there and cell 2 blocks."""
    lab.run_all(wait=False)
    expect(lab.picture(1)).to_be_visible()
    expect(lab.cell(2).locator(".jp-InputPrompt")).to_have_text("[*]:")
    return lab


def is_running(lab: Notebook, index: int) -> bool:
    return "[*]" in lab.cell(index).locator(".jp-InputPrompt").inner_text()


def test_stored_captures_answer_while_a_cell_blocks(notebook: Callable[..., Notebook]) -> None:
    lab = blocked(notebook(SESSION, HEADS, BLOCK, run=False))
    for head in ("1", "3", "2"):
        lab.pick(1, "Head", head)
        expect(lab.picture(1, f"head {head}")).to_be_visible(timeout=3000)
    assert is_running(lab, 2)
    expect(lab.view(1)).not_to_contain_text("Waiting")
    lab.wait_for_cells()
    lab.until("session.selection.head", 2)


def test_what_needs_the_model_waits_for_the_cell_and_says_so(notebook: Callable[..., Notebook]) -> None:
    forgets = SESSION.replace("tokens=", "memory_limit=100, tokens=")  # every answer needs a run of the model
    lab = blocked(notebook(forgets, HEADS, BLOCK, run=False))
    lab.pick(1, "Head", "3")
    expect(lab.view(1)).to_contain_text("Waits for the running cell", timeout=3000)
    assert is_running(lab, 2)
    lab.wait_for_cells()
    expect(lab.view(1)).not_to_contain_text("Waits for")
    expect(lab.picture(1, "head 3")).to_be_visible()


def test_a_loop_that_moves_the_selection_does_not_make_the_widget_deaf(notebook: Callable[..., Notebook]) -> None:
    loop = "import time\nfor number in range(100):\n    session.selection.query = number % 6\n    time.sleep(0.1)"
    lab = blocked(notebook(SESSION, HEADS, loop, run=False))
    lab.pick(1, "Layer", "2")
    expect(lab.view(1)).to_contain_text("layers.2.self_attn", timeout=3000)
    expect(lab.view(1)).not_to_contain_text("Waiting")
    assert is_running(lab, 2)


@pytest.mark.packages
def test_on_ipykernel_6_a_widget_says_that_it_waits_for_the_kernel(
    notebook: Callable[..., Notebook], ipykernel6: str
) -> None:
    lab = blocked(notebook(SESSION, HEADS, BLOCK, run=False, kernel=ipykernel6))
    lab.pick(1, "Head", "3")
    expect(lab.view(1)).to_contain_text("Waiting for the kernel", timeout=3000)
    assert is_running(lab, 2)
    lab.wait_for_cells()
    assert lab.python("__import__('ipykernel').version_info[0]") == 6
    expect(lab.view(1)).not_to_contain_text("Waiting for the kernel")
    expect(lab.picture(1, "head 3")).to_be_visible()

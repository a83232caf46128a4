"""The two attention widgets in JupyterLab, driven by real pointer and keys: pixels, the other widget, and what Python
holds.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.lab import Notebook
from tests.browser.models import HEADS, MAP, MINILM, SESSION, TINY

HOSTILE = [
    "<script>document.body.innerHTML=''</script>",
    '"><img src=x onerror="window.hacked=1">',
    "\u202eevil\u202c שלום",
    "👩‍👩‍👧‍👦 🏳️‍🌈",
    "x" * 10_000,
    "&amp; ${alert(1)} `",
]


def pixels(picture: Locator) -> NDArray[np.uint8]:
    """The canvas as the reader sees it: [height, width, rgb]."""
    return np.asarray(Image.open(io.BytesIO(picture.screenshot())).convert("RGB"))


def changed(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    return one.shape != other.shape or bool((np.abs(one.astype(int) - other) > 8).any())


def picked(lab: Notebook, index: int, picker: str) -> list[str]:
    options = lab.view(index).get_by_role("listbox", name=picker).get_by_role("option", selected=True)
    return options.all_inner_texts()


@pytest.mark.packages
def test_both_widgets_of_a_real_encoder_are_one(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(MINILM, HEADS, MAP)
    expect(lab.picture(1)).to_be_visible()
    expect(lab.picture(2)).to_be_visible()
    heads_before, map_before = pixels(lab.picture(1)), pixels(lab.picture(2))

    lab.pick(1, "Layer", "3")
    lab.pick(1, "Head", "2")
    lab.pick(1, "Head", "5", add=True)
    lab.until("(session.selection.attention, session.selection.heads, session.selection.head)", (3, (2, 5), 5))
    assert lab.python("session.selection.layer") == "encoder.layer.3.attention.self"
    assert picked(lab, 1, "Head") == picked(lab, 2, "Head") == ["2", "5"]
    assert picked(lab, 2, "Layer") == ["3"]
    expect(lab.picture(2, "head 5")).to_be_visible()
    assert changed(heads_before, pixels(lab.picture(1))) and changed(map_before, pixels(lab.picture(2)))

    lab.python("setattr(session.selection, 'head', 7)")
    for index in (1, 2):
        expect(lab.picture(index, "head 7")).to_be_visible()
        assert picked(lab, index, "Head") == ["7"]
    assert lab.errors == []


def test_the_map_shows_the_weights_that_python_has(notebook: Callable[..., Notebook]) -> None:
    """Cell by cell, the colours order as the weights do: brighter is larger."""
    lab = notebook(SESSION, MAP)
    lab.pick(1, "Layer", "1")
    lab.pick(1, "Head", "2")
    expect(lab.picture(1, "head 2")).to_be_visible()
    weights = np.array(lab.python("session.attention.weights(layer=1, head=2).tolist()"))
    lab.page.mouse.move(0, 0)
    lab.picture(1).scroll_into_view_if_needed()
    image = pixels(lab.picture(1)).astype(float)
    # The plot is the part of the canvas that carries colour; tick labels and the page are grey.
    saturated = (image.max(-1) - image.min(-1)) > 40
    columns, rows = np.flatnonzero(saturated.mean(0) > 0.5), np.flatnonzero(saturated.mean(1) > 0.5)
    left, right = (
        columns[0],
        columns[np.flatnonzero(np.diff(columns) > 1)[0]] if (np.diff(columns) > 1).any() else columns[-1],
    )
    top, bottom = rows[0], rows[-1]
    height, width = (bottom - top) / 6, (right - left) / 6
    luminance = np.array(
        [
            [
                image[int(top + (row + 0.15) * height), int(left + (column + 0.15) * width)] @ [0.2126, 0.7152, 0.0722]
                for column in range(6)
            ]
            for row in range(6)
        ]
    )
    order = np.argsort(weights.ravel())
    brightness = luminance.ravel()[order]
    assert np.corrcoef(weights.ravel()[order], brightness)[0, 1] > 0.97


def test_keys_move_layer_and_head(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(SESSION, HEADS, MAP)
    expect(lab.picture(2)).to_be_visible()
    lab.view(1).get_by_role("listbox", name="Layer").get_by_role("option", selected=True).focus()
    lab.page.keyboard.press("ArrowRight")
    lab.until("session.selection.attention", 1)
    lab.view(2).get_by_role("listbox", name="Head").get_by_role("option", selected=True).focus()
    for key, heads in (("ArrowRight", (1,)), ("ArrowRight", (2,)), ("ArrowLeft", (1,)), ("End", (3,)), ("Home", (0,))):
        lab.page.keyboard.press(key)
        lab.until("session.selection.heads", heads)
    assert picked(lab, 1, "Layer") == ["1"]
    # JupyterLab's own shortcuts stay out of it: no cell was added, none is in command mode's way.
    expect(lab.page.locator(".jp-Notebook .jp-Cell")).to_have_count(3)


def test_a_head_is_asked_for_when_the_pointer_goes_down_and_picked_when_it_comes_up(
    notebook: Callable[..., Notebook],
) -> None:
    watched = """
import nnwidgets.wire.requests as requests
requests._QUICK = 10  # on a machine that is busy with other tests too
asked, answer = [], nnw.AttentionMap.answer
def watch(self, what, arguments):
    asked.append((what, arguments.get("head")))
    return answer(self, what, arguments)
nnw.AttentionMap.answer = watch
"""
    lab = notebook(SESSION + "session.attention.layers\n" + watched, MAP)
    expect(lab.picture(1)).to_be_visible()
    heads = lab.view(1).get_by_role("listbox", name="Head").get_by_role("option")
    heads.nth(2).hover()
    lab.page.mouse.down()
    lab.until("('attention.weights', 2) in asked", True)
    assert lab.python("session.selection.head") == 0
    expect(lab.picture(1, "head 0")).to_be_visible()
    lab.page.mouse.up()
    expect(lab.picture(1, "head 2")).to_be_visible()
    lab.until("session.selection.head", 2)
    assert lab.python("asked.count(('attention.weights', 2))") == 1


def test_pointing_at_a_token_fades_the_other_lines(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(SESSION, HEADS)
    expect(lab.picture(1)).to_be_visible()
    lab.page.mouse.move(0, 0)
    everything = pixels(lab.picture(1))
    lab.view(1).get_by_role("option", name="c", exact=True).first.hover()
    lab.page.wait_for_timeout(300)
    one = pixels(lab.picture(1))
    ink = [float((255 - image.astype(float)).sum()) for image in (everything, one)]
    assert ink[1] < ink[0] * 0.6
    lab.page.mouse.move(0, 0)
    lab.page.wait_for_timeout(300)
    assert not changed(everything, pixels(lab.picture(1)))


def test_the_exact_weight_under_the_pointer(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(SESSION, MAP)
    box = lab.picture(1).bounding_box()
    assert box is not None
    lab.picture(1).hover(position={"x": box["width"] * 0.4, "y": box["height"] * 0.4})
    weights = lab.python("session.attention.weights(layer=0, head=0).tolist()")
    shown = {f"{weight:.{digits}g}".lstrip("0") for row in weights for weight in row for digits in (3, 4, 5)}
    panel = lab.view(1)
    expect(panel).not_to_contain_text("≈")
    assert any(text in panel.inner_text().replace("0.", ".") for text in shown)


def test_hostile_tokens_are_text(notebook: Callable[..., Notebook]) -> None:
    hostile = TINY + f"session = nnw.ModelSession(model, inputs, tokens={HOSTILE!r}, name={HOSTILE[1]!r})\n"
    lab = notebook(hostile, HEADS, MAP)
    for index in (1, 2):
        expect(lab.picture(index)).to_be_visible()
        assert lab.view(index).locator("script, img[src]").count() == 0
    expect(lab.view(1)).to_contain_text("<script>document.body")
    assert lab.page.evaluate("() => window.hacked") is None
    width = lab.view(1).bounding_box()
    assert width is not None and width["width"] < 1200  # ten thousand characters do not stretch the page
    assert lab.errors == []


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        ("nnw.ModelSession(torch.nn.Linear(4, 2), torch.ones(1, 4))", "No attention was seen"),
        ("nnw.ModelSession(model, torch.ones(1, 6, 31))", "raised RuntimeError"),
        ("nnw.ModelSession(model, inputs, tokens=list('abc'))", "tokens= has 3"),
    ],
)
def test_what_cannot_be_shown_is_said(notebook: Callable[..., Notebook], made: str, sentence: str) -> None:
    lab = notebook(TINY + f"session = {made}\n", HEADS, MAP)
    for index in (1, 2):
        expect(lab.view(index)).to_contain_text(sentence)
    assert lab.errors == []


def test_nan_weights_are_shown_as_such(notebook: Callable[..., Notebook]) -> None:
    broken = "inputs[0, 2] = float('nan')\nsession = nnw.ModelSession(model, inputs)\n"
    lab = notebook(TINY + broken, HEADS, MAP)
    expect(lab.picture(1)).to_be_visible()
    expect(lab.picture(2)).to_be_visible()
    lab.view(2).get_by_role("checkbox", name="as table").check()
    expect(lab.view(2).locator("tbody td").first).to_have_text("NaN")
    assert lab.errors == []


def test_weights_changed_by_a_cell_are_shown_again_and_said(notebook: Callable[..., Notebook]) -> None:
    change = "with torch.no_grad():\n    model.layers[0].self_attn.in_proj_weight.data.mul_(-3)"
    lab = notebook(SESSION, MAP, change, run=False)
    lab.run(0)
    lab.run(1)
    expect(lab.picture(1)).to_be_visible()
    before = pixels(lab.picture(1))
    lab.run(2)
    expect(lab.view(1)).to_contain_text("recomputed")
    lab.page.wait_for_timeout(500)
    assert changed(before, pixels(lab.picture(1)))


def test_a_new_input_changes_both_widgets(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(SESSION, HEADS, MAP, "session.set_inputs(torch.randn(1, 4, 32), tokens=list('wxyz'))", run=False)
    for index in (0, 1, 2):
        lab.run(index)
    for index in (1, 2):
        expect(lab.picture(index)).to_be_visible()
    lab.run(3)
    for index in (1, 2):
        expect(lab.view(index)).to_contain_text("now on another input")
    expect(lab.view(1).get_by_role("option", name="w", exact=True)).to_have_count(2)
    expect(lab.picture(2, "4 queries (rows) × 4 keys (columns)")).to_be_visible()
    weights = np.array(lab.python("session.attention.weights(layer=0, head=0).tolist()"))
    lab.view(2).get_by_role("checkbox", name="as table").check()
    cells = lab.view(2).locator("tbody td").all_inner_texts()
    shown = np.array([float(text.replace("≈", "").replace("<", "")) for text in cells]).reshape(4, 4)
    np.testing.assert_allclose(shown, weights, atol=0.006)


def test_4096_tokens_come_in_tiles(notebook: Callable[..., Notebook]) -> None:
    long = TINY + (
        "layer = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)\n"
        "long = torch.nn.TransformerEncoder(layer, 1).eval()\n"
        "session = nnw.ModelSession(long, torch.randn(1, 4096, 16))\n"
    )
    lab = notebook(long, MAP, HEADS)
    expect(lab.picture(1, "4096 queries (rows) × 4096 keys (columns)")).to_be_visible()
    lab.page.wait_for_timeout(1500)
    before = pixels(lab.picture(1))
    assert len(np.unique(before.reshape(-1, 3), axis=0)) > 50
    lab.picture(1).hover()
    for _ in range(12):
        lab.page.mouse.wheel(0, -300)
    lab.page.wait_for_timeout(1500)
    assert changed(before, pixels(lab.picture(1)))
    expect(lab.picture(2)).to_be_visible()
    assert lab.errors == []


@pytest.mark.packages
def test_screenshots_in_both_themes(notebook: Callable[..., Notebook], shots: Path | None) -> None:
    """Light and dark differ where they must. SCREENSHOTS names a folder that keeps the pictures for people."""
    lab = notebook(MINILM, HEADS, MAP)
    lab.python("session.selection.update(attention=3, heads=(2, 5))")
    for index, name in ((1, "attention_heads"), (2, "attention_map")):
        expect(lab.picture(index)).to_be_visible()
        brightness = {}
        for dark in (False, True):
            lab.theme(dark)
            lab.view(index).scroll_into_view_if_needed()
            lab.page.wait_for_timeout(400)
            image = lab.view(index).screenshot()
            brightness[dark] = float(np.asarray(Image.open(io.BytesIO(image)).convert("L")).mean())
            if shots is not None:
                (shots / f"{name}_{'dark' if dark else 'light'}.png").write_bytes(image)
        assert brightness[True] < brightness[False] * 0.6

"""Saved pages, opened from the disk with the network off: both widgets live and linked, and nothing leaves the page."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Locator, expect

from nnwidgets.export.page import save_page
from nnwidgets.session import ModelSession
from nnwidgets.widgets.attention_heads import AttentionHeads
from nnwidgets.widgets.attention_map import AttentionMap

HOSTILE = (
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 1">',
    "<!--<script>",
    "a\u2028b",
    "مرحبا",
    "👩‍🔬",
    "x" * 10_000,
)


class Opened:
    """A saved page in the browser: what it asked for and what went wrong."""

    def __init__(self, context: Any, path: Path) -> None:
        self.page = context.new_page()
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.goto(path.as_uri())

    def view(self, index: int) -> Locator:
        return self.page.locator("main > section").nth(index).locator(".nnw[data-theme]")

    def chip(self, index: int, picker: str, choice: int) -> Locator:
        options = self.view(index).get_by_role("listbox", name=picker).get_by_role("option")
        return options.filter(has_text=re.compile(f"^{choice}$"))

    def error(self, index: int) -> Locator:
        return self.view(index).get_by_role("alert")

    def check(self) -> None:
        """Nothing was asked of anybody else, and nothing complained."""
        assert self.errors == []
        assert {url.partition(":")[0] for url in self.requests} <= {"file", "blob"}
        assert self.page.evaluate("window.hacked") is None


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Opened]]:
    contexts = []

    def open_page(path: Any, **options: Any) -> Opened:
        context = browser.new_context(offline=True, viewport={"width": 1280, "height": 1400}, **options)
        contexts.append(context)
        return Opened(context, Path(path))

    yield open_page
    for context in contexts:
        context.close()


def encoder(length: int = 6, *, layers: int = 3, heads: int = 4, samples: int = 2, **options: Any) -> ModelSession:
    torch.manual_seed(0)
    warnings.filterwarnings("ignore", "enable_nested_tensor")  # of torch, about its own fast path
    layer = torch.nn.TransformerEncoderLayer(8 * heads, heads, 16, batch_first=True)
    model = torch.nn.TransformerEncoder(layer, layers).eval()
    return ModelSession(model, torch.randn(samples, length, 8 * heads), **options)


def shows(view: Locator, role: str, words: str) -> None:
    expect(view.get_by_role(role, name=re.compile(words)).first).to_be_visible()


def test_layers_and_heads_picked_in_one_widget_move_the_other(
    opened: Callable[..., Opened], tmp_path: Path, shots: Path | None
) -> None:
    with encoder(tokens=list("abcdef")) as session:
        page = opened(save_page(tmp_path / "two.html", [AttentionHeads(session), AttentionMap(session)]))
    heads, map = page.view(0), page.view(1)
    shows(map, "application", r"layers\.0\.self_attn, head 0: 6 queries")
    page.chip(0, "Layer", 2).click()
    shows(map, "application", r"layers\.2\.self_attn, head 0")
    page.chip(1, "Head", 3).click()
    shows(heads, "img", "head 3")
    expect(page.chip(0, "Head", 3)).to_have_attribute("aria-selected", "true")
    page.page.keyboard.press("ArrowLeft")
    expect(page.chip(0, "Head", 2)).to_have_attribute("aria-selected", "true")
    shows(map, "application", "head 2")
    page.chip(0, "Head", 0).click(modifiers=["Control"])
    shows(heads, "img", "heads 0, 2|heads 2, 0")
    shows(map, "application", "head 0")
    if shots:
        page.page.screenshot(path=shots / "saved-page.png", full_page=True)
    page.check()


def test_the_mean_the_other_sample_and_the_table_are_there(opened: Callable[..., Opened], tmp_path: Path) -> None:
    with encoder(tokens=[list("abcdef"), list("uvwxyz")]) as session:
        view = AttentionMap(session)
        page = opened(save_page(tmp_path / "one.html", [view, AttentionHeads(session)]))
        mean = session.attention.weights(layer=0, head="mean", sample=1)
    page.view(0).get_by_role("checkbox", name="mean over heads").check()
    shows(page.view(0), "application", "mean of 4 heads")
    page.view(1).get_by_role("spinbutton", name="Sample").fill("1")
    page.page.keyboard.press("Enter")
    page.view(0).get_by_role("checkbox", name="as table").check()
    table = page.view(0).get_by_role("table")
    expect(table).to_contain_text("z")
    shown = [float(cell.lstrip("≈")) for cell in table.locator("tbody tr").first.locator("td").all_inner_texts()]
    assert shown == pytest.approx(mean[0], abs=0.01)
    expect(page.error(0)).to_be_hidden()
    page.check()


def test_hovering_reads_the_weight_without_a_complaint(opened: Callable[..., Opened], tmp_path: Path) -> None:
    with encoder(tokens=list("abcdef")) as session:
        page = opened(save_page(tmp_path / "hover.html", [AttentionMap(session), AttentionHeads(session)]))
        weights = session.attention.weights(layer=0, head=0)
    canvas = page.view(0).get_by_role("application")
    box = canvas.bounding_box()
    page.page.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + box["height"] * 0.4)
    expect(page.view(0).locator(".nnw-tip")).to_contain_text("query")
    canvas.focus()
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("Enter")
    page.page.wait_for_timeout(400)  # the exact weights are asked for once the hand rests
    words = page.view(0).locator(".nnw-values").inner_text()
    weight, query, key = re.search(r"≈([\d.]+)\s*query (\d).*key (\d)", words, re.DOTALL).groups()
    assert float(weight) == pytest.approx(weights[int(query), int(key)], abs=0.01)
    page.view(1).get_by_role("option", name="c").first.hover()
    page.page.wait_for_timeout(400)
    expect(page.error(0)).to_be_hidden()
    expect(page.error(1)).to_be_hidden()
    page.check()


def test_hostile_words_stay_words(opened: Callable[..., Opened], tmp_path: Path) -> None:
    tokens = [*HOSTILE, "\ud800half"]
    with encoder(len(tokens), samples=1, tokens=tokens, name=HOSTILE[1]) as session:
        widgets = [AttentionHeads(session), AttentionMap(session)]
        page = opened(save_page(tmp_path / "hostile.html", widgets, title=HOSTILE[1] + HOSTILE[2] + "\ud800"))
    expect(page.page.get_by_role("heading").first).to_contain_text(HOSTILE[1])
    page.view(1).get_by_role("checkbox", name="as table").check()
    for token in HOSTILE[:3]:
        expect(page.view(1).get_by_role("table")).to_contain_text(token[:12])
    assert page.page.locator("img").count() == 0
    page.check()


def test_several_sources_keep_apart_unless_they_share_a_selection(
    opened: Callable[..., Opened], tmp_path: Path
) -> None:
    with encoder() as first, encoder(selection=first.selection) as second, encoder(layers=2) as apart:
        page = opened(save_page(tmp_path / "three.html", [AttentionMap(each) for each in (first, second, apart)]))
    page.chip(0, "Layer", 1).click()
    shows(page.view(1), "application", r"layers\.1\.")
    shows(page.view(2), "application", r"layers\.0\.")
    page.chip(2, "Head", 2).click()
    shows(page.view(2), "application", "head 2")
    shows(page.view(0), "application", "head 0")
    page.check()


def test_weights_that_are_not_numbers_and_models_without_attention(
    opened: Callable[..., Opened], tmp_path: Path
) -> None:
    session = encoder(layers=1)
    torch.nn.init.constant_(session.model.layers[0].self_attn.in_proj_weight, float("nan"))
    with session, ModelSession(torch.nn.Linear(4, 2), torch.randn(3, 4)) as plain:
        widgets = [AttentionMap(session), AttentionHeads(session), AttentionMap(plain), AttentionHeads(plain)]
        page = opened(save_page(tmp_path / "nan.html", widgets))
    page.view(0).get_by_role("checkbox", name="as table").check()
    expect(page.view(0).get_by_role("table")).to_contain_text("NaN")
    shows(page.view(1), "img", "head 0")
    for index in (2, 3):
        expect(page.view(index)).to_contain_text("No attention was seen in Linear")
        expect(page.error(index)).to_be_hidden()
    page.check()


def test_what_was_left_out_is_said_where_it_is_asked_for(opened: Callable[..., Opened], tmp_path: Path) -> None:
    with encoder(40, samples=1) as session, pytest.warns(UserWarning, match="left out"):
        saved = save_page(tmp_path / "small.html", [AttentionMap(session), AttentionHeads(session)], budget=10_000)
        assert 1 < saved.kept < 16
    page = opened(saved)
    expect(page.page.locator("footer")).to_contain_text(f"{saved.kept} of 16 views")
    shows(page.view(0), "application", "head 0")
    page.chip(0, "Layer", 2).click()
    expect(page.error(0)).to_contain_text("does not hold that view")
    shows(page.view(0), "application", r"layers\.0\..*head 0")  # the last picture stays
    page.check()


def test_the_sentence_goes_once_the_reader_is_back_at_what_the_page_holds(
    opened: Callable[..., Opened], tmp_path: Path
) -> None:
    with encoder(40, samples=1) as session, pytest.warns(UserWarning, match="left out"):
        page = opened(save_page(tmp_path / "small.html", [AttentionMap(session)], budget=10_000))
    shows(page.view(0), "application", "head 0")
    page.chip(0, "Layer", 2).click()
    expect(page.error(0)).to_contain_text("does not hold that view")
    page.chip(0, "Layer", 0).click()
    expect(page.error(0)).to_be_hidden(timeout=3000)


def test_a_matrix_of_4096_tokens_keeps_its_picture_where_the_page_holds_no_closer_one(
    opened: Callable[..., Opened], tmp_path: Path
) -> None:
    with encoder(4096, layers=1, heads=1, samples=1) as session, pytest.warns(UserWarning, match="left out"):
        saved = save_page(tmp_path / "long.html", [AttentionMap(session)], budget=1_500_000)
    page = opened(saved)
    canvas = page.view(0).get_by_role("application")
    expect(canvas).to_have_attribute("aria-label", re.compile("4096 queries"))
    expect(page.error(0)).to_be_hidden()
    canvas.scroll_into_view_if_needed()
    canvas.focus()
    for _ in range(9):
        page.page.keyboard.press("+")
    expect(page.error(0)).to_contain_text("does not hold that view")
    pixels = "canvas => new Set(canvas.getContext('2d').getImageData(150, 50, 200, 200).data).size"
    assert canvas.evaluate(pixels) > 8  # a picture, if a coarse one
    page.check()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_systems_theme(
    opened: Callable[..., Opened], tmp_path: Path, scheme: str, shots: Path | None
) -> None:
    with encoder(tokens=list("abcdef")) as session:
        page = opened(
            save_page(tmp_path / "theme.html", [AttentionHeads(session), AttentionMap(session)]), color_scheme=scheme
        )
    shows(page.view(1), "application", "head 0")
    expect(page.view(0)).to_have_attribute("data-theme", scheme)
    colours = page.page.evaluate(
        """() => [document.body, document.querySelector('.nnw')].map((element) =>
            getComputedStyle(element).color)"""
    )
    assert colours[0] == colours[1]
    background = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    # What the canvas draws stands out from the page.
    corner = (
        page.view(1).get_by_role("application").evaluate("c => [...c.getContext('2d').getImageData(1, 1, 1, 1).data]")
    )
    assert corner[3] == 0 or (sum(corner[:3]) > 600) == (scheme == "light")
    if shots:
        page.page.screenshot(path=shots / f"saved-page-{scheme}.png", full_page=True)
    page.check()


def test_a_page_from_a_plain_http_server_works_too(browser: Browser, tmp_path: Path) -> None:
    """There the browser holds back what it gives to secure pages only."""
    with encoder(tokens=list("abcdef")) as session:
        saved = save_page(tmp_path / "served.html", [AttentionMap(session)])
    context = browser.new_context()
    page = context.new_page()
    page.route("http://models.example/", lambda route: route.fulfill(path=saved, content_type="text/html"))
    page.goto("http://models.example/")
    expect(page.get_by_role("application")).to_be_visible(timeout=5000)
    context.close()

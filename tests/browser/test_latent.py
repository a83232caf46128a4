"""The latent widgets in a real JupyterLab, on a small real model: hands move, pictures follow, Python knows; saved."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

import nnwidgets as nnw
from tests.browser.lab import Notebook
from tests.widgets.latents import spots

VAE = """
import torch, nnwidgets as nnw
from sklearn.datasets import load_digits
from torch.nn.functional import binary_cross_entropy
from nnwidgets.zoo import vae

torch.set_num_threads(1)
torch.manual_seed(0)
digits = load_digits()
images, labels = torch.tensor(digits.images[:, None] / 16, dtype=torch.float32), torch.tensor(digits.target)
model = vae.VAE({size}, size=8, width=8).eval()
optimizer = torch.optim.Adam(model.parameters(), 0.01)
for step in range(120):
    batch = images[torch.randint(len(images), (64,))]
    reconstruction, mean, _ = model(batch)
    loss = binary_cross_entropy(reconstruction, batch) + 0.002 * (mean**2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
session = nnw.ModelSession(model, images[:300], encode=model.encode, decode=model.decode, targets=labels[:300])
"""
FLAT, DEEP = VAE.format(size=2), VAE.format(size=6)


def digest(canvas: Locator) -> str:
    """The pixels of a picture."""
    return hashlib.sha1(canvas.evaluate("canvas => canvas.toDataURL()").encode()).hexdigest()


def large(view: Locator) -> Locator:
    return view.locator(".nnw-latent-side canvas").first


def changes(view: Locator, before: str) -> None:
    """Wait until the large picture is another one."""
    view.page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before",
        arg=[large(view).element_handle(), before],
    )


def data(canvas: Locator) -> str:
    return str(canvas.evaluate("canvas => canvas.toDataURL()"))


def latent(lab: Notebook) -> tuple[float, ...]:
    return tuple(lab.python("session.selection.latent"))


def test_the_cursor_is_dragged_and_moved_by_keys(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(FLAT, "map = nnw.LatentMap(session)\nmap", "nnw.LatentMap(session, grid=5, points=False)")
    view, other = lab.view(1), lab.view(2)
    pad = view.get_by_role("application")
    expect(pad).to_be_visible()
    expect(other.get_by_role("application")).to_be_visible()
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    mouse = lab.page.mouse
    mouse.move(box["x"] + 70, box["y"] + 20)  # a corner without points
    mouse.down()
    lab.until("session.selection.latent is not None", True)
    start = latent(lab)
    seen = {digest(large(view))}
    for step in range(1, 30):
        mouse.move(box["x"] + 70 + 12 * step, box["y"] + 20 + 12 * step)
        seen.add(digest(large(view)))
    mouse.up()
    assert len(seen) > 5, "the picture follows while the hand moves"
    lab.page.wait_for_timeout(600)
    end = latent(lab)
    assert end[0] > start[0] + 1 and end[1] < start[1] - 1
    # What is shown at the end is what Python decodes there, and the other cell shows the same.
    expect(large(view)).to_have_attribute("aria-label", re.compile(r"Decoded at dimension 0: .*, dimension 1: "))
    assert digest(large(view)) == digest(large(other))

    pad.focus()
    before, shown = latent(lab), data(large(view))
    for _ in range(5):
        lab.page.keyboard.press("Shift+ArrowLeft")
    changes(view, shown)
    lab.page.wait_for_timeout(500)
    std = lab.python("float(session.latent.spread[1][0])")
    assert latent(lab)[0] == pytest.approx(before[0] - 2.5 * std, abs=1e-3)
    assert latent(lab)[1] == pytest.approx(before[1])
    lab.page.keyboard.press("ArrowUp")
    expect(view.locator(".nnw-spoken")).to_have_text(re.compile("dimension 0: .*, dimension 1: "))

    # Python moves it too.
    shown = data(large(view))
    lab.until("setattr(session.selection, 'latent', (0.0, 0.0))", None)
    changes(view, shown)
    assert lab.errors == []


def test_points_show_their_input_and_are_visited(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(FLAT, "map = nnw.LatentMap(session)\nmap")
    view = lab.view(1)
    pad = view.get_by_role("application")
    expect(pad).to_be_visible()
    pad.scroll_into_view_if_needed()
    expect(view.get_by_role("button", name="class 3")).to_have_attribute("aria-pressed", "true")
    title = view.locator(".nnw-latent-title")
    expect(title).to_have_text("sample 0, class 0")
    pad.focus()
    lab.page.keyboard.press("Enter")  # the nearest point
    lab.page.wait_for_timeout(500)
    sample = lab.python("session.selection.sample")
    here = lab.python(f"tuple(float(f'{{v:.6g}}') for v in session.latent.points[{sample}].tolist())")
    assert latent(lab) == pytest.approx(here)
    label = lab.python(f"int(labels[{sample}])")
    expect(title).to_have_text(f"sample {sample}, class {label}")
    # By the pointer: the cursor's ring is around the same point, so a click there picks that one or its neighbour.
    view.get_by_role("button", name=f"class {label}").click()
    lab.page.keyboard.press("Tab")
    pad.focus()
    lab.page.keyboard.press("Enter")
    lab.page.wait_for_timeout(500)
    assert lab.python("int(labels[session.selection.sample])") != label, "a hidden class has no points"
    picture = digest(view.locator(".nnw-latent-pad canvas").nth(1))
    view.get_by_label("density").check()
    lab.until("map.density", True)
    assert digest(view.locator(".nnw-latent-pad canvas").nth(1)) != picture
    manifold = data(view.locator(".nnw-latent-pad canvas").first)
    grid = view.get_by_label("Pictures")
    grid.focus()
    lab.page.keyboard.press("ArrowLeft")
    lab.until("map.grid", 19)
    lab.page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before",
        arg=[view.locator(".nnw-latent-pad canvas").first.element_handle(), manifold],
    )
    assert lab.errors == []


def test_sliders_move_the_picture_and_the_interpolation_moves_them(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(DEEP, "sliders = nnw.LatentSliders(session)\nsliders", "way = nnw.LatentInterpolation(session)\nway")
    view, way = lab.view(1), lab.view(2)
    expect(view.get_by_text("Along the classes' directions")).to_be_visible()
    sliders = view.locator(".nnw-latent-rows").first.get_by_role("slider")
    expect(sliders).to_have_count(6)
    order = [
        int((name or "").split()[-1]) for name in view.locator(".nnw-latent-row .nnw-latent-name").all_inner_texts()[:6]
    ]
    assert order == lab.python("session.latent.importance().order.tolist()")
    shown = data(large(view))
    sliders.first.focus()
    for _ in range(40):
        lab.page.keyboard.press("ArrowRight")
    changes(view, shown)
    lab.page.wait_for_timeout(500)
    mean, std = lab.python(f"tuple(float(side[{order[0]}]) for side in session.latent.spread)")
    assert latent(lab)[order[0]] == pytest.approx(mean + 0.4 * 3 * std, abs=1e-3)
    # A picture of a strip goes there; a class's slider moves all dimensions.
    strip = view.get_by_role("img", name=f"What dimension {order[1]} does")
    expect(strip).to_have_attribute("data-pictures", "7")
    box = strip.bounding_box()
    assert box
    strip.click(position={"x": box["width"] - 5, "y": 10})
    lab.page.wait_for_timeout(500)
    mean, std = lab.python(f"tuple(float(side[{order[1]}]) for side in session.latent.spread)")
    assert latent(lab)[order[1]] == pytest.approx(mean + 3 * std, abs=1e-3)
    before = latent(lab)
    towards = view.get_by_role("slider", name="Towards class 3")
    towards.focus()
    for _ in range(10):
        lab.page.keyboard.press("ArrowRight")
    lab.page.wait_for_timeout(500)
    assert all(now != then for now, then in zip(latent(lab), before, strict=True))
    view.get_by_role("button", name="A random latent").click()
    lab.page.wait_for_timeout(500)
    means, deviations = (np.array(side) for side in lab.python("[side.tolist() for side in session.latent.spread]"))
    assert latent(lab) == pytest.approx(means + deviations * np.random.default_rng(0).standard_normal(6), rel=1e-4)
    view.get_by_role("button", name="Back to the mean").click()
    lab.page.wait_for_timeout(500)
    assert latent(lab) == pytest.approx(lab.python("session.latent.spread[0].tolist()"), rel=1e-4)

    # The other cell: its scrubber moves the latent that the sliders show.
    scrubber = way.get_by_role("slider", name="Picture")
    scrubber.scroll_into_view_if_needed()
    expect(scrubber).to_have_attribute("aria-valuetext", "picture 1 of 11")
    shown, picture = data(large(view)), data(large(way))
    scrubber.focus()
    lab.page.keyboard.press("End")
    lab.until("way.at", 1.0)
    changes(way, picture)
    changes(view, shown)
    lab.page.wait_for_timeout(500)
    assert latent(lab) == pytest.approx(lab.python("session.latent.points[1].tolist()"), rel=1e-4)
    assert digest(large(way)) == digest(large(view))
    way.get_by_role("button", name="Play (Space)").click()
    lab.until("way.at", 1.0)  # played from the start to the end
    way.get_by_role("button", name="Change start and end").click()
    lab.until("(way.start, way.end)", ({"sample": 1}, {"sample": 0}))
    way.get_by_role("combobox", name="Way").select_option("spherical")
    lab.until("way.method", "spherical")
    expect(way.locator(".nnw-latent-smooth")).to_have_text(re.compile("the largest step is"))
    way.get_by_role("button", name="Two random draws").click()
    lab.until("'seed' in way.start and 'seed' in way.end", True)
    seeds = lab.python("(way.start['seed'], way.end['seed'])")
    expect(way.locator(".nnw-latent-ends")).to_have_text(re.compile(f"seed {seeds[0]}.*seed {seeds[1]}"))
    # Opposite latents are one sentence, and the widget goes on.
    lab.until("way.set_trait('end', [-v for v in session.latent.spread[0] * 0 + 1])", None)
    lab.until("way.set_trait('start', [v for v in session.latent.spread[0] * 0 + 1])", None)
    expect(way.get_by_role("alert")).to_contain_text("opposite")
    way.get_by_role("combobox", name="Way").select_option("linear")
    expect(way.get_by_role("alert")).to_have_count(0)
    assert lab.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_saved_page_lives_offline(browser: Browser, tmp_path: Path, scheme: str) -> None:
    session = spots(3)
    session.selection.latent = (0.1, 0.2, 0.3)
    widgets = [nnw.LatentMap(session, grid=8), nnw.LatentSliders(session), nnw.LatentInterpolation(session)]
    nnw.save_page(tmp_path / "latent.html", widgets)
    session.close()
    context = browser.new_context(offline=True, color_scheme=scheme, viewport={"width": 1200, "height": 1000})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((tmp_path / "latent.html").as_uri())
    view, sliders, way = (page.locator("main > section").nth(at) for at in range(3))
    pad = view.get_by_role("application")
    expect(pad).to_be_visible()
    expect(view.locator(".nnw-latent-title")).to_have_text("sample 0, ant")
    shown = data(large(view))
    pad.focus()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    changes(view, shown)
    expect(view.get_by_text("offline: nearest of the grid's pictures")).to_be_visible()
    pad.focus()
    page.keyboard.press("Enter")
    expect(view.locator(".nnw-latent-title")).not_to_have_text("sample 0, ant")
    expect(sliders.get_by_role("slider")).to_have_count(6)
    slider = sliders.get_by_role("slider").first
    shown = data(large(sliders))
    slider.focus()
    page.keyboard.press("End")
    changes(sliders, shown)
    expect(sliders.get_by_text("offline: nearest of the strip's pictures")).to_be_visible()
    shown = data(large(way))
    way.get_by_role("slider", name="Picture").focus()
    page.keyboard.press("End")
    changes(way, shown)
    way.get_by_role("combobox", name="Way").select_option("spherical")
    way.get_by_role("button", name="Change start and end").click()
    expect(way.locator(".nnw-latent-ends")).to_have_text("sample 1, beesample 0, ant")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert errors == []
    context.close()

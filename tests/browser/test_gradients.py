"""GradientFlow and Distributions in JupyterLab, by real keys and pointer: pixels, the other widget, and what Python
holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.browser.lab import Notebook
from tests.browser.test_attention import changed, pixels

DEEP = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent.parent.parent)!r})
import nnwidgets as nnw
from tests.widgets.trainings import cnn, normalised, sigmoids, train
store = nnw.RunStore("gradients.sqlite")
run = train(store, "sigmoids", sigmoids(), steps=60)
other = train(store, "batch norm", normalised(), steps=60)
"""
FLOW = "flow = nnw.GradientFlow(run, beside=other)\nflow"
SPREAD = "spread = nnw.Distributions(run)\nspread"

LIVE = """
import threading, torch, nnwidgets as nnw
from torch import nn
model = nn.Sequential(*[layer for _ in range(5) for layer in (nn.Linear(16, 16), nn.Tanh())], nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), 0.05)
run = nnw.RunStore(":memory:").run("live")
watch = nnw.watch(model, optimizer, run, every=1, histograms=50)
def train(run):
    step = 0
    while True:
        loss = model(torch.randn(16, 16)).square().mean()
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        run.log(step, loss=loss.item()); step += 1
        threading.Event().wait(0.005)
run.train(train)
"""


def plots(lab: Notebook, index: int) -> Locator:
    return lab.view(index).locator(".nnw-layer-plot:visible")


def shoot(lab: Notebook, name: str, shots: Path | None) -> None:
    if shots is not None:
        for dark in (False, True):
            lab.theme(dark)
            for index in (1, 2):
                lab.view(index).screenshot(path=shots / f"{name}{index}{'_dark' if dark else ''}.png")


def test_two_runs_and_their_distributions_are_one(notebook: Callable[..., Notebook], shots: Path | None) -> None:
    lab = notebook(DEEP, FLOW, SPREAD)
    expect(plots(lab, 1)).to_have_count(2)
    vanishing, healthy = plots(lab, 1).nth(0), plots(lab, 1).nth(1)
    expect(vanishing).to_have_attribute("aria-label", re.compile("near zero: 0, 2, 4"))
    expect(healthy).not_to_have_attribute("aria-label", re.compile("near zero"))
    expect(lab.view(1)).to_contain_text("Gradients vanish on their way back")
    expect(lab.view(2).locator(".nnw-hist")).to_have_count(12)
    shoot(lab, "lab", shots)
    lab.theme(False)

    # Keys on the flow move its own step, that of the run beside it, and the histograms.
    before = pixels(vanishing.locator("canvas"))
    vanishing.focus()
    for _ in range(3):
        lab.page.keyboard.press("ArrowLeft")
    lab.until("run.selection.step", 56)
    expect(healthy).to_have_attribute("aria-label", re.compile("step 56:"))
    expect(lab.view(2).get_by_role("slider", name="Step")).to_have_attribute(
        "aria-valuetext", re.compile("^step 60|^step 40")
    )
    assert changed(before, pixels(vanishing.locator("canvas")))

    # A layer by keys on the flow, then by the pointer on its histogram.
    lab.page.keyboard.press("ArrowDown")
    lab.page.keyboard.press("ArrowDown")
    lab.page.keyboard.press("Enter")
    lab.until("run.selection.layer", "2")
    expect(lab.view(2).locator('.nnw-hist[aria-pressed="true"]')).to_have_attribute("data-path", "2")
    marked = pixels(vanishing.locator("canvas"))
    lab.view(2).locator('.nnw-hist[data-path="8"]').click()
    lab.until("run.selection.layer", "8")
    assert changed(marked, pixels(vanishing.locator("canvas")))
    expect(lab.view(2)).to_contain_text("8: 4,160 values")

    # The slider of the histograms, by real arrow keys: JupyterLab keeps none of them.
    slider = lab.view(2).get_by_role("slider", name="Step")
    slider.focus()
    lab.page.keyboard.press("Home")
    lab.until("run.selection.step", 0)
    expect(vanishing).to_have_attribute("aria-label", re.compile("step 0:"))
    lab.page.keyboard.press("ArrowRight")
    lab.until("run.selection.step", 20)

    # Python sets, both follow.
    lab.python("run.selection.update(step=None, layer='4')")
    expect(vanishing).to_have_attribute("aria-label", re.compile("step 59, the newest"))
    expect(lab.view(2).locator('.nnw-hist[aria-pressed="true"]')).to_have_attribute("data-path", "4")
    assert lab.errors == []


def test_views_of_distributions_by_pointer_and_keys(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(DEEP.replace("sigmoids()", "cnn()"), SPREAD)
    view = lab.view(1)
    view.get_by_role("combobox", name=re.compile("^Show")).select_option("boxes")
    lab.until("spread.view", "boxes")
    expect(plots(lab, 1)).to_have_attribute("aria-label", re.compile("Box plots of the weights of 3 layers"))
    plots(lab, 1).focus()
    lab.page.keyboard.press("ArrowDown")
    lab.page.keyboard.press("Enter")
    lab.until("run.selection.layer", "1")
    view.get_by_role("combobox", name=re.compile("^Show")).select_option("steps")
    expect(plots(lab, 1)).to_have_attribute("aria-label", re.compile("Histograms of the weights of 1 at 3 steps"))
    plots(lab, 1).focus()
    lab.page.keyboard.press("ArrowUp")
    lab.until("run.selection.step", 20)
    view.get_by_role("combobox", name=re.compile("^Of")).select_option("activations")
    lab.until("spread.what", "activations")
    expect(plots(lab, 1)).to_have_attribute("aria-label", re.compile("Histograms of the activations of 1"))
    view.get_by_label("as table").check()
    expect(view.get_by_role("row")).to_have_count(1 + lab.python("len(spread.result.paths)"))
    assert lab.errors == []


def test_both_follow_a_training(notebook: Callable[..., Notebook]) -> None:
    lab = notebook("run = None", "run = None", "run = None", run=False)
    lab.write(LIVE, "nnw.GradientFlow(run)", "nnw.Distributions(run)").open().run_all()
    newest = re.compile(r"step (\d+), the newest|about step (\d+), the newest")

    def step() -> int:
        found = newest.search(plots(lab, 1).get_attribute("aria-label") or "")
        return int(next(filter(None, found.groups()))) if found else -1

    expect(plots(lab, 1)).to_have_attribute("aria-label", newest)
    first = step()
    lab.page.wait_for_timeout(2500)
    assert step() > first
    slider = lab.view(2).get_by_role("slider", name="Step")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"step \d\d+ \(newest\)"))
    lab.python("run.control.stop()")
    lab.until("run.status", "stopped")
    last = lab.python("run.series()['gradient_mean/0'].last_step")
    expect(plots(lab, 1)).to_have_attribute("aria-label", re.compile(f"step ({last}|[\\d,]+), the newest"))
    assert lab.errors == []

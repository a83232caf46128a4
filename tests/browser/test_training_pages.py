"""The page of a finished run, with the network off: it zooms, brushes, and scrubs over the steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, expect

from nnwidgets.export.page import save_page
from nnwidgets.runs import Histogram, RunStore
from nnwidgets.widgets.distributions import Distributions
from nnwidgets.widgets.gradient_flow import GradientFlow
from nnwidgets.widgets.training_monitor import TrainingMonitor
from tests.browser.test_attention import changed, pixels
from tests.browser.test_pages import Opened


def test_a_saved_run_zooms_brushes_and_scrubs_offline(browser: Browser, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    store = RunStore(":memory:")
    with store.run("</script><b>a run</b>", config={"epochs": 3}) as run:
        for step in range(3000):
            run.log(step, loss=1 / (1 + step / 100) + 0.01 * draw.normal(), epoch=step / 1000)
            if step % 100 == 0:
                run.log(step, val_loss=1 / (1 + step / 100) + 0.05, val_accuracy=1 - 1 / (2 + step / 100))
                values = Histogram.of(draw.normal(size=1000))
                run.log(step, **{f"gradient_mean/{layer}": 10.0**-layer for layer in range(3)})
                run.log(step, **{f"gradient_max/{layer}": 10.0 ** (1 - layer) for layer in range(3)})
                run.log(step, **{f"weights/{layer}": values for layer in range(3)})
    widgets = [TrainingMonitor(run), GradientFlow(run), Distributions(run)]
    saved = save_page(tmp_path / "run.html", widgets)
    assert not saved.left_out
    run.close()
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 1800})
    opened = Opened(context, saved.path)
    monitor = opened.view(0)
    chart = monitor.get_by_role("application").first
    expect(monitor.locator(".nnw-run-name")).to_have_text("</script><b>a run</b>")
    expect(monitor.locator(".nnw-run-status")).to_contain_text("finished")

    chart.scroll_into_view_if_needed()
    opened.page.wait_for_timeout(300)
    before = pixels(chart.locator("canvas").first)
    box = chart.bounding_box()
    assert box is not None
    opened.page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + box["height"] / 2)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + box["height"] / 2, steps=8)
    opened.page.mouse.up()
    opened.page.wait_for_timeout(300)
    zoomed = pixels(chart.locator("canvas").first)
    assert changed(before, zoomed)

    strip = monitor.get_by_role("slider", name="Part of the run in sight")
    strip.focus()
    for _ in range(4):
        opened.page.keyboard.press("ArrowRight")
    opened.page.wait_for_timeout(300)
    assert changed(zoomed, pixels(chart.locator("canvas").first))

    steps = opened.view(1).get_by_role("slider", name="Step")
    steps.focus()
    steps.press("Home")
    expect(steps).to_have_attribute("aria-valuetext", "step 0, 1 of 30")
    expect(opened.view(2).get_by_role("slider", name="Step")).to_have_attribute("aria-valuetext", "step 0, 1 of 30")
    opened.check()
    context.close()

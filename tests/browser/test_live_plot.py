"""A live plot in a real JupyterLab, and saved: it moves while a loop blocks, and a hand turns its series off and on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

import nnwidgets as nnw
from tests.browser.lab import Notebook

PLOT = """
import threading, time
import nnwidgets as nnw
plot = nnw.LivePlot(title="Loss", x_label="step")
plot.append("loss", 0, 5.0)
plot
"""
BLOCKING = """
for step in range(1, 4000):
    plot.append("loss", step, 5 / (1 + step))
    if step in (1000, 3000):
        plot.append("validation", step, 2.0)
    time.sleep(0.005)
ended = True
"""
THREAD = """
plot.clear()
stop = threading.Event()
def grow():
    step = 0
    while not stop.wait(0.01):
        plot.append("from a thread", step, step % 7)
        step += 1
thread = threading.Thread(target=grow)
thread.start()
"""


def chart(lab: Notebook) -> Locator:
    return lab.view(0).locator(".nnw-plot")


def pixels(view: Locator, color: str) -> int:
    """How many pixels of the picture have about this colour."""
    return int(
        view.locator(".nnw-curves canvas:not(.nnw-curves-overlay)").evaluate(
            """(canvas, color) => {
                const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
                const wanted = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
                let count = 0;
                for (let at = 0; at < data.length; at += 4)
                    if (data[at + 3] > 150 && wanted.every((part, i) => Math.abs(data[at + i] - part) < 12)) count++;
                return count;
            }""",
            color,
        )
    )


def newest(lab: Notebook, name: str) -> float:
    """The newest value that the chart says of a series."""
    label = chart(lab).get_attribute("aria-label") or ""
    found = re.search(rf"{name} ([\d.,e−]+?)(?:[,.] |\.$)", label)
    assert found, label
    return float(found[1].replace(",", "").replace("−", "-"))


def test_a_blocking_loop_moves_the_curve(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(PLOT, BLOCKING, run=False)
    lab.run_all(wait=False)
    expect(chart(lab)).to_be_visible(timeout=60_000)
    # All the while the cell runs, and the kernel's main thread is held by it.
    lab.page.wait_for_function(
        "() => [...document.querySelectorAll('.nnw-switch')].some((one) => one.textContent === 'validation')",
        timeout=60_000,
    )
    before = newest(lab, "loss")
    lab.page.wait_for_function(
        """before => {
            const label = document.querySelector('.nnw-plot').getAttribute('aria-label');
            return Number(/loss ([\\d.]*\\d)/.exec(label)[1]) < before;
        }""",
        arg=before,
        timeout=30_000,
    )
    assert lab.cell(1).locator(".jp-InputPrompt").inner_text().startswith("[*]")
    assert pixels(lab.view(0), "#0072b2") > 100
    lab.wait_for_cells()
    expect(chart(lab)).to_have_attribute("aria-label", re.compile(r"loss 0\.00125"))
    assert lab.errors == []


def test_a_thread_moves_it_and_hands_turn_series(notebook: Callable[..., Notebook]) -> None:
    lab = notebook(PLOT, THREAD)
    name = "from a thread"
    series = lab.view(0).get_by_role("button", name=name, exact=True)
    expect(series).to_have_attribute("aria-pressed", "true")
    expect(lab.view(0).get_by_role("button", name="loss", exact=True)).to_have_count(0)  # cleared
    color = "#0072b2"
    lab.page.wait_for_function("() => document.querySelector('.nnw-curves canvas') !== null")
    lab.until("plot.source.count > 300", True)
    lab.page.wait_for_timeout(400)
    assert pixels(lab.view(0), color) > 300

    series.click()
    expect(series).to_have_attribute("aria-pressed", "false")
    expect(chart(lab)).not_to_have_attribute("aria-label", re.compile(name))
    lab.page.wait_for_timeout(200)
    assert pixels(lab.view(0), color) == 0
    series.press(" ")
    expect(series).to_have_attribute("aria-pressed", "true")
    expect(chart(lab)).to_have_attribute("aria-label", re.compile(name))
    lab.until("stop.set() or thread.join()", None)

    chart(lab).focus()
    lab.page.keyboard.press("Home")
    place = lab.view(0).locator(".nnw-place")
    expect(place).to_have_text("step 0")
    lab.page.keyboard.press("ArrowRight")
    expect(place).to_have_text("step 1")
    expect(lab.view(0).locator(".nnw-spoken")).to_have_text(f"step 1: {name} 1.000")

    log = lab.view(0).get_by_label("log y")
    log.focus()
    lab.page.keyboard.press(" ")
    lab.until("plot.log_y", True)
    lab.theme(dark=True)
    assert pixels(lab.view(0), color) > 300
    assert lab.errors == []

    # Reloaded, with another hundred thousand points: all of them are there.
    lab.until("plot.append('many', __import__('numpy').arange(100_000), [2.5] * 100_000)", None)
    lab.save()
    lab.page.reload()
    lab.open()
    expect(chart(lab)).to_have_attribute("aria-label", re.compile("many 2.500"))
    chart(lab).focus()
    lab.page.keyboard.press("End")
    expect(lab.view(0).locator(".nnw-place")).to_have_text("step 99,999")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_saved_page_lives_offline(browser: Browser, tmp_path: Path, scheme: str) -> None:
    plot = nnw.LivePlot(title="Saved", x_label="step")
    plot.line("line", np.arange(5000), np.sin(np.arange(5000) / 300))
    plot.scatter("</script><b>", [100, 4000], [0.5, 0.5])
    plot.save(tmp_path / "plot.html")
    plot.source.close()
    context = browser.new_context(offline=True, color_scheme=scheme)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((tmp_path / "plot.html").as_uri())
    view = page.locator("main > section").nth(0)
    expect(view.locator(".nnw-plot")).to_have_attribute("aria-label", re.compile("Saved: line "))
    assert pixels(view, "#0072b2") > 300
    view.get_by_role("button", name="</script><b>").click()
    expect(view.locator(".nnw-plot")).not_to_have_attribute("aria-label", re.compile("script"))
    view.get_by_role("button", name="Zoom in").click()
    expect(view.get_by_role("button", name="Show all of it")).to_be_enabled()
    view.get_by_label("as table").check()
    expect(view.locator("tbody tr").first).to_be_visible()
    assert errors == []
    context.close()


def test_a_page_that_refreshes_itself(browser: Browser, tmp_path: Path) -> None:
    plot = nnw.LivePlot(title="Live")
    plot.append("loss", 0, 1.0)
    page = browser.new_page()
    with plot.page(tmp_path / "live.html", every=0.3):
        page.goto((tmp_path / "live.html").as_uri())
        label = page.locator(".nnw-plot")
        expect(label).to_have_attribute("aria-label", re.compile("loss 1.000"))
        plot.append("loss", [1, 2], [5.0, 7.0])
        expect(label).to_have_attribute("aria-label", re.compile("loss 7.000"))
        plot.append("loss", 3, 9.0)
    expect(label).to_have_attribute("aria-label", re.compile("loss 9.000"))
    page.close()
    plot.source.close()

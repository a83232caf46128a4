"""A training in Notebook 7 and in Voilà: the curves move, and Pause, Resume and Stop are heard."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.lab import TOKEN, Notebook, Server
from tests.browser.models import TRAINING

CELLS = (TRAINING, "nnw.TrainingMonitor(run)", "run.train(train)", "nnw.GradientFlow(run)")
REPORT = "\nrun.on_status(lambda run: open('status.json', 'w').write(f'[\"{run.status}\", \"{run.control.state}\"]'))"
"""There is no asking Python here: the run itself writes down how it stands."""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1300, "height": 1600})
    yield context.new_page()
    context.close()


def open_notebook(server: Server, page: Page, name: str) -> None:
    page.goto(f"{server.url}/notebooks/{name}?token={TOKEN}")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60_000)
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for(timeout=60_000)
    prompts = page.locator(".jp-Notebook .jp-InputPrompt")
    for index in range(len(CELLS)):
        for _ in range(20):  # a page that still settles does not hear the keys
            page.locator(".jp-Notebook .jp-Cell .jp-InputArea-editor").nth(index).click()
            page.keyboard.press("Shift+Enter")
            page.wait_for_timeout(500)
            if prompts.nth(index).inner_text() != "[ ]:":
                break


def open_voila(server: Server, page: Page, name: str) -> None:
    page.goto(f"{server.url}/voila/render/{name}?token={TOKEN}", timeout=120_000)


@pytest.mark.parametrize("front_end", [open_notebook, open_voila], ids=["Notebook 7", "Voilà"])
def test_hands_on_a_training(
    server: Server, page: Page, front_end: Callable[[Server, Page, str], None], request: pytest.FixtureRequest
) -> None:
    name = f"{front_end.__name__}.ipynb"
    first, *others = CELLS
    Notebook(server, page.context, name, page).write(first + REPORT, *others)
    status = server.root / "status.json"
    status.unlink(missing_ok=True)
    front_end(server, page, name)

    def until(index: int, value: str) -> None:
        for _ in range(200):
            if status.exists() and status.stat().st_size and json.loads(status.read_text())[index] == value:
                return
            page.wait_for_timeout(100)
        raise AssertionError(f"{status.read_text()} instead of {value}")

    monitor = page.locator(".nnw[data-theme]").filter(has=page.locator(".nnw-monitor"))
    expect(monitor.locator(".nnw-run-status")).to_contain_text("running", timeout=90_000)
    page.wait_for_function("() => document.querySelector('.nnw-run-facts')?.textContent?.includes('step ')")
    expect(page.get_by_label("Gradient flow")).to_be_visible(timeout=60_000)
    monitor.get_by_role("button", name="Pause", exact=True).click()
    until(1, "paused")
    monitor.get_by_role("button", name="Resume", exact=True).click()
    until(1, "running")
    monitor.get_by_role("button", name="Stop", exact=True).click()
    monitor.get_by_role("button", name="Really stop?", exact=True).click()
    until(0, "stopped")
    expect(monitor.locator(".nnw-run-status")).to_contain_text("stopped")

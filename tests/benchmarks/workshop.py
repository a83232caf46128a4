"""What the benchmarks share: one JupyterLab, one Chromium, a folder that goes away, and the eye on the pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, sync_playwright

from tests.benchmarks.bertviz import install
from tests.browser.lab import Notebook, Server, launch, serve

ERRORS = """
() => [...window.jupyterapp.shell.currentWidget.content.widgets]
    .flatMap((cell) => cell.model.outputs.toJSON())
    .filter((output) => output.output_type === "error")
    .map((output) => `${output.ename}: ${output.evalue}`)
"""
PROBE = (Path(__file__).parent / "probe.js").read_text()
CELLS = 900.0
"""Seconds that the cells of a benchmark may take: some compare whole trainings."""


@dataclass(frozen=True)
class Painted:
    """From a control's event to the last change of the picture that it caused; seconds."""

    total: float
    before: float
    """From the event until the first message left the page."""
    away: float
    """From then until the largest message came in: server and kernel."""
    after: float
    """From then to the picture, decoding and painting and the rest of the frame."""
    changes: int


class Workshop:
    """Started piece by piece, when a benchmark needs it."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self.folder = folder

    @cached_property
    def browser(self) -> Browser:
        browser = launch(self._stack.enter_context(sync_playwright()))
        self._stack.callback(browser.close)
        return browser

    @cached_property
    def server(self) -> Server:
        return self._stack.enter_context(serve(self.folder / "lab"))

    @cached_property
    def bertviz(self) -> Path:
        """The folder that BertViz was put into."""
        folder = self.folder / "bertviz"
        install(folder)
        return folder

    @contextmanager
    def notebook(self, name: str, *cells: str, server: Server | None = None) -> Iterator[Notebook]:
        """A notebook that has run, in a page so tall that nothing must be scrolled; its kernel ends with it."""
        context = self.browser.new_context(viewport={"width": 1400, "height": 2400})
        context.add_init_script(PROBE)
        notebook = Notebook(server or self.server, context, f"{name}.ipynb").write(*cells).open().run_all(wait=False)
        notebook.wait_for_cells(CELLS)
        try:
            if errors := notebook.page.evaluate(ERRORS):
                raise RuntimeError(f"{name}: cells ended in {'; '.join(errors)}")
            yield notebook
        finally:
            notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
            context.close()


def picture(notebook: Notebook, index: int) -> Locator:
    """The canvas, once it is painted, of the widget that a cell displays."""
    canvas = notebook.view(index).locator("canvas[aria-label]")
    canvas.wait_for()
    return canvas


def time_to_paint(
    notebook: Notebook, canvas: Locator, act: Callable[[], object], *, event: str = "click", still: int = 150
) -> Painted:
    """Let `act` cause an `event` in the page, and wait until `canvas` shows what comes of it."""
    page = notebook.page
    page.evaluate(
        "([canvas, event, still]) => { globalThis.seen = benchmark.watch(canvas, event, still, 20000); }",
        [canvas.element_handle(), event, still],
    )
    act()
    seen: dict[str, Any] = page.evaluate("() => globalThis.seen")
    began, last = seen["began"], seen["changes"][-1]
    left = next((packet["at"] for packet in seen["traffic"] if packet["way"] == "out"), began)
    answers = [packet for packet in seen["traffic"] if packet["way"] == "in"]
    came = max(answers, key=lambda packet: packet["bytes"])["at"] if answers else left
    return Painted(
        total=(last["painted"] - began) / 1000,
        before=(left - began) / 1000,
        away=(came - left) / 1000,
        after=(last["painted"] - came) / 1000,
        changes=len(seen["changes"]),
    )

"""One JupyterLab and one Chromium for all browser tests; a notebook and a fresh browser context for each.

They end with this package: Playwright runs an event loop in the main thread, beside which no `asyncio.run` is possible.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.lab import Notebook, Server, launch, serve

# Importing torch in a fresh kernel takes seconds on a busy machine.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield running
        running.close()


@pytest.fixture
def notebook(server: Server, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Notebook]]:
    """Make, open and (unless `run=False`) run a notebook of the given cells."""
    contexts = []

    def make(*cells: str, run: bool = True, name: str = "", kernel: str = "python3") -> Notebook:
        context = browser.new_context(viewport={"width": 1400, "height": 1000})
        contexts.append(context)
        safe = re.sub(r"\W+", "_", request.node.name)
        made = Notebook(server, context, f"{safe}{name}.ipynb").write(*cells, kernel=kernel).open()
        return made.run_all() if run else made

    yield make
    for context in contexts:
        context.close()
    _end_kernels(server)


def _end_kernels(server: Server) -> None:
    """Kernels of finished tests would eat the memory of the next ones."""
    import urllib.request

    from tests.browser.lab import TOKEN

    for session in server.get("api/sessions"):
        address = f"{server.url}/api/sessions/{session['id']}?token={TOKEN}"
        urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=10).close()


@pytest.fixture(scope="package")
def ipykernel6(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a kernel on ipykernel 6, which has no subshells: only its ipykernel differs."""
    folder = tmp_path_factory.mktemp("ipykernel6")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), "ipykernel==6.31.0"],
        check=True,
    )
    launcher = "from ipykernel.kernelapp import launch_new_instance as go; go()"
    start = f"import sys; sys.path.insert(0, {str(folder)!r}); {launcher}"
    spec = server.data / "kernels" / "ipykernel6"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-c", start, "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "ipykernel 6", "language": "python"}))
    return "ipykernel6"


@pytest.fixture(scope="package")
def shots() -> Path | None:
    """Where screenshots go that people look at: the folder SCREENSHOTS names."""
    import os

    folder = os.environ.get("SCREENSHOTS")
    if not folder:
        return None
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path

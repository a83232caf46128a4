"""JupyterLab in headless Chromium, for tests: a server of our own, a notebook a test, real keys and pointers, and
Python's word.

`python(...)` asks the kernel without running a cell (silent, so no cell event fires), so that a test can compare what
is on the screen with what Python holds.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright

ROOT = Path(__file__).parent.parent.parent
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOKEN = "nnwidgets-tests"


def launch(playwright: Playwright) -> Browser:
    """The machine's own Chromium; Playwright's download is not needed."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise RuntimeError("the browser tests need Chromium: apt-get install chromium, or set CHROMIUM to its path")
    return playwright.chromium.launch(executable_path=path, args=FLAGS)


@dataclass(frozen=True)
class Server:
    """A running JupyterLab: its address and the folder that it serves."""

    url: str
    root: Path
    data: Path

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/{path}?token={TOKEN}", timeout=10) as answer:
            return json.load(answer)


@contextmanager
def serve(folder: Path) -> Iterator[Server]:
    """Run JupyterLab on `folder` with settings of its own, and end it afterwards."""
    root, home = folder / "notebooks", folder / "home"
    settings = home / "settings"
    for path in (root, settings):
        path.mkdir(parents=True)
    shutil.copy(ROOT / "jupyter-config" / "lab" / "overrides.json", settings)
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "OMP_NUM_THREADS": "1",
    }
    log = (folder / "lab.log").open("w")
    process = subprocess.Popen(
        [
            *(
                sys.executable,
                "-m",
                "jupyterlab",
                "--no-browser",
                "--allow-root",
                "--port=0",
                "--ServerApp.port_retries=0",
            ),
            f"--IdentityProvider.token={TOKEN}",
            f"--ServerApp.root_dir={root}",
            f"--LabApp.app_settings_dir={settings}",
            f"--LabApp.user_settings_dir={home / 'user-settings'}",
            f"--LabApp.workspaces_dir={home / 'workspaces'}",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--ServerApp.jpserver_extensions={'nnwidgets.server': True}",
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    try:
        yield Server(_address(process, folder / "lab.log", home / "runtime"), root, home / "data")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        log.close()


def _address(process: subprocess.Popen[bytes], log: Path, runtime: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for info in runtime.glob("jpserver-*.json"):
            url: str = json.loads(info.read_text())["url"].rstrip("/")
            try:
                urllib.request.urlopen(f"{url}/api?token={TOKEN}", timeout=2).close()
            except OSError:
                break
            return url
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


class Notebook:
    """One notebook, open in one page."""

    def __init__(self, server: Server, context: BrowserContext, name: str, page: Page | None = None) -> None:
        self.server = server
        self.context = context
        self.name = name
        self.page = page or context.new_page()
        self.page.set_default_timeout(30_000)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    @property
    def path(self) -> Path:
        return self.server.root / self.name

    def write(self, *cells: str, kernel: str = "python3") -> Notebook:
        """Make the notebook of these code cells."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
        )
        nbformat.write(notebook, self.path)
        return self

    def open(self) -> Notebook:
        """Open it in the page and wait for its kernel."""
        self.page.goto(f"{self.server.url}/lab/tree/{self.name}?reset&token={TOKEN}")
        self.page.wait_for_function(
            """() => {
                const widget = window.jupyterapp?.shell?.currentWidget;
                return widget?.sessionContext?.isReady && widget.sessionContext.session?.kernel?.status === 'idle';
            }""",
            timeout=60_000,
        )
        return self

    def command(self, name: str) -> None:
        self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def run_all(self, *, wait: bool = True) -> Notebook:
        """Run all cells as a person would by the menu."""
        self.page.evaluate("() => { void window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
        if wait:
            self.wait_for_cells()
        return self

    def run(self, index: int, *, wait: bool = True) -> None:
        """Run one cell."""
        self.page.evaluate(
            """index => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                notebook.activeCellIndex = index;
                notebook.deselectAll();
                void window.jupyterapp.commands.execute('notebook:run-cell');
            }""",
            index,
        )
        if wait:
            self.wait_for_cells()

    def wait_for_cells(self, timeout: float = 120) -> None:
        """Wait until no cell runs or is about to."""
        self.page.wait_for_timeout(100)
        self.page.wait_for_function(
            """() => [...window.jupyterapp.shell.currentWidget.content.widgets]
                .every((cell) => cell.inputArea.promptNode.textContent !== '[*]:')""",
            timeout=timeout * 1000,
        )

    def cell(self, index: int) -> Locator:
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> str:
        """The text of a cell's output."""
        return self.cell(index).locator(".jp-OutputArea").inner_text()

    def view(self, index: int) -> Locator:
        """The view of the nnwidgets widget that a cell displays."""
        return self.cell(index).locator(".nnw[data-theme]")

    def picture(self, index: int, shows: str = "") -> Locator:
        """The canvas of that view, by what it says that it shows."""
        return self.view(index).locator(f'canvas[aria-label*="{shows}"]' if shows else "canvas[aria-label]")

    def pick(self, index: int, picker: str, choice: str, *, add: bool = False) -> None:
        """Click a choice of a picker with the pointer, with Control to add it to those picked."""
        options = self.view(index).get_by_role("listbox", name=picker).get_by_role("option")
        options.filter(has_text=re.compile(f"^{re.escape(choice)}$")).click(modifiers=["Control"] if add else [])

    def python(self, expression: str) -> Any:
        """What `expression` is in the kernel: a literal, or the text of its repr."""
        reply = self.page.evaluate(
            """async (expression) => {
                const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                const future = kernel.requestExecute(
                    { code: '', silent: true, store_history: false, user_expressions: { value: expression } });
                return (await future.done).content.user_expressions.value;
            }""",
            expression,
        )
        if reply["status"] != "ok":
            raise RuntimeError(f"{reply['ename']}: {reply['evalue']}")
        text = reply["data"]["text/plain"]
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return text

    def until(self, expression: str, value: Any, timeout: float = 10) -> None:
        """Wait until `expression` is `value` in the kernel."""
        deadline = time.monotonic() + timeout
        while (found := self.python(expression)) != value:
            if time.monotonic() > deadline:
                raise AssertionError(f"{expression} is {found!r}, not {value!r}")
            time.sleep(0.05)

    def save(self) -> Any:
        """Save, and read the file back."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        self.page.wait_for_timeout(300)
        return nbformat.read(self.path, as_version=4)

    def comms(self) -> tuple[int, int, int]:
        """How many comms the page holds (one for each widget model), and comms and widgets in the kernel."""
        page = self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel._comms.size"
        )
        kernel = self.python("len(get_ipython().kernel.comm_manager.comms)")
        return page, kernel, self.python("len(__import__('ipywidgets').widgets.widget._instances)")

    def theme(self, dark: bool) -> None:
        name = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name)
        self.page.wait_for_function(f"() => document.body.dataset.jpThemeLight === '{'false' if dark else 'true'}'")
        self.page.wait_for_timeout(300)

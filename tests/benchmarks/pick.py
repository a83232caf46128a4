"""Pick a head, 512 tokens: from the pointer's click to the pixels, beside a bare anywidget that gets the same bytes.

All three widgets stand in one page on one kernel. They are clicked in turn, so that whatever else the machine does
hits them alike, and each head is one that the page has not seen.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import partial

from playwright.sync_api import Locator

from tests.benchmarks import bare
from tests.benchmarks.models import LARGE
from tests.benchmarks.row import Row, judged, milliseconds
from tests.benchmarks.workshop import Painted, Workshop, picture, time_to_paint
from tests.browser.lab import Notebook, serve

MOST = 1.3
TIMES = 36
PRESSED = 80  # milliseconds that the button is down, as a hand's: Lab makes the cell the active one meanwhile
LAYERS, HEADS = 12, 12
SESSIONS = """
ours = {}
for name in ("map", "heads"):  # a session each: the one's pick must not make the other paint
    ours[name] = nnw.ModelSession(model, inputs, tokens=tokens)
    ours[name].attention.layers
"""
CELLS = (
    LARGE.format(count=512) + SESSIONS + bare.PICK,
    "nnw.AttentionMap(ours['map'])",
    "nnw.AttentionHeads(ours['heads'])",
    "make_bare(ours['map'])",
)
NAGLE = """
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

class Delayed(ZMQChannelsWebsocketConnection):
    def connect(self):
        self.websocket_handler.set_nodelay(False)
        return super().connect()

c.ServerApp.kernel_websocket_connection_class = Delayed
"""
"""Server settings that take back what the nnwidgets server extension does."""


def measure(workshop: Workshop) -> list[Row]:
    with workshop.notebook("pick", *CELLS) as notebook:
        times = in_turn(notebook, TIMES)
    rows = [_row(name, times) for name in ("AttentionMap", "AttentionHeads")]
    config = workshop.folder / "delayed" / "home" / "config"
    config.mkdir(parents=True)
    (config / "jupyter_server_config.py").write_text(NAGLE)
    with serve(workshop.folder / "delayed") as server, workshop.notebook("pick", *CELLS, server=server) as notebook:
        slow = in_turn(notebook, TIMES // 3)
    ours, theirs = _total(slow["AttentionMap"]), _total(slow["bare"])
    measured = f"{milliseconds(ours)}, bare {milliseconds(theirs)}"
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [*rows, Row("the same by AttentionMap without TCP_NODELAY", measured, ratio)]


def in_turn(notebook: Notebook, times: int) -> dict[str, list[Painted]]:
    """The times of each widget."""
    taken: dict[str, list[Painted]] = {"AttentionMap": [], "AttentionHeads": [], "bare": []}
    canvases = {index: picture(notebook, index) for index in (1, 2)}
    bare_canvas = notebook.cell(3).locator("canvas")
    fresh = {index: _fresh_heads(notebook, index, canvas) for index, canvas in canvases.items()}
    for turn in range(times):
        for index, name in ((1, "AttentionMap"), (2, "AttentionHeads")):
            click, canvas = next(fresh[index]), canvases[index]
            taken[name].append(time_to_paint(notebook, canvas, partial(click.click, delay=PRESSED)))
            button = notebook.cell(3).get_by_role("button", name=str((2 * turn + index) % HEADS), exact=True)
            taken["bare"].append(time_to_paint(notebook, bare_canvas, partial(button.click, delay=PRESSED)))
    return taken


def _fresh_heads(notebook: Notebook, index: int, canvas: Locator) -> Iterator[Locator]:
    """The heads that the page has not shown yet, layer by layer; going to a layer shows one of its heads already."""

    def option(picker: str, number: int) -> Locator:
        return notebook.view(index).get_by_role("listbox", name=picker).get_by_role("option").nth(number)

    for layer in range(LAYERS):
        time_to_paint(notebook, canvas, option("Layer", layer).click) if layer else None
        # The head that is shown stays the picked one in the next layer: it comes last there, so it is none of these.
        shown = 0 if layer % 2 == 0 else HEADS - 1
        for head in [range(1, HEADS), range(HEADS - 2, -1, -1)][layer % 2]:
            assert head != shown
            yield option("Heads", head)


def _total(taken: list[Painted]) -> list[float]:
    return [painted.total for painted in taken]


def _row(name: str, times: dict[str, list[Painted]]) -> Row:
    ours, theirs = _total(times[name]), _total(times["bare"])
    ratio = statistics.median(ours) / statistics.median(theirs)
    details = {f"{part} (ms)": _parts(times[widget]) for part, widget in (("nnwidgets", name), ("bare", "bare"))}
    measured = f"{milliseconds(ours)}, bare {milliseconds(theirs)}"
    return judged(f"pick a head, 512 tokens: {name}", measured, ratio, MOST, **details)


def _parts(taken: list[Painted]) -> dict[str, object]:
    """Where the time goes, and how much it scatters."""
    total = _total(taken)
    parts = {
        part: statistics.median(getattr(painted, part) for painted in taken) for part in ("before", "away", "after")
    }
    quartiles = [round(1000 * time, 1) for time in statistics.quantiles(total, n=4)]
    return {part: round(1000 * time, 1) for part, time in parts.items()} | {
        "quartiles": quartiles,
        "repaints": max(painted.changes for painted in taken),
        "samples": len(taken),
    }

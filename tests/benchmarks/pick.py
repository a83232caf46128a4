"""Pick a head, 512 tokens: from the pointer's click to the pixels, beside a bare anywidget that gets the same bytes.

All three widgets stand in one page on one kernel. They are clicked in turn, so that whatever else the machine does
hits them alike, and each head is one that the page has not seen.

A widget of nnwidgets asks when the pointer goes down, the bare one when the click is done. So the same is measured by
keys too, where there is no such lead: an arrow key in the picker, Enter on the bare button.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Pick:
    """A head that the page has not shown: its chip, and the key that goes there from the chip of the shown head."""

    chip: Locator
    shown: Locator
    key: str

    def click(self) -> None:
        self.chip.click(delay=PRESSED)

    def press(self) -> None:
        self.shown.press(self.key, delay=PRESSED)


def measure(workshop: Workshop) -> list[Row]:
    with workshop.notebook("pick", *CELLS) as notebook:
        fresh = fresh_heads(notebook)
        clicked = in_turn(notebook, fresh, TIMES)
        pressed = in_turn(notebook, fresh, TIMES, by="keydown")
    widgets = ("AttentionMap", "AttentionHeads")
    rows = [_row(f"pick a head, 512 tokens: {name}", name, clicked) for name in widgets]
    rows += [_row(f"the same by an arrow key: {name}", name, pressed) for name in widgets]
    config = workshop.folder / "delayed" / "home" / "config"
    config.mkdir(parents=True)
    (config / "jupyter_server_config.py").write_text(NAGLE)
    with serve(workshop.folder / "delayed") as server, workshop.notebook("pick", *CELLS, server=server) as notebook:
        slow = in_turn(notebook, fresh_heads(notebook), TIMES // 3)
    ours, theirs = _total(slow["AttentionMap"]), _total(slow["bare"])
    measured = f"{milliseconds(ours)}, bare {milliseconds(theirs)}"
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [*rows, Row("the same by AttentionMap without TCP_NODELAY", measured, ratio)]


def fresh_heads(notebook: Notebook) -> dict[int, Iterator[Pick]]:
    """For the widget of each cell, heads that the page has not shown."""
    return {index: _fresh_heads(notebook, index, picture(notebook, index)) for index in (1, 2)}


def in_turn(
    notebook: Notebook, fresh: dict[int, Iterator[Pick]], times: int, *, by: str = "click"
) -> dict[str, list[Painted]]:
    """The times of each widget."""
    taken: dict[str, list[Painted]] = {"AttentionMap": [], "AttentionHeads": [], "bare": []}
    canvases = {index: picture(notebook, index) for index in fresh}
    bare_canvas = notebook.cell(3).locator("canvas")

    def time(name: str, canvas: Locator, act: Callable[[], None]) -> None:
        taken[name].append(time_to_paint(notebook, canvas, act, event=by))

    for turn in range(times):
        for index, name in ((1, "AttentionMap"), (2, "AttentionHeads")):
            pick = next(fresh[index])
            time(name, canvases[index], pick.click if by == "click" else pick.press)
            button = notebook.cell(3).get_by_role("button", name=str((2 * turn + index) % HEADS), exact=True)
            act = button.click if by == "click" else partial(button.press, "Enter")
            time("bare", bare_canvas, partial(act, delay=PRESSED))
    return taken


def _fresh_heads(notebook: Notebook, index: int, canvas: Locator) -> Iterator[Pick]:
    """The heads that the page has not shown yet, layer by layer; going to a layer shows one of its heads already."""

    def option(picker: str, number: int) -> Locator:
        return notebook.view(index).get_by_role("listbox", name=picker).get_by_role("option").nth(number)

    for layer in range(LAYERS):
        time_to_paint(notebook, canvas, option("Layer", layer).click) if layer else None
        # The head that is shown stays the picked one in the next layer: it comes last there, so it is none of these.
        shown = 0 if layer % 2 == 0 else HEADS - 1
        for head in [range(1, HEADS), range(HEADS - 2, -1, -1)][layer % 2]:
            yield Pick(option("Heads", head), option("Heads", shown), "ArrowLeft" if layer % 2 else "ArrowRight")
            shown = head


def _total(taken: list[Painted]) -> list[float]:
    return [painted.total for painted in taken]


def _row(work: str, name: str, times: dict[str, list[Painted]]) -> Row:
    ours, theirs = _total(times[name]), _total(times["bare"])
    ratio = statistics.median(ours) / statistics.median(theirs)
    details = {f"{part} (ms)": _parts(times[widget]) for part, widget in (("nnwidgets", name), ("bare", "bare"))}
    measured = f"{milliseconds(ours)}, bare {milliseconds(theirs)}"
    return judged(work, measured, ratio, MOST, **details)


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

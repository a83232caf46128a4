"""Tells the pages of a live plot which series it has and what points came, in numbers as exact as they were given."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from nnwidgets.runs.plot_data import Floats, PlotBatch, PlotData, PlotStyle
from nnwidgets.wire.codec import Coded, encode

if TYPE_CHECKING:
    from nnwidgets.wire.streams import Stream

_MOST = 20_000  # points of a series in one message; of more the page is told to ask for the whole
_QUIET = 1.0  # seconds without news after which the last picture is kept


class PlotFeed:
    """Follows a `PlotData` for the stream of its widgets. `quiet()` is called when for a while nothing came."""

    def __init__(self, data: PlotData, stream: Stream, quiet: Callable[[], object]) -> None:
        self._stream = stream
        self._quiet = quiet
        self._news = 0.0
        self._timer: threading.Timer | None = None
        self._closed = False
        self._forget = (data.on_points(self._on_points), data.on_series(self._on_series))
        self._stream.push(state=state(data))

    def close(self) -> None:
        """The last widget is gone: nobody looks any more."""
        self._closed = True
        for forget in self._forget:
            forget()

    def _on_points(self, batch: PlotBatch) -> None:
        arrays: dict[str, Coded] = {}
        series = []
        for index, points in enumerate(batch.points):
            series.append({"number": points.number, "from": points.first_index, "count": len(points.x)})
            if len(points.x) <= _MOST:
                arrays |= exact(f"{index}.x", points.x) | exact(f"{index}.y", points.y)
        self._stream.tell({"kind": "points", "series": series, "cursor": batch.cursor}, arrays)
        self._watch()

    def _on_series(self, data: PlotData) -> None:
        self._stream.push(state=state(data))
        self._watch()

    def _watch(self) -> None:
        self._news = time.monotonic()
        if self._timer is None and not self._closed:
            self._timer = threading.Timer(_QUIET, self._look)
            self._timer.daemon = True
            self._timer.start()

    def _look(self) -> None:
        self._timer = None
        if self._closed:
            return
        if time.monotonic() - self._news < _QUIET * 0.9:
            self._watch()
        else:
            self._quiet()


def state(data: PlotData) -> dict[str, Any]:
    """What a page is told of a plot without asking: its series, without their points."""
    return {
        "label": data.label,
        "cursor": data.cursor,
        "series": [described(*each) for each in data.described()],
    }


def described(name: str, number: int, style: PlotStyle) -> dict[str, Any]:
    """A series as JSON."""
    red, green, blue = style.color
    color = f"#{red:02x}{green:02x}{blue:02x}"
    return {
        "name": name,
        "number": number,
        "kind": style.kind,
        "color": color,
        "width": style.width,
        "dash": style.dash,
    }


def exact(name: str, values: Floats) -> dict[str, Coded]:
    """Numbers as two float32 arrays whose sum they are to 48 bits, the second where it is needed: `name`, `name.rest`.

    One float32 would put all times of a day, in seconds since 1970, at two places.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        first = values.astype(np.float32)
        rest = values - first
    rest[~np.isfinite(rest)] = 0.0
    coded = {name: encode(first)}
    return coded | {f"{name}.rest": encode(rest.astype(np.float32))} if rest.any() else coded

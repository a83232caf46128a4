"""A run that was recorded elsewhere is written into the store whole."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from nnwidgets.runs.errors import StoreError
from nnwidgets.runs.lines import Line
from nnwidgets.runs.recorder import Record, Recorder
from nnwidgets.runs.records import Kind, Status
from nnwidgets.runs.saving import save, save_end

if TYPE_CHECKING:
    from nnwidgets.runs.run import Run
    from nnwidgets.runs.store import RunStore

_AT_ONCE = 65_536  # points of a series that are kept as Python's numbers


class Importer:
    """Takes what a file holds, point by point or array by array; `done` writes all of it in one transaction.

    A name that is a number here and a text there becomes two series: the second has its kind in its name.
    """

    def __init__(self, store: RunStore, name: str, started: float | None = None) -> None:
        if store.read_only:
            raise StoreError(f"the store {store.path} cannot be written (read-only)")
        self.record = Record(
            id=secrets.token_hex(6),
            name=name,
            config={},
            started=time.time() if started is None else started,
            host=socket.gethostname(),
            process=os.getpid(),
            commit=None,
            seeds={},
        )
        self._store = store
        self._recorder = Recorder(self.record, lambda: None)
        self._points: defaultdict[str, tuple[list[int], list[float], list[float]]] = defaultdict(lambda: ([], [], []))
        self._kinds: dict[str, Kind] = {}
        self._last_time = 0.0

    def add_point(self, name: str, step: int, value: float, time: float) -> None:
        """One number."""
        name = self._name(name, "scalar")
        steps, values, times = self._points[name]
        steps.append(step)
        values.append(value)
        times.append(time)
        if len(steps) >= _AT_ONCE:
            self._take(name)

    def add_points(self, name: str, steps: ArrayLike, values: ArrayLike, times: ArrayLike) -> None:
        """Many numbers of one metric."""
        name = self._name(name, "scalar")
        if name in self._points:
            self._take(name)
        columns = (np.asarray(steps, np.int64), np.asarray(values, np.float64), np.asarray(times, np.float64))
        if len(columns[0]):
            self._recorder.lines.setdefault(name, Line(name)).extend(*columns)
            self._note(int(columns[0][-1]), float(columns[2][-1]))

    def add_item(self, name: str, kind: Kind, step: int, time: float, data: bytes) -> None:
        """One histogram, image or text."""
        name = self._name(name, kind)
        items = self._recorder.items.get(name) or self._recorder.add_items(name, kind)
        items.extend(step, time, data)
        self._note(step, time)

    def done(self, status: Status = "finished", message: str | None = None, ended: float | None = None) -> Run:
        """Write it; the run as it is read."""
        for name in list(self._points):
            self._take(name)
        recorder, record = self._recorder, self.record
        record.status, record.message = status, message
        record.ended = record.started + self._last_time if ended is None else ended
        recorder.gathered = sum(line.count for line in recorder.lines.values())
        with self._store.writer.database.writing() as connection:
            save(connection, recorder, pack=True)
            assert recorder.key is not None
            save_end(connection, record, recorder.key)
        if self._store.path is not None and not self._store.writer.busy:
            self._store.writer.database.close()
        return self._store.load(record.id)

    def _name(self, name: str, kind: Kind) -> str:
        known = self._kinds.setdefault(name, kind)
        return name if known == kind else self._name(f"{name} ({kind})", kind)

    def _take(self, name: str) -> None:
        steps, values, times = self._points.pop(name)
        self.add_points(name, steps, values, times)

    def _note(self, step: int, time: float) -> None:
        if time >= self._last_time:
            self._last_time, self._recorder.step = time, step


def own_name(name: str | None, path: Path) -> str:
    """The run's name: the one given, or the file's."""
    return path.stem if name is None else name

"""Follows a run that another process records: looks into the store four times a second, while someone listens."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable

from nnwidgets.runs.database import Database
from nnwidgets.runs.errors import StoreError
from nnwidgets.runs.lines import unpack_tail
from nnwidgets.runs.reading import Row, joined, read_items_table, read_lines, read_points, read_run, read_tails
from nnwidgets.runs.records import Batch, Points

_INTERVAL = 0.25  # seconds

_log = logging.getLogger(__name__)


class Follower:
    """Tells what is new in a run, in a thread of its own.

    Args:
        database: to read from.
        run: its id.
        batch, look: called with new points, and after each look with the run's row.
        goes_on: whether anyone still listens, and the run has not ended.
    """

    def __init__(
        self,
        database: Database,
        run: str,
        batch: Callable[[Batch], object],
        look: Callable[[Row], object],
        goes_on: Callable[[], bool],
    ) -> None:
        self._database = database
        self._run = run
        self._batch, self._look, self._goes_on = batch, look, goes_on
        self._have: dict[str, int] = {}
        self._items: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self.cursor = self._start()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="nnwidgets follows a run", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more; does not wait."""
        self._stopped.set()

    @property
    def alive(self) -> bool:
        """Whether it still looks."""
        return self._thread.is_alive() and not self._stopped.is_set()

    def _start(self) -> int:
        with self._database.reading() as connection:
            row = read_run(connection, self._run)
            if row is None:
                return 0
            for line in read_lines(connection, row).values():
                self._have[line.name] = line.count
                if line.key is not None:
                    self._names[line.key] = line.name
            self._items = {name: count for _, name, _, count, _, _ in read_items_table(connection, row.key)}
            return row.drained

    def _work(self) -> None:
        while not self._stopped.wait(_INTERVAL) and self._goes_on():
            try:
                with self._database.reading() as connection:
                    row = read_run(connection, self._run)
                    batch = None if row is None else self._new(connection, row)
            except (sqlite3.Error, OSError, StoreError):
                continue  # deleted, locked, full: it may come back
            try:
                if batch is not None:
                    self._batch(batch)
                if row is not None:
                    self._look(row)
            except Exception:
                _log.exception("a listener of a run raised")

    def _new(self, connection: sqlite3.Connection, row: Row) -> Batch | None:
        cursor = row.drained
        if cursor <= self.cursor:
            return None
        parts: dict[str, list[Points]] = {}
        have = dict(self._have)
        for _, _, data in read_tails(connection, row.key, self.cursor):
            for key, points in unpack_tail(data):
                name = self._names.get(key)
                if name is not None and points.first_index == have[name]:
                    parts.setdefault(name, []).append(points)
                    have[name] += len(points)
        # What was packed before we looked, or belongs to a series that is new.
        lines = read_lines(connection, row)
        for name, line in lines.items():
            known = have.get(name, 0)
            if line.count > known:
                assert line.key is not None
                self._names[line.key] = name
                fresh = read_points(connection, line.key, known, line.base)
                parts.setdefault(name, []).extend([*fresh, line.points(max(known, line.base))])
                have[name] = line.count
        items = {name: count for _, name, _, count, _, _ in read_items_table(connection, row.key)}
        grown = frozenset(name for name, count in items.items() if count > self._items.get(name, 0))
        series = {name: joined(self._have.get(name, 0), each) for name, each in parts.items()}
        self._have, self._items, self.cursor = have, items, cursor
        return Batch(series, grown, cursor)

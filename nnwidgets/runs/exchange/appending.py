"""A CSV file that gets a row for each step while the run is recorded."""

from __future__ import annotations

import contextlib
import csv
import logging
import os
from pathlib import Path

from nnwidgets.runs.exchange.tables import FORMAT, Row, cells, together
from nnwidgets.runs.records import Batch

_log = logging.getLogger(__name__)


class CsvFile:
    """Appends rows as batches come. A step is written when a later one has begun, or when the run ends.

    A metric that appears late gets a column then: the file is written anew, once for each. A file that is there already
    is replaced. What cannot be written (the disk is full) waits for the next batch.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._names: list[str] = []
        self._rows: list[Row] = []
        self._written = False
        self._warned = False
        with open(path, "w", **FORMAT) as file:  # type: ignore[call-overload]
            csv.writer(file).writerow(["step", "time"])

    def take(self, batch: Batch) -> None:
        """Append what is complete."""
        points = [
            (time, step, name, value)
            for name, part in batch.series.items()
            for time, step, value in zip(part.times.tolist(), part.steps.tolist(), part.values.tolist(), strict=True)
        ]
        points.sort(key=lambda point: point[0])
        for row in together(points):
            last = self._rows[-1] if self._rows else None
            if last is not None and last[0] == row[0] and not last[2].keys() & row[2].keys():
                last[2].update(row[2])
            else:
                self._rows.append(row)
        self._write(self._rows[:-1])

    def end(self) -> None:
        """Append the rest."""
        self._write(self._rows[:])

    def _write(self, rows: list[Row]) -> None:
        if not rows:
            return
        try:
            fresh = [name for name in dict.fromkeys(name for row in rows for name in row[2]) if name not in self._names]
            if fresh:
                self._widen([*self._names, *fresh])
            with open(self.path, "a", **FORMAT) as file:  # type: ignore[call-overload]
                start = file.tell()
                try:
                    csv.writer(file).writerows(cells(row, self._names) for row in rows)
                    file.flush()
                except OSError:
                    with contextlib.suppress(OSError):
                        os.truncate(self.path, start)
                    raise
        except OSError as error:
            if not self._warned:
                _log.warning("%s cannot be written: %s; its rows wait in memory", self.path, error)
            self._warned = True
            return
        del self._rows[: len(rows)]

    def _widen(self, names: list[str]) -> None:
        early = self.path.with_name(f"{self.path.name}.new")
        with (
            open(self.path, **FORMAT) as old,  # type: ignore[call-overload]
            open(early, "w", **FORMAT) as new,  # type: ignore[call-overload]
        ):
            writer = csv.writer(new)
            writer.writerow(["step", "time", *names])
            empty = [""] * (len(names) - len(self._names))
            rows = csv.reader(old)
            next(rows, None)
            writer.writerows([*row, *empty] for row in rows)
        os.replace(early, self.path)
        self._names = names

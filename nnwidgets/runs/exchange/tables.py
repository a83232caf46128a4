"""CSV out and in: a row a step, a column a metric."""

from __future__ import annotations

import csv
import heapq
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nnwidgets.runs.exchange.importing import Importer, own_name

if TYPE_CHECKING:
    from nnwidgets.runs.run import Run
    from nnwidgets.runs.store import RunStore

FORMAT = {"encoding": "utf-8", "errors": "surrogatepass", "newline": ""}

Row = tuple[int, float, dict[str, float]]  # step, time, values


def write_csv(run: Run, path: Path) -> None:
    """Write the numbers of a run: the columns are `step`, `time` (of the step's first value, in s), then the metrics.

    What was logged of one step one after the other shares a row; a step that comes again later has another. Nothing
    more than a few rows of each metric is in memory.
    """
    names = [name for name, series in run.series().items() if series.kind == "scalar"]
    early = path.with_name(f"{path.name}.new")
    with open(early, "w", **FORMAT) as file:  # type: ignore[call-overload]
        writer = csv.writer(file)
        writer.writerow(["step", "time", *names])
        for row in together(heapq.merge(*(_points(run, name) for name in names))):
            writer.writerow(cells(row, names))
    os.replace(early, path)


def cells(row: Row, names: Iterable[str]) -> list[str]:
    """A row as it is written: the shortest text that is read back as the same number."""
    step, time, values = row
    return [str(step), repr(time), *(repr(values[name]) if name in values else "" for name in names)]


def together(points: Iterable[tuple[float, int, str, float]]) -> Iterator[Row]:
    """Rows of points (time, step, name, value) in the order logged."""
    row: Row | None = None
    for time, step, name, value in points:
        if row is None or row[0] != step or name in row[2]:
            if row is not None:
                yield row
            row = (step, time, {})
        row[2][name] = value
    if row is not None:
        yield row


def _points(run: Run, name: str) -> Iterator[tuple[float, int, str, float]]:
    for block in run.blocks(name):
        for step, value, time in zip(block.steps.tolist(), block.values.tolist(), block.times.tolist(), strict=True):
            yield time, step, name, value


def read_csv(store: RunStore, path: Path, name: str | None) -> Run:
    """Bring a table into a store: `step` is the column of that name or, without one, the row's number from 0.

    A column `time` holds seconds since the start. All other columns are metrics; empty cells hold nothing. Raises
    `ValueError`, and brings nothing in, where a cell is no number.
    """
    importer = Importer(store, own_name(name, path))
    with open(path, **FORMAT) as file:  # type: ignore[call-overload]
        rows = csv.reader(file)
        header = next(rows, None)
        if header is None:
            raise ValueError(f"{path} is empty, but a table begins with the names of its columns")
        step_at = header.index("step") if "step" in header else None
        time_at = header.index("time") if "time" in header else None
        metrics = [(column, metric) for column, metric in enumerate(header) if column not in (step_at, time_at)]
        for number, row in enumerate(rows):
            if not row:
                continue
            if len(row) > len(header):
                raise ValueError(f"{path}, line {rows.line_num}: {len(row)} cells, but there are {len(header)} columns")
            where = f"{path}, line {rows.line_num}"
            step = number if step_at is None else _step(row[step_at], where)
            time = 0.0 if time_at is None else _number(row[time_at] or "0", "time", where)
            for column, metric in metrics:
                if column < len(row) and row[column] != "":
                    importer.add_point(metric, step, _number(row[column], metric, where), time)
    return importer.done()


def _step(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError:
        number = _number(text, "step", where)
        if number != int(number):
            raise ValueError(f"{where}: step={text!r}, but it is a whole number") from None
        return int(number)


def _number(text: str, column: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{where}: {column}={text!r}, but it is a number") from None

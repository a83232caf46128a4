"""Reads runs from the store: their rows, their series, their points (thinned where asked), their items."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnwidgets.runs.encoding import to_bytes, to_text
from nnwidgets.runs.history import Buckets, History, thinned, whole
from nnwidgets.runs.lines import Line, unpack_points, unpack_tail
from nnwidgets.runs.records import Floats, Kind, Points, Series, Status, Whole
from nnwidgets.runs.schema import CHUNK, CHUNKS_A_SERIES

_AT_ONCE = 64  # chunks whose points are in memory at a time while a long series is thinned
_FINER = 4  # how much finer it is thinned at first, for buckets of about one size

_NEWEST = """CASE WHEN ended IS NULL THEN
    (SELECT {} FROM tail WHERE tail.run = run.key AND tail.drained > packed ORDER BY tail.drained DESC LIMIT 1) END"""
BLOCK = 64 * CHUNK
"""Points that are read at a time from series too long for memory."""

_RUN = (
    "key, id, name, status, message, started, ended, host, process, code, config, seeds, "
    f"coalesce({_NEWEST.format('drained')}, drained), packed, coalesce({_NEWEST.format('step')}, step)"
)


@dataclass(frozen=True)
class Row:
    """A run's row; `drained` is the number of its newest record."""

    key: int
    id: str
    name: str
    status: Status
    message: str | None
    started: float
    ended: float | None
    host: str
    process: int
    commit: str | None
    config: dict[str, Any]
    seeds: dict[str, Any]
    drained: int
    packed: int
    step: int | None


RawRow = tuple[Any, ...]
"""A run's row as it lies in the store."""


def read_runs(connection: sqlite3.Connection) -> list[RawRow]:
    """All runs, newest first."""
    return connection.execute(f"SELECT {_RUN} FROM run ORDER BY started DESC, key DESC").fetchall()


def read_run(connection: sqlite3.Connection, run: str) -> Row | None:
    """The run of that id."""
    row = connection.execute(f"SELECT {_RUN} FROM run WHERE id = ?", (run,)).fetchone()
    return None if row is None else row_of(row)


def row_of(row: RawRow) -> Row:
    """A row as it is read."""
    key, run, name, status, message, started, ended, host, process, code, config, seeds, drained, packed, step = row
    return Row(
        key=key,
        id=run,
        name=to_text(name),
        status=status,
        message=None if message is None else to_text(message),
        started=started,
        ended=ended,
        host=to_text(host or b""),
        process=process,
        commit=code,
        config=json.loads(config),
        seeds=json.loads(seeds),
        drained=drained,
        packed=packed,
        step=step,
    )


def read_tails(connection: sqlite3.Connection, run: int, after: int) -> Iterator[tuple[int, int | None, bytes]]:
    """The tails after a record: number of their last record, newest step, data."""
    yield from connection.execute(
        "SELECT drained, step, data FROM tail WHERE run = ? AND drained > ? ORDER BY drained", (run, after)
    )


def read_lines(connection: sqlite3.Connection, row: Row) -> dict[str, Line]:
    """The scalar series of a run, each with the points that lie in no full chunk: as their recorder had them."""
    lines: dict[int, Line] = {}
    for key, name, count, low, high, last in connection.execute(
        "SELECT key, name, count, low_step, high_step, last FROM series WHERE run = ? AND kind = 'scalar' ORDER BY key",
        (row.key,),
    ).fetchall():
        base = count // CHUNK * CHUNK
        line = lines[key] = Line(to_text(name), key=key, base=base)
        if count > base:
            number = key * CHUNKS_A_SERIES + base // CHUNK
            data = connection.execute("SELECT data FROM points WHERE key = ?", (number,)).fetchone()
            if data is not None:
                points = unpack_points(base, data[0])
                line.extend(points.steps, points.values, points.times)
        if count:
            line.low_step, line.high_step, line.last = low, high, float("nan") if last is None else last
        line.packed = line.count
    for _, _, data in read_tails(connection, row.key, row.packed):
        for key, points in unpack_tail(data):
            if key in lines:
                lines[key].extend(points.steps, points.values, points.times)
    for line in lines.values():
        line.saved = line.told = line.count
    return {line.name: line for line in lines.values()}


def read_items_table(
    connection: sqlite3.Connection, run: int
) -> list[tuple[int, str, Kind, int, int | None, int | None]]:
    """The series that are no scalars: key, name, kind, count, smallest and largest step."""
    return [
        (key, to_text(name), kind, count, low, high)
        for key, name, kind, count, low, high in connection.execute(
            "SELECT series.key, series.name, series.kind, count(item.key), min(item.step), max(item.step)"
            " FROM series LEFT JOIN item ON item.series = series.key"
            " WHERE series.run = ? AND series.kind != 'scalar' GROUP BY series.key",
            (run,),
        )
    ]


def read_series(connection: sqlite3.Connection, row: Row) -> dict[str, Series]:
    """All series of a run as they stand."""
    lines = read_lines(connection, row).values()
    table = {
        line.name: Series(line.name, "scalar", line.count, line.low_step, line.high_step, line.last)
        for line in lines
        if line.count
    }
    for _, name, kind, count, low, high in read_items_table(connection, row.key):
        table[name] = Series(name, kind, count, low, high, None)
    return table


def series_key(connection: sqlite3.Connection, run: int, name: str) -> int | None:
    """The key of a series."""
    row = connection.execute("SELECT key FROM series WHERE run = ? AND name = ?", (run, to_bytes(name))).fetchone()
    return None if row is None else int(row[0])


def read_item_keys(connection: sqlite3.Connection, series: int | None) -> list[tuple[int, float, int]]:
    """The histograms, images or texts of a series: step, time and key, in the order logged."""
    return connection.execute("SELECT step, time, key FROM item WHERE series = ? ORDER BY key", (series,)).fetchall()


def read_item(connection: sqlite3.Connection, key: int) -> bytes:
    """The bytes of one."""
    return bytes(connection.execute("SELECT data FROM item WHERE key = ?", (key,)).fetchone()[0])


def evenly(values: list[Any], most: int | None) -> list[Any]:
    """At most `most` of the values, evenly taken, the first and the last among them."""
    if most is None or len(values) <= most:
        return values
    return [values[position] for position in np.linspace(0, len(values) - 1, most).round().astype(int).tolist()]


def read_points(connection: sqlite3.Connection, series: int, first: int, stop: int) -> list[Points]:
    """The points numbered `first` to `stop` that lie in chunks."""
    found = []
    for number in range(first // CHUNK, -(-stop // CHUNK)):
        row = connection.execute(
            "SELECT data FROM points WHERE key = ?", (series * CHUNKS_A_SERIES + number,)
        ).fetchone()
        if row is not None:
            base = number * CHUNK
            points = unpack_points(base, row[0])
            part = slice(max(0, first - base), max(0, stop - base))
            found.append(Points(base + part.start, points.steps[part], points.values[part], points.times[part]))
    return found


def joined(first: int, parts: list[Points]) -> Points:
    """Parts that follow on one another as one; it begins with the point numbered `first`."""
    return Points(
        first,
        np.concatenate([part.steps for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.times for part in parts]),
    )


def read_history(
    connection: sqlite3.Connection | None,
    series: int | None,
    name: str,
    rest: Points,
    *,
    points: int | None,
    start: float | None,
    stop: float | None,
) -> History:
    """The points of a series in chunks, then `rest`; those with `start` <= step < `stop`."""
    summaries = _summaries(connection, series, rest.first_index, start, stop)
    steps, values, times = _within((rest.steps, rest.values, rest.times), start, stop)
    total = int(summaries.counts.sum()) + len(steps)
    if points is None or total <= points:
        parts = [part for many in _stored(connection, summaries.keys, start, stop) for part in many]
        columns = zip(*parts, (steps, values, times), strict=True)
        return whole(name, *(np.concatenate(column) for column in columns))
    found: list[Buckets] = []
    if len(summaries.keys) >= points:
        # As many summaries as buckets: points are read only where the range cuts a chunk.
        found.extend(_from_summaries(connection, summaries, start, stop))
    else:
        together = max(1, total // points // _FINER)
        for many in _stored(connection, summaries.keys, start, stop):
            for part in many:
                found.append(_every(part, together))
    if len(steps):
        found.append(_every((steps, values, times), max(1, total // points // _FINER)))
    buckets = Buckets.join(found).thin(points)
    if not len(buckets) or int(buckets.counts.max()) > 1:
        return thinned(name, buckets)
    return read_history(connection, series, name, rest, points=None, start=start, stop=stop)  # the range holds few


Columns = tuple[Whole, Floats, Floats]


def _every(part: Columns, together: int) -> Buckets:
    one = Buckets.single(*part)
    return one.merge(np.arange(0, len(one), together))


@dataclass(frozen=True, eq=False)
class _Summaries:
    keys: list[int]
    counts: Whole
    inside: Whole  # 1 where all of the chunk lies in the range
    buckets: Buckets


def _summaries(
    connection: sqlite3.Connection | None, series: int | None, below: int, start: float | None, stop: float | None
) -> _Summaries:
    rows: list[Any] = []
    if connection is not None and series is not None:
        first = series * CHUNKS_A_SERIES
        where = "key >= ? AND key < ?"
        bounds: list[float] = [first, first + -(-below // CHUNK)]
        if start is not None:
            where, bounds = f"{where} AND high_step >= ?", [*bounds, start]
        if stop is not None:
            where, bounds = f"{where} AND low_step < ?", [*bounds, stop]
        low = "1" if start is None else "low_step >= ?"
        high = "1" if stop is None else "high_step < ?"
        inside = [bound for bound in (start, stop) if bound is not None]
        rows = connection.execute(
            f"SELECT key, count, {low} AND {high}, finite, step, time, mean, low, high FROM chunk WHERE {where}"
            " ORDER BY key",
            [*inside, *bounds],
        ).fetchall()
    table = np.array(rows, np.float64).reshape(-1, 9)
    counts, inside_, finite = (table[:, column].astype(np.int64) for column in (1, 2, 3))
    return _Summaries([row[0] for row in rows], counts, inside_, Buckets(counts, finite, *table[:, 4:].T))


def _from_summaries(
    connection: sqlite3.Connection | None, summaries: _Summaries, start: float | None, stop: float | None
) -> Iterator[Buckets]:
    at = 0
    for cut in [*np.flatnonzero(summaries.inside == 0).tolist(), len(summaries.keys)]:
        if cut > at:
            columns = (getattr(summaries.buckets, name)[at:cut] for name in Buckets.__dataclass_fields__)
            yield Buckets(*columns)
        if cut < len(summaries.keys):
            for many in _stored(connection, summaries.keys[cut : cut + 1], start, stop):
                for part in many:
                    yield _every(part, CHUNK)
        at = cut + 1


def _stored(
    connection: sqlite3.Connection | None, keys: list[int], start: float | None, stop: float | None
) -> Iterator[list[Columns]]:
    """The points of chunks, some chunks at a time."""
    for at in range(0, len(keys), _AT_ONCE):
        part = keys[at : at + _AT_ONCE]
        assert connection is not None
        rows = connection.execute(
            f"SELECT data FROM points WHERE key IN ({', '.join('?' * len(part))}) ORDER BY key", part
        ).fetchall()
        found = [unpack_points(0, data) for (data,) in rows]
        yield [_within((points.steps, points.values, points.times), start, stop) for points in found]


def _within(part: Columns, start: float | None, stop: float | None) -> Columns:
    if start is None and stop is None:
        return part
    steps, values, times = part
    kept = np.ones(len(steps), bool)
    if start is not None:
        kept &= steps >= start
    if stop is not None:
        kept &= steps < stop
    return steps[kept], values[kept], times[kept]

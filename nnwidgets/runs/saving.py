"""Brings what a recorder holds into the store: in one short statement where it can be, else in one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nnwidgets.runs.encoding import to_bytes
from nnwidgets.runs.history import summary
from nnwidgets.runs.lines import Line, pack_points, pack_tail
from nnwidgets.runs.provenance import plain
from nnwidgets.runs.recorder import Items, Record, Recorder
from nnwidgets.runs.records import Points
from nnwidgets.runs.schema import CHUNK, CHUNKS_A_SERIES

_OPEN = CHUNK  # points that may lie in tails: for a run, and for each of its series
_OPEN_A_SERIES = CHUNK // 4
_OPEN_AT_MOST = 200_000


def insert_run(connection: sqlite3.Connection, record: Record) -> int:
    """Make the run's row; its key."""
    cursor = connection.execute(
        "INSERT INTO run(id, name, status, message, started, ended, host, process, code, config, seeds)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.id,
            to_bytes(record.name),
            record.status,
            None if record.message is None else to_bytes(record.message),
            record.started,
            record.ended,
            to_bytes(record.host),
            record.process,
            record.commit,
            config_json(record.config),
            json.dumps(record.seeds),
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def save(connection: sqlite3.Connection, recorder: Recorder, *, pack: bool) -> None:
    """Write what is not in the store yet, inside a transaction or, where nothing but one tail is written, without.

    `pack` has everything end up in chunks. Changes nothing of the recorder but keys: `saved` does, after the commit.
    """
    if recorder.key is None:
        recorder.key = insert_run(connection, recorder.record)
    insert_series(connection, recorder)
    _save_items(connection, recorder)
    if pack or _is_much(recorder):
        _pack(connection, recorder)
    elif recorder.gathered > recorder.drained:
        connection.execute(*_tail(recorder))


def save_tail(connection: sqlite3.Connection, recorder: Recorder) -> bool:
    """Write the new points in one statement, without a transaction; False where more than that is to be done."""
    if recorder.key is None or _is_much(recorder):
        return False
    if any(line.key is None for line in recorder.lines.values() if line.count):
        return False
    if any(items.waiting for items in recorder.items.values()):
        return False
    connection.execute(*_tail(recorder))
    return True


def saved(recorder: Recorder, *, packed: bool) -> None:
    """The store has everything that was gathered."""
    for line in list(recorder.lines.values()):
        line.saved = line.count
        if packed:
            line.packed = line.count
            line.drop()
    for items in list(recorder.items.values()):
        items.waiting.clear()
    recorder.drained = recorder.gathered
    if packed:
        recorder.packed = recorder.gathered


def is_packed(recorder: Recorder, *, pack: bool) -> bool:
    """Whether `save` packs."""
    return pack or _is_much(recorder)


def _is_much(recorder: Recorder) -> bool:
    lines = list(recorder.lines.values())
    loose = sum(line.count - line.packed for line in lines)
    return loose > min(_OPEN_AT_MOST, _OPEN + _OPEN_A_SERIES * len(lines))


def insert_series(connection: sqlite3.Connection, recorder: Recorder) -> None:
    """Make rows for the series that have none."""
    fresh: list[Line | Items] = [line for line in list(recorder.lines.values()) if line.key is None]
    fresh += [items for items in list(recorder.items.values()) if items.key is None]
    for series in fresh:
        kind = series.kind if isinstance(series, Items) else "scalar"
        cursor = connection.execute(
            "INSERT INTO series(run, name, kind) VALUES (?, ?, ?)", (recorder.key, to_bytes(series.name), kind)
        )
        series.key = cursor.lastrowid


def _save_items(connection: sqlite3.Connection, recorder: Recorder) -> None:
    rows = [
        (items.key, step, time, data) for items in list(recorder.items.values()) for step, time, data in items.waiting
    ]
    many(connection, "INSERT INTO item(series, step, time, data) VALUES ", rows)


def _tail(recorder: Recorder) -> tuple[str, tuple[Any, ...]]:
    parts = [
        (line.key, line.view(line.saved))
        for line in list(recorder.lines.values())
        if line.key and line.count > line.saved
    ]
    row = (recorder.key, recorder.gathered, recorder.step, pack_tail(parts))
    return "INSERT INTO tail(run, drained, step, data) VALUES (?, ?, ?, ?)", row


def _pack(connection: sqlite3.Connection, recorder: Recorder) -> None:
    chunks: list[tuple[Any, ...]] = []
    data: list[tuple[Any, ...]] = []
    series: list[tuple[Any, ...]] = []
    for line in list(recorder.lines.values()):
        if line.count == line.packed:
            continue
        assert line.key is not None
        for first in range(max(line.base, line.packed // CHUNK * CHUNK), line.count, CHUNK):
            points = line.view(first, first + CHUNK)
            key = line.key * CHUNKS_A_SERIES + first // CHUNK
            chunks.append((key, *chunk_row(points)))
            data.append((key, pack_points(points)))
        series.append(
            (
                line.key,
                recorder.key,
                to_bytes(line.name),
                "scalar",
                line.count,
                line.low_step,
                line.high_step,
                line.last,
            )
        )
    many(connection, "REPLACE INTO chunk VALUES ", chunks)
    many(connection, "REPLACE INTO points VALUES ", data)
    many(
        connection,
        "INSERT INTO series(key, run, name, kind, count, low_step, high_step, last) VALUES ",
        series,
        " ON CONFLICT(key) DO UPDATE SET count = excluded.count, low_step = excluded.low_step,"
        " high_step = excluded.high_step, last = excluded.last",
    )
    # Tails that were packed this time are left until the next, for followers who have not read them yet.
    done = recorder.gathered if recorder.record.ended is not None else recorder.packed
    connection.execute("DELETE FROM tail WHERE run = ? AND drained <= ?", (recorder.key, done))
    connection.execute(
        "UPDATE run SET drained = ?, packed = ?, step = ? WHERE key = ?",
        (recorder.gathered, recorder.gathered, recorder.step, recorder.key),
    )


def chunk_row(points: Points) -> tuple[int, int, int, int, float, float, float, float, float]:
    """Summary of a chunk's points: the columns of its row after the key."""
    finite, step, time, mean, low, high = summary(points)
    return len(points), finite, int(points.steps.min()), int(points.steps.max()), step, time, mean, low, high


def many(connection: sqlite3.Connection, head: str, rows: Sequence[Sequence[Any]], tail: str = "") -> None:
    """Write many rows by few statements: with each, SQLite lets go of Python's lock, and a busy training takes it."""
    if not rows:
        return
    width = len(rows[0])
    most = max(1, connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // width)
    most = min(most, 500)
    one = f"({', '.join('?' * width)})"
    for at in range(0, len(rows), most):
        part = rows[at : at + most]
        flat: Iterable[Any] = (value for row in part for value in row)
        connection.execute(head + ", ".join([one] * len(part)) + tail, tuple(flat))


def save_config(connection: sqlite3.Connection, config: Mapping[str, Any], key: int) -> None:
    """Write a configuration in which something was set since the run began."""
    connection.execute("UPDATE run SET config = ? WHERE key = ?", (config_json(config), key))


def config_json(config: Mapping[str, Any]) -> str:
    """A configuration as the store keeps it; what was set in it since the run began may be anything."""
    return json.dumps(plain(dict(config)))


def save_end(connection: sqlite3.Connection, record: Record, key: int) -> None:
    """Write how the run ended."""
    connection.execute(
        "UPDATE run SET status = ?, message = ?, ended = ?, config = ? WHERE key = ?",
        (
            record.status,
            None if record.message is None else to_bytes(record.message),
            record.ended,
            config_json(record.config),
            key,
        ),
    )

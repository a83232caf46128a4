"""Carries a run that is being recorded into a new store, after the old file was deleted or replaced under it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from nnwidgets.runs.recorder import Recorder
from nnwidgets.runs.saving import insert_run, insert_series, many
from nnwidgets.runs.schema import CHUNK, CHUNKS_A_SERIES

_AT_ONCE = 64


def carry(old: sqlite3.Connection | None, new: sqlite3.Connection, recorder: Recorder) -> None:
    """Make the run in `new`, inside a transaction, with what lies in full chunks of `old`; the recorder has the rest.

    A deleted file lives on while it is open. Where it cannot be read any more (`old` is None), what lay in full chunks
    and all earlier histograms, images and texts are lost; the newest points of each series never.
    """
    former = {line.name: line.key for line in list(recorder.lines.values())}
    former |= {items.name: items.key for items in list(recorder.items.values())}
    recorder.forget_store()
    recorder.key = insert_run(new, recorder.record)
    insert_series(new, recorder)
    if old is None:
        return
    for line in list(recorder.lines.values()):
        key = former.get(line.name)
        if key is not None and line.key is not None and line.base:
            _copy_chunks(old, new, key, line.key, line.base // CHUNK)
    for items in list(recorder.items.values()):
        key = former.get(items.name)
        if key is not None:
            rows = old.execute("SELECT step, time, data FROM item WHERE series = ? ORDER BY key", (key,))
            for part in _parts(rows):
                many(new, "INSERT INTO item(series, step, time, data) VALUES ", [(items.key, *row) for row in part])


def _copy_chunks(old: sqlite3.Connection, new: sqlite3.Connection, former: int, key: int, below: int) -> None:
    shift = (key - former) * CHUNKS_A_SERIES
    bounds = (former * CHUNKS_A_SERIES, former * CHUNKS_A_SERIES + below)
    for table in ("chunk", "points"):
        rows = old.execute(f"SELECT * FROM {table} WHERE key >= ? AND key < ?", bounds)
        for part in _parts(rows):
            many(new, f"INSERT INTO {table} VALUES ", [(row[0] + shift, *row[1:]) for row in part])


def _parts(rows: sqlite3.Cursor) -> Iterable[list[tuple[Any, ...]]]:
    while part := rows.fetchmany(_AT_ONCE):
        yield part

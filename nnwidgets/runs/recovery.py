"""Runs whose process died: their journals are taken up by whoever opens the store next."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
from pathlib import Path

from nnwidgets.runs.database import Database
from nnwidgets.runs.journal import Left, clear_up, pending, remove
from nnwidgets.runs.reading import Row, read_items_table, read_lines, read_run
from nnwidgets.runs.recorder import Record, Recorder
from nnwidgets.runs.saving import save, save_end


def is_alive(folder: Path, row: Row) -> bool:
    """Whether the process that records the run lives."""
    try:
        left = Left(folder, row.id, shared=True)
    except FileNotFoundError:
        return _lives_by_number(row.host, row.process)
    except OSError:
        return True
    try:
        return left.alive
    finally:
        left.close()


def _lives_by_number(host: str, process: int) -> bool:
    """Where there is no journal: whether a process of that number runs on this host (of other hosts: yes)."""
    if host != socket.gethostname():
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def read_left(folder: Path, database: Database, row: Row) -> Recorder | None:
    """What a dead process left of a run, where nobody can take it up because the store cannot be written."""
    try:
        left = Left(folder, row.id, shared=True)
    except OSError:
        return None
    try:
        definitions = left.definitions()
        if left.alive or left.gone or not definitions:
            return None
        with database.reading() as connection:
            return resume(connection, Record(**definitions[0]), left)
    finally:
        left.close()


def take_up(folder: Path, database: Database) -> None:
    """Bring what dead processes left in their journals into the store, and say that their runs were interrupted."""
    clear_up(folder)
    for run in pending(folder):
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            left = Left(folder, run, shared=False)
            try:
                if left.alive or left.gone:
                    continue
                with database.writing() as connection:
                    bring_in(connection, left)
                remove(folder, run)
            finally:
                left.close()


def bring_in(connection: sqlite3.Connection, left: Left) -> None:
    """Write what a journal holds, in a transaction."""
    definitions = left.definitions()
    if not definitions:
        return
    record = Record(**definitions[0])
    recorder = resume(connection, record, left)
    end = next((what["end"] for what in definitions if "end" in what), None)
    if end is not None:
        record.status, record.message, record.ended = end["status"], end["message"], end["ended"]
    else:
        record.status = "interrupted"
        record.message = "its process died"
        record.ended = record.started + recorder.last_time
    save(connection, recorder, pack=True)
    assert recorder.key is not None
    save_end(connection, record, recorder.key)


def resume(connection: sqlite3.Connection, record: Record, left: Left) -> Recorder:
    """A recorder as the dead one was, with what its journal holds."""
    recorder = Recorder(record, lambda: None)
    row = read_run(connection, record.id)
    if row is not None:
        recorder.key = row.key
        record.config = row.config  # the journal has it as it was at first
        recorder.lines = read_lines(connection, row)
        recorder.step = row.step
        recorder.packed = row.packed
        recorder.drained = recorder.gathered = row.drained
        for key, name, kind, count, low, high in read_items_table(connection, row.key):
            items = recorder.add_items(name, kind)
            items.key, items.count, items.low_step, items.high_step = key, count, low, high
    recorder.replay(left.definitions()[1:], left.bodies(recorder.drained))
    return recorder

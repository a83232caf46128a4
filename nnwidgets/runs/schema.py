"""The tables of a store, and which SQLite file is one.

Points lie in chunks of 1,024, numbered within their series: `chunk` has their summaries, `points` the points
themselves, so that a thinned read of a long series touches no points. What was logged since is in `tail`, one row for
each round of the writer: a follower reads exactly the rows that are new to it. Now and then tails are packed into
chunks. `run.packed` is the number of the last record that lies in chunks: tails up to it are kept a while for slow
followers, and are no part of the run any more. Text that people choose is kept as UTF-8 in blobs: SQLite's own text
refuses lone surrogates.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from nnwidgets.runs.errors import StoreError

APPLICATION: Final = 0x6E6E7772  # "nnwr"
VERSION: Final = 1
CHUNK: Final = 1024
"""Points in a full chunk."""

CHUNKS_A_SERIES: Final = 2**24
"""Chunks of one series are numbered below this: `chunk.key` is `series.key * CHUNKS_A_SERIES + number`."""

_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS run(
        key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name BLOB NOT NULL, status TEXT NOT NULL, message BLOB,
        started REAL NOT NULL, ended REAL, host BLOB, process INTEGER, code TEXT, config TEXT NOT NULL,
        seeds TEXT NOT NULL, drained INTEGER NOT NULL DEFAULT 0, packed INTEGER NOT NULL DEFAULT 0, step INTEGER)""",
    "CREATE INDEX IF NOT EXISTS run_started ON run(started)",
    """CREATE TABLE IF NOT EXISTS series(
        key INTEGER PRIMARY KEY, run INTEGER NOT NULL, name BLOB NOT NULL, kind TEXT NOT NULL,
        count INTEGER NOT NULL DEFAULT 0, low_step INTEGER, high_step INTEGER, last REAL, UNIQUE(run, name))""",
    """CREATE TABLE IF NOT EXISTS chunk(
        key INTEGER PRIMARY KEY, count INTEGER NOT NULL, finite INTEGER NOT NULL, low_step INTEGER NOT NULL,
        high_step INTEGER NOT NULL, step REAL NOT NULL, time REAL NOT NULL, mean REAL, low REAL, high REAL)""",
    "CREATE TABLE IF NOT EXISTS points(key INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    """CREATE TABLE IF NOT EXISTS tail(
        run INTEGER NOT NULL, drained INTEGER NOT NULL, step INTEGER, data BLOB NOT NULL, UNIQUE(run, drained))""",
    """CREATE TABLE IF NOT EXISTS item(
        key INTEGER PRIMARY KEY, series INTEGER NOT NULL, step INTEGER NOT NULL, time REAL NOT NULL,
        data BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS item_step ON item(series, step)",
)


def is_store(connection: sqlite3.Connection) -> bool:
    """Whether the file is a store (False: it is empty). Raises `StoreError` where it is something else."""
    # In this order: another process may make the tables at this moment.
    if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        return False
    if connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            raise StoreError(
                f"the store is of version {version}, but this nnwidgets reads version {VERSION}: "
                f"use the nnwidgets that made it"
            )
        return True
    raise StoreError("it is an SQLite file of something else")


def create(connection: sqlite3.Connection) -> None:
    """Make the tables, unless another process did meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise

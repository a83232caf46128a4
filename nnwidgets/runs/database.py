"""The store's file: connections to it, what is wrong with it in words, and whether it is still there."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from nnwidgets.runs import schema
from nnwidgets.runs.ending import databases
from nnwidgets.runs.errors import StoreError

Durable = Literal["process", "power"]

_PATIENCE = 5.0  # seconds that a statement waits for another process's lock
_others: list[sqlite3.Connection | None] = []

_FULL = (errno.ENOSPC, errno.EDQUOT)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_NO_WAL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_CANTOPEN)


class Database:
    """One connection to a store's file, used by one thread at a time; opened again where the file was replaced.

    Args:
        path: of the file; None keeps the store in memory.
        durable: "power" has each commit wait for the disk.
        writable: whether to open it for writing; it must exist where not.

    Raises:
        StoreError: the file is no store, or cannot be opened.
    """

    def __init__(self, path: Path | None, *, durable: Durable = "process", writable: bool = True) -> None:
        self.path = path
        self.durable = durable
        self.writable = writable
        self.notes: list[str] = []
        self.lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._seen: os.stat_result | None = None
        databases.add(self)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, opened where there is none. Under `lock`."""
        if self._connection is None:
            self._connection = self._open()
            self._seen = self._stat()
        return self._connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection whose statements all see the same moment."""
        with self.lock:
            if self.replaced():
                self.close()
            connection = self.connection
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("COMMIT")

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction: all that is written in it, or nothing."""
        with self.lock:
            connection = self.connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                raise

    def replaced(self) -> bool:
        """Whether the file that is open is not at its place any more: deleted, or another one."""
        if self.path is None or self._seen is None:
            return False
        now = self._stat()
        return now is None or not os.path.samestat(now, self._seen)

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self.lock:
            connection, self._connection, self._seen = self._connection, None, None
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()

    def __del__(self) -> None:
        self.close()

    def forked(self) -> None:
        """In a process that was forked: the connection is the other one's, and must not even be closed here."""
        _others.append(self._connection)
        self._connection = self._seen = None
        self.lock = threading.RLock()

    def detach(self) -> sqlite3.Connection | None:
        """Give the connection away, open as it is: what was deleted can still be read through it."""
        with self.lock:
            connection, self._connection, self._seen = self._connection, None, None
            return connection

    def _stat(self) -> os.stat_result | None:
        if self.path is None:
            return None
        try:
            return os.stat(self.path)
        except OSError:
            return None

    def _open(self) -> sqlite3.Connection:
        if self.path is None:
            connection = connect(":memory:")
        elif self.writable:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = connect(uri(self.path, "rwc"))
        else:
            connection = self._open_to_read(self.path)
        try:
            if not schema.is_store(connection):
                if not self.writable:
                    raise StoreError("it is empty")
                self._prepare(connection)
                schema.create(connection)
            elif self.writable:
                self._prepare(connection)
        except sqlite3.DatabaseError as error:
            connection.close()
            if _code(error) == sqlite3.SQLITE_NOTADB:
                raise StoreError(f"{self.path} is no store of runs: it is no SQLite file") from None
            raise
        except StoreError as error:
            connection.close()
            raise StoreError(f"{self.path} is no store of runs: {error}") from None
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_to_read(self, path: Path) -> sqlite3.Connection:
        connection = connect(uri(path, "ro"))
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            # In a folder that cannot be written SQLite cannot make the file that readers of a WAL share.
            if _code(error) not in (*_NO_WAL, sqlite3.SQLITE_READONLY) or _has_content(f"{path}-wal"):
                raise
            connection = connect(uri(path, "ro") + "&immutable=1")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if self.path is not None:
            mode = _wal(connection)
            if mode != "wal":
                self._note(
                    f"{self.path.name}: write-ahead logging does not work on this file system, so SQLite's journal "
                    f"mode {mode.upper()} is used: who reads may delay the writer (never a training step)"
                )
        level = "FULL" if self.durable == "power" else "NORMAL"
        connection.execute(f"PRAGMA synchronous = {level}")

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)


def close_all(path: Path | None) -> None:
    """Close all connections of this process to the file; their next use opens them again.

    SQLite shares some of its state between them: while one is open that could only read, none can write.
    """
    if path is not None:
        for each in list(databases):
            if each.path == path:
                each.close()


def uri(path: Path, mode: str) -> str:
    """What SQLite opens."""
    return f"{path.absolute().as_uri()}?mode={mode}"


def connect(where: str) -> sqlite3.Connection:
    """A connection that begins no transaction by itself and may go from thread to thread."""
    return sqlite3.connect(where, _PATIENCE, isolation_level=None, check_same_thread=False, uri=True)


def _wal(connection: sqlite3.Connection) -> str:
    """Turn write-ahead logging on, or the ordinary journal where it does not work; the mode that holds."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            if mode != "wal":
                mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode == "wal":  # the memory that its users share is first needed when something is read
                connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            return str(mode)
        except sqlite3.OperationalError as error:
            if _code(error) in _NO_WAL:
                return str(connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0])
            # Another process changes the mode at this moment: SQLite does not wait for that by itself.
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)


def why(error: BaseException, path: Path | None) -> str:
    """What keeps the store from being written, as the first half of a sentence."""
    code = _code(error)
    if code == sqlite3.SQLITE_CANTOPEN and path is not None and path.exists() and not os.access(path, os.W_OK):
        code = sqlite3.SQLITE_READONLY
    if code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) in _FULL:
        return "the disk is full"
    if code == sqlite3.SQLITE_READONLY or getattr(error, "errno", None) in _READ_ONLY:
        return "the store cannot be written (read-only)"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "another program holds the store locked"
    if code == sqlite3.SQLITE_CANTOPEN:
        return "the store's file cannot be opened"
    if code == sqlite3.SQLITE_IOERR:
        return "the disk does not answer as it should"
    return f"the store cannot be written ({error})"


def _code(error: BaseException) -> int:
    return int(getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _has_content(path: str) -> bool:
    try:
        return os.path.getsize(path) > 0
    except OSError:
        return False

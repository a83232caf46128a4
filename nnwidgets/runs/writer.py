"""The writer of a store: one thread that brings what its runs log into the file, and tells who listens.

It sleeps while nothing is logged. A store that cannot be written is no error of the training: the writer says what is
wrong, keeps everything in memory (24 bytes a point, without a bound) and tries again every second.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable

from nnwidgets.runs.carrying import carry
from nnwidgets.runs.database import Database, close_all, why
from nnwidgets.runs.ending import writers
from nnwidgets.runs.errors import StoreError
from nnwidgets.runs.recorder import Recorder
from nnwidgets.runs.records import Batch
from nnwidgets.runs.saving import is_packed, save, save_config, save_end, save_tail, saved

_INTERVAL = 0.1  # seconds between rounds
_LONGEST = 2.0
_SHARE = 0.02  # of a processor's time that rounds may take
_RETRY = 1.0
_PATIENCE_AT_EXIT = 10.0
_LOOK = 0.5  # between looks whether the file is still there

_log = logging.getLogger(__name__)


class Told:
    """Who is told of a recorder's batches, and of its status."""

    def __init__(self, batch: Callable[[Batch], object], status: Callable[[], object]) -> None:
        self.batch = batch
        self.status = status


class Writer:
    """Writes what recorders took into one database.

    `reason` says what keeps the store from being written, or is None.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.reason: str | None = None
        self._recorders: dict[Recorder, Told] = {}
        self._changing = threading.Condition()
        self._rounding = threading.RLock()
        self._thread: threading.Thread | None = None
        self._woken = False
        self._asked = self._done = 0
        self._next_try = self._looked = self._wrote = 0.0
        self._gone: sqlite3.Connection | None = None
        self._behind: set[Recorder] = set()
        writers.add(self)

    @property
    def busy(self) -> bool:
        """Whether a run is recorded."""
        return bool(self._recorders)

    def add(self, recorder: Recorder, told: Told) -> None:
        """Write this one too."""
        with self._changing:
            self._recorders[recorder] = told

    def wake(self) -> None:
        """Something was logged."""
        with self._changing:
            for recorder in self._recorders:
                recorder.awake = True
            self._woken = True
            self._start()
            self._changing.notify_all()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait for a round that begins after this call; False if `timeout` seconds were not enough."""
        if threading.current_thread() is self._thread:
            return False  # a listener asks: its own round has not ended
        with self._changing:
            self._asked += 1
            mine = self._asked
            self._next_try = self._looked = 0.0
            if self._start():
                self._changing.notify_all()
                return self._changing.wait_for(lambda: self._done >= mine, timeout)
        self._round()  # Python is ending: no thread can be started any more
        return True

    def trouble(self, recorder: Recorder) -> str | None:
        """What is wrong, and how much of the recorder waits for it to end, in a sentence."""
        reason = self.reason
        if reason is None:
            return None
        waiting = recorder.waiting()
        if not waiting:
            return f"{reason}; nothing waits to be written"
        noun = "point waits" if waiting == 1 else "points wait"
        return f"{reason}: {waiting:,} {noun} in memory ({_size(24 * waiting)}) and will be written when it can be"

    def end_all(self, message: str) -> None:
        """Python ends: what is still recorded was not finished."""
        for recorder in list(self._recorders):
            recorder.end("interrupted", message, message)
        if self._recorders:
            self.flush(_PATIENCE_AT_EXIT)

    def forked(self) -> None:
        """In a process that was forked: the runs are those of the other one."""
        for recorder in self._recorders:
            recorder.forked()
        self._recorders, self._behind, self._gone = {}, set(), None
        self._changing, self._rounding = threading.Condition(), threading.RLock()
        self._thread = None

    def _start(self) -> bool:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="nnwidgets runs", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:
                self._thread = None
                return False
        return True

    def _work(self) -> None:
        interval = _INTERVAL
        while True:
            with self._changing:
                self._changing.wait_for(lambda: self._woken or self._asked > self._done)
                self._changing.wait_for(lambda: self._asked > self._done, interval)
                asked = self._asked
                self._woken = False
                for recorder in self._recorders:
                    recorder.awake = True
            before = time.thread_time()
            busy = self._round()
            interval = min(_LONGEST, max(_INTERVAL, (time.thread_time() - before) / _SHARE))
            with self._changing:
                self._done = asked
                if busy:
                    self._woken = True
                else:
                    for recorder in self._recorders:
                        recorder.awake = False
                    # What was logged before that may have found us awake.
                    self._woken = any(recorder.waits() for recorder in self._recorders)
                    if not self._recorders and not self._woken and self._asked == asked:
                        self._rest()
                        return
                self._changing.notify_all()

    def _rest(self) -> None:
        """No run is recorded any more: nothing is held open. Under `_changing`."""
        self._thread = None
        if self.database.path is not None:
            self.database.close()
        self._changing.notify_all()

    def _round(self) -> bool:
        """One round over all recorders; whether there was anything to do, or there still is."""
        with self._rounding:
            self._look()
            busy = self._looked < self._wrote  # once more, for what was written into a file that was just deleted
            for recorder, told in list(self._recorders.items()):
                with recorder.gathering:
                    recorder.gather(flip=True)
                    batch = recorder.batch()
                    busy |= batch is not None
                    changed = self._save(recorder)
                    busy |= not recorder.is_saved() or recorder in self._behind
                if batch is not None:
                    _call(told.batch, batch)
                if changed:
                    _call(told.status)
        return busy

    def _save(self, recorder: Recorder) -> bool:
        """Bring it into the store; whether something is to be told: trouble came or went, the run ended."""
        if (recorder.is_saved() and recorder not in self._behind) or time.monotonic() < self._next_try:
            return False
        before = self.reason
        try:
            self._write(recorder)
            recorder.settle()
            self.reason = None
        except (sqlite3.Error, OSError, StoreError) as error:
            self._next_try = time.monotonic() + _RETRY
            self.reason = why(error, self.database.path)
            if self.database.replaced():
                self._leave()
            self.database.close()
            close_all(self.database.path)
        if recorder.ended:
            with self._changing:
                self._recorders.pop(recorder, None)
            return True
        return self.reason != before

    def _write(self, recorder: Recorder) -> None:
        database = self.database
        pack = recorder.complete
        config = recorder.changed_config()
        with database.lock:
            if recorder in self._behind:
                with database.writing() as connection:
                    carry(self._gone, connection, recorder)
                    save(connection, recorder, pack=True)
                self._behind.discard(recorder)
                packed = True
                if not self._behind and self._gone is not None:
                    self._gone.close()
                    self._gone = None
            elif not pack and config is None and save_tail(database.connection, recorder):
                packed = False
            else:
                packed = is_packed(recorder, pack=pack)
                with database.writing() as connection:
                    save(connection, recorder, pack=pack)
                    assert recorder.key is not None
                    if config is not None:
                        save_config(connection, config, recorder.key)
                    if pack:
                        save_end(connection, recorder.record, recorder.key)
        saved(recorder, packed=packed)
        if config is not None:
            recorder.saved_config = config
        self._wrote = time.monotonic()

    def _look(self) -> None:
        """Whether the file is still there, and the journals: now and then."""
        if time.monotonic() < self._looked + _LOOK:
            return
        self._looked = time.monotonic()
        if self.database.replaced():
            self._leave()
        for each in list(self._recorders):
            if each.journal is not None and not each.journal.exists():
                each.lose_journal()

    def _leave(self) -> None:
        """The file is gone: what was written to it can be read through the connection that is open."""
        gone = self.database.detach()
        if self._gone is None:
            self._gone = gone
            self._behind = {each for each in self._recorders if each.key is not None}
        elif gone is not None:
            gone.close()


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


def _call(function: Callable[..., object], *arguments: object) -> None:
    try:
        function(*arguments)
    except Exception:
        _log.exception("a listener of a run raised")

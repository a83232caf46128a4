"""Background jobs: work off the main thread, with progress, cancel and an answer that can be waited for.

The job of the running thread is known (`current_job`), so that a forward asked for anywhere inside a job reports its
progress to it and stops when it is cancelled.
"""

from __future__ import annotations

import atexit
import logging
import threading
import weakref
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal

_THREADS = 4  # the model runs once at a time; more would only wait for it
_PATIENCE_AT_EXIT = 5.0  # seconds

State = Literal["waiting", "running", "done", "cancelled", "failed"]

_log = logging.getLogger(__name__)
_local = threading.local()


class Cancelled(Exception):
    """The job was cancelled."""


def current_job() -> Job | None:
    """The job that runs in this thread."""
    return getattr(_local, "job", None)


def check_cancelled() -> None:
    """Raise `Cancelled` if this thread runs a job that was cancelled."""
    job = current_job()
    if job is not None:
        job.check()


class Job:
    """One piece of background work, `function(job)`. Made by `session.submit`.

    `label` says what it is, `stage` what it last reported to be at, `progress` how far it is, 0 to 1.
    """

    def __init__(self, function: Callable[[Job], Any], label: str = "") -> None:
        self.label = label
        self.stage = ""
        self.progress = 0.0
        self.state: State = "waiting"
        self._function: Callable[[Job], Any] | None = function
        self._lock = threading.Lock()
        self._outer: Job | None = None
        self._reports = False
        self._cancel = threading.Event()
        self._finished = threading.Event()
        self._listeners: list[Callable[[Job], object]] = []
        self._value: Any = None
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None

    def __repr__(self) -> str:
        if self._error is not None:
            error = f"{type(self._error).__name__}: {self._error}".splitlines()[0]
            return f"Job({self.label!r}, failed: {error})"
        stage = f", {self.stage!r}" if self.stage else ""
        return f"Job({self.label!r}, {self.state}, {self.progress:.0%}{stage})"

    @property
    def finished(self) -> bool:
        """Whether it is done, cancelled or failed."""
        return self._finished.is_set()

    def report(self, done: float, total: float, stage: str = "") -> None:
        """Say how far the work is, from inside the job, and at which stage; without one it stays at the stage before.

        Raises `Cancelled` when someone cancelled it.
        """
        self._reports = True
        self._advance(done, total, stage)

    def report_run(self, done: int, total: int) -> None:
        """The progress of one run of the model inside the job, shown where the job itself reports none."""
        if self._reports:
            self.check()
        else:
            self._advance(done, total, "")

    def _advance(self, done: float, total: float, stage: str) -> None:
        self.check()
        self.progress = min(1.0, max(0.0, done / total)) if total else 0.0
        self.stage = stage or self.stage
        self._tell()

    def check(self) -> None:
        """Raise `Cancelled` if someone cancelled the job; to be called often from inside it."""
        if self._cancel.is_set():
            raise Cancelled(f"the job {self.label!r} was cancelled")
        if self._outer is not None:
            self._outer.check()

    def cancel(self) -> None:
        """Stop the job: at once if it waits, else at its next `check` or `report`. Does not wait for it."""
        self._cancel.set()
        with self._lock:
            waiting = self.state == "waiting"
            if waiting:
                self.state, self._function = "cancelled", None
        if waiting:
            self._end()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job has ended, however it did; False if `timeout` seconds were not enough."""
        if current_job() is not None:
            self.run()  # one job waits for another: do not leave it in the queue behind ourselves
        return self._finished.wait(timeout)

    def result(self, timeout: float | None = None) -> Any:
        """Wait for what the job returned, at most `timeout` seconds (`TimeoutError`).

        Raises what the job raised, with its traceback, and `Cancelled` if it was cancelled.
        """
        if not self.wait(timeout):
            raise TimeoutError(f"the job {self.label!r} has not ended after {timeout} seconds")
        if self._error is not None:
            raise self._error.with_traceback(self._traceback)
        if self.state == "cancelled":
            raise Cancelled(f"the job {self.label!r} was cancelled")
        return self._value

    def add_listener(self, listener: Callable[[Job], object]) -> None:
        """Call `listener(job)` on every change, in the thread that made it; at once if the job has already ended."""
        with self._lock:
            self._listeners.append(listener)
        if self.finished:
            self._call(listener)

    def run(self) -> None:
        """Do the work in this thread, unless it was already taken or cancelled."""
        with self._lock:
            if self.state != "waiting" or self._function is None:
                return
            self.state, function, self._function = "running", self._function, None
        self._tell()
        self._outer, _local.job = current_job(), self
        state: State = "done"
        try:
            self._value = function(self)
            self.progress = 1.0
        except Cancelled:
            state = "cancelled"
        except BaseException as error:
            state, self._error, self._traceback = "failed", error, error.__traceback__
        finally:
            _local.job, self._outer = self._outer, None
            # What the function holds must not live as long as the job does, and a listener may look at the state.
            del function
            self.state = state
            self._end()

    def _end(self) -> None:
        self._finished.set()
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            self._call(listener)

    def _call(self, listener: Callable[[Job], object]) -> None:
        try:
            listener(self)
        except Exception:  # a broken listener must not end the work that it listens to
            _log.exception("a listener of the job %r raised", self.label)


class JobPool:
    """A queue of jobs and a few threads, which live as long as there is work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: deque[Job] = deque()
        self._running: dict[threading.Thread, Job] = {}
        self._closed = False
        _pools.add(self)

    def submit(self, job: Job) -> None:
        """Queue the job."""
        with self._lock:
            if self._closed:
                job.cancel()
                return
            self._queue.append(job)
            if len(self._running) < _THREADS:
                thread = threading.Thread(target=self._work, name="nnwidgets job", daemon=True)
                self._running[thread] = job
                thread.start()

    def close(self, timeout: float | None = None) -> None:
        """Cancel all jobs and wait until none runs, except one that closes the pool itself."""
        with self._lock:
            self._closed = True
            jobs = [*self._queue, *self._running.values()]
            threads = [thread for thread in self._running if thread is not threading.current_thread()]
        for job in jobs:
            job.cancel()
        for thread in threads:
            thread.join(timeout)

    def _work(self) -> None:
        me = threading.current_thread()
        while True:
            with self._lock:
                if not self._queue:
                    del self._running[me]
                    return
                job = self._running[me] = self._queue.popleft()
            job.run()
            del job


_pools: weakref.WeakSet[JobPool] = weakref.WeakSet()


@atexit.register
def _close_pools() -> None:
    # A daemon thread inside torch while Python ends takes the process down.
    for pool in list(_pools):
        pool.close(_PATIENCE_AT_EXIT)

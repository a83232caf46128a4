"""`Source`: what a widget looks at. A model session is one, and so are a training run and a process."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from nnwidgets.source.cell import current_cell
from nnwidgets.source.jobs import Job, JobPool
from nnwidgets.source.selection import Selection

_log = logging.getLogger(__name__)


class Source:
    """A selection that its widgets share, background jobs, and those who are told when something changes or ends.

    Args:
        name: what people call it; widgets follow a later source of that name when its cell runs again.
        selection: that of another source, to look at the same place in both.
        save_dir: folder in which its widgets save what has a relative path; made when it is needed.

    Raises:
        TypeError: a name that is no text, a selection that is none.
    """

    opened: ClassVar[list[Callable[[Any], object]]] = []
    """Called with each new source, once it is ready."""

    def __init__(
        self,
        *,
        name: str | None = None,
        selection: Selection | None = None,
        save_dir: str | PathLike[str] | None = None,
    ) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name={name!r}, but it is a text")
        if selection is not None and not isinstance(selection, Selection):
            raise TypeError(f"selection is of type {type(selection).__name__}, but it must be a Selection")
        self.name = name
        self.save_dir = None if save_dir is None else Path(save_dir)
        self.selection = Selection() if selection is None else selection
        self.cell = current_cell()
        self.closed = False
        self._jobs = JobPool()
        self._on_close: list[Callable[[Any], object]] = []
        self._on_change: list[Callable[[Any, str], object]] = []
        self._on_job: list[Callable[[Job], object]] = []
        self._closing = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self.close()
        return None

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or type(self).__name__

    @property
    def version(self) -> int:
        """Rises whenever answers given before are no longer true."""
        return 0

    @property
    def needs_idle_kernel(self) -> bool:
        """Whether its long work must wait for a running cell, which may be using what it works on."""
        return True

    def check(self) -> None:
        """Look whether something changed that answers depend on. Raises `SourceClosed`."""

    def stored_only(self) -> contextlib.AbstractContextManager[None]:
        """Inside, and in this thread, what would need long work raises `NotStored` instead."""
        return contextlib.nullcontext()

    def estimated_seconds(self) -> float:
        """How long that long work takes."""
        return 0.0

    def submit(self, function: Callable[[Job], Any], *, label: str = "") -> Job:
        """Run `function(job)` in the background and return the job at once."""
        job = Job(function, label)
        for callback in tuple(self._on_job):
            call(callback, job)
        self._jobs.submit(job)
        return job

    def on_close(self, callback: Callable[[Any], object]) -> Callable[[], None]:
        """Call `callback(source)` before the source closes; the function returned takes it back."""
        return listen(self._on_close, callback)

    def on_change(self, callback: Callable[[Any, str], object]) -> Callable[[], None]:
        """Call `callback(source, reason)` after `version` has risen, in the thread that noticed."""
        return listen(self._on_change, callback)

    def on_job(self, callback: Callable[[Job], object]) -> Callable[[], None]:
        """Call `callback(job)` for each job that is submitted, before it begins."""
        return listen(self._on_job, callback)

    def close(self) -> None:
        """Close its widgets, cancel its jobs, wait for them, and let go of everything."""
        if not self._closing.acquire(blocking=False):
            return  # closed, or being closed by someone else
        self.closed = True
        for callback in tuple(self._on_close):
            call(callback, self)
        self._jobs.close()
        self._let_go()

    def _let_go(self) -> None:
        """Drop what the source holds: nothing of its runs any more."""

    def _opened(self) -> None:
        """To be called at the end of a subclass's constructor."""
        for callback in tuple(self.opened):
            callback(self)

    def _tell(self, reason: str) -> None:
        for callback in tuple(self._on_change):
            call(callback, self, reason)


def call(callback: Callable[..., object], *arguments: Any) -> None:
    """Tell a listener; one that raises must not take the answer from whoever asked."""
    try:
        callback(*arguments)
    except Exception:
        _log.exception("a listener of a source raised")


def listen(callbacks: list[Any], callback: Any) -> Callable[[], None]:
    """Add a listener; the function returned takes it out again."""
    callbacks.append(callback)

    def forget() -> None:
        with contextlib.suppress(ValueError):
            callbacks.remove(callback)

    return forget

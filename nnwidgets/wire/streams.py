"""Streams: what the kernel pushes without being asked (progress, later training curves), each on a comm of its own.

A comm that a busy loop publishes on can go deaf, and Jupyter drops what comes too fast: a stream has no questions to
hear, and sends at most `RATE` messages a second, the newest content winning in between.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import traitlets

from nnwidgets.wire.runtime import Silent
from nnwidgets.wire.twins import TWIN

RATE = 20.0


class Stream(Silent):
    """Pushes whole contents to the page; a page that opens late gets the newest one with `last`."""

    _esm = traitlets.Unicode(TWIN).tag(sync=True)
    last = traitlets.Dict().tag(sync=True)

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._sent_at = 0.0
        self._timer: threading.Timer | None = None
        super().__init__()

    def push(self, content: dict[str, Any]) -> None:
        """Show `content` (JSON) in every page: now, or in a moment where a message has just gone out. Never blocks."""
        with self._guard:
            self._next = content
            if self._timer is not None:
                return
            wait = self._sent_at + 1 / RATE - time.monotonic()
            if wait > 0:
                self._timer = threading.Timer(wait, self._flush)
                self._timer.daemon = True
                self._timer.start()
                return
        self._flush()

    def _flush(self) -> None:
        with self._guard:
            self._timer = None
            self._sent_at = time.monotonic()
            content = self._next
        if self.comm is not None:
            self.last = content

    def close(self) -> None:
        with self._guard:
            if self._timer is not None:
                self._timer.cancel()
        super().close()

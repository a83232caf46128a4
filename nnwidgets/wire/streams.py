"""Streams: what the kernel pushes without being asked (progress, a run's state and points), on a comm of its own.

A comm that a busy loop publishes on can go deaf, and Jupyter drops what comes too fast: a stream has no questions to
hear, and sends at most `RATE` messages a second of what is stated, the newest content winning in between.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import traitlets

from nnwidgets.wire.codec import Coded
from nnwidgets.wire.runtime import Silent
from nnwidgets.wire.twins import TWIN

RATE = 20.0


class Stream(Silent):
    """States whole contents, of which a page that opens late gets the newest; and sends what is news only once."""

    _esm = traitlets.Unicode(TWIN).tag(sync=True)
    jobs: traitlets.List[Any] = traitlets.List().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._sent_at = self._due = 0.0
        self._timer: threading.Timer | None = None
        self._next: dict[str, Any] = {}
        super().__init__()

    def push(self, *, rest: float = 1 / RATE, **stated: Any) -> None:
        """State `jobs` or `state` (JSON) in every page: now or, less than `rest` seconds after the last statement, once
        they are over. Never blocks.
        """
        with self._guard:
            self._next |= stated
            now = time.monotonic()
            due = max(now, self._sent_at + rest)
            if self._timer is not None:
                if self._due <= due:
                    return
                self._timer.cancel()
                self._timer = None
            if due > now:
                self._due = due
                self._timer = threading.Timer(due - now, self.flush)
                self._timer.daemon = True
                self._timer.start()
                return
        self.flush()

    def tell(self, content: Mapping[str, Any], arrays: Mapping[str, Coded]) -> None:
        """Send news to every page that is open: it may be lost, so number it. The caller keeps the rate."""
        if self.comm is not None:
            headers = {name: coded.header for name, coded in arrays.items()}
            self.send({**content, "arrays": headers}, [coded.data for coded in arrays.values()])

    def flush(self) -> None:
        """State now what still waits."""
        with self._guard:
            self._timer = None
            self._sent_at = time.monotonic()
            stated, self._next = self._next, {}
        if self.comm is not None:
            with self.hold_sync():
                for name, content in stated.items():
                    self.set_trait(name, content)

    def close(self) -> None:
        with self._guard:
            if self._timer is not None:
                self._timer.cancel()
        super().close()

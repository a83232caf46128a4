"""A page that refreshes itself: rewritten in the background while a script goes on, without a server."""

from __future__ import annotations

import atexit
import logging
import math
import os
import sys
import tempfile
import threading
import time
import warnings
import webbrowser
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nnwidgets.export.files import write_text
from nnwidgets.export.page import check_target, render_page

_SHARE = 0.1  # of the time at most goes into writing
_LEAST = 0.2  # seconds between two versions
_PATIENCE = 30.0  # seconds that stopping waits for a version that is being written

# Not under a hand: who points, zooms or types is left alone for a while.
_REFRESH = """<script>
{{ let touched = 0;
for (const kind of ["pointermove", "pointerdown", "keydown", "wheel"])
  addEventListener(kind, () => {{ touched = Date.now(); }}, {{ capture: true, passive: true }});
setInterval(() => {{ if (Date.now() - touched > 4000 && !document.hidden) location.reload(); }}, {milliseconds}); }}
</script>
"""

_log = logging.getLogger(__name__)


class LivePage(os.PathLike[str]):
    """A page of widgets that stays up to date until `stop()` or the end of the script, which leave a plain saved page.

    Errors in writing it (a full disk) are warned of once, kept in `trouble`, and never end the script: it tries again.

    Args:
        path: of the file; ends in .html.
        widgets: what it shows.
        every: seconds between two versions, at least; a page that takes long to write comes less often.
        title: of the page; without it the file's name.
        changes: gives something that differs when there is something new; None: always.

    Raises what `save_page` raises for the first version.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        widgets: Iterable[Any],
        *,
        every: float = 2.0,
        title: str | None = None,
        changes: Callable[[], object] | None = None,
    ) -> None:
        if isinstance(every, bool) or not isinstance(every, int | float) or not _LEAST <= every < math.inf:
            raise ValueError(f"every={every!r}, but it is a number of seconds, at least {_LEAST:g}")
        self.path = check_target(path)
        self.every = float(every)
        self.trouble: str | None = None
        self._widgets = list(widgets)
        self._title = title or self.path.stem
        self._changes = changes
        self._stopping = threading.Event()
        self._writing = threading.Lock()
        self._stopped = False
        self._seen = self._state()
        took = self._write(refreshing=True)
        self._thread = threading.Thread(target=self._keep, args=(took,), name="nnwidgets page", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    @classmethod
    def in_a_temporary_place(cls, title: str, widgets: Iterable[Any], changes: Callable[[], object]) -> Self:
        """A page in a new folder of the system's temporary ones."""
        folder = tempfile.mkdtemp(prefix="nnwidgets-")
        return cls(Path(folder, "plot.html"), widgets, title=title, changes=changes)

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        how = "stopped" if self._stopped else f"every {self.every:g} s"
        return f"LivePage({str(self.path)!r}, {how}{', ' + self.trouble if self.trouble else ''})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Write the last version, which does not refresh itself any more."""
        if self._stopped:
            return
        self._stopped = True
        atexit.unregister(self.stop)
        self._stopping.set()
        self._thread.join(_PATIENCE)
        self._try(refreshing=False)

    def open_browser(self) -> None:
        """Show the page in the system's browser, where there is a screen. Does not wait for it."""
        screen = sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
        if screen:
            address = self.path.absolute().as_uri()
            threading.Thread(target=webbrowser.open, args=(address,), name="nnwidgets browser", daemon=True).start()

    def _keep(self, took: float) -> None:
        while not self._stopping.wait(max(self.every, took / _SHARE)):
            now = self._state()
            if now == self._seen and self.trouble is None and self._changes is not None:
                continue
            self._seen = now
            took = self._try(refreshing=True)

    def _state(self) -> object:
        return None if self._changes is None else self._changes()

    def _try(self, *, refreshing: bool) -> float:
        try:
            took = self._write(refreshing=refreshing)
        except Exception as error:
            before, self.trouble = self.trouble, f"{type(error).__name__}: {error}"
            if before is None:
                warnings.warn(f"{self.path} is not up to date: {self.trouble}", stacklevel=2)
            return 0.0
        self.trouble = None
        return took

    def _write(self, *, refreshing: bool) -> float:
        """Seconds that it took."""
        began = time.monotonic()
        with self._writing:
            script = _REFRESH.format(milliseconds=round(1000 * self.every)) if refreshing else ""
            text, _ = render_page(self._widgets, self._title, label=f"Writing {self.path.name}")
            write_text(self.path, text.replace("</body>", f"{script}</body>") if script else text)
        return time.monotonic() - began

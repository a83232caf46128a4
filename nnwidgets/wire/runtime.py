"""The front-end code, sent once for a kernel: the runtime, and a code widget for each widget class and each library
that is in use.

anywidget sends `_esm` whole with every instance and saves it as often; here instances carry a loader of a few lines
(`link.LOADER`) and refer to these.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from nnwidgets.wire.route import pin

STATIC = Path(__file__).parent.parent / "static"
PAGE_CACHE = 64 * 2**20


@cache
def bundle(name: str) -> str:
    """The built front-end file `static/<name>.js`, as text."""
    path = STATIC / f"{name}.js"
    if not path.is_file():
        raise FileNotFoundError(
            f"the front end {path.name!r} is not built: install nnwidgets (`pip install .` builds it), "
            "or run `make build` in a checkout"
        )
    return path.read_text(encoding="utf-8")


class Silent(anywidget.AnyWidget):
    """A widget that is never displayed: it carries code or state for others."""

    layout = traitlets.Any(None)  # not synced: a Layout is a widget of its own, and nobody would ever look at it

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        pin(self.comm)


class Runtime(Silent):
    """The browser's runtime: mounts widgets, holds the page's cache (`cache_limit` in bytes)."""

    cache_limit = traitlets.Int(PAGE_CACHE).tag(sync=True)


class Code(Silent):
    """The browser half of one widget class, or a library that several of them draw with; `name` is its file."""

    name = traitlets.Unicode().tag(sync=True)


_runtime: Runtime | None = None
_codes: dict[str, Code] = {}


def runtime() -> Runtime:
    """The kernel's one runtime, made when the first widget needs it (again, if someone closed all widgets)."""
    global _runtime
    if _runtime is None or _runtime.comm is None:
        _runtime = Runtime(_esm=bundle("runtime"))
    return _runtime


def code(name: str) -> Code:
    """The kernel's one copy of a front-end file: "widgets/<module>" or "libraries/<name>"."""
    made = _codes.get(name)
    if made is None or made.comm is None:
        made = _codes[name] = Code(_esm=bundle(name), name=name)
    return made


def set_page_cache(limit: int) -> None:
    """Let a page keep at most `limit` bytes of answers (64 MiB unless told otherwise)."""
    if not isinstance(limit, int) or limit < 0:
        raise ValueError(f"limit={limit!r}, but a page's cache takes a whole number of bytes, 0 or more")
    runtime().cache_limit = limit

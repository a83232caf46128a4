"""One HTML file of any widgets: it needs no kernel and no network, and its views stay interactive and linked.

The page holds the runtime once, the code of each widget class once, each twin once, and the answers to what a reader
could ask ("baking"): as many as the budget allows, most likely first. It knows no widget class: it packs twins.
"""

from __future__ import annotations

import base64
import datetime
import html
import itertools
import json
import os
import tempfile
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from nnwidgets.session import Job
from nnwidgets.wire.answers import Answer
from nnwidgets.wire.runtime import bundle

BUDGET = 20 * 10**6

_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0 auto; padding: 16px; max-width: 1200px; font: 14px/1.5 system-ui, sans-serif;
  background: light-dark(#fff, #111); color: light-dark(#1a1a1a, #e6e6e6); }}
section {{ margin: 0 0 24px; }}
footer {{ color: light-dark(#555, #aaa); font-size: 12px; }}
</style>
</head>
<body>
<main>{sections}</main>
<footer>{footer}</footer>
<script type="application/json" id="nnwidgets-page">{state}</script>
<script type="module">{host}</script>
</body>
</html>
"""


class Bakeable(Protocol):
    """What the page must know of a widget."""

    source: Any

    def get_state(self) -> dict[str, Any]: ...
    def answer(self, what: str, arguments: Mapping[str, Any]) -> Answer: ...
    def bake(self) -> Iterable[tuple[str, Mapping[str, Any]]]: ...


@dataclass(frozen=True)
class SavedPage(os.PathLike[str]):
    """A saved page: where it is, how large, how many of the views that a reader could ask for it holds."""

    path: Path
    nbytes: int
    kept: int
    left_out: int
    budget: int

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        size = f"{self.path}: {self.nbytes / 1e6:.1f} MB"
        if not self.left_out:
            return f"{size}, with all {self.kept} views"
        return (
            f"{size}, with {self.kept} of {self.kept + self.left_out} views; {self.left_out} were left out to keep "
            f"the answers under {self.budget / 1e6:g} MB: ask for more with budget="
        )


def save_page(path: str | Path, widgets: Sequence[Any], *, budget: int = BUDGET, title: str | None = None) -> SavedPage:
    """Save `widgets`, of any sources, as one HTML file in which they are still linked.

    `budget` bounds the bytes of baked answers. What does not fit is left out, the least likely first, and the page
    says so where a reader asks for it. The file is written whole or not at all. Raises ValueError for no widgets, for
    closed ones, and for a path that does not end in .html.
    """
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"path={str(path)!r}, but a page is an .html file")
    widgets = list(widgets)
    if not widgets:
        raise ValueError("widgets is empty, but a page shows at least one")
    for widget in widgets:
        if widget.closed:
            raise ValueError(f"{widget!r} was closed: make it again, then save it")
    source = widgets[0].source
    job: Job = source.submit(lambda job: _bake(widgets, budget, job), label=f"Saving {path.name}")
    try:
        baked, kept, left_out = job.result()
    except KeyboardInterrupt:
        job.cancel()
        raise
    title = title or path.stem
    page = SavedPage(path, _write(path, _page(widgets, baked, title, kept, left_out)), kept, left_out, budget)
    if left_out:
        warnings.warn(repr(page), stacklevel=2)
    return page


Baked = dict[str, list[dict[str, Any]]]
"""Answers by the model id of the source's twin."""


def _bake(widgets: Sequence[Any], budget: int, job: Job) -> tuple[Baked, int, int]:
    """Answer ahead what readers could ask, the widgets in turn, until the budget is used up."""
    baked: Baked = {widget._source.model_id: [] for widget in widgets}
    seen: set[tuple[str, str]] = set()
    spent = kept = left_out = 0
    questions = list(_in_turn([(widget, list(widget.bake())) for widget in widgets]))
    for done, (widget, what, arguments) in enumerate(questions):
        job.report(done, len(questions))
        twin = widget._source.model_id
        key = (twin, what + json.dumps(dict(arguments), sort_keys=True))
        if key in seen:
            continue
        seen.add(key)
        if spent >= budget:
            left_out += 1
            continue
        entry = _entry(what, arguments, widget.answer(what, arguments), widget.source.version)
        size = len(json.dumps(entry))
        if spent + size > budget:
            left_out += 1
            continue
        spent += size
        kept += 1
        baked[twin].append(entry)
    return baked, kept, left_out


def _in_turn(lists: list[tuple[Any, list[tuple[str, Any]]]]) -> Iterator[tuple[Any, str, Any]]:
    """The first questions of all widgets, then their second ones, and so on."""
    turns = itertools.zip_longest(*([(widget, *question) for question in asked] for widget, asked in lists))
    return (item for turn in turns for item in turn if item is not None)


def _entry(what: str, arguments: Mapping[str, Any], answer: Answer, version: int) -> dict[str, Any]:
    return {
        "what": what,
        "arguments": dict(arguments),
        "value": dict(answer.value),
        "arrays": answer.headers(),
        "version": version,
        "packed": [base64.b64encode(_deflate(data)).decode() for data in answer.buffers()],
    }


def _deflate(data: bytes) -> bytes:
    """Raw deflate, which a browser's DecompressionStream reads."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def _page(widgets: Sequence[Any], baked: Baked, title: str, kept: int, left_out: int) -> str:
    models: dict[str, dict[str, Any]] = {}
    codes: dict[str, int] = {}

    def pack(widget: Any, **more: Any) -> None:
        state = {
            name: value
            for name, value in widget.get_state().items()
            if name not in ("_esm", "layout", "_snapshot") and not name.startswith(("_model_", "_view_"))
        }
        code = codes.setdefault(str(widget._esm), len(codes))
        models[widget.model_id] = {"code": code, "state": state | more}

    for widget in widgets:
        for part in (widget._runtime, widget._code, widget._selection, widget._stream):
            pack(part)
        twin = widget._source
        pack(twin, baked=baked[twin.model_id], version=widget.source.version, message="")
        pack(widget, _snapshot=[])
    state = {"models": models, "codes": list(codes), "widgets": [widget.model_id for widget in widgets]}
    sections = "".join(f'<section data-widget="{widget.model_id}"></section>' for widget in widgets)
    holds = "all views" if not left_out else f"{kept} of {kept + left_out} views"
    today = datetime.date.today()
    footer = f"Saved with nnwidgets on {today.day} {today:%B %Y}; the page holds {holds} and needs no network."
    return _TEMPLATE.format(
        title=html.escape(title),
        sections=sections,
        footer=html.escape(footer),
        state=_inert(json.dumps(state, separators=(",", ":"))),
        host=bundle("page").replace("</script", "<\\/script"),
    )


def _inert(text: str) -> str:
    """JSON that cannot end the script element it stands in, whatever tokens it holds."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _write(path: Path, text: str) -> int:
    """Write the file whole or not at all; its size in bytes."""
    data = text.encode("utf-8")
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".html")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return len(data)

"""One HTML file of any widgets: it needs no kernel and no network, and its views stay interactive and linked.

The page holds the runtime once, the code of each widget class once, each twin once, and the answers to what a reader
could ask: as many as the budget allows, most likely first. It knows no widget class: it packs twins.
"""

from __future__ import annotations

import datetime
import html
import json
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnwidgets.export.bake import Baked, bake
from nnwidgets.export.files import write_text
from nnwidgets.wire.link import LinkedWidget
from nnwidgets.wire.runtime import bundle

BUDGET = 20 * 10**6
_PATIENCE = 5.0  # seconds that an interrupted cell waits for the model to stop running

# The colours are those of js/src/controls/style.css, so that the widgets stand on the page without an edge.
_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="nnwidgets">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0; padding: 20px clamp(12px, 2.5vw, 40px) 14px; font: 14px/1.5 system-ui, sans-serif;
  background: light-dark(#fff, #16181c); color: light-dark(#1f2328, #e6e8eb); }}
main {{ display: grid; grid-template-columns: minmax(0, 1180px); gap: 28px 40px; justify-content: center;
  align-items: start; }}
@media (min-width: 1880px) {{
  main:has(section + section) {{ grid-template-columns: repeat(2, minmax(0, 1180px)); }}
}}
h1 {{ grid-column: 1 / -1; margin: 0 0 -14px; font-size: 20px; line-height: 1.3; font-weight: 600;
  overflow-wrap: anywhere; }}
section {{ min-width: 0; }}
footer {{ grid-column: 1 / -1; padding-top: 10px; border-top: 1px solid light-dark(#e2e5e8, #30353c);
  color: light-dark(#5c636b, #a0a7b0); font-size: 12px; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{sections}
<footer>{footer}</footer>
</main>
<noscript>The widgets of this page are drawn by JavaScript, which is turned off here.</noscript>
<script type="application/json" id="nnwidgets-page">{page}</script>
{answers}
<script type="module">{host}</script>
</body>
</html>
"""


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
            return f"{size}, with all {self.kept:,} views"
        return (
            f"{size}, with {self.kept:,} of {self.kept + self.left_out:,} views; {self.left_out:,} were left out to "
            f"keep the views under {self.budget / 1e6:g} MB: ask for more with budget="
        )


def save_page(
    path: str | os.PathLike[str], widgets: Iterable[Any], *, budget: float = BUDGET, title: str | None = None
) -> SavedPage:
    """Save `widgets`, of any sources, as one HTML file in which they are still linked.

    Shows the progress in the widgets, and can be cancelled there or by an interrupt. The file is written whole or not
    at all.

    Args:
        path: where to; ends in .html.
        widgets: what the page shows, from top to bottom.
        budget: bytes of the views that a reader can choose from; code and layout come on top. What does not fit is left
            out, the least likely first, and the page says so where a reader asks for it.
        title: of the page; without it the file's name.

    Raises:
        ValueError: no widgets, closed ones, another ending, a budget that is not positive.
        TypeError: something that is not a widget of this package.
        FileNotFoundError: the folder does not exist.
        RuntimeError: a model's weights changed while the page was being saved.
        Cancelled: someone cancelled it in a widget.
    """
    target = check_target(path)
    page, baked = render_page(widgets, title or target.stem, label=f"Saving {target.name}", budget=budget)
    saved = SavedPage(target, write_text(target, page), baked.kept, baked.left_out, int(budget))
    if saved.left_out:
        warnings.warn(repr(saved), stacklevel=2)
    return saved


def render_page(widgets: Iterable[Any], title: str, *, label: str, budget: float = BUDGET) -> tuple[str, Baked]:
    """The text of a page and what it holds; see `save_page`. `label` says in the widgets what is going on."""
    shown = _shown(widgets)
    if not budget > 0:
        raise ValueError(f"budget={budget!r}, but it is a number of bytes above 0")
    job = shown[0].source.submit(lambda job: bake(shown, int(budget), job), label=label)
    try:
        baked = job.result()
    except KeyboardInterrupt:
        job.cancel()
        job.wait(_PATIENCE)  # what the user does next may need the model
        raise
    return _page(shown, baked, title), baked


def check_target(path: str | os.PathLike[str]) -> Path:
    """The path, if a page can be written there."""
    target = Path(path)
    if target.suffix.lower() != ".html":
        raise ValueError(f"path={str(target)!r}, but a page is an .html file")
    if target.is_dir():
        raise IsADirectoryError(f"path={str(target)!r} is a folder, but a page is a file")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"path={str(target)!r}, but there is no folder {str(target.parent)!r}: make it first")
    return target


def _shown(widgets: Iterable[Any]) -> list[Any]:
    """The widgets, if a page can show them."""
    shown = [widgets] if isinstance(widgets, LinkedWidget) else list(widgets)
    if not shown:
        raise ValueError("widgets is empty, but a page shows at least one")
    for index, widget in enumerate(shown):
        if not isinstance(widget, LinkedWidget):
            raise TypeError(f"widgets[{index}] is of type {type(widget).__name__}, but a page shows nnwidgets' widgets")
        if widget.closed:
            raise ValueError(f"widgets[{index}], of type {type(widget).__name__}, was closed: make it again")
    return shown


def _page(widgets: Sequence[Any], baked: Baked, title: str) -> str:
    models: dict[str, dict[str, Any]] = {}
    codes: dict[str, int] = {}

    def pack(widget: Any, **otherwise: Any) -> None:
        state = {
            name: value
            for name, value in widget.get_state().items()
            if name not in ("_esm", "layout", "_snapshot") and not name.startswith(("_model_", "_view_"))
        }
        models[widget.model_id] = {"code": codes.setdefault(str(widget._esm), len(codes)), "state": state | otherwise}

    answers: dict[str, Sequence[str]] = {}
    for widget in widgets:
        for part in (widget._runtime, widget._code, widget._library, widget._selection):
            if part is not None:
                pack(part)
        widget._stream.flush()
        pack(widget._stream, jobs=[])  # it tells of the job that saves this page
        pack(widget._source, message="")
        pack(widget)
        answers[widget._source.model_id] = baked.answers[widget.source]
    page = {"models": models, "codes": list(codes), "widgets": [widget.model_id for widget in widgets]}
    return _TEMPLATE.format(
        title=html.escape(title),
        sections="\n".join("<section></section>" for _ in widgets),
        footer=_footer(baked),
        page=_inert(json.dumps(page, separators=(",", ":"))),
        answers="\n".join(
            f'<script type="application/json" data-answers="{source}">[{_inert(",".join(texts))}]</script>'
            for source, texts in answers.items()
        ),
        host=bundle("page").replace("</script", "<\\/script").replace("<!--", "<\\!--"),
    )


def _footer(baked: Baked) -> str:
    asked = baked.kept + baked.left_out
    holds = f"{baked.kept:,} of {asked:,} views" if baked.left_out else "all views"
    today = datetime.date.today()
    return f"Saved with nnwidgets on {today.day} {today:%B %Y}. The page holds {holds} and needs no network."


def _inert(text: str) -> str:
    """JSON (in ASCII) that cannot end the script element it stands in, whatever the tokens are."""
    return text.replace("<", "\\u003c")

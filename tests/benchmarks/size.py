"""How large the built front end is: what a notebook saves and a page loads once."""

from __future__ import annotations

from nnwidgets.wire.runtime import bundle
from tests.benchmarks.row import Row
from tests.benchmarks.workshop import Workshop

RUNTIME, WITH_WIDGETS = 120, 200  # kB
WIDGETS = ("attention_map", "attention_heads")


def measure(_workshop: Workshop) -> list[Row]:
    sizes = {name: len(bundle(name).encode()) / 1000 for name in ("runtime", *(f"widgets/{name}" for name in WIDGETS))}
    return [
        _row("core runtime, minified", sizes["runtime"], RUNTIME),
        _row("core runtime with both widgets, minified", sum(sizes.values()), WITH_WIDGETS),
    ]


def _row(work: str, size: float, most: float) -> Row:
    return Row(work, f"{size:.1f} kB", None, f"≤ {most} kB", size <= most)

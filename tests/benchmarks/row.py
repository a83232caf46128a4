"""A line of the benchmark table, and the table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """What was measured of one piece of work. `met` is None where there is no target: the row is for information."""

    work: str
    measured: str
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    details: dict[str, Any] = field(default_factory=dict)


def judged(work: str, measured: str, ratio: float, most: float, **details: Any) -> Row:
    """A row whose ratio must be at most `most`."""
    return Row(work, measured, ratio, f"≤ {fraction(most)}", ratio <= most, details)


def fraction(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"1/{1 / ratio:,.0f}"


def milliseconds(times: Sequence[float]) -> str:
    """Their median, in words; the times are in seconds."""
    return f"{1000 * statistics.median(times):.1f} ms"


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text."""
    words = {True: "met", False: "NOT MET", None: ""}
    heads = ("work", "measured", "ratio", "target", "met")
    cells = [
        (row.work, row.measured, "" if row.ratio is None else fraction(row.ratio), row.target, words[row.met])
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    lines = [heads, tuple("-" * width for width in widths), *cells]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )

"""The numbers of a live plot as text: CSV for tables, JSON with how it looks."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any

from nnwidgets.runs.plot_data import Floats, PlottedSeries


def to_csv(plotted: PlottedSeries, _look: Mapping[str, Any]) -> str:
    """A row for each point: series, x, y."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["series", "x", "y"])
    for series in plotted.series:
        writer.writerows((series.name, x, y) for x, y in zip(_plain(series.x), _plain(series.y), strict=True))
    return text.getvalue()


def to_json(plotted: PlottedSeries, look: Mapping[str, Any]) -> str:
    """The options and the series with their points; what JSON cannot hold is text: "nan", "inf", "-inf"."""
    series = [
        {
            "name": each.name,
            "kind": each.style.kind,
            "color": list(each.style.color),
            "width": each.style.width,
            "dash": each.style.dash,
            "x": _plain(each.x),
            "y": _plain(each.y),
        }
        for each in plotted.series
    ]
    return json.dumps({**look, "series": series}, allow_nan=False, ensure_ascii=False)


def _plain(values: Floats) -> list[float | int | str]:
    """Whole numbers without a point, others with all their digits."""
    return [
        str(value) if not math.isfinite(value) else int(value) if value.is_integer() and abs(value) < 2**53 else value
        for value in values.tolist()
    ]

"""Paints a chart of curves on the small canvas of a saved notebook: in milliseconds, however many points there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnwidgets.figures.curves import Chart, Curve, Floats
from nnwidgets.figures.labels import display_token
from nnwidgets.figures.palettes import FAINT, INK, PAPER, SUBTLE
from nnwidgets.figures.raster import Canvas, Color, text_width

if TYPE_CHECKING:
    from nnwidgets.figures.raster import Indices

_GRID = (232, 232, 232)
_TEXT_COLORS = 40  # of the palette, for the smooth edges of letters
_MOST_PIXELS = 2_000_000  # that the lines of one curve may take before some are left out
_DASH = {"solid": (1, 0), "dashed": (7, 4), "dotted": (2, 3)}  # pixels drawn and left out

HEADING = 20
"""Pixels above a chart's box for its title and legend."""
FOOT = 32
"""Pixels under it for its ticks and the name of its x axis."""
LEFT = 58
"""Pixels left of it for its ticks."""

Whole = NDArray[np.intp]


def paint_chart(canvas: Canvas, box: tuple[int, int, int, int], chart: Chart) -> None:
    """The chart in `box` (left, top, width, height in pixels); title, legend, ticks and names stand around it."""
    left, top, width, height = box
    inks = Inks(canvas)
    inside = canvas.pixels[top : top + height, left : left + width]
    x, y = chart.x_axis(), chart.y_axis()

    def across(values: Floats) -> Floats:
        places: Floats = x.places(values).clip(-1, 2) * (width - 1)
        return places

    def down(values: Floats) -> Floats:
        places: Floats = (1 - y.places(values).clip(-1, 2)) * (height - 1)
        return places

    for span in chart.spans:
        start, stop = np.nan_to_num(across(np.array([span.start, span.stop])).clip(0, width)).round().astype(int)
        inside[:, start : max(stop, start + 2)] = inks.of(_light(span.color, 0.2))
        inside[:, start : start + 1] = inks.of(_light(span.color, 0.7))
    for axis, ticks in ((0, y.ticks(max(3, height // 30))), (1, x.ticks(max(2, width // 75)))):
        places = (across if axis else down)(np.array(list(ticks)))
        for place, text in zip(places, ticks.values(), strict=True):
            inside[(slice(None), round(place)) if axis else (round(place), slice(None))] = inks.of(_GRID)
            if axis:
                canvas.text(left + place, top + height + 9, text, SUBTLE, size=10, align="center")
            else:
                canvas.text(left - 5, top + place, text, SUBTLE, size=10, align="right")
    for gap in chart.gaps:
        low = np.where(gap.high > gap.low, gap.low, gap.high)
        _fill(inside, across(gap.x), down(gap.high), down(low), inks.of(_light(gap.color, 0.25)))
    for curve in sorted(chart.curves, key=lambda curve: not curve.faint):
        color = _light(curve.color, 0.4) if curve.faint else curve.color
        if curve.low is not None and curve.high is not None:
            band = inks.of(_light(curve.color, 0.25))
            _fill(inside, across(curve.x), down(curve.high), down(curve.low), band)
        _paint_curve(inside, across(curve.x), down(curve.y), curve, inks.of(color))
        if not curve.faint:
            _paint_odd(inside, across(curve.x), curve.y, inks.of(color))
    for level in chart.levels:
        row = float(down(np.array([level.y]))[0])
        if 0 <= row < height:
            inside[round(row), np.arange(width) % 10 < 6] = inks.of(level.color)
    for mark in chart.marks:
        at = float(across(np.array([mark.x]))[0]), float(down(np.array([mark.y]))[0])
        if np.isfinite(at).all():
            _dot(inside, at, 3.4, inks.of(mark.color))
            right = at[0] > 0.7 * width
            place = left + at[0] + (-6 if right else 6), top + at[1] + (-11 if at[1] > 0.2 * height else 11)
            _write(canvas, place, mark.text, "right" if right else "left")
    for span in chart.spans:
        place = float(np.nan_to_num(across(np.array([span.start])))[0])
        if span.name:
            canvas.text(left + max(0.0, place) + 3, top + 7, span.name, SUBTLE, size=10)
    inside[-1] = inside[:, 0] = inks.of(FAINT)

    canvas.text(left, top - 11, fitted(chart.title, width // 2, bold=True), INK, bold=True)
    canvas.text(left + width / 2, top + height + 23, chart.x_label, SUBTLE, size=10, align="center")
    if chart.y_label:
        canvas.text(9, top + height / 2, fitted(chart.y_label, height), SUBTLE, size=10, align="center", upright=True)
    if not chart.curves:
        canvas.text(left + width / 2, top + height / 2, "no points yet", FAINT, align="center")
    _legend(canvas, inks, (left, top, width), chart)


def fitted(text: str, room: int, *, size: int = 11, bold: bool = False) -> str:
    """As much of a text as `room` pixels hold."""
    text = display_token(text, 400) if text else ""
    if text_width(text, size, bold) <= room:
        return text
    kept = max(1, int(len(text) * room / text_width(text, size, bold)) - 1)
    while kept > 1 and text_width(text[:kept] + "…", size, bold) > room:
        kept -= 1
    return text[:kept] + "…"


class Inks:
    """Colours of a canvas by what they are; where the palette is full, the nearest that there is."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._indices: dict[Color, int] = {}

    def of(self, color: Color) -> int:
        if color not in self._indices:
            if self._canvas.room > _TEXT_COLORS or not self._indices:
                self._indices[color] = self._canvas.add_colors([color])
            else:
                self._indices[color] = self._indices[min(self._indices, key=lambda other: _apart(color, other))]
        return self._indices[color]


def _apart(one: Color, other: Color) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _light(color: Color, amount: float) -> Color:
    red, green, blue = (round(paper + amount * (part - paper)) for part, paper in zip(color, PAPER, strict=True))
    return red, green, blue


def _write(canvas: Canvas, place: tuple[float, float], text: str, align: str) -> None:
    """A text over whatever is there: on a piece of paper of its own."""
    (x, y), width = place, text_width(text, 10)
    x = min(max(x - (width if align == "right" else 0), 1), canvas.pixels.shape[1] - width - 1)
    left, top = round(x), round(y)
    canvas.pixels[max(0, top - 6) : top + 7, left - 1 : left + width + 1] = 0
    canvas.text(left, top, text, INK, size=10)


def _legend(canvas: Canvas, inks: Inks, place: tuple[int, int, int], chart: Chart) -> None:
    """Names from the right end above the chart to the left, as many as there is room for."""
    left, top, width = place
    named = [(curve.name, curve.color) for curve in chart.curves if not curve.faint]
    named += [(gap.name, _light(gap.color, 0.4)) for gap in chart.gaps]
    named += [(level.name, level.color) for level in chart.levels]
    room = width - 24 - text_width(fitted(chart.title, width // 2, bold=True), bold=True)
    shown: list[tuple[str, Color, int]] = []
    for number, (name, color) in enumerate(named):
        text = fitted(name, 130, size=10)
        taken = text_width(text, 10) + 26
        more = 44 if number + 1 < len(named) else 0
        if taken + more > room:
            shown.append((f"+ {len(named) - number}", PAPER, 44))
            break
        shown.append((text, color, taken))
        room -= taken
    at = left + width - sum(taken for _, _, taken in shown)
    for text, color, taken in shown:
        canvas.pixels[top - 12 : top - 9, at : at + 14] = inks.of(color) if color != PAPER else 0
        canvas.text(at + 18, top - 11, text, SUBTLE, size=10)
        at += taken


def _paint_curve(inside: Indices, x: Floats, y: Floats, curve: Curve, ink: int) -> None:
    height, width = inside.shape
    if curve.kind == "scatter":
        radius = max(1.0, 1.1 * curve.width)
        drawn = np.isfinite(x) & np.isfinite(y)
        for across, down in _disc(radius):
            columns, rows = (x[drawn] + across).round().astype(np.intp), (y[drawn] + down).round().astype(np.intp)
            there = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
            inside[rows[there], columns[there]] = ink
        return
    columns, rows, along = line_pixels(x, y)
    drawn_part, left_out = _DASH[curve.dash]
    if left_out:
        kept = along % (drawn_part + left_out) < drawn_part
        columns, rows = columns[kept], rows[kept]
    thick = 1 if curve.faint else max(1, round(1.4 * curve.width))
    for more in range(thick):
        # Thicker downwards and to the right: level lines and upright ones alike.
        for across, down in {(0, more), (more, 0)}:
            inside[np.clip(rows + down, 0, height - 1), np.clip(columns + across, 0, width - 1)] = ink


def _paint_odd(inside: Indices, x: Floats, values: Floats, ink: int) -> None:
    """Where values are not finite: a mark at the upper edge for +infinity, at the lower one for the others."""
    height, width = inside.shape
    for there, top in ((np.isposinf(values), 1), (np.isnan(values) | np.isneginf(values), height - 6)):
        columns = np.unique(x[there & np.isfinite(x)].round().astype(np.intp).clip(1, width - 2))
        inside[top : top + 5, columns] = inside[top + 1 : top + 4, columns - 1] = ink


def line_pixels(x: Floats, y: Floats) -> tuple[Whole, Whole, Whole]:
    """The pixels of a line through points given in pixels, in order, with their place along it; NaN breaks the line.

    Of points that follow each other in one column the first, highest, lowest and last are enough.
    """
    x, y, drawn = _thin(x, y)
    finite = np.isfinite(x) & np.isfinite(y)
    joined = finite[:-1] & finite[1:] & drawn[:-1]
    alone = finite & drawn & ~np.append(joined, False) & ~np.insert(joined, 0, False)
    start, stop = np.flatnonzero(joined), np.flatnonzero(joined) + 1
    start, stop = np.concatenate([start, np.flatnonzero(alone)]), np.concatenate([stop, np.flatnonzero(alone)])
    lengths = np.ceil(np.maximum(np.abs(x[stop] - x[start]), np.abs(y[stop] - y[start]))).astype(np.intp) + 1
    if (total := int(lengths.sum())) > _MOST_PIXELS:  # a scribble: where it is dense, no single line is seen
        kept = slice(None, None, -(-total // _MOST_PIXELS))
        start, stop, lengths = start[kept], stop[kept], lengths[kept]
    segment = np.repeat(np.arange(len(lengths)), lengths)
    begun = np.cumsum(lengths) - lengths
    along = np.arange(len(segment)) - begun[segment]
    part = along / np.maximum(lengths - 1, 1)[segment]
    columns = x[start][segment] + part * (x[stop] - x[start])[segment]
    rows = y[start][segment] + part * (y[stop] - y[start])[segment]
    return columns.round().astype(np.intp), rows.round().astype(np.intp), np.arange(len(segment))


def _thin(x: Floats, y: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """The points that are enough, and from which a line goes on: in a column, from the lowest to the highest alone."""
    finite = np.isfinite(x) & np.isfinite(y)
    column = np.where(finite, np.nan_to_num(x).round(), -1.0)
    starts = np.flatnonzero(np.diff(column, prepend=np.nan) != 0)
    if 4 * len(starts) >= len(x):
        return x, y, np.ones(len(x), dtype=bool)
    stops = np.append(starts[1:], len(x)) - 1
    shown = np.where(finite, y, np.nan)
    middle = (x[starts] + x[stops]) / 2
    low, high = np.fmin.reduceat(shown, starts), np.fmax.reduceat(shown, starts)
    across = np.stack([x[starts], middle, middle, x[stops]], axis=1).ravel()
    down = np.stack([y[starts], low, high, y[stops]], axis=1).ravel()
    return across, down, np.tile([False, True, False, True], len(starts))


def _fill(inside: Indices, x: Floats, top: Floats, bottom: Floats, ink: int) -> None:
    """Fill between two lines, column by column; they are given in pixels, with x rising."""
    height, width = inside.shape
    there = np.isfinite(x) & np.isfinite(top) & np.isfinite(bottom)
    if there.sum() < 2:
        return
    columns = np.arange(width, dtype=np.float64)
    upper, lower = np.interp(columns, x[there], top[there]), np.interp(columns, x[there], bottom[there])
    filled = (columns >= x[there].min()) & (columns <= x[there].max()) & (lower - upper >= 0.5)
    rows = np.arange(height)[:, None]
    inside[(rows >= upper) & (rows <= lower) & filled] = ink


def _dot(inside: Indices, at: tuple[float, float], radius: float, ink: int) -> None:
    height, width = inside.shape
    rows, columns = np.ogrid[:height, :width]
    distance = np.hypot(columns - at[0], rows - at[1])
    inside[distance <= radius + 1.2] = 0
    inside[distance <= radius] = ink


def _disc(radius: float) -> list[tuple[int, int]]:
    reach = range(-int(radius), int(radius) + 1)
    return [(across, down) for across in reach for down in reach if across**2 + down**2 <= radius**2 + 0.5]

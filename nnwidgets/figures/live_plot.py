"""Series of the user's own as a figure for print, and as a still for the notebook. Half of `LivePlot`.

matplotlib is imported by `figure` alone: a still needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnwidgets.figures.curves import Chart, Curve
from nnwidgets.figures.curves_print import draw_chart
from nnwidgets.figures.curves_still import FOOT, HEADING, LEFT, fitted, paint_chart
from nnwidgets.figures.labels import display_token
from nnwidgets.figures.palettes import INK
from nnwidgets.figures.raster import Canvas

if TYPE_CHECKING:
    from nnwidgets.figures.style import StyledFigure
    from nnwidgets.runs.plot_data import PlottedSeries

_PIXELS = 100  # of the screen for an inch of paper
_WIDE = 640  # px, where the plot takes the room that there is
_LONGEST = 80  # characters of a title


def _chart(
    plotted: PlottedSeries, x_label: str, y_label: str, log_x: bool, log_y: bool, *, points: float = 1.0
) -> Chart:
    """The chart; `points` is how much a pixel of the screen is here."""
    curves = []
    for series in plotted.series:
        x, y, style = series.x, series.y, series.style
        if style.kind == "line" and (np.diff(x) < 0).any():
            order = np.argsort(x, kind="stable")
            x, y = x[order], y[order]
        curves.append(Curve(series.name, x, y, style.color, style.kind, style.width * points, style.dash))
    drawn = tuple(curves)
    return Chart(title="", x_label=x_label, y_label=y_label, curves=drawn, log_x=log_x, log_y=log_y)


def figure(
    result: PlottedSeries,
    *,
    title: str = "",
    x_label: str = "",
    y_label: str = "",
    log_x: bool = False,
    log_y: bool = False,
    width: int | None = None,
    height: int = 320,
) -> StyledFigure:
    """All series on one chart; `width` and `height` in px of the screen, a hundred an inch."""
    from nnwidgets.figures.style import FONT_SIZE, StyledFigure, style

    left, under, above = 0.75, 0.5, 0.55
    across, down = (width or _WIDE) / _PIXELS, height / _PIXELS
    x_label, y_label = (display_token(text, _LONGEST) if text else "" for text in (x_label, y_label))
    chart = _chart(result, x_label, y_label, log_x, log_y, points=0.8)
    with style():
        drawn = StyledFigure(figsize=(across, down))
        box = (left, under, max(0.5, across - left - 0.2), max(0.4, down - under - above))
        draw_chart(drawn, box, chart)
        if title:
            place = left / across, (down - 0.1) / down
            drawn.text(*place, display_token(title, _LONGEST), fontsize=1.2 * FONT_SIZE, weight="bold", va="top")
    return drawn


def still(
    result: PlottedSeries,
    *,
    title: str = "",
    x_label: str = "",
    y_label: str = "",
    log_x: bool = False,
    log_y: bool = False,
    width: int | None = None,
    height: int = 320,
) -> bytes:
    """The same picture as a small PNG, made in milliseconds and without matplotlib."""
    across, down = min(width or _WIDE, 1200), min(height, 900)
    heading = 26 if title else 4
    left = LEFT + (14 if y_label else 0)
    canvas = Canvas(across, down)
    if title:
        canvas.text(12, 15, fitted(title, across - 24, size=14, bold=True), INK, size=14, bold=True)
    top = heading + HEADING
    box = (left, top, max(40, across - left - 14), max(40, down - top - FOOT))
    paint_chart(canvas, box, _chart(result, x_label, y_label, log_x, log_y))
    return canvas.png()

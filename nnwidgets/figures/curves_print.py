"""Draws a chart of curves in a matplotlib figure, for print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnwidgets.figures.curves import Chart, Curve, Dash, Floats
from nnwidgets.figures.labels import display_token
from nnwidgets.figures.palettes import FAINT, INK, SUBTLE, unit

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from nnwidgets.figures.style import StyledFigure

_DASHES: dict[Dash, str | tuple[float, tuple[float, ...]]] = {
    "solid": "-",
    "dashed": (0, (4, 2)),
    "dotted": (0, (1.2, 1.4)),
}
_LONGEST = 28  # characters of a name in the legend
_IN_LEGEND = 24  # more names are no help


def draw_chart(figure: StyledFigure, box: tuple[float, float, float, float], chart: Chart) -> Axes:
    """The chart in axes at `box` (left, bottom, width, height in inches); title and legend stand above it."""
    from matplotlib.ticker import NullLocator

    from nnwidgets.figures.style import FONT_SIZE, SMALLEST

    _, _, width, height = box
    axes = figure.add_inches(*box)
    x, y = chart.x_axis(), chart.y_axis()
    axes.set_xscale("log" if x.log else "linear")
    axes.set_yscale("log" if y.log else "linear")
    axes.set(xlim=(x.low, x.high), ylim=(y.low, y.high), xlabel=chart.x_label, ylabel=chart.y_label)
    x_ticks, y_ticks = x.ticks(round(width / 0.65)), y.ticks(max(3, round(height / 0.32)))
    for axis, ticks in ((axes.xaxis, x_ticks), (axes.yaxis, y_ticks)):
        axis.set_ticks(list(ticks), list(ticks.values()))
        axis.set_minor_locator(NullLocator())
    axes.grid(color=unit((228, 228, 228)), linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)

    for span in chart.spans:
        axes.axvspan(span.start, span.stop, facecolor=unit(span.color), alpha=0.22, zorder=0.5)
        axes.axvline(span.start, color=unit(span.color), linewidth=0.7, zorder=0.6)
        axes.annotate(
            span.name,
            (span.start, 1),
            (2, -2),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            fontsize=SMALLEST,
            color=unit(SUBTLE),
            va="top",
            annotation_clip=True,
        )
    named: list[tuple[str, Artist]] = []
    for gap in chart.gaps:
        above = gap.high > gap.low
        area = axes.fill_between(
            gap.x, gap.low, gap.high, where=above.tolist(), interpolate=True, color=unit(gap.color), alpha=0.18, lw=0
        )
        named.append((gap.name, area))
    named = [(curve.name, line) for curve in chart.curves if (line := _draw_curve(axes, curve))] + named
    for level in chart.levels:
        line = axes.axhline(level.y, color=unit(level.color), linewidth=0.9, linestyle=(0, (4, 2)))
        named.append((level.name, line))
    for mark in chart.marks:
        axes.plot([mark.x], [mark.y], "o", markersize=4, color=unit(mark.color), markeredgecolor="white", zorder=5)
        right = bool(x.places(np.array([mark.x]))[0] > 0.7)
        top = bool(y.places(np.array([mark.y]))[0] > 0.8)
        axes.annotate(
            mark.text,
            (mark.x, mark.y),
            (-5 if right else 5, -5 if top else 5),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top" if top else "bottom",
            fontsize=0.85 * FONT_SIZE,
            color=unit(INK),
            zorder=6,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": (1, 1, 1, 0.8), "linewidth": 0},
        )
    axes.set_title(chart.title, loc="left", fontsize=FONT_SIZE, weight="bold", pad=4)
    _legend(axes, named[:_IN_LEGEND], width)
    if not chart.curves:
        axes.text(0.5, 0.5, "no points yet", transform=axes.transAxes, ha="center", va="center", color=unit(FAINT))
    return axes


def _draw_curve(axes: Axes, curve: Curve) -> Artist | None:
    """The curve; what stands for it in the legend, if it has a place there."""
    color = unit(curve.color)
    if curve.low is not None and curve.high is not None:
        axes.fill_between(curve.x, curve.low, curve.high, color=color, alpha=0.2, linewidth=0)
    if curve.kind == "scatter":
        return axes.scatter(curve.x, curve.y, s=(2.2 * curve.width) ** 2, color=color, linewidths=0)
    single = _alone(curve.y)
    if single.any():  # a point between two gaps has no line
        axes.plot(curve.x[single], curve.y[single], "o", color=color, markersize=1.6 * curve.width)
    if not curve.faint:
        for odd, height, marker in _odd(curve):
            places = np.full(len(odd), height)
            axes.plot(odd, places, marker, color=color, markersize=3.5, transform=axes.get_xaxis_transform())
    width, alpha = (0.6, 0.35) if curve.faint else (curve.width, 1.0)
    dash = _DASHES[curve.dash]
    (line,) = axes.plot(curve.x, curve.y, color=color, linewidth=width, linestyle=dash, alpha=alpha)
    return None if curve.faint else line


def _alone(values: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    finite = np.concatenate([[False], np.isfinite(values), [False]])
    alone: np.ndarray[tuple[int], np.dtype[np.bool_]] = finite[1:-1] & ~finite[:-2] & ~finite[2:]
    return alone


def _odd(curve: Curve) -> list[tuple[Floats, float, str]]:
    """Where values are not finite: their x, and how a mark at the edge of the chart tells which."""
    kinds = ((np.isnan(curve.y), 0.025, "x"), (np.isposinf(curve.y), 0.97, "^"), (np.isneginf(curve.y), 0.03, "v"))
    return [(curve.x[there], height, marker) for there, height, marker in kinds if there.any()]


def _legend(axes: Axes, named: list[tuple[str, Artist]], width: float) -> None:
    """Above the chart at its right end: it hides no curve. Names are set as texts afterwards, whatever they are."""
    from nnwidgets.figures.style import FONT_SIZE

    if not named:
        return
    names = [display_token(name, _LONGEST) for name, _ in named]
    columns = max(1, int(width / (0.42 + 0.055 * max(map(len, names)))))
    legend = axes.legend(
        [artist for _, artist in named],
        [" "] * len(named),
        loc="lower right",
        fontsize=0.9 * FONT_SIZE,
        bbox_to_anchor=(1.005, 1.0),
        ncols=min(columns, len(named)),
        borderpad=0.1,
        borderaxespad=0.1,
        columnspacing=1.2,
        handlelength=1.6,
        handletextpad=0.5,
        labelspacing=0.25,
    )
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)

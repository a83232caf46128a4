"""Histograms of each layer's weights, gradients or activations: for print, and as a still. Half of `Distributions`.

matplotlib is imported by `figure` alone: a still needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from nnwidgets.analysis.distributions import Histogram, LayerDistributions, box, in_bins, joined, spikes, zeros
from nnwidgets.figures.curves import Axis
from nnwidgets.figures.labels import thinned
from nnwidgets.figures.layer_names import shortened
from nnwidgets.figures.palettes import FAINT, INK, SUBTLE, head_color, unit
from nnwidgets.figures.raster import CAPTION, Canvas, Color, text_width

if TYPE_CHECKING:
    from nnwidgets.figures.style import StyledFigure

Shape = Literal["histograms", "boxes", "steps", "all"]
Floats = NDArray[np.float64]

_COLORS = {"weights": head_color(0), "gradients": head_color(1), "activations": head_color(2)}
_VALUES = {"weights": "weight", "gradients": "∂loss/∂parameter", "activations": "activation"}
_SHAPES = ("histograms", "boxes", "steps", "all")
_EMPTY = "no {what} were logged: nnw.watch(model, optimizer, run) logs them"


def _title(result: LayerDistributions, label: str, view: Shape) -> tuple[str, str]:
    if view not in _SHAPES:
        raise ValueError(f'view="{view}", but it is one of {", ".join(_SHAPES)}')
    title = result.what.capitalize()
    if view == "steps" and result.over is not None:
        return f"{title} of {shortened(result.over.path, 40)} over the steps", shortened(label or result.label, 60)
    at = "nothing logged" if result.step is None else f"step {result.step:,}"
    return title, f"{shortened(label or result.label, 60)} · {at}"


def _page(result: LayerDistributions, layer: str | None, most: int) -> list[int]:
    """The layers of a page: the first one, or the one that holds the selected layer."""
    start = result.paths.index(layer) // most * most if layer in result.paths else 0
    return list(range(start, min(start + most, len(result.paths))))


def _note(result: LayerDistributions, row: int) -> str:
    """What is said of a layer under its histogram."""
    histogram = result.histograms[row]
    if histogram is None:
        return "not logged at this step"
    parts = [f"μ {histogram.mean:.2g}, σ {histogram.std:.2g}" if histogram.counts.sum() else "no finite value"]
    least, most = zeros(histogram)
    if least > 0:  # that a few values may be zeros is so in every bell, and no news
        parts.append(
            f"zeros {100 * least:.0f}–{100 * most:.0f} %" if most - least > 0.005 else f"zeros {100 * most:.0f} %"
        )
    if np.isfinite(result.dead[row]):
        parts.append(f"dead {100 * result.dead[row]:.0f} %")
    if histogram.nan or histogram.infinite:
        parts.append(f"{histogram.nan:,} NaN, {histogram.infinite:,} infinite")
    if result.what == "weights" and histogram.counts.sum() and spikes(histogram).ternary:
        parts.append("ternary")
    return ", ".join(parts).replace("-", "−")


def _range(histograms: list[Histogram | None]) -> tuple[float, float] | None:
    ends = [(float(each.edges[0]), float(each.edges[-1])) for each in histograms if each is not None]
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None


class _Values:
    """The axis of the boxes: linear, or logarithmic to both sides of zero."""

    def __init__(self, boxes: Floats, log: bool) -> None:
        finite = boxes[np.isfinite(boxes)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        if high <= low:
            low, high = low - 0.5, high + 0.5
        sizes = np.abs(boxes[:, [2, 4]])
        sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
        largest = max(abs(low), abs(high))
        self.least = max(largest * 1e-12, float(sizes.min()) if len(sizes) else largest * 1e-3)
        self.log = log
        self.low, self.high = low, high
        around = 0.3 if log else 0.03 * (high - low)
        self.ends = self._scaled(np.array([low, high])) + np.array([-around, around])

    def _scaled(self, values: Floats) -> Floats:
        return np.arcsinh(values / self.least) if self.log else values

    def places(self, values: Floats) -> Floats:
        return np.asarray((self._scaled(values) - self.ends[0]) / (self.ends[1] - self.ends[0]))

    def ticks(self, count: int) -> dict[float, str]:
        if not self.log:
            return Axis(self.low, self.high, False).ticks(count)
        powers = range(
            int(np.floor(np.log10(self.least))), int(np.ceil(np.log10(max(abs(self.low), abs(self.high))))) + 1
        )
        values = sorted((sign * 10.0**power for power in powers for sign in (1, -1)), key=abs, reverse=True)
        shown = [0.0]
        for value in values:
            places = self.places(np.array([value, *shown]))
            if 0 <= places[0] <= 1 and np.abs(places[1:] - places[0]).min() >= 1 / (count + 1):
                shown.append(value)
        inside = [value for value in shown if 0 <= float(self.places(np.array([value]))[0]) <= 1]
        return {value: f"{value:g}".replace("-", "−").replace("e−0", "e−") for value in sorted(inside)}


def _boxes(result: LayerDistributions) -> Floats:
    return np.stack([np.full(7, np.nan) if each is None else box(each) for each in result.histograms])


# ------------------------------------------------------------------------------------------------------------ print


def figure(
    result: LayerDistributions,
    *,
    label: str = "",
    view: Shape = "histograms",
    layer: str | None = None,
    bins: int | None = None,
    layers: int = 12,
    shared: bool = False,
    log: bool = False,
) -> StyledFigure:
    """A histogram a layer, box plots of all layers, one layer over the steps, or all layers in one histogram.

    Histograms show a page of `layers`, the one with the selected `layer`. `shared`: on one axis; `log`: counts (and the
    values of boxes, to both sides of zero) on a logarithmic one. Boxes: quartiles, ticks at 5 and 95 %, whiskers from
    the minimum to the maximum.
    """
    from nnwidgets.figures.style import StyledFigure, style

    title, subtitle = _title(result, label, view)
    with style():
        if not result.paths or (view == "steps" and result.over is None):
            drawn = StyledFigure(figsize=(4.5, 1.4))
            drawn.caption(0.3, 0.8, title, subtitle)
            drawn.text(0.3 / 4.5, 0.4, _EMPTY.format(what=result.what), color=unit(FAINT))
            return drawn
        if view == "histograms":
            drawn, top = _print_histograms(result, layer, bins, layers, shared, log)
        elif view == "boxes":
            drawn, top = _print_boxes(result, layer, log)
        elif view == "steps":
            drawn, top = _print_steps(result, log)
        else:
            drawn, top = _print_all(result, bins, log)
        drawn.caption(0.45, top, title, subtitle)
    return drawn


def _print_histograms(
    result: LayerDistributions, layer: str | None, bins: int | None, layers: int, shared: bool, log: bool
) -> tuple[StyledFigure, float]:
    from nnwidgets.figures.style import FONT_SIZE, SMALLEST, StyledFigure

    page = _page(result, layer, layers)
    columns = min(4, len(page))
    rows = -(-len(page) // columns)
    wide, tall = 1.75, 1.0
    top = 0.55 + rows * (tall + 0.62)
    drawn = StyledFigure(figsize=(max(0.5 + columns * (wide + 0.3), 4.5), top + 0.5))
    common = _range([result.histograms[row] for row in page]) if shared else None
    for place, row in enumerate(page):
        left = 0.45 + place % columns * (wide + 0.3)
        axes = drawn.add_inches(left, top - 0.25 - (place // columns + 1) * (tall + 0.62) + 0.45, wide, tall)
        histogram = result.histograms[row]
        if histogram is not None:
            edges, counts = in_bins(histogram, bins)
            axes.stairs(counts, edges, fill=True, color=unit(_COLORS[result.what]))
            if histogram.edges[0] < 0 < histogram.edges[-1]:
                axes.axvline(0, color=unit(FAINT), linewidth=0.5)
            axes.set_xlim(*(common or (edges[0], edges[-1])))
            if log and counts.max() > 0:
                axes.set_yscale("symlog", linthresh=1)
                axes.set_ylim(0, None)
        axes.set_yticks([])
        axes.locator_params(axis="x", nbins=4)
        axes.tick_params(labelsize=SMALLEST)
        for side in ("top", "left", "right"):
            axes.spines[side].set_visible(False)
        bold = "bold" if result.paths[row] == layer else "normal"
        axes.set_title(shortened(result.paths[row], 28), loc="left", fontsize=FONT_SIZE, pad=3, weight=bold)
        axes.set_xlabel(_note(result, row), fontsize=SMALLEST, color=unit(SUBTLE), labelpad=2)
    what = f"number of values by {_VALUES[result.what]}" + (", logarithmic" if log else "")
    rest = f"; layers {page[0] + 1} to {page[-1] + 1} of {len(result.paths)}" if len(page) < len(result.paths) else ""
    drawn.text(0.45 / drawn.get_figwidth(), 0.12 / drawn.get_figheight(), what + rest, color=unit(SUBTLE))
    return drawn, top


def _print_boxes(result: LayerDistributions, layer: str | None, log: bool) -> tuple[StyledFigure, float]:
    from nnwidgets.figures.style import FONT_SIZE, SMALLEST, StyledFigure

    boxes = _boxes(result)
    values = _Values(boxes, log)
    height = min(7.0, max(1.0, 0.17 * len(boxes)))
    left = 0.45 + 0.062 * max(len(shortened(path)) for path in result.paths)
    drawn = StyledFigure(figsize=(left + 4.6, height + 1.2))
    axes = drawn.add_inches(left, 0.55, 4.2, height)
    color = unit(_COLORS[result.what])
    cell = 72 * height / len(boxes)
    for row, parts in enumerate(values.places(boxes)):
        if not np.isfinite(parts).all():
            continue
        minimum, low, first, middle, third, high, maximum = parts.tolist()
        axes.plot([minimum, first], [row, row], color=color, linewidth=0.8)
        axes.plot([third, maximum], [row, row], color=color, linewidth=0.8)
        size = min(6.0, 0.6 * cell)
        axes.plot([minimum, maximum], [row, row], "|", color=color, markersize=size)
        axes.plot([low, high], [row, row], "|", color=color, markersize=0.6 * size)
        axes.barh(row, third - first, left=first, height=0.62, facecolor=(*color, 0.4), edgecolor=color, linewidth=0.7)
        axes.plot([middle, middle], [row - 0.31, row + 0.31], color=unit(INK), linewidth=1.2)
    zero = float(values.places(np.array([0.0]))[0])
    if 0 < zero < 1:
        axes.axvline(zero, color=unit(FAINT), linewidth=0.6, zorder=0)
    ticks = values.ticks(6)
    axes.set_xticks(values.places(np.array(list(ticks))), list(ticks.values()))
    axes.set(xlim=(0, 1), ylim=(len(boxes) - 0.5, -0.5))
    scale = ", logarithmic to both sides of 0" if log else ""
    axes.set_xlabel(f"{_VALUES[result.what]}{scale} (box: quartiles, small ticks: 5 and 95 %)")
    size = min(FONT_SIZE, max(SMALLEST, cell * 0.75))
    named = thinned(len(boxes), cell, size * 1.15)
    axes.set_yticks(list(named), [shortened(result.paths[row]) for row in named], fontsize=size)
    for row, text in zip(named, axes.get_yticklabels(), strict=True):
        text.set_fontweight("bold" if result.paths[row] == layer else "normal")
    return drawn, 0.55 + height + 0.1


def _print_steps(result: LayerDistributions, log: bool) -> tuple[StyledFigure, float]:
    from nnwidgets.figures.style import StyledFigure

    over = result.over
    assert over is not None
    height = min(6.0, 1.2 + 0.12 * len(over.steps))
    drawn = StyledFigure(figsize=(5.6, height + 1.2))
    axes = drawn.add_inches(0.85, 0.55, 4.4, height)
    heights, reach = _ridge_heights(over.shares, log), 3.4
    centers = (over.edges[1:] + over.edges[:-1]) / 2
    color = _COLORS[result.what]
    for at, ridge in enumerate(heights):
        base = float(len(heights) - 1 - at)
        shade = unit(_between((255, 255, 255), color, 0.2 + 0.5 * (at + 1) / len(heights)))
        axes.fill_between(centers, base, base + reach * ridge, facecolor=shade, linewidth=0, zorder=at)
        axes.plot(centers, base + reach * ridge, color=unit(color), linewidth=0.7, zorder=at)
    places = np.unique(np.linspace(0, len(heights) - 1, min(8, len(heights))).round().astype(int))
    axes.set_yticks(len(heights) - 1 - places, [f"{over.steps[place]:,.0f}" for place in places])
    axes.set(xlim=(over.edges[0], over.edges[-1]), ylim=(-0.2, len(heights) - 1 + reach + 0.2))
    beyond = f"; up to {100 * over.beyond:.2g} % of a step's values lie outside" if over.beyond >= 0.0005 else ""
    axes.set_xlabel(f"{_VALUES[result.what]}{beyond}")
    axes.set_ylabel("step" + (" (shares logarithmic)" if log else ""))
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    return drawn, 0.55 + height + 0.1


def _print_all(result: LayerDistributions, bins: int | None, log: bool) -> tuple[StyledFigure, float]:
    from nnwidgets.figures.style import StyledFigure

    drawn = StyledFigure(figsize=(5.2, 3.6))
    axes = drawn.add_inches(0.8, 0.55, 4.1, 2.4)
    whole = joined(result.histograms, bins)
    if whole is not None:
        edges, counts = whole
        axes.stairs(counts, edges, fill=True, color=unit(_COLORS[result.what]))
        axes.set_xlim(edges[0], edges[-1])
        if log:
            axes.set_yscale("symlog", linthresh=1)
            axes.set_ylim(0, None)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.set(xlabel=_VALUES[result.what], ylabel=f"values of {len(result.paths)} layers")
    return drawn, 3.05


def _ridge_heights(shares: Floats, log: bool) -> Floats:
    """Shares as heights from 0 to 1."""
    most = float(shares.max()) or 1.0
    if not log:
        return shares / most
    floor = max(float(shares[shares > 0].min(initial=most)), most * 1e-5)
    with np.errstate(divide="ignore"):
        heights = np.log(shares / floor) / max(np.log(most / floor), 1e-9)
    return np.asarray(np.clip(np.nan_to_num(heights, neginf=0.0), 0.0, 1.0))


def _between(one: Color, other: Color, share: float) -> Color:
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(one, other, strict=True))
    return red, green, blue


# ------------------------------------------------------------------------------------------------------------ still

_CELL = (170, 78, 60)  # pixels: a histogram's width and height, and the words around it


def still(
    result: LayerDistributions,
    *,
    label: str = "",
    view: Shape = "histograms",
    layer: str | None = None,
    bins: int | None = None,
    layers: int = 12,
    shared: bool = False,
    log: bool = False,
) -> bytes:
    """The same picture as a small PNG, made in milliseconds and without matplotlib."""
    title, subtitle = _title(result, label, view)
    if not result.paths or (view == "steps" and result.over is None):
        canvas = Canvas(480, CAPTION + 40)
        canvas.caption(12, title, subtitle)
        canvas.text(12, CAPTION + 14, _EMPTY.format(what=result.what), FAINT)
        return canvas.png()
    color = _COLORS[result.what]
    if view == "histograms":
        canvas = _still_histograms(result, _page(result, layer, layers), bins, shared, log, layer)
    elif view == "boxes":
        canvas = _still_boxes(result, log, layer)
    elif view == "steps":
        canvas = _still_steps(result, log)
    else:
        canvas = Canvas(560, CAPTION + 270)
        whole = joined(result.histograms, bins)
        ink = canvas.add_colors([color])
        if whole is not None:
            _bars(canvas, (50, CAPTION, 490, 220), whole, None, log, ink)
            for value, text in Axis(float(whole[0][0]), float(whole[0][-1]), False).ticks(6).items():
                x = 50 + (value - whole[0][0]) / (whole[0][-1] - whole[0][0]) * 490
                canvas.text(x, CAPTION + 232, text, SUBTLE, size=9, align="center")
        name = f"{_VALUES[result.what]} (values of {len(result.paths)} layers)"
        canvas.text(295, CAPTION + 252, name, SUBTLE, size=10, align="center")
    canvas.caption(12, title, subtitle)
    return canvas.png()


def _bars(
    canvas: Canvas,
    place: tuple[int, int, int, int],
    counted: tuple[Floats, Floats],
    common: tuple[float, float] | None,
    log: bool,
    ink: int,
) -> None:
    left, top, width, height = place
    edges, counts = counted
    low, high = common or (float(edges[0]), float(edges[-1]))
    values = low + (np.arange(width) + 0.5) / width * (high - low)
    at = np.searchsorted(edges, values, side="right") - 1
    inside = (at >= 0) & (at < len(counts))
    tall = np.log1p(counts) if log else counts
    most = float(tall.max()) or 1.0
    heights = np.where(inside, np.ceil(tall[np.clip(at, 0, len(counts) - 1)] / most * height), 0)
    rows = np.arange(height)[:, None]
    canvas.pixels[top : top + height, left : left + width][rows >= height - heights] = ink


def _still_histograms(
    result: LayerDistributions, page: list[int], bins: int | None, shared: bool, log: bool, layer: str | None
) -> Canvas:
    wide, tall, words = _CELL
    columns = min(4, max(2, len(page)))
    rows = -(-len(page) // columns)
    canvas = Canvas(12 + columns * (wide + 16), CAPTION + rows * (tall + words) + 18)
    ink, rule = canvas.add_colors([_COLORS[result.what]]), canvas.add_colors([(200, 200, 200)])
    common = _range([result.histograms[row] for row in page]) if shared else None
    for place, row in enumerate(page):
        left, top = 12 + place % columns * (wide + 16), CAPTION + place // columns * (tall + words)
        path, histogram = result.paths[row], result.histograms[row]
        canvas.text(left, top + 6, shortened(path, 24), INK, size=10, bold=path == layer)
        canvas.pixels[top + 14 + tall, left : left + wide] = rule
        if histogram is not None:
            _bars(canvas, (left, top + 14, wide, tall), in_bins(histogram, bins), common, log, ink)
            low, high = common or (float(histogram.edges[0]), float(histogram.edges[-1]))
            canvas.text(left, top + tall + 22, f"{low:.2g}".replace("-", "−"), SUBTLE, size=9)
            canvas.text(left + wide, top + tall + 22, f"{high:.2g}".replace("-", "−"), SUBTLE, size=9, align="right")
        canvas.text(left, top + tall + 36, _fitted(_note(result, row), wide), SUBTLE, size=9)
    if len(page) < len(result.paths):
        text = f"layers {page[0] + 1} to {page[-1] + 1} of {len(result.paths)}"
        canvas.text(12, canvas.pixels.shape[0] - 9, text, SUBTLE, size=10)
    return canvas


def _fitted(text: str, room: int) -> str:
    """The parts of a note that have room."""
    parts = text.split(", ")
    while len(parts) > 1 and text_width(", ".join(parts), 9) > room:
        parts.pop(1 if len(parts) > 2 else -1)
    return ", ".join(parts)


def _still_boxes(result: LayerDistributions, log: bool, layer: str | None) -> Canvas:
    boxes = _boxes(result)
    values = _Values(boxes, log)
    tall = max(60, min(440, 18 * len(boxes)))
    left = 14 + max(text_width(shortened(path, 24), 10) for path in result.paths)
    width = 420
    canvas = Canvas(left + width + 16, CAPTION + tall + 44)
    color = _COLORS[result.what]
    ink = canvas.add_colors([color])
    fill = canvas.add_colors([_between((255, 255, 255), color, 0.4)])
    grid, dark = canvas.add_colors([(228, 228, 228)]), canvas.add_colors([INK])
    for value, text in values.ticks(5).items():
        x = left + round(float(values.places(np.array([value]))[0]) * (width - 1))
        canvas.pixels[CAPTION : CAPTION + tall, x] = grid
        canvas.text(x, CAPTION + tall + 10, text, SUBTLE, size=9, align="center")
    row = tall / len(boxes)
    named = set(thinned(len(boxes), row, 11))
    for index, parts in enumerate(values.places(boxes)):
        middle = CAPTION + round((index + 0.5) * row)
        if index in named:
            path = result.paths[index]
            canvas.text(left - 6, middle, shortened(path, 24), INK, size=10, bold=path == layer, align="right")
        if not np.isfinite(parts).all():
            continue
        minimum, _, first, median, third, _, maximum = (left + np.round(parts * (width - 1)).astype(int)).tolist()
        half = max(1, round(row * 0.3))
        canvas.pixels[middle, minimum : maximum + 1] = ink
        canvas.pixels[middle - half : middle + half + 1, first : third + 1] = fill
        canvas.pixels[middle - half : middle + half + 1, [first, third]] = ink
        canvas.pixels[middle - half : middle + half + 1, median] = dark
    canvas.text(left + width / 2, CAPTION + tall + 30, _VALUES[result.what], SUBTLE, size=10, align="center")
    return canvas


def _still_steps(result: LayerDistributions, log: bool) -> Canvas:
    over = result.over
    assert over is not None
    count = len(over.steps)
    tall, width, left = min(420, 60 + 12 * count), 460, 66
    canvas = Canvas(left + width + 16, CAPTION + tall + 44)
    color = _COLORS[result.what]
    shades = canvas.add_colors([_between((255, 255, 255), color, 0.2 + 0.5 * (at + 1) / count) for at in range(count)])
    ink = canvas.add_colors([color])
    heights = _ridge_heights(over.shares, log)
    top = min(0.45, 3.4 / (count + 3.4)) * tall
    columns = np.minimum(np.arange(width) * heights.shape[1] // width, heights.shape[1] - 1)
    rows = np.arange(tall)[:, None]
    inside = canvas.pixels[CAPTION : CAPTION + tall, left : left + width]
    for at in range(count):
        base = tall - 1 if count == 1 else top + (tall - 1 - top) * at / (count - 1)
        reach = min(base, max(14.0, 3.4 * (tall - top) / max(1, count - 1)))
        crest = base - reach * heights[at][columns]
        inside[(rows <= base) & (rows >= crest)] = shades + at
        inside[np.round(crest).astype(int).clip(0, tall - 1), np.arange(width)] = ink
        if at in thinned(count, (tall - top) / count, 12) or at == count - 1:
            canvas.text(left - 8, CAPTION + base - 3, f"{over.steps[at]:,.0f}", SUBTLE, size=9, align="right")
    for value, text in Axis(float(over.edges[0]), float(over.edges[-1]), False).ticks(5).items():
        x = left + (value - over.edges[0]) / (over.edges[-1] - over.edges[0]) * width
        canvas.text(x, CAPTION + tall + 10, text, SUBTLE, size=9, align="center")
    canvas.text(left + width / 2, CAPTION + tall + 30, _VALUES[result.what], SUBTLE, size=10, align="center")
    canvas.text(9, CAPTION + tall / 2, "step", SUBTLE, size=10, align="center", upright=True)
    return canvas

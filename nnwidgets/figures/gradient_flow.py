"""Gradients of all layers, at a step as bars and over the steps in colours: for print, and as a still. Half of
`GradientFlow`.

matplotlib is imported by `figure` alone: a still needs none.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from nnwidgets.analysis.gradients import (
    EXTREME,
    FINE,
    MARKS,
    NEAR_ZERO,
    NO_GRADIENT,
    NOT_FINITE,
    NOT_LOGGED,
    USUAL,
    GradientFlows,
    LayerGradients,
)
from nnwidgets.figures.curves import Axis
from nnwidgets.figures.labels import thinned
from nnwidgets.figures.layer_names import shortened
from nnwidgets.figures.palettes import FAINT, INK, MISSING, SUBTLE, color_table, head_color, unit
from nnwidgets.figures.raster import CAPTION, Canvas, Color, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

    from nnwidgets.figures.style import StyledFigure

Measure = Literal["gradients", "updates"]
Floats = NDArray[np.float64]

_TONES: dict[int, Color] = {
    FINE: head_color(0),
    NEAR_ZERO: head_color(4),
    EXTREME: head_color(1),
    NO_GRADIENT: head_color(6),
    NOT_FINITE: head_color(1),
    NOT_LOGGED: head_color(6),
}
_WORDS = {"near zero": "hardly moves", "extreme": "large steps"}
_DECADES = 20
_EMPTY = "no gradients were logged: nnw.watch(model, optimizer, run) logs them"
_AXES: dict[Measure, str] = {
    "gradients": "|∂loss/∂parameter|: mean (bar) to largest (line)",
    "updates": "norm of a step ÷ norm of the weights",
}


@dataclass(frozen=True)
class _Panel:
    """One run, as both pictures draw it."""

    flow: LayerGradients
    measure: Measure
    sizes: Floats
    """At the step, `[layers]`."""
    largest: Floats
    marks: NDArray[np.uint8]
    over: Floats
    """Over the steps, `[layers, steps]`."""
    place: int
    at: str

    @classmethod
    def of(cls, flow: LayerGradients, exact: LayerGradients | None, measure: Measure, step: int | None) -> _Panel:
        updates = measure == "updates"
        place = flow.nearest(step)
        alone = flow.at(place) if exact is None else exact
        count = int(alone.counts[0])
        at = f"step {alone.steps[0]:,.0f}" + (f" (mean of {count} steps)" if count > 1 else "")
        return cls(
            flow=flow,
            measure=measure,
            sizes=(alone.update if updates else alone.mean)[:, 0],
            largest=np.full(len(flow.paths), np.nan) if updates else alone.largest[:, 0],
            marks=(alone.update_marks if updates else alone.marks)[:, 0],
            over=flow.update if updates else flow.mean,
            place=place,
            at=at,
        )

    def word(self, layer: int) -> str:
        word = MARKS[int(self.marks[layer])]
        return _WORDS.get(word, word) if self.measure == "updates" else word


def _panels(result: GradientFlows, measure: Measure) -> list[_Panel | None]:
    if measure not in _AXES:
        raise ValueError(f'view="{measure}", but it is "gradients" or "updates"')
    exact = result.exact or (None,) * len(result.runs)
    return [
        _Panel.of(flow, alone, measure, result.step) if flow.paths and len(flow.steps) else None
        for flow, alone in zip(result.runs, exact, strict=True)
    ]


def _axis(panels: list[_Panel | None]) -> Axis:
    """Whole decades, the same for all runs, that hold what they show at all steps."""
    low, high = np.inf, -np.inf
    for panel in panels:
        for sizes in () if panel is None else (panel.over, panel.flow.largest):
            if panel is not None and panel.measure == "updates" and sizes is panel.flow.largest:
                continue
            powers = np.log10(sizes[np.isfinite(sizes) & (sizes > 0)])
            if len(powers):
                low, high = min(low, float(powers.min())), max(high, float(powers.max()))
    if low > high:
        return Axis(1e-4, 1.0, True)
    top = int(np.ceil(high - 1e-6))
    bottom = max(top - _DECADES, int(np.floor(low + 1e-6)))
    return Axis(10.0 ** min(bottom, top - 1), 10.0**top, True)


def _title(result: GradientFlows, panels: list[_Panel | None], measure: Measure, label: str) -> tuple[str, str]:
    title = "Gradient flow" if measure == "gradients" else "Updates"
    names = [label or result.runs[0].label] if len(result.runs) == 1 else [run.label for run in result.runs]
    at = list(dict.fromkeys(panel.at for panel in panels if panel is not None))
    return title, " · ".join([" and ".join(shortened(name, 60) for name in names), *at[:2]])


# ------------------------------------------------------------------------------------------------------------ print

_ROW = 0.17  # inches
_TALL = (1.0, 6.5)


def figure(
    result: GradientFlows, *, label: str = "", view: Measure = "gradients", layer: str | None = None
) -> StyledFigure:
    """Bars of each layer's mean absolute gradient on a log scale, up to its largest, and colours over all steps.

    Gradients of the loss with respect to parameters; the layer at the input is on top. `view="updates"` shows the norm
    of the optimizer's steps over that of the weights instead. Two runs have one scale. `layer` is marked. Layers that
    stand out are marked in words and colour.
    """
    from nnwidgets.figures.style import FONT_SIZE, StyledFigure, style

    panels = _panels(result, view)
    axis = _axis(panels)
    rows = max((len(panel.flow.paths) for panel in panels if panel is not None), default=6)
    height = min(_TALL[1], max(_TALL[0], _ROW * rows))
    names = [shortened(path) for panel in panels if panel is not None for path in panel.flow.paths]
    left = 0.35 + 0.062 * max(map(len, names), default=10)
    bars, heat, gap = 2.3, 2.3, 0.25
    panel_width = left + bars + gap + heat + 0.25
    sentences = _said(result)
    foot = 0.6 + 0.14 * len(sentences)
    with style():
        drawn = StyledFigure(figsize=(panel_width * len(panels) + 0.5, foot + height + 0.75))
        for number, (panel, run) in enumerate(zip(panels, result.runs, strict=True)):
            start = number * panel_width + left
            axes = drawn.add_inches(start, foot, bars, height)
            if panel is None:
                axes.set_axis_off()
                text = f"{shortened(run.label, 40)}\n{textwrap.fill(_EMPTY, 42)}"
                axes.text(0, 0.5, text, transform=axes.transAxes, color=unit(FAINT), va="center")
                continue
            beside = drawn.add_inches(start + bars + gap, foot, heat, height)
            _draw_bars(axes, panel, axis, height, layer)
            image = _draw_heat(beside, panel, axis)
            axes.set_title(panel.at, loc="left", fontsize=FONT_SIZE, pad=4)
            over = "mean over the steps" if view == "gradients" else "over the steps"
            beside.set_title(over, loc="left", fontsize=FONT_SIZE, pad=4)
            if len(panels) > 1:
                drawn.text(
                    start / drawn.get_figwidth(),
                    (foot + height + 0.26) / drawn.get_figheight(),
                    shortened(run.label, 40),
                    weight="bold",
                )
            if number == len(panels) - 1:
                end = start + bars + gap + heat
                bar = drawn.colorbar(image, cax=drawn.add_inches(end + 0.12, foot, 0.1, height))
                ticks = axis.ticks(max(3, round(height / 0.4)))
                bar.set_ticks(list(ticks), labels=list(ticks.values()))
                bar.ax.minorticks_off()
                bar.set_label("mean |∂loss/∂parameter|" if view == "gradients" else "step ÷ weights")
        for line, sentence in enumerate(sentences):
            drawn.text(
                0.35 / drawn.get_figwidth(),
                (foot - 0.62 - 0.14 * line) / drawn.get_figheight(),
                sentence,
                fontsize=0.85 * FONT_SIZE,
                color=unit(SUBTLE),
                va="top",
            )
        title, subtitle = _title(result, panels, view, label)
        drawn.caption(left, foot + height + (0.42 if len(panels) > 1 else 0.3), title, subtitle)
    return drawn


def _said(result: GradientFlows) -> list[str]:
    lines: list[str] = []
    for run, sentences in zip(result.runs, result.sentences or ((),) * len(result.runs), strict=True):
        name = f"{shortened(run.label, 30)}: " if len(result.runs) > 1 else ""
        for sentence in sentences:
            lines += textwrap.wrap(f"{name}{sentence}", 110 * len(result.runs))
    return lines


def _draw_bars(axes: Axes, panel: _Panel, axis: Axis, height: float, layer: str | None) -> None:
    from nnwidgets.figures.style import FONT_SIZE, SMALLEST

    paths = panel.flow.paths
    cell = 72 * height / len(paths)
    axes.set_xscale("log")
    axes.set(xlim=(axis.low, axis.high), ylim=(len(paths) - 0.5, -0.5), xlabel=_AXES[panel.measure])
    ticks = axis.ticks(5)
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.minorticks_off()
    axes.grid(axis="x", color=unit((228, 228, 228)), linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if panel.measure == "updates":
        axes.axvline(USUAL, color=unit(FAINT), linewidth=0.8, linestyle=(0, (4, 2)))
    sizes = np.where(np.isfinite(panel.sizes) & (panel.sizes > axis.low), panel.sizes, axis.low)
    colors = [unit(_TONES[int(mark)]) for mark in panel.marks]
    axes.barh(np.arange(len(paths)), sizes - axis.low, left=axis.low, height=0.66, color=colors)
    size = min(FONT_SIZE, max(SMALLEST, cell * 0.75))
    for row, largest in enumerate(panel.largest):
        end = sizes[row]
        if np.isfinite(largest) and largest > axis.low:
            axes.plot([sizes[row], largest], [row, row], color=colors[row], linewidth=0.9)
            axes.plot([largest], [row], "|", color=colors[row], markersize=min(5.0, 0.6 * cell), markeredgewidth=0.9)
            end = max(end, largest)
        if panel.word(row) and cell >= SMALLEST:
            right = bool(axis.places(np.array([end]))[0] < 0.7)
            axes.annotate(
                panel.word(row),
                (end, row),
                (4 if right else -4, 0),
                textcoords="offset points",
                ha="left" if right else "right",
                va="center",
                fontsize=min(size, 0.85 * FONT_SIZE),
            )
    named = thinned(len(paths), cell, size * 1.15)
    axes.set_yticks(list(named), [shortened(paths[row]) for row in named])
    for row, text in zip(named, axes.get_yticklabels(), strict=True):
        text.set(fontsize=size, color=unit(INK), weight="bold" if paths[row] == layer else "normal")


def _draw_heat(axes: Axes, panel: _Panel, axis: Axis) -> AxesImage:
    from matplotlib.colors import LogNorm

    from nnwidgets.figures.style import color_map

    layers, columns = panel.over.shape
    axes.patch.set(facecolor=unit(MISSING[0]), edgecolor=unit(MISSING[1]), hatch="//////", linewidth=0)
    shown = np.where(panel.over == 0, axis.low, panel.over)
    image = axes.imshow(
        np.ma.masked_invalid(shown),
        cmap=color_map("viridis"),
        norm=LogNorm(axis.low, axis.high, clip=True),
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, columns - 0.5, layers - 0.5, -0.5),
    )
    axes.axvline(panel.place, color="white", linewidth=2)
    axes.axvline(panel.place, color=unit(_TONES[EXTREME]), linewidth=1)
    places = np.unique(np.linspace(0, columns - 1, min(5, columns)).round().astype(int))
    axes.set_xticks(places, [f"{panel.flow.steps[place]:,.0f}" for place in places])
    axes.set_yticks([])
    axes.set_xlabel("step")
    return image


# ------------------------------------------------------------------------------------------------------------ still

_STILL = (230, 210, 16)  # pixels: bars, colours, and between two panels


def still(result: GradientFlows, *, label: str = "", view: Measure = "gradients", layer: str | None = None) -> bytes:
    """The same picture as a small PNG, made in milliseconds and without matplotlib."""
    panels = _panels(result, view)
    axis = _axis(panels)
    rows = max((len(panel.flow.paths) for panel in panels if panel is not None), default=4)
    tall = max(60, min(420, 18 * rows))
    wide, over, gap = _STILL
    lefts = [
        12 + max((text_width(shortened(path, 22), 10) for path in panel.flow.paths), default=0) if panel else 12
        for panel in panels
    ]
    title, subtitle = _title(result, panels, view, label)
    sentences = _said(result)[:4]
    width = sum(left + wide + gap + over + gap for left in lefts)
    canvas = Canvas(max(width, 420), CAPTION + 22 + tall + 46 + 16 * len(sentences))
    canvas.caption(12, title, subtitle)
    first = canvas.add_colors(color_table("viridis")[np.linspace(0, 255, 120).round().astype(int)])
    tones = {mark: canvas.add_colors([color]) for mark, color in _TONES.items()}
    missing = canvas.add_colors(MISSING)
    grid, dark = canvas.add_colors([(228, 228, 228)]), canvas.add_colors([INK])
    x, top = 0, CAPTION + 22
    for panel, run, left in zip(panels, result.runs, lefts, strict=True):
        if panel is None:
            canvas.text(x + 12, top + 20, shortened(run.label, 50), INK, bold=True)
            canvas.text(x + 12, top + 40, "no gradients were logged:", FAINT)
            canvas.text(x + 12, top + 56, "nnw.watch(model, optimizer, run) logs them", FAINT)
        else:
            name = f"{shortened(run.label, 30)}, {panel.at}" if len(panels) > 1 else panel.at
            canvas.text(x + left, top - 10, name, INK, size=10, bold=True)
            box = (x + left, top, wide, tall)
            _paint_bars(canvas, box, panel, axis, layer, tones, grid)
            box = (x + left + wide + gap, top, over, tall)
            _paint_heat(canvas, box, panel, axis, (first, 120), missing, dark)
        x += left + wide + gap + over + gap
    for number, sentence in enumerate(sentences):
        canvas.text(12, top + tall + 52 + 16 * number, sentence, SUBTLE, size=10)
    return canvas.png()


def _paint_bars(
    canvas: Canvas,
    box: tuple[int, int, int, int],
    panel: _Panel,
    axis: Axis,
    layer: str | None,
    tones: dict[int, int],
    grid: int,
) -> None:
    left, top, width, height = box
    count = len(panel.flow.paths)
    row = height / count
    for value, text in axis.ticks(4).items():
        x = left + round(float(axis.places(np.array([value]))[0]) * (width - 1))
        canvas.pixels[top : top + height, x] = grid
        canvas.text(x, top + height + 10, text, SUBTLE, size=9, align="center")
    canvas.text(left + width / 2, top + height + 28, _AXES[panel.measure], SUBTLE, size=9, align="center")
    places = np.nan_to_num(axis.places(panel.sizes), nan=0.0).clip(0, 1)
    ends = np.nan_to_num(axis.places(panel.largest), nan=0.0).clip(0, 1)
    thick = max(1, round(min(12, row * 0.66)))
    named = set(thinned(count, row, 11))
    for index in range(count):
        middle = top + round((index + 0.5) * row)
        tone = tones[int(panel.marks[index])]
        start = max(top, middle - thick // 2)
        canvas.pixels[start : start + thick, left : left + max(1, round(places[index] * width))] = tone
        canvas.pixels[middle, left + round(places[index] * width) : left + round(ends[index] * width)] = tone
        if index in named:
            path = panel.flow.paths[index]
            name = shortened(path, 22)
            canvas.text(left - 5, middle, name, INK, size=10, bold=path == layer, align="right")
            if panel.word(index):
                end = left + round(max(places[index], ends[index]) * width)
                fits = end + 6 + text_width(panel.word(index), 9) < left + width
                canvas.text(
                    end + 5 if fits else end - 5,
                    middle,
                    panel.word(index),
                    INK,
                    size=9,
                    align="left" if fits else "right",
                )


def _paint_heat(
    canvas: Canvas,
    box: tuple[int, int, int, int],
    panel: _Panel,
    axis: Axis,
    colors: tuple[int, int],
    missing: int,
    dark: int,
) -> None:
    left, top, width, height = box
    layers, columns = panel.over.shape
    first, count = colors
    shown = np.where(panel.over == 0, axis.low, panel.over)
    places = axis.places(shown)
    indices = first + (np.nan_to_num(places, nan=0.0).clip(0, 1) * (count - 1)).round()
    indices[np.isnan(places)] = missing
    indices[np.isposinf(panel.over)] = first + count - 1
    across = np.arange(width) * columns // width
    down = np.arange(height) * layers // height
    canvas.pixels[top : top + height, left : left + width] = indices.astype(np.uint8)[np.ix_(down, across)]
    x = left + round((panel.place + 0.5) / columns * (width - 1))
    canvas.pixels[top - 3 : top + height + 3, x] = dark
    for place in sorted({0, (columns - 1) // 2, columns - 1}):
        at = left + (place + 0.5) / columns * width
        text = f"{panel.flow.steps[place]:,.0f}"
        half = text_width(text, 9) / 2
        canvas.text(
            min(max(at, left + half), left + width - half), top + height + 10, text, SUBTLE, size=9, align="center"
        )
    canvas.text(left + width / 2, top + height + 28, "step", SUBTLE, size=9, align="center")

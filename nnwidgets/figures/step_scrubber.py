"""Key steps of a process as a strip, and its measures under them: half of `StepScrubber`.

matplotlib is imported by `figure` alone: a still needs none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from nnwidgets.figures.curves import Chart, Curve, Span
from nnwidgets.figures.curves_print import draw_chart
from nnwidgets.figures.curves_still import FOOT, HEADING, LEFT, paint_chart
from nnwidgets.figures.labels import display_token
from nnwidgets.figures.latent_tiles import paste, tiles
from nnwidgets.figures.palettes import INK, SUBTLE, head_color, unit
from nnwidgets.figures.raster import CAPTION, Canvas, caption_width, text_width

if TYPE_CHECKING:
    from nnwidgets.figures.style import StyledFigure

Floats = NDArray[np.float64]

MOST_ROWS = 6
"""Samples of a branch that a strip shows."""
_TILE = 64  # px in a still
_INCHES = 0.85
_GAP = 0.06
_LONGEST = 60


@dataclass(frozen=True, eq=False)
class BranchSteps:
    """One branch at the key steps.

    `frames` are uint8 [key steps, samples, h, w, 1 or 3], float [key steps, 1, n] of curves, or texts. `curves` are
    the measures by step; where the branch failed they end before.
    """

    name: str
    index: int
    frames: Any
    curves: Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class KeySteps:
    """A process at a few of its steps, the one that is looked at among them, and its measures at all of them."""

    label: str
    step: int
    steps: int
    kind: Literal["images", "curve", "text"]
    key: tuple[int, ...]
    branches: tuple[BranchSteps, ...]
    failure: str | None = None
    """Why the steps end before the last one."""


def _charts(result: KeySteps, measures: Sequence[str] | None) -> list[Chart]:
    names = list(result.branches[0].curves)
    mark = Span(result.step, result.step, "", SUBTLE)
    return [
        Chart(
            title=name,
            x_label="step",
            whole_x=True,
            curves=tuple(
                Curve(each.name, np.arange(len(each.curves[name]), dtype=float), each.curves[name], color)
                for each in result.branches
                for color in (head_color(each.index),)
            ),
            spans=(mark,),
        )
        for name in names
        if measures is None or name in measures
    ]


def _samples(result: KeySteps) -> int:
    return 1 if result.kind != "images" else min(MOST_ROWS, result.branches[0].frames.shape[1])


def _heading(result: KeySteps) -> tuple[str, str]:
    return f"Step {result.step:,} of {result.steps:,}", display_token(result.label, _LONGEST)


def figure(result: KeySteps, *, measures: Sequence[str] | None = None) -> StyledFigure:
    """The strip, a column for each key step and a row for each sample, and a chart for each measure."""
    from nnwidgets.figures.style import FONT_SIZE, StyledFigure, style

    charts = _charts(result, measures)
    samples, several = _samples(result), len(result.branches) > 1
    pitch = _INCHES + _GAP
    wide = max(4.6, len(result.key) * pitch + 0.3) if result.kind != "text" else 6.0
    strip = 0.2 * len(result.key) if result.kind == "text" else samples * pitch
    head = 0.24 if several else 0.04
    charted = 1.75 * -(-len(charts) // 2)
    tall = 0.85 + len(result.branches) * (strip + head) + charted + 0.2
    with style():
        drawn = StyledFigure(figsize=(wide, tall))
        drawn.caption(0.15, tall - 0.42, *_heading(result))
        top = tall - 0.62
        for column, step in enumerate(result.key if result.kind != "text" else ()):
            weight = "bold" if step == result.step else "normal"
            drawn.text(
                (0.15 + column * pitch + _INCHES / 2) / wide, top / tall, f"{step:,}", ha="center", va="center",
                fontsize=0.85 * FONT_SIZE, weight=weight,
            )  # fmt: skip
        top -= 0.1
        for branch in result.branches:
            if several:
                name = display_token(branch.name, _LONGEST)
                drawn.text(0.15 / wide, (top - 0.12) / tall, name, color=unit(head_color(branch.index)), va="center")
            top -= head
            if result.kind == "text":
                for row, (step, text) in enumerate(zip(result.key, branch.frames, strict=False)):
                    line = f"{step:,}: {display_token(text, 90)}"
                    drawn.text(0.15 / wide, (top - 0.1 - 0.2 * row) / tall, line, va="center")
                top -= strip
                continue
            for column in range(len(branch.frames)):
                for row in range(samples):
                    left, bottom = 0.15 + column * pitch, top - (row + 1) * pitch + _GAP
                    axes = drawn.add_inches(left, bottom, _INCHES, _INCHES)
                    axes.set(xticks=(), yticks=())
                    frame = branch.frames[column, row]
                    if result.kind == "curve":
                        axes.plot(frame, color=unit(head_color(branch.index)), linewidth=0.9)
                        axes.set_ylim(*_range(result))
                        continue
                    axes.set_axis_off()
                    axes.imshow(
                        np.repeat(frame, 3, axis=-1) if frame.shape[-1] == 1 else frame, interpolation="nearest"
                    )
            top -= strip
        across = (wide - 0.2) / 2 if len(charts) > 1 else wide - 0.2
        for index, chart in enumerate(charts):
            left = 0.15 + (index % 2) * across + 0.55
            bottom = top - 1.75 * (index // 2 + 1) + 0.42
            draw_chart(drawn, (left, bottom, across - 0.75, 0.95), chart)
    return drawn


def still(result: KeySteps, *, measures: Sequence[str] | None = None) -> bytes:
    """The same picture as a small PNG, made in milliseconds and without matplotlib."""
    charts = _charts(result, measures)
    samples, several = _samples(result), len(result.branches) > 1
    title, subtitle = _heading(result)
    pitch, head = _TILE + 4, 18 if several else 0
    strip = 18 * len(result.key) if result.kind == "text" else samples * pitch
    width = max(420, 24 + len(result.key) * pitch, 24 + caption_width(title, subtitle))
    charted = HEADING + 80 + FOOT
    top = CAPTION + (0 if result.kind == "text" else 16)
    height = top + len(result.branches) * (strip + head) + charted * -(-len(charts) // 2) + 8
    canvas = Canvas(width, height)
    canvas.caption(12, title, subtitle)
    pasted: list[tuple[NDArray[np.uint8], int, int]] = []
    for column, step in enumerate(result.key if result.kind != "text" else ()):
        place = 12 + column * pitch + _TILE / 2
        canvas.text(place, CAPTION + 6, f"{step:,}", INK, size=10, bold=step == result.step, align="center")
    for branch in result.branches:
        if several:
            canvas.text(12, top + 8, display_token(branch.name, _LONGEST), head_color(branch.index), size=10)
        top += head
        if result.kind == "text":
            for row, (step, text) in enumerate(zip(result.key, branch.frames, strict=False)):
                line = f"{step:,}: {display_token(text, 300)}"
                while text_width(line) > width - 24:
                    line = f"{line[: int(len(line) * 0.9)]}…"
                canvas.text(12, top + 9 + 18 * row, line, INK)
        else:
            for row in range(samples):
                found = tiles(branch.frames[:, row], _TILE)
                pasted += [(tile, 12 + column * pitch, top + row * pitch) for column, tile in enumerate(found)]
        top += strip
    across = (width - 12) // 2 if len(charts) > 1 else width - 12
    for index, chart in enumerate(charts):
        box = (LEFT + (index % 2) * across, top + (index // 2) * charted + HEADING, across - LEFT - 14, 80)
        paint_chart(canvas, box, chart)
    paste(canvas, pasted)
    return canvas.png()


def _range(result: KeySteps) -> tuple[float, float]:
    values = np.concatenate([np.ravel(branch.frames) for branch in result.branches])
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    room = 0.06 * (high - low) or 0.5
    return low - room, high + room

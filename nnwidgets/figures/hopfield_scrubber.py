"""Recalls of a Hopfield network at one step, with their curves, for print and as a still. Half of `HopfieldScrubber`.

matplotlib is imported by `figure` alone: a still needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnwidgets.figures.curves import Chart, Curve, Level
from nnwidgets.figures.curves_print import draw_chart
from nnwidgets.figures.curves_still import FOOT, HEADING, LEFT, fitted, paint_chart
from nnwidgets.figures.labels import display_token
from nnwidgets.figures.palettes import FAINT, INK, SUBTLE, head_color, unit
from nnwidgets.figures.raster import CAPTION, Canvas

if TYPE_CHECKING:
    from nnwidgets.figures.style import StyledFigure
    from nnwidgets.processes.capacity import Capacity

THEORY = 0.138
"""Random patterns a unit that Hebb's rule holds, for many units (Amit, Gutfreund & Sompolinsky 1985)."""

_MOST = 10  # memories whose overlap is drawn: those most like the first state
_NAMES = {"random": "random patterns", "own": "these patterns"}
_PICTURE = 96  # px of a state in a still
_BARS = 300
_ROW = 13
_CHART = 2.15  # inches of a row of charts


@dataclass(frozen=True, eq=False)
class Recall:
    """One branch: its state at the step that is looked at, int8 [height, width], the overlap of that with each memory
    [patterns], energy and flipped bits at every step [steps + 1], and in words what it fell into.
    """

    name: str
    index: int
    basin: str
    picture: NDArray[np.int8]
    overlaps: NDArray[np.float64]
    energy: NDArray[np.float64]
    flipped: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Recalls:
    """Branches of a recall at one step; memories are int8 [patterns, height, width]."""

    label: str
    step: int
    steps: int
    update: str
    storage: str | None
    labels: tuple[str, ...]
    memories: NDArray[np.int8]
    recalls: tuple[Recall, ...]
    capacities: Mapping[str, Capacity]

    @property
    def title(self) -> str:
        return f"Hopfield recall, step {self.step} of {self.steps}"

    @property
    def subtitle(self) -> str:
        stored = f"{len(self.memories)} memories ({self.storage})" if self.storage else "given weights"
        return (
            f"{display_token(self.label, 40)} · {self.update} updates · {stored} · {self.recalls[0].picture.size} units"
        )

    def shown(self) -> list[int]:
        """The memories whose overlaps are drawn, in their order."""
        like = np.argsort(-np.abs(self.recalls[0].overlaps), kind="stable")[:_MOST]
        return sorted(map(int, like))


def charts(result: Recalls) -> list[Chart]:
    """Energy and flipped bits of all branches by step, and the capacity experiments."""
    steps = np.arange(result.steps + 1, dtype=np.float64)
    names = [f"branch {each.index}" if each.index else "original" for each in result.recalls]
    measures = {
        "Energy": [each.energy for each in result.recalls],
        "Bits flipped": [each.flipped for each in result.recalls],
    }
    made = [
        Chart(
            title=title,
            x_label="step",
            whole_x=True,
            curves=tuple(
                Curve(name, steps, values, head_color(each.index))
                for name, values, each in zip(names, curves, result.recalls, strict=True)
            ),
        )
        for title, curves in measures.items()
    ]
    if result.capacities:
        made.append(_capacity_chart(result.capacities))
    return made


def _capacity_chart(capacities: Mapping[str, Capacity]) -> Chart:
    curves = [
        Curve(_NAMES[kind], found.loads, found.mean, head_color(number))
        for number, (kind, found) in enumerate(capacities.items())
    ]
    found = next(iter(capacities.values()))
    if any(each.storage == "hebbian" for each in capacities.values()):
        low = min(float(each.mean.min()) for each in capacities.values())
        ends = np.array([min(low, 0.5), 1.0])
        curves.append(Curve(f"theory: {THEORY}", np.full(2, THEORY), ends, FAINT, dash="dashed"))
    return Chart(
        title="Capacity: mean final overlap",
        x_label="load: patterns / units",
        curves=tuple(curves),
        levels=(Level(f"{found.threshold:g}", found.threshold, FAINT),),
    )


def figure(result: Recalls) -> StyledFigure:
    """A row for each branch: its state, the overlap with the memories most like it; under them the curves."""
    from nnwidgets.figures.style import FONT_SIZE, StyledFigure, style

    shown, drawn_charts = result.shown(), charts(result)
    row, wide = 1.65, 6.4
    height = 0.7 + row * len(result.recalls) + _CHART * -(-len(drawn_charts) // 2)
    with style():
        drawn = StyledFigure(figsize=(wide, height))
        drawn.caption(0.45, height - 0.42, result.title, result.subtitle)
        for number, recall in enumerate(result.recalls):
            bottom = height - 0.6 - row * (number + 1) + 0.2
            name = display_token(recall.name, 40)
            words = f"{name}: {display_token(recall.basin, 160)}" if len(result.recalls) > 1 else recall.basin
            drawn.text(0.45 / wide, (bottom + 1.24) / height, words, color=unit(INK), va="bottom")
            axes = drawn.add_inches(0.45, bottom, 1.2, 1.2)
            axes.imshow(recall.picture, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            if not shown:
                continue
            bars = drawn.add_inches(2.7, bottom + 0.1, wide - 3.0, 1.1)
            bars.barh(range(len(shown)), recall.overlaps[shown], color=unit(head_color(recall.index)))
            names = [display_token(result.labels[each], 16) for each in shown]
            bars.set_yticks(range(len(shown)), names, fontsize=0.8 * FONT_SIZE)
            bars.set(xlim=(-1, 1), ylim=(len(shown) - 0.4, -0.6))
            bars.axvline(0, color=unit(FAINT), linewidth=0.6)
            bars.tick_params(axis="x", labelsize=0.8 * FONT_SIZE)
            nearest = shown.index(int(np.abs(recall.overlaps).argmax()))
            bars.get_yticklabels()[nearest].set_fontweight("bold")
            for side in ("top", "right", "left"):
                bars.spines[side].set_visible(False)
            if recall is result.recalls[-1]:
                bars.set_xlabel("overlap with each memory", fontsize=0.8 * FONT_SIZE, color=unit(SUBTLE))
        for number, chart in enumerate(drawn_charts):
            left = 0.65 + (number % 2) * (wide / 2)
            bottom = 0.45 + _CHART * ((len(drawn_charts) - 1) // 2 - number // 2)
            across = wide - 0.85 if number == 2 else wide / 2 - 0.85  # the experiment has a row to itself
            draw_chart(drawn, (left, bottom, across, 1.15), chart)
    return drawn


def still(result: Recalls) -> bytes:
    """The same picture as a small PNG, made in milliseconds and without matplotlib."""
    shown, drawn_charts = result.shown(), charts(result)
    tall = max(_PICTURE, _ROW * len(shown)) + 34
    high = HEADING + 104 + FOOT
    width = 660
    canvas = Canvas(width, CAPTION + tall * len(result.recalls) + high * -(-len(drawn_charts) // 2) + 8)
    canvas.caption(20, result.title, result.subtitle)
    grey = canvas.add_colors([(0, 0, 0), (255, 255, 255), FAINT])
    for number, recall in enumerate(result.recalls):
        top = CAPTION + number * tall
        words = f"{recall.name}: {recall.basin}" if len(result.recalls) > 1 else recall.basin
        canvas.text(20, top + 8, fitted(words, width - 40), INK)
        _paint_state(canvas, (20, top + 20), recall.picture, grey)
        color = canvas.add_colors([head_color(recall.index)])
        middle = 20 + _PICTURE + 120 + _BARS // 2
        for place, each in enumerate(shown):
            y = top + 20 + _ROW * place
            overlap = float(recall.overlaps[each])
            end = middle + round(overlap * _BARS / 2)
            canvas.pixels[y + 2 : y + _ROW - 1, min(middle, end) : max(middle, end)] = color
            nearest = each == int(np.abs(recall.overlaps).argmax())
            name = fitted(result.labels[each], 100, size=10)
            canvas.text(middle - _BARS // 2 - 8, y + 7, name, INK, size=10, bold=nearest, align="right")
            text = f"{overlap:.2f}".replace("-", "−")
            canvas.text(middle + _BARS // 2 + 8, y + 7, text, SUBTLE, size=10, bold=nearest)
        canvas.pixels[top + 20 : top + 20 + _ROW * len(shown), middle] = grey + 2
    for number, chart in enumerate(drawn_charts):
        left = LEFT + (number % 2) * (width // 2)
        top = CAPTION + tall * len(result.recalls) + high * (number // 2) + HEADING
        across = width if number == 2 else width // 2
        paint_chart(canvas, (left, top, across - LEFT - 24, 104), chart)
    return canvas.png()


def _paint_state(canvas: Canvas, place: tuple[int, int], picture: NDArray[np.int8], grey: int) -> None:
    """On is white, off is black, in a frame."""
    left, top = place
    height, width = picture.shape
    scale = _PICTURE / max(height, width)
    down, across = max(1, round(height * scale)), max(1, round(width * scale))
    rows, columns = np.arange(down) * height // down, np.arange(across) * width // across
    canvas.pixels[top - 1 : top + down + 1, left - 1 : left + across + 1] = grey + 2
    canvas.pixels[top : top + down, left : left + across] = np.where(picture[rows][:, columns] > 0, grey + 1, grey)

"""The way from one latent to another as a strip, and how evenly it changes: half of `LatentInterpolation`.

matplotlib is imported by `figure` alone: a still needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnwidgets.analysis.latent import LatentPath
from nnwidgets.figures.labels import display_token
from nnwidgets.figures.latent_tiles import is_text, paste, print_texts, sheet, tiles, write
from nnwidgets.figures.palettes import FAINT, INK, SUBTLE, head_color, unit
from nnwidgets.figures.raster import CAPTION, Canvas

if TYPE_CHECKING:
    from nnwidgets.figures.style import StyledFigure

_TILE = 56  # px of a picture in a still
_COLUMNS = 11


def _subtitle(result: LatentPath, label: str) -> str:
    return f"{display_token(label, 30)} · {result.method}, from {result.start} to {result.end}"


def _columns(result: LatentPath) -> int:
    return min(_COLUMNS, len(result.latents))


def figure(result: LatentPath, *, label: str = "", at: float = 0.0) -> StyledFigure:
    """All pictures of the way, and the change from each to the next."""
    from nnwidgets.figures.style import StyledFigure, style

    count, columns = len(result.latents), _columns(result)
    size, rows = 0.62, -(-count // columns)
    bars = 1.0 if result.smoothness is not None else 0.0
    across, down = max(4.2, size * columns + 0.7), size * rows + 0.75 + 1.4 * bars
    here = round(at * (count - 1))
    with style():
        drawn = StyledFigure(figsize=(across, down))
        axes = drawn.add_inches(0.5, down - 0.6 - size * rows, size * columns, size * rows)
        axes.imshow(sheet(tiles(result.decoded, 128), columns, 4), interpolation="nearest")
        places = [(132.0 * (each % columns) + 64, 132.0 * (each // columns) + 64) for each in range(count)]
        if is_text(result.decoded):
            print_texts(axes, result.decoded, places, 10, 5.5)
        x, y = places[here]
        axes.plot([x - 64, x + 64, x + 64, x - 64, x - 64], [y - 64, y - 64, y + 64, y + 64, y - 64], lw=1.4)
        axes.set_axis_off()
        if result.smoothness is not None:
            steps = drawn.add_inches(0.5, 0.62, across - 0.7, 0.65)
            color = unit(head_color(0))
            steps.bar(np.arange(len(result.smoothness.steps)) + 1.5, result.smoothness.steps, color=color, width=0.8)
            steps.set(xlim=(1, count), ylabel="change")
            steps.set_xlabel(f"picture · {result.smoothness.sentence}", color=unit(SUBTLE))
        drawn.caption(0.5, down - 0.5, "Latent interpolation", _subtitle(result, label))
    return drawn


def still(result: LatentPath, *, label: str = "", at: float = 0.0) -> bytes:
    """The same picture as a small PNG, made in milliseconds and without matplotlib."""
    count, columns = len(result.latents), _columns(result)
    step, start, rows = _TILE + 2, 20, -(-count // columns)
    bars = 60 if result.smoothness is not None else 0
    width = max(480, step * columns + 40)
    canvas = Canvas(width, CAPTION + step * rows + bars + 30)
    canvas.caption(start, "Latent interpolation", _subtitle(result, label))
    places = [(start + step * (each % columns), CAPTION + step * (each // columns)) for each in range(count)]
    paste(canvas, [(tile, *place) for tile, place in zip(tiles(result.decoded, _TILE), places, strict=True)])
    if is_text(result.decoded):
        write(canvas, result.decoded, places, _TILE)
    marked = canvas.add_colors([head_color(0), FAINT])
    other = marked + 1
    left, top = places[round(at * (count - 1))]
    canvas.pixels[top + _TILE - 1 : top + _TILE + 2, left : left + _TILE] = marked
    if result.smoothness is not None:
        steps = result.smoothness.steps
        highest = float(steps.max()) or 1.0
        cell, foot = (width - 40) / len(steps), CAPTION + step * rows + bars - 6
        for each, value in enumerate(steps):
            column = start + round(each * cell)
            high = round(42 * float(value) / highest)
            canvas.pixels[foot - high : foot + 1, column : column + max(1, round(cell) - 1)] = other
        canvas.text(start, foot + 16, result.smoothness.sentence, INK)
    return canvas.png()

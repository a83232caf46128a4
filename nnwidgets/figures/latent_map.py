"""A plane of a latent space as what is decoded there, with the inputs' places: half of `LatentMap`.

matplotlib is imported by `figure` alone: a still needs none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nnwidgets.analysis.latent import LatentMapped
from nnwidgets.figures.labels import display_token
from nnwidgets.figures.latent_tiles import is_text, one_tile, paste, print_texts, sheet, tiles, write
from nnwidgets.figures.palettes import INK, SUBTLE, head_color, unit
from nnwidgets.figures.raster import CAPTION, Canvas

if TYPE_CHECKING:
    from nnwidgets.figures.style import StyledFigure

_MAP = 400  # px of the map in a still
_LARGE = 150
_MOST_CLASSES = 12  # that a legend names


def _edges(values: np.ndarray) -> tuple[float, float]:
    half = float(values[1] - values[0]) / 2
    return float(values[0]) - half, float(values[-1]) + half


def _subtitle(result: LatentMapped, label: str) -> str:
    across, up = result.grid.axes
    at = ", ".join(f"{result.latent[axis]:.3g}" for axis in (across, up)).replace("-", "−")
    return f"{display_token(label, 40)} · dimensions {across} and {up} · picture at ({at})"


def _name(label: int, class_names: Sequence[str] | None) -> str:
    known = class_names is not None and label < len(class_names)
    return display_token(class_names[label], 20) if known and class_names is not None else f"class {label}"


def _classes(result: LatentMapped) -> list[int]:
    return [] if result.labels is None else [int(label) for label in np.unique(result.labels)]


def figure(
    result: LatentMapped, *, label: str = "", points: bool = True, class_names: Sequence[str] | None = None
) -> StyledFigure:
    """The map, and beside it what is decoded at the cursor."""
    from nnwidgets.figures.style import StyledFigure, style

    plane = result.grid
    left, right = _edges(plane.x)
    bottom, top = _edges(plane.y)
    with style():
        drawn = StyledFigure(figsize=(6.6, 5.1))
        axes = drawn.add_inches(0.6, 0.5, 4.1, 4.1)
        pixels = sheet(tiles(result.decoded, max(16, 1200 // plane.count)), plane.count)
        axes.imshow(pixels, extent=(left, right, bottom, top), aspect="auto", interpolation="nearest")
        if is_text(result.decoded):
            places = [(float(x), float(y)) for y in plane.y[::-1] for x in plane.x]
            print_texts(axes, result.decoded, places, max(4, 60 // plane.count), 5.5)
        if points and result.points is not None:
            labels = np.zeros(len(result.points)) if result.labels is None else result.labels
            colors = [unit(head_color(int(each))) for each in labels]
            axes.scatter(
                result.points[:, 0],
                result.points[:, 1],
                s=5,
                c=colors,
                linewidths=0.25,
                edgecolors="white",
                rasterized=True,
            )
        across, up = plane.axes
        axes.plot(result.latent[across], result.latent[up], "o", ms=8, mfc="none", mec="black", mew=2.4)
        axes.plot(result.latent[across], result.latent[up], "o", ms=8, mfc="none", mec="white", mew=1.1)
        axes.set(xlim=(left, right), ylim=(bottom, top), xlabel=f"dimension {across}", ylabel=f"dimension {up}")
        large = drawn.add_inches(4.95, 3.1, 1.5, 1.5)
        large.imshow(one_tile(result.picture, 300), interpolation="nearest")
        if is_text(result.decoded):
            print_texts(large, [result.picture], [(150, 150)], 24, 8)
        large.set(xticks=[], yticks=[])
        large.set_xlabel("decoded at the cursor", color=unit(SUBTLE))
        for row, each in enumerate(_classes(result)[:_MOST_CLASSES] if points else []):
            place = (4.95 / 6.6, (2.6 - 0.18 * row) / 5.1)
            drawn.text(place[0] + 0.02, place[1], _name(each, class_names), va="center")
            drawn.text(*place, "●", color=unit(head_color(each)), va="center")
        drawn.caption(0.6, 4.66, "Latent map", _subtitle(result, label))
    return drawn


def still(
    result: LatentMapped, *, label: str = "", points: bool = True, class_names: Sequence[str] | None = None
) -> bytes:
    """The same picture as a small PNG, made in milliseconds and without matplotlib."""
    plane = result.grid
    cell = max(4, _MAP // plane.count)
    size, start = cell * plane.count, 20
    canvas = Canvas(start + size + 20 + _LARGE + 20, CAPTION + size + 20)
    canvas.caption(start, "Latent map", _subtitle(result, label))
    side = start + size + 20
    paste(
        canvas,
        [
            (sheet(tiles(result.decoded, cell), plane.count), start, CAPTION),
            (one_tile(result.picture, _LARGE), side, CAPTION),
        ],
    )
    if is_text(result.decoded):
        write(canvas, [result.picture], [(side, CAPTION)], _LARGE)
    (left, right), (bottom, top) = _edges(plane.x), _edges(plane.y)
    classes = _classes(result)[:_MOST_CLASSES]
    first = canvas.add_colors([head_color(each) for each in classes or [0]])
    index = {each: first + place for place, each in enumerate(classes)}

    def mark(x: float, y: float, color: int, reach: int) -> None:
        column = start + round((x - left) / (right - left) * size)
        row = CAPTION + round((top - y) / (top - bottom) * size)
        if start <= column < start + size and CAPTION <= row < CAPTION + size:
            canvas.pixels[row - reach : row + reach + 1, column - reach : column + reach + 1] = color

    if points and result.points is not None:
        for at, (x, y) in enumerate(result.points):
            color = first if result.labels is None else index.get(int(result.labels[at]), first)
            mark(float(x), float(y), color, 1)
    across, up = plane.axes
    black = canvas.add_colors([INK])
    mark(float(result.latent[across]), float(result.latent[up]), 0, 4)
    mark(float(result.latent[across]), float(result.latent[up]), black, 2)
    for row, each in enumerate(classes if points and result.points is not None else []):
        y = CAPTION + _LARGE + 20 + 17 * row
        canvas.pixels[y - 4 : y + 5, side : side + 9] = index[each]
        canvas.text(side + 16, y, _name(each, class_names), INK)
    return canvas.png()

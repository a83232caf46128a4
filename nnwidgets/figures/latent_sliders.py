"""What single dimensions of a latent do, as strips of pictures: half of `LatentSliders`.

matplotlib is imported by `figure` alone: a still needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnwidgets.analysis.latent import LatentTraversals
from nnwidgets.figures.labels import display_token
from nnwidgets.figures.latent_tiles import is_text, joined, one_tile, paste, print_texts, sheet, tiles, write
from nnwidgets.figures.palettes import INK, SUBTLE, unit
from nnwidgets.figures.raster import CAPTION, Canvas

if TYPE_CHECKING:
    from nnwidgets.figures.style import StyledFigure

_TILE = 44  # px of a picture in a still
_LARGE = 150
_NAME = 110


def _name(result: LatentTraversals, row: int) -> str:
    effect = "" if result.change is None else f" ({result.change[row]:.2g})"
    return f"dim {result.dimensions[row]}{effect}"


def _subtitle(result: LatentTraversals, label: str) -> str:
    order = "" if result.change is None else ", by how much they change the output"
    return f"{display_token(label, 40)} · {len(result.dimensions)} of {len(result.latent)} dimensions{order}"


def _all(result: LatentTraversals) -> Any:
    return joined(result.decoded)


def figure(result: LatentTraversals, *, label: str = "") -> StyledFigure:
    """A strip for each dimension, from its lowest to its highest value, and the latent that they start from."""
    from nnwidgets.figures.style import StyledFigure, style

    rows, count = result.values.shape
    size, left = 0.55, 2.9
    across, down = left + size * count + 0.2, max(2.6, size * rows + 1.15)
    with style():
        drawn = StyledFigure(figsize=(across, down))
        everything = _all(result)
        axes = drawn.add_inches(left, down - 0.6 - size * rows, size * count, size * rows)
        axes.imshow(sheet(tiles(everything, 128), count, 4), interpolation="nearest")
        if is_text(everything):
            places = [(132 * column + 64.0, 132 * row + 64.0) for row in range(rows) for column in range(count)]
            print_texts(axes, everything, places, 10, 5.5)
        axes.set(xticks=[], yticks=[132 * row + 64 for row in range(rows)])
        axes.set_yticklabels([_name(result, row) for row in range(rows)])
        axes.set_xlabel("low → high", color=unit(SUBTLE))
        large = drawn.add_inches(0.25, down - 2.1, 1.5, 1.5)
        large.imshow(one_tile(result.picture, 300), interpolation="nearest")
        if is_text(everything):
            print_texts(large, [result.picture], [(150, 150)], 24, 8)
        large.set(xticks=[], yticks=[])
        large.set_xlabel("decoded here", color=unit(SUBTLE))
        drawn.caption(0.25, down - 0.5, "Latent dimensions", _subtitle(result, label))
    return drawn


def still(result: LatentTraversals, *, label: str = "") -> bytes:
    """The same picture as a small PNG, made in milliseconds and without matplotlib."""
    rows, count = result.values.shape
    step, start, left = _TILE + 2, 20, 20 + _LARGE + 20 + _NAME
    canvas = Canvas(left + step * count + 20, CAPTION + max(_LARGE, step * rows) + 20)
    canvas.caption(start, "Latent dimensions", _subtitle(result, label))
    everything = _all(result)
    places = [(left + step * column, CAPTION + step * row) for row in range(rows) for column in range(count)]
    pictures = [(tile, *place) for tile, place in zip(tiles(everything, _TILE), places, strict=True)]
    paste(canvas, [(one_tile(result.picture, _LARGE), start, CAPTION), *pictures])
    if is_text(everything):
        write(canvas, everything, places, _TILE)
        write(canvas, [result.picture], [(start, CAPTION)], _LARGE)
    for row in range(rows):
        canvas.text(left - 8, CAPTION + step * row + _TILE / 2, _name(result, row), INK, align="right")
    return canvas.png()

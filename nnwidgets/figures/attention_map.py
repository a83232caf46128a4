"""One head's attention weights as a heatmap: a figure for print, and a still for the notebook. Half of `AttentionMap`.

matplotlib is imported by `figure` alone: a still needs none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnwidgets.analysis.attention import AttentionWeights
from nnwidgets.analysis.pyramid import Pyramid, Reduce
from nnwidgets.analysis.tokens import TokenColumn
from nnwidgets.figures import labels
from nnwidgets.figures.palettes import FAINT, INK, MISSING, PAPER, ColorMap, color_table, unit
from nnwidgets.figures.raster import CAPTION, Canvas, caption_width, text_width
from nnwidgets.figures.scales import Scale, ScaleKind

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

    from nnwidgets.figures.style import StyledFigure


@dataclass(frozen=True)
class _Picture:
    """What figure and still have in common: cells to paint, each of `span × span` weights, their scale and its name."""

    result: AttentionWeights
    cells: NDArray[np.float32]
    span: int
    scale: Scale
    clipped: bool
    """Whether cells that stand back hold weights beyond the scale."""
    meaning: str
    aside: NDArray[np.bool_]
    """The cells of tokens that stand back."""

    @classmethod
    def of(
        cls, result: AttentionWeights, scale: ScaleKind, special: labels.Special, reduce: Reduce, most: int
    ) -> _Picture:
        """At most about `most` cells along a side: more are pooled."""
        result = labels.shown(result, special)
        queries, keys = result.weights.shape
        level = max(0, (max(queries, keys) - 1).bit_length() - (most - 1).bit_length())
        cells = result.weights
        meaning = "attention weight" if result.head != "mean" else "attention weight, mean over heads"
        if level:
            cells = Pyramid(lambda start, stop: result.weights[start:stop], queries, keys, reduce).level(level)
            pooled = f"{min(2**level, queries)} × {min(2**level, keys)}"
            meaning += f", {'largest' if reduce == 'max' else 'mean'} of {pooled}"
        aside = np.zeros(cells.shape, dtype=bool)
        if special == "dim":
            aside[[position // 2**level for position in result.query_tokens.aside]] = True
            aside[:, [position // 2**level for position in result.key_tokens.aside]] = True
        finite = np.isfinite(cells)
        # Colours end at the largest weight that does not stand back, or a sink such as [CLS] would darken all else.
        largest = np.max(cells, initial=0.0, where=finite)
        end = np.max(cells, initial=0.0, where=finite & ~aside) or largest
        return cls(result, cells, 2**level, Scale.of(scale, float(end)), bool(largest > end), meaning, aside)

    @property
    def dimmed(self) -> bool:
        return bool(self.aside.any())

    def ticks(self, count: int) -> dict[float, str]:
        """About `count` ticks of the colour bar; where weights lie beyond it, its end is one that says so."""
        ticks = {tick: self.scale.tick_text(tick) for tick in self.scale.ticks(count)}
        if not self.clipped:
            return ticks
        places = self.scale.places(np.array(list(ticks), dtype=np.float32))
        apart = {
            tick: text for (tick, text), place in zip(ticks.items(), places, strict=True) if place < 1 - 0.4 / count
        }
        return apart | {self.scale.high: "≥ " + self.scale.tick_text(float(f"{self.scale.high:.2g}"))}


# ------------------------------------------------------------------------------------------------------------ print

_CELL = 0.2  # inches: a cell with room for its label
_SIDES = (1.4, 2.2, 5.6)  # inches: a matrix is never shorter than the first, and its longer side between the others
_WHOLE = 1024  # more cells than this along a side are no longer told apart in print


@dataclass(frozen=True)
class _Layout:
    """Inches: the matrix's left, bottom, width and height in the figure, and a cell's width and height."""

    box: tuple[float, float, float, float]
    cell: tuple[float, float]

    @classmethod
    def of(cls, result: AttentionWeights) -> _Layout:
        least, shortest, longest = _SIDES
        counts = len(result.key_tokens), len(result.query_tokens)
        cell = min(longest, max(shortest, _CELL * max(counts))) / max(counts)
        # A single query over thousands of keys is still a visible strip.
        across, down = (max(cell, least / count) for count in counts)
        left, under = 0.5 + _room(result.query_tokens), 0.5 + _room(result.key_tokens)
        return cls((left, under, across * counts[0], down * counts[1]), (across, down))


def _room(tokens: TokenColumn) -> float:
    """Inches that the longest label takes, as far as its number of characters tells; saving trims to what is drawn."""
    return 0.066 * max(len(labels.display_token(text)) for text in tokens.texts)


def figure(
    result: AttentionWeights,
    *,
    label: str = "",
    scale: ScaleKind = "linear",
    colors: ColorMap = "viridis",
    special: labels.Special = "show",
    reduce: Reduce = "max",
) -> StyledFigure:
    """The weights `[queries, keys]` as a heatmap: queries from top to bottom, keys from left to right.

    `label` names the model. `special` tells what becomes of special tokens and padding. The strongest colour is the
    largest weight that is shown and does not stand back. More than 1,024 tokens are pooled by `reduce`, and the colour
    bar says so. Weights that are not finite are hatched.
    """
    from matplotlib.colors import LogNorm, Normalize

    from nnwidgets.figures.style import StyledFigure, color_map, style

    picture = _Picture.of(result, scale, special, reduce, _WHOLE)
    result, cells, span = picture.result, picture.cells, picture.span
    low, high = picture.scale.low, picture.scale.high
    layout = _Layout.of(result)
    left, bottom, width, height = layout.box
    with style():
        drawn = StyledFigure(figsize=(left + width + 1.0, bottom + height + 0.6))
        axes = drawn.add_inches(left, bottom, width, height)
        axes.patch.set(facecolor=unit(MISSING[0]), edgecolor=unit(MISSING[1]), hatch="//////", linewidth=0)
        image = axes.imshow(
            np.ma.masked_invalid(cells),
            cmap=color_map(colors),
            norm=(LogNorm if scale == "log" else Normalize)(low, high, clip=True),
            aspect="auto",
            interpolation="nearest",
            extent=(-0.5, cells.shape[1] * span - 0.5, cells.shape[0] * span - 0.5, -0.5),
        )
        axes.set(xlim=(-0.5, len(result.key_tokens) - 0.5), ylim=(len(result.query_tokens) - 0.5, -0.5))
        axes.set(xlabel=labels.KEY_AXIS, ylabel=labels.QUERY_AXIS)
        _label_tokens(axes, result, layout, picture.dimmed)
        if picture.dimmed:
            veil = np.zeros((*cells.shape, 4), dtype=np.uint8)
            veil[picture.aside] = (*PAPER, round(255 * _VEIL))
            axes.imshow(veil, aspect="auto", interpolation="nearest", extent=image.get_extent())
        _color_bar(drawn, (left + width + 0.12, bottom, 0.12, height), image, picture)
        drawn.caption(left, bottom + height + 0.1, labels.title(result), labels.subtitle(result, label))
    return drawn


_VEIL = 0.65
"""How far what stands back is veiled in the colour of the paper."""


def _label_tokens(axes: Axes, result: AttentionWeights, layout: _Layout, dimmed: bool) -> None:
    from nnwidgets.figures.style import FONT_SIZE, SMALLEST

    for axis, tokens, inches in (
        (axes.xaxis, result.key_tokens, layout.cell[0]),
        (axes.yaxis, result.query_tokens, layout.cell[1]),
    ):
        cell = 72 * inches
        size = min(FONT_SIZE, max(SMALLEST, cell * 0.85))
        named = labels.thinned(len(tokens), cell, size * 1.1)
        axis.set_ticks(list(named), [labels.display_token(tokens.texts[position]) for position in named])
        aside = set(tokens.aside) if dimmed else set()
        for position, text in zip(named, axis.get_ticklabels(), strict=True):
            text.set(fontsize=size, color=unit(FAINT if position in aside else INK))
    # Slanted where there is room to lean, else upright.
    slanted = 72 * layout.cell[0] >= FONT_SIZE * 1.25
    for text in axes.get_xticklabels():
        text.set(rotation=45 if slanted else 90, rotation_mode="anchor", horizontalalignment="right")
        text.set(verticalalignment="top" if slanted else "center")


def _color_bar(
    drawn: StyledFigure, box: tuple[float, float, float, float], image: AxesImage, picture: _Picture
) -> None:
    from matplotlib.patches import Patch

    # A logarithmic bar ends in an arrow: what is smaller still has the lowest colour.
    bar = drawn.colorbar(image, cax=drawn.add_inches(*box), extend="min" if picture.scale.kind == "log" else "neither")
    ticks = picture.ticks(max(3, round(box[3] / 0.5)))
    bar.set_ticks(list(ticks), labels=list(ticks.values()))
    bar.ax.minorticks_off()
    bar.set_label(picture.meaning)
    if picture.result.missing:
        hatched = Patch(facecolor=unit(MISSING[0]), edgecolor=unit(MISSING[1]), hatch="//////", linewidth=0)
        bar.ax.legend([hatched], ["not finite"], loc="upper left", bbox_to_anchor=(0, -0.1 / box[3]), borderpad=0)


# ------------------------------------------------------------------------------------------------------------ still

_PIXELS = 512  # a still shows at most so many cells along a side, and is about so large
_CELLS = (96, 30)  # pixels: no still is narrower than the first, and no cell is larger than the second for nothing
_ROW = 13  # pixels between two labels
_LONGEST = 16  # characters of a label
_TEXT_COLORS = 24  # of the palette, for the smooth edges of letters


def still(
    result: AttentionWeights,
    *,
    label: str = "",
    scale: ScaleKind = "linear",
    colors: ColorMap = "viridis",
    special: labels.Special = "show",
    reduce: Reduce = "max",
) -> bytes:
    """The same picture as a small PNG, made in milliseconds and without matplotlib. More than 512 tokens are pooled."""
    picture = _Picture.of(result, scale, special, reduce, _PIXELS)
    result, (rows, columns) = picture.result, picture.cells.shape
    least, largest = _CELLS
    cell = min(largest, max(1, _PIXELS // max(rows, columns)))
    # Never so flat that the upright texts beside it are cut.
    tallest = max(text_width(labels.QUERY_AXIS), text_width(picture.meaning))
    down, across = max(cell, -(-tallest // rows)), max(cell, -(-least // columns))
    height, width = rows * down, columns * across
    query_labels = _still_labels(result.query_tokens, height)
    key_labels = _still_labels(result.key_tokens, width)
    title, subtitle = labels.title(result), labels.subtitle(result, label)
    left, top = 28 + max(map(text_width, query_labels.values())), CAPTION
    under = 32 + max(map(text_width, key_labels.values()))
    canvas = Canvas(max(left + width + 92, left + caption_width(title, subtitle) + 8), top + height + under)
    canvas.caption(left, title, subtitle)
    levels = _paint_cells(canvas, (left, top), (across, down), picture, colors)
    _paint_bar(canvas, (left + width + 12, top, height), levels, picture)

    canvas.text(9, top + height / 2, labels.QUERY_AXIS, INK, align="center", upright=True)
    faint = set(result.query_tokens.aside) if picture.dimmed else set()
    for position, text in query_labels.items():
        y = top + (position + 0.5) * height / len(result.query_tokens)
        canvas.text(left - 5, y, text, FAINT if position in faint else INK, align="right")
    canvas.text(left + width / 2, top + height + under - 10, labels.KEY_AXIS, INK, align="center")
    faint = set(result.key_tokens.aside) if picture.dimmed else set()
    for position, text in key_labels.items():
        x = left + (position + 0.5) * width / len(result.key_tokens)
        canvas.text(x, top + height + 5, text, FAINT if position in faint else INK, align="right", upright=True)
    return canvas.png()


def _still_labels(tokens: TokenColumn, room: int) -> dict[int, str]:
    """The tokens that have room to be named, by position."""
    named = labels.thinned(len(tokens), room / len(tokens), _ROW)
    return {position: labels.display_token(tokens.texts[position], _LONGEST) for position in named}


def _paint_cells(
    canvas: Canvas, corner: tuple[int, int], cell: tuple[int, int], picture: _Picture, colors: ColorMap
) -> NDArray[np.uint8]:
    """Paint the matrix; returns the palette's indices of the colours, from the lowest to the highest."""
    count = (canvas.room - _TEXT_COLORS) // (2 if picture.dimmed else 1)
    table = color_table(colors)[np.linspace(0, 255, count).round().astype(int)]
    first = canvas.add_colors(table)
    finite = np.isfinite(picture.cells)
    places = picture.scale.places(np.where(finite, picture.cells, np.float32(0)))
    indices = (places * (count - 1) + (first + 0.5)).astype(np.uint8)
    if picture.dimmed:
        canvas.add_colors(np.round(table + (np.array(PAPER) - table) * _VEIL).astype(np.uint8))
        indices[picture.aside] += np.uint8(count)
    (left, top), (across, down) = corner, cell
    pixels = indices.repeat(down, axis=0).repeat(across, axis=1)
    if picture.result.missing:
        ground = canvas.add_colors(MISSING)
        stripes = np.add.outer(np.arange(pixels.shape[0]), np.arange(pixels.shape[1])) // 3 % 2
        missing = ~finite.repeat(down, axis=0).repeat(across, axis=1)
        pixels[missing] = (ground + stripes[missing]).astype(np.uint8)
    canvas.pixels[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return np.arange(first, first + count, dtype=np.uint8)


def _paint_bar(canvas: Canvas, place: tuple[int, int, int], levels: NDArray[np.uint8], picture: _Picture) -> None:
    left, top, height = place
    shades = np.linspace(len(levels) - 1, 0, height).round().astype(int)
    canvas.pixels[top : top + height, left : left + 12] = levels[shades][:, None]
    ticks = picture.ticks(max(3, height // 60))
    places = picture.scale.places(np.array(list(ticks), dtype=np.float32))
    for text, at in zip(ticks.values(), places.tolist(), strict=True):
        canvas.text(left + 16, top + (1 - at) * (height - 1), text, INK)
    canvas.text(left + 64, top + height / 2, picture.meaning, INK, align="center", upright=True)

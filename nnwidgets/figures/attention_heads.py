"""The attention of several heads as lines between two columns of tokens: for print and for the notebook.

The still half of `AttentionHeads`. matplotlib is imported by `figure` alone: a still needs none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnwidgets.analysis.attention import AttentionLinks
from nnwidgets.analysis.tokens import TokenColumn
from nnwidgets.figures import labels
from nnwidgets.figures.palettes import FAINT, INK, PAPER, SUBTLE, head_color, unit
from nnwidgets.figures.raster import CAPTION, Canvas, caption_width, text_width

if TYPE_CHECKING:
    from nnwidgets.figures.raster import Align
    from nnwidgets.figures.style import StyledFigure

_DIM = 0.25  # how much of their strength lines of tokens that stand back keep
_TINY = 1e-30  # no line for nothing
_BEND = 0.42  # how far from its ends a line turns
_LEGEND = (1.0, 0.5, 0.1)  # strengths that the legend explains


@dataclass(frozen=True)
class _Links:
    """The lines to draw, weakest first: of which head, from which row to which, and how strong from 0 to 1."""

    result: AttentionLinks
    slots: NDArray[np.intp]
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    strengths: NDArray[np.float32]
    full: float
    dimmed: bool
    notes: tuple[str, ...]

    @classmethod
    def of(cls, result: AttentionLinks, special: labels.Special, threshold: float, most: int) -> _Links:
        """The `most` strongest weights of at least `threshold`. Notes say what is left out."""
        result = labels.shown(result, special)
        weights = result.weights
        full = _full_strength(result, special)
        with np.errstate(invalid="ignore"):
            picked = np.flatnonzero((weights >= max(threshold, _TINY)) & (weights < np.inf))
        strengths = np.minimum(weights.ravel()[picked] / np.float32(full), np.float32(1))
        if special == "dim":
            _, queries, keys = np.unravel_index(picked, weights.shape)
            strengths[_aside(result.query_tokens)[queries] | _aside(result.key_tokens)[keys]] *= np.float32(_DIM)
        notes = [f"weights below {threshold:g} are not drawn"] if threshold > 0 else []
        if len(picked) > most:
            strongest = np.argpartition(strengths, -most)[-most:]
            picked, strengths = picked[strongest], strengths[strongest]
            notes = [f"only the {most:,} strongest weights are drawn"]
        notes += [f"{result.missing:,} weights are not finite and not drawn"] if result.missing else []
        order = np.argsort(strengths, kind="stable")
        slots, queries, keys = np.unravel_index(picked[order], weights.shape)
        # Heads lie beside each other, so that one does not hide another.
        heads = len(result.heads)
        shifts = (slots - (heads - 1) / 2) * min(0.16, 0.7 / heads)
        dimmed = special == "dim"
        return cls(result, slots, queries + shifts, keys + shifts, strengths[order], full, dimmed, tuple(notes))

    @property
    def rows(self) -> int:
        """Rows of the longer column."""
        return max(len(self.result.query_tokens), len(self.result.key_tokens))


def _full_strength(result: AttentionLinks, special: labels.Special) -> float:
    """The weight that the strongest line stands for: the largest between tokens that do not stand back."""
    dimmed = special == "dim" and result.query_tokens.plain and result.key_tokens.plain
    return (result.without_aside() if dimmed else result).maximum or 1.0


def _aside(column: TokenColumn) -> NDArray[np.bool_]:
    aside = np.zeros(len(column), dtype=bool)
    aside[list(column.aside)] = True
    return aside


def _faint(links: _Links, column: TokenColumn) -> set[int]:
    """The rows of a column that stand back."""
    return set(column.aside) if links.dimmed else set()


def _opacity(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    opacity: NDArray[np.float32] = np.float32(0.06) + np.float32(0.9) * strength
    return opacity


# ------------------------------------------------------------------------------------------------------------ print

_ROW, _TALLEST, _LINES = 0.18, 8.0, 2.4  # inches: a row, the columns where they are long, the lines between them
_MOST = 5_000  # more lines make no picture, only a large file


def figure(
    result: AttentionLinks, *, label: str = "", special: labels.Special = "dim", threshold: float = 0.02
) -> StyledFigure:
    """Lines from query tokens (left) to key tokens (right), a colour for each head; opacity and width tell the weight.

    `label` names the model. `special` tells what becomes of special tokens and padding; full strength is the largest
    weight of what does not stand back. Weights below `threshold` are left out.
    """
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path

    from nnwidgets.figures.style import FONT_SIZE, SMALLEST, StyledFigure, style

    links = _Links.of(result, special, threshold, _MOST)
    result = links.result
    row = min(_ROW, _TALLEST / links.rows)
    height = row * links.rows
    size = min(FONT_SIZE, max(SMALLEST, 72 * row * 0.8))
    left = max(_room(result.query_tokens), 1.35)
    right = left + _LINES + max(_room(result.key_tokens), 1.3)
    with style():
        drawn = StyledFigure(figsize=(right + 1.3, max(height + 0.25, _legend_height(links)) + 0.85))
        top = drawn.get_figheight() - 0.85
        axes = drawn.add_inches(left, top - height, _LINES, height)
        axes.set(xlim=(0, 1), ylim=(links.rows - 0.5, -0.5))
        axes.set_axis_off()
        codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
        places = np.array([0, _BEND, 1 - _BEND, 1])
        heights = np.stack([links.starts, links.starts, links.ends, links.ends], axis=1)
        colors = np.array([unit(head_color(head)) for head in result.heads])[links.slots]
        axes.add_collection(
            PathCollection(
                [Path(np.column_stack([places, ends]), codes) for ends in heights],
                facecolors="none",
                edgecolors=np.column_stack([colors, _opacity(links.strengths)]),
                linewidths=_width(links.strengths) * max(0.25, math.sqrt(row / _ROW)),
                capstyle="butt",
            ),
            autolim=False,
        )
        for x, align, column, name in (
            (-0.1, "right", result.query_tokens, labels.QUERY_AXIS),
            (_LINES + 0.1, "left", result.key_tokens, labels.KEY_AXIS),
        ):
            axes.text(
                x / _LINES, 1 + 0.08 / height, name, transform=axes.transAxes, ha=align, va="bottom", color=unit(SUBTLE)
            )
            faint = _faint(links, column)
            for position in labels.thinned(len(column), 72 * row, size * 1.1):
                text = labels.display_token(column.texts[position])
                color = unit(FAINT if position in faint else INK)
                axes.text(x / _LINES, position, text, fontsize=size, color=color, ha=align, va="center_baseline")
        _legend(drawn, (right + 0.1, top), links)
        drawn.caption(left - 1.35, top + 0.4, labels.title(result), labels.subtitle(result, label))
        across, down = drawn.get_size_inches()
        note = "; ".join(links.notes)
        drawn.text(left / across, (top - height - 0.1) / down, note, fontsize=size, color=unit(SUBTLE), va="top")
    return drawn


def _room(column: TokenColumn) -> float:
    """Inches that the longest label takes, as far as its number of characters tells; saving trims to what is drawn."""
    return 0.2 + 0.066 * max(len(labels.display_token(text)) for text in column.texts)


def _width(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points."""
    width: NDArray[np.float32] = np.float32(0.5) + np.float32(1.7) * strength
    return width


def _legend_height(links: _Links) -> float:
    return 0.158 * (len(links.result.heads) + len(_LEGEND) + 2)


def _legend(drawn: StyledFigure, corner: tuple[float, float], links: _Links) -> None:
    """Which colour is which head, and how strong a line is for which weight."""
    from matplotlib.lines import Line2D

    heads = [
        Line2D([], [], color=unit(head_color(head)), linewidth=2.2, label=f"head {head}") for head in links.result.heads
    ]
    strengths = np.array(_LEGEND, dtype=np.float32)
    weights = [
        Line2D([], [], color=unit(INK), linewidth=width, alpha=opacity, label=f"{strength * links.full:.2g}")
        for strength, width, opacity in zip(_LEGEND, _width(strengths), _opacity(strengths), strict=True)
    ]
    across, down = drawn.get_size_inches()
    for title, lines, above in (("", heads, 0.0), ("attention weight", weights, 0.158 * len(heads) + 0.14)):
        drawn.legend(
            handles=lines,
            title=title,
            alignment="left",
            loc="upper left",
            bbox_to_anchor=(corner[0] / across, (corner[1] - above) / down),
            borderpad=0,
            borderaxespad=0,
            labelspacing=0.4,
            handlelength=1.6,
        )


# ------------------------------------------------------------------------------------------------------------ still

_ROW_PIXELS, _TALLEST_PIXELS, _LINES_PIXELS = 17, 560, 240  # the same
_MOST_IN_STILL = 1_500
_LONGEST = 20  # characters of a label
_TEXT_COLORS = 24  # of the palette, for the smooth edges of letters


def still(
    result: AttentionLinks,
    *,
    label: str = "",
    special: labels.Special = "dim",
    threshold: float = 0.02,
) -> bytes:
    """The same picture as a small PNG, made in milliseconds and without matplotlib."""
    links = _Links.of(result, special, threshold, _MOST_IN_STILL)
    result = links.result
    row = min(_ROW_PIXELS, _TALLEST_PIXELS / links.rows)
    height = max(1, round(row * links.rows))
    query_names, key_names = (
        [labels.display_token(text, _LONGEST) for text in column.texts]
        for column in (result.query_tokens, result.key_tokens)
    )
    left, top = 16 + max(map(text_width, [labels.QUERY_AXIS, *query_names])), CAPTION + 22
    right = left + _LINES_PIXELS
    legend = right + 28 + max(map(text_width, [labels.KEY_AXIS, *key_names]))
    title, subtitle = labels.title(result), labels.subtitle(result, label)
    below = top + max(height, _ROW_PIXELS * len(result.heads)) + 4
    canvas = Canvas(max(legend + 90, 16 + caption_width(title, subtitle)), below + (20 if links.notes else 4))
    canvas.caption(8, title, subtitle)

    inks = _paint_lines(canvas, (left, top), (_LINES_PIXELS, height), row, links)
    canvas.text(left - 6, top - 12, labels.QUERY_AXIS, SUBTLE, align="right")
    canvas.text(right + 6, top - 12, labels.KEY_AXIS, SUBTLE)
    _name_rows(canvas, (left - 6, top), "right", query_names, row, _faint(links, result.query_tokens))
    _name_rows(canvas, (right + 6, top), "left", key_names, row, _faint(links, result.key_tokens))
    for place, (head, ink) in enumerate(zip(result.heads, inks, strict=True)):
        y = top + _ROW_PIXELS * place + _ROW_PIXELS // 2
        canvas.pixels[y - 1 : y + 2, legend : legend + 18] = ink
        canvas.text(legend + 24, y, f"head {head}", INK)
    canvas.text(8, below + 6, "; ".join(links.notes), SUBTLE, size=10)
    return canvas.png()


def _name_rows(
    canvas: Canvas, corner: tuple[int, int], align: Align, names: list[str], row: float, faint: set[int]
) -> None:
    x, top = corner
    for position in labels.thinned(len(names), row, 13):
        canvas.text(x, top + (position + 0.5) * row, names[position], FAINT if position in faint else INK, align=align)


def _paint_lines(
    canvas: Canvas, corner: tuple[int, int], size: tuple[int, int], row: float, links: _Links
) -> list[int]:
    """Paint the lines, one over the other; returns the palette's index of each head's full colour."""
    colors = [head_color(head) for head in links.result.heads]
    shades = (canvas.room - _TEXT_COLORS) // len(set(colors))
    ramps = {color: canvas.add_colors(_shades(color, shades)) for color in dict.fromkeys(colors)}
    first = [ramps[color] for color in colors]
    (left, top), (width, height) = corner, size
    # Three points for each pixel across, for lines may be steep. The ends of a line are level: y follows 3t² - 2t³.
    along = np.linspace(0, 1, 3 * width)
    t = np.interp(along, _curve(_BEND, _TURN), _TURN)
    blend = 3 * t**2 - 2 * t**3
    start, end = ((rows + 0.5) * row for rows in (links.starts, links.ends))
    y = np.clip(start[:, None] + (end - start)[:, None] * blend, 0, height - 1).astype(np.intp) + top
    x = np.broadcast_to((along * (width - 1)).astype(np.intp) + left, y.shape)
    ink = np.array(first)[links.slots] + (_opacity(links.strengths) * (shades - 1)).astype(int)
    inks = np.broadcast_to(ink[:, None].astype(np.uint8), y.shape)
    thick = np.searchsorted(links.strengths, 0.4)
    canvas.pixels[y, x] = inks
    # The strongest are twice as wide.
    canvas.pixels[np.minimum(y[thick:] + 1, top + height - 1), x[thick:]] = inks[thick:]
    return [index + shades - 1 for index in first]


_TURN = np.linspace(0, 1, 64)


def _curve(bend: float, t: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far across a Bézier curve with its inner points at `bend` and `1 - bend` has come."""
    return 3 * bend * (1 - t) ** 2 * t + 3 * (1 - bend) * (1 - t) * t**2 + t**3


def _shades(color: tuple[int, int, int], count: int) -> NDArray[np.uint8]:
    """From paper to a head's colour."""
    return np.linspace(PAPER, color, count).round().astype(np.uint8)

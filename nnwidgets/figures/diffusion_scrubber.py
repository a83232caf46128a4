"""The reverse process of a diffusion model at key steps, with its schedule: for print, and as a still.

Half of `DiffusionScrubber`. matplotlib is imported by `figure` alone: a still needs none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnwidgets.analysis.denoising import Denoising
from nnwidgets.analysis.pictures import Pixels, contact_sheet
from nnwidgets.analysis.spectra import BANDS
from nnwidgets.figures.labels import display_token
from nnwidgets.figures.palettes import SUBTLE, head_color, unit
from nnwidgets.figures.raster import CAPTION, Canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nnwidgets.figures.style import StyledFigure

ROWS = ("noisy", "predicted", "noise", "forward")
_NAMES = {
    "noisy": "xₜ, noisy",
    "predicted": "x̂₀, clean image seen",
    "noise": "ε̂, noise seen",
    "forward": "real image at t",
}
_MOST_SAMPLES = 4
_STILL_KEYS = 8
_SIDE = 56  # px of a picture of the still
_GAP = 0.08  # between pictures, as a share of their width
_WAVE_COLOR = 3  # of the first band, as in the browser half
_BETWEEN = 0.14  # inches between rows


def figure(result: Denoising, *, label: str = "", rows: Sequence[str] = ROWS) -> StyledFigure:
    """A column for each key step, a block for each row with its samples below each other, then schedule and detail."""
    from nnwidgets.figures.style import FONT_SIZE, StyledFigure, style

    with style():
        blocks = _blocks(result, rows)
        small: dict[str, Any] = {"fontsize": 0.8 * FONT_SIZE, "color": unit(SUBTLE)}
        keys, cell, left, foot = len(result.steps), 0.66, 1.15, 1.75
        height, width = blocks[0][1].shape[2:4]
        gap = max(1, round(_GAP * width))
        inch = cell / (width + gap)  # a pixel
        whole = max(left + keys * cell + 0.2, 5.2)
        grid = sum(pictures.shape[1] * (height + gap) * inch + _BETWEEN for _, pictures in blocks)
        drawn = StyledFigure(figsize=(whole, foot + grid + 0.85))
        top = foot + grid
        for row, pictures in blocks:
            by_sample = pictures.swapaxes(0, 1).reshape(-1, *pictures.shape[2:])
            sheet = contact_sheet(by_sample, keys, gap)  # one picture: matplotlib takes a second for a hundred axes
            tall = sheet.shape[0] * inch
            axes = drawn.add_inches(left, top - tall, sheet.shape[1] * inch, tall)
            axes.set_axis_off()
            axes.imshow(np.broadcast_to(sheet, (*sheet.shape[:2], 3)), interpolation="nearest", aspect="auto")
            name = _NAMES[row].replace(", ", ",\n").replace(" at t", "\nat t")
            drawn.text(
                (left - 0.1) / whole,
                (top - tall / 2) / drawn.get_size_inches()[1],
                name,
                ha="right",
                va="center",
                fontsize=0.85 * FONT_SIZE,
            )
            if top == foot + grid:
                for key in range(keys):
                    where = key * (width + gap) + width / 2
                    axes.text(where, -gap - 1, _step(result, key), ha="center", va="bottom", **small)
            top -= tall + _BETWEEN
        wide = (whole - left - 0.9) / 2
        _draw_schedule(drawn.add_inches(left, 0.5, wide, 0.85), result)
        _draw_detail(drawn.add_inches(left + wide + 0.7, 0.5, wide, 0.85), result)
        drawn.caption(0.15, foot + grid + 0.42, *_title(result, label))
    return drawn


def still(result: Denoising, *, label: str = "", rows: Sequence[str] = ROWS) -> bytes:
    """The same pictures, fewer of them, of one sample or two."""
    blocks = _blocks(result, rows)
    keys = np.linspace(0, len(result.steps) - 1, min(_STILL_KEYS, len(result.steps))).round().astype(int)
    samples = 2 if len(blocks) < 3 else 1
    canvas = Canvas(150 + len(keys) * (_SIDE + 6), CAPTION + 16 + sum(len(p[0][:samples]) for _, p in blocks) * 62 + 8)
    canvas.caption(12, *_title(result, label))
    for column, key in enumerate(keys):
        where = 140 + column * (_SIDE + 6) + _SIDE / 2
        canvas.text(where, CAPTION + 6, _step(result, key), SUBTLE, size=9, align="center")
    names = [(row, pictures[keys][:, :samples]) for row, pictures in blocks]
    # Last: the pictures take the colours that the letters left.
    placed, top = [], CAPTION + 16
    for row, pictures in names:
        canvas.text(130, top + _SIDE * pictures.shape[1] / 2, _NAMES[row], SUBTLE, size=10, align="right")
        for sample in range(pictures.shape[1]):
            placed += [(top, 140 + column * (_SIDE + 6), pictures[column, sample]) for column in range(len(keys))]
            top += _SIDE + 6
    first, index = _colors(canvas, [picture for _, _, picture in placed])
    for (down, left, _), indices in zip(placed, index, strict=True):
        canvas.pixels[down : down + _SIDE, left : left + _SIDE] = first + indices
    return canvas.png()


def _title(result: Denoising, label: str) -> tuple[str, str]:
    steps = len(result.alphas_bar) - 1
    return (
        "From noise to image",
        f"{display_token(label or result.label, 40)} · {result.sampler}, {steps} steps, seed {result.seed}",
    )


def _step(result: Denoising, key: int) -> str:
    t = result.timesteps[key]
    return "image" if t < 0 else f"t = {t}"


def _blocks(result: Denoising, rows: Sequence[str]) -> list[tuple[str, Pixels]]:
    """The pictures of each row that is shown and there: [keys, samples, h, w, c]."""
    known = {"noisy": result.noisy, "predicted": result.predicted, "noise": result.noise, "forward": result.forward}
    found = [(row, known[row]) for row in ROWS if row in rows]
    blocks = [(row, pictures[:, :_MOST_SAMPLES]) for row, pictures in found if pictures is not None]
    return blocks or [("noisy", result.noisy[:, :_MOST_SAMPLES])]


def _draw_schedule(axes: Axes, result: Denoising) -> None:
    steps = np.arange(len(result.alphas_bar) - 1)
    axes.plot(steps, np.log10(result.signal_to_noise[:-1]), color=unit(head_color(0)), linewidth=1.2)
    axes.set(xlabel="step", title="log₁₀ signal-to-noise")
    axes.title.set_fontsize(7)


def _draw_detail(axes: Axes, result: Denoising) -> None:
    last = result.bands[-1]
    for band, name in enumerate(BANDS):
        share = result.bands[:, band] / (last[band] or np.nan)
        axes.plot(result.steps, share, color=unit(head_color(_WAVE_COLOR + band)), linewidth=1.2, label=name)
    axes.set(xlabel="step", title="waves in x̂₀, share of what the end has")
    axes.title.set_fontsize(7)
    axes.legend(fontsize=6, loc="lower right")


def _colors(canvas: Canvas, pictures: Sequence[Pixels]) -> tuple[int, list[NDArray[np.uint8]]]:
    """Pictures of `_SIDE` px in as many colours as the canvas still has: greys, or a cube of reds, greens, blues."""
    large = [_enlarged(picture) for picture in pictures]
    if large[0].shape[-1] == 1:
        levels = min(canvas.room, 64)
        shades = np.linspace(0, 255, levels).round().astype(np.uint8)
        first = canvas.add_colors(np.repeat(shades[:, None], 3, axis=1))
        return first, [(each[..., 0].astype(np.uint16) * (levels - 1) // 255).astype(np.uint8) for each in large]
    side = int(canvas.room ** (1 / 3) + 1e-9)
    steps = np.linspace(0, 255, side).round().astype(np.uint8)
    first = canvas.add_colors(np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3))
    weights = np.array([side * side, side, 1])
    codes = [np.rint(each.astype(np.float64) * (side - 1) / 255).astype(np.intp) @ weights for each in large]
    return first, [code.astype(np.uint8) for code in codes]


def _enlarged(picture: Pixels) -> Pixels:
    """A picture as `_SIDE` × `_SIDE` px, each pixel the nearest."""
    down = np.arange(_SIDE) * picture.shape[0] // _SIDE
    across = np.arange(_SIDE) * picture.shape[1] // _SIDE
    large: Pixels = picture[down][:, across]
    return large

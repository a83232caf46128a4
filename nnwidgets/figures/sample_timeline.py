"""Samples over a training as a strip: half of `SampleTimeline`. matplotlib is imported by `figure` alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nnwidgets.figures.labels import display_token
from nnwidgets.figures.latent_tiles import paste, tiles
from nnwidgets.figures.palettes import INK, SUBTLE, unit
from nnwidgets.figures.raster import CAPTION, Canvas, caption_width

if TYPE_CHECKING:
    from nnwidgets.figures.style import StyledFigure

Pixels = NDArray[np.uint8]

_LONGEST = 60
_GAP = 0.16  # inches between two images: more than between the pictures of one
_ROOM = 7.2  # inches that a row takes at most
_SPACE = 14  # px likewise in a still
_WIDE = 640  # px that a row takes in a still


@dataclass(frozen=True, eq=False)
class Samples:
    """Images of a run at a few steps: `images` are uint8 [h, w, 1 or 3]; `step` is the one that is looked at."""

    label: str
    name: str
    step: int | None
    count: int
    steps: tuple[int, ...]
    images: tuple[Pixels, ...]


def _heading(result: Samples) -> tuple[str, str]:
    step = "No images yet" if result.step is None else f"Step {result.step:,}, of {result.count:,} logged"
    return display_token(result.name, _LONGEST), f"{step} · {display_token(result.label, _LONGEST)}"


def figure(result: Samples) -> StyledFigure:
    """The images side by side, each under its step; the one that is looked at in bold."""
    from nnwidgets.figures.style import FONT_SIZE, StyledFigure, style

    count = max(1, len(result.images))
    size = min(2.4, _ROOM / count - _GAP)
    wide = max(3.4, 0.3 + count * (size + _GAP))
    tall = size + 0.95
    with style():
        drawn = StyledFigure(figsize=(wide, tall))
        drawn.caption(0.15, tall - 0.42, *_heading(result))
        for place, (step, image) in enumerate(zip(result.steps, result.images, strict=True)):
            left = 0.15 + place * (size + _GAP)
            bold = step == result.step
            drawn.text(
                (left + size / 2) / wide, (tall - 0.62) / tall, f"{step:,}", ha="center", va="center",
                fontsize=0.85 * FONT_SIZE, weight="bold" if bold else "normal", color=unit(INK if bold else SUBTLE),
            )  # fmt: skip
            axes = drawn.add_inches(left, 0.15, size, size)
            axes.set_axis_off()
            axes.set_anchor("N")
            axes.imshow(np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image, interpolation="nearest")
    return drawn


def still(result: Samples) -> bytes:
    """The same picture as a small PNG, made in milliseconds and without matplotlib."""
    count = max(1, len(result.images))
    size = min(160, _WIDE // count - _SPACE)
    title, subtitle = _heading(result)
    width = max(24 + count * (size + _SPACE), 24 + caption_width(title, subtitle))
    canvas = Canvas(width, CAPTION + (20 + size + 8 if result.images else 0))
    canvas.caption(12, title, subtitle)
    pasted = []
    for place, (step, image) in enumerate(zip(result.steps, result.images, strict=True)):
        left = 12 + place * (size + _SPACE)
        bold = step == result.step
        canvas.text(
            left + size / 2, CAPTION + 8, f"{step:,}", INK if bold else SUBTLE, size=10, bold=bold, align="center"
        )
        pasted.append((tiles(image[None], size)[0], left, CAPTION + 20))
    paste(canvas, pasted)
    return canvas.png()

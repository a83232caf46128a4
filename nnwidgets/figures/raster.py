"""A small rasteriser for the still pictures in notebooks: indexed colours, text, PNG. Much quicker than matplotlib.

Text is drawn by Pillow in matplotlib's own DejaVu Sans, without importing matplotlib.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from nnwidgets.figures.palettes import INK, PAPER, SUBTLE

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Color = tuple[int, int, int]
Align = Literal["left", "center", "right"]
Indices = NDArray[np.uint8]

_SHADES = 6
"""Steps from paper to a text's colour: enough for smooth edges."""
_TITLE, _SUBTITLE = 14, 10
CAPTION = 48
"""Pixels that a picture's title takes above it."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode_png(indices: Indices, palette: Sequence[Color] | NDArray[np.uint8]) -> bytes:
    """A PNG of indexed colours: `indices` `[height, width]` into a `palette` of at most 256 colours."""
    height, width = indices.shape
    lines = np.zeros((height, width + 1), dtype=np.uint8)  # every line begins with its filter: 0, none
    lines[:, 1:] = indices
    # Level 1: larger levels take five times as long for a few percent.
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", np.asarray(palette, dtype=np.uint8).tobytes()),
            _chunk(b"IDAT", zlib.compress(lines.data, 1)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@cache
def _font(size: int, bold: bool) -> FreeTypeFont:
    from PIL import ImageFont

    found = find_spec("matplotlib")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("nnwidgets draws text in the fonts of matplotlib: pip install matplotlib")
    folder = Path(found.submodule_search_locations[0], "mpl-data", "fonts", "ttf")
    return ImageFont.truetype(str(folder / f"DejaVuSans{'-Bold' if bold else ''}.ttf"), size)


class Canvas:
    """Paper on which colours are indices: `add_colors` gives them, `pixels` holds them, `png` writes them."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels: Indices = np.zeros((height, width), dtype=np.uint8)
        self._palette: list[Color] = [PAPER]
        self._inks: dict[Color, int] = {}

    def add_colors(self, colors: Sequence[Color] | NDArray[np.uint8]) -> int:
        """Add colours to the palette; returns the index of the first. The paper is index 0."""
        first = len(self._palette)
        self._palette += [(int(red), int(green), int(blue)) for red, green, blue in colors]
        if len(self._palette) > 256:
            raise ValueError(f"{len(self._palette)} colours, but an indexed picture has room for 256")
        return first

    @property
    def room(self) -> int:
        """How many colours can still be added."""
        return 256 - len(self._palette)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        color: Color,
        *,
        size: int = 11,
        bold: bool = False,
        align: Align = "left",
        upright: bool = False,
    ) -> None:
        """One line of text on paper, its middle at height `y`; `align` tells which end of it lies at `x`.

        `upright` text reads from below to above: its middle is at `x`, its end at `y`. What leaves the canvas is cut.
        """
        coverage = _coverage(text, size, bold)
        along = coverage.shape[1] * {"left": 0.0, "center": 0.5, "right": 1.0}[align]
        across = coverage.shape[0] / 2
        if upright:
            self._ink(round(x - across), round(y - coverage.shape[1] + along), np.rot90(coverage), color)
        else:
            self._ink(round(x - along), round(y - across), coverage, color)

    def caption(self, left: int, title: str, subtitle: str) -> None:
        """A title and, smaller, what it is about, in the topmost `CAPTION` pixels."""
        self.text(left, 14, title, INK, size=_TITLE, bold=True)
        self.text(left, 33, subtitle, SUBTLE, size=_SUBTITLE)

    def _ink(self, left: int, top: int, coverage: Indices, color: Color) -> None:
        if color not in self._inks:
            shades = np.linspace(PAPER, color, _SHADES + 1)[1:].round().astype(np.uint8)
            self._inks[color] = self.add_colors(shades) - 1
        cut_left, cut_top = max(0, -left), max(0, -top)
        coverage = coverage[cut_top:, cut_left:]
        under = self.pixels[top + cut_top :, left + cut_left :][: coverage.shape[0], : coverage.shape[1]]
        coverage = coverage[: under.shape[0], : under.shape[1]]
        np.copyto(under, coverage + np.uint8(self._inks[color]), where=coverage > 0)

    def png(self) -> bytes:
        """The picture as a PNG file."""
        return encode_png(self.pixels, self._palette)


def caption_width(title: str, subtitle: str) -> int:
    """Pixels that a caption takes."""
    return max(text_width(title, _TITLE, bold=True), text_width(subtitle, _SUBTITLE))


def text_width(text: str, size: int = 11, bold: bool = False) -> int:
    """Pixels that a text takes."""
    width: int = _coverage(text, size, bold).shape[1]
    return width


@lru_cache(4096)
def _coverage(text: str, size: int, bold: bool) -> Indices:
    """How much of each pixel the text covers, from 0 to `_SHADES`; as high as the font, whatever the letters."""
    from PIL import Image, ImageDraw

    font = _font(size, bold)
    ascent, descent = font.getmetrics()
    mask = Image.new("L", (max(1, round(font.getlength(text))), ascent + descent))
    ImageDraw.Draw(mask).text((0, 0), text, fill=255, font=font)
    coverage: Indices = (np.asarray(mask, dtype=np.float32) * (_SHADES / 255)).round().astype(np.uint8)
    return coverage

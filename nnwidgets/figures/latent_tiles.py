"""What is decoded, as tiles of one size: pictures, curves and texts, in figures for print and in stills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnwidgets.figures.labels import display_token
from nnwidgets.figures.palettes import INK, head_color
from nnwidgets.figures.raster import Canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Pixels = NDArray[np.uint8]

_RESERVED = 72  # colours of a still that are left for texts and classes


def is_text(decoded: Any) -> bool:
    """Whether what is decoded are texts."""
    return isinstance(decoded, tuple | list)


def tiles(decoded: Any, size: int) -> Pixels:
    """Pictures [n, h, w, 1 or 3] or curves [n, points] as uint8 [n, size, size, 3]; texts leave their tiles empty."""
    if is_text(decoded):
        return np.full((len(decoded), size, size, 3), 255, np.uint8)
    array = np.asarray(decoded)
    if array.ndim < 4:
        return _drawn_curves(array, size)
    count, height, width, _ = array.shape
    scale = size / max(height, width)
    high, wide = max(1, round(height * scale)), max(1, round(width * scale))
    rows = np.minimum((np.arange(high) + 0.5) * height / high, height - 1).astype(int)
    columns = np.minimum((np.arange(wide) + 0.5) * width / wide, width - 1).astype(int)
    found = np.full((count, size, size, 3), 255, np.uint8)
    top, left = (size - high) // 2, (size - wide) // 2
    found[:, top : top + high, left : left + wide] = array[:, rows][:, :, columns]
    return found


def joined(parts: Sequence[Any]) -> Any:
    """Several rows of what is decoded as one."""
    return [text for part in parts for text in part] if is_text(parts[0]) else np.concatenate(list(parts))


def one_tile(item: Any, size: int) -> Pixels:
    """One picture, curve or text as a tile [size, size, 3]."""
    tile: Pixels = tiles([item] if isinstance(item, str) else np.asarray(item)[None], size)[0]
    return tile


def _drawn_curves(curves: NDArray[Any], size: int) -> Pixels:
    """Each curve as a line of two pixels, all on one scale."""
    found = np.full((len(curves), size, size, 3), 255, np.uint8)
    finite = curves[np.isfinite(curves)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    places = np.linspace(0, curves.shape[1] - 1, size)
    for tile, curve in zip(found, curves, strict=True):
        values = np.interp(places, np.arange(len(curve)), curve)
        rows = (size - 3) * (1 - (values - low) / ((high - low) or 1.0)) + 1
        for column in range(size):
            ends = rows[max(column - 1, 0)], rows[column]
            if np.isfinite(ends).all():
                tile[int(min(ends)) : int(max(ends)) + 2, column] = head_color(0)
    return found


def sheet(found: Pixels, columns: int, gap: int = 0) -> Pixels:
    """Tiles [n, size, size, 3] in rows: uint8 [h, w, 3]."""
    count, size = found.shape[:2]
    rows = -(-count // columns)
    made = np.full((rows * (size + gap) - gap, columns * (size + gap) - gap, 3), 255, np.uint8)
    for index, tile in enumerate(found):
        top, left = index // columns * (size + gap), index % columns * (size + gap)
        made[top : top + size, left : left + size] = tile
    return made


def paste(canvas: Canvas, pictures: Sequence[tuple[Pixels, int, int]]) -> None:
    """Put pictures [h, w, 3] on a canvas, each at its left and top: in as many colours as there is room for."""
    from PIL import Image

    if not pictures:
        return
    flat = np.concatenate([picture.reshape(-1, 3) for picture, _, _ in pictures])
    room = max(2, canvas.room - _RESERVED)
    reduced = Image.fromarray(flat[None]).quantize(room, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette = np.asarray(reduced.getpalette(), np.uint8).reshape(-1, 3)
    indices = np.asarray(reduced, np.uint8)[0]
    first = canvas.add_colors(palette[: int(indices.max()) + 1])
    start = 0
    for picture, left, top in pictures:
        height, width = picture.shape[:2]
        part = indices[start : start + height * width].reshape(height, width)
        canvas.pixels[top : top + height, left : left + width] = part + np.uint8(first)
        start += height * width


def write(canvas: Canvas, texts: Any, places: Sequence[tuple[int, int]], width: int) -> None:
    """The texts that are decoded, each in the middle of its tile."""
    for text, (left, top) in zip(texts, places, strict=True):
        canvas.text(left + width / 2, top + width / 2, display_token(text, max(3, width // 7)), INK, align="center")


def print_texts(axes: Axes, texts: Any, places: Sequence[tuple[float, float]], longest: int, size: float) -> None:
    """The same in a figure, in data coordinates."""
    for text, (x, y) in zip(texts, places, strict=True):
        axes.text(x, y, display_token(text, longest), fontsize=size, ha="center", va="center", clip_on=True)

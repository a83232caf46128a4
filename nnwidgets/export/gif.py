"""Pictures that move, as a GIF: one palette for all frames, tiny pictures enlarged pixel by pixel."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.uint8]

FPS = (1.0, 50.0)
"""Frames a second: GIF counts hundredths of a second, and browsers slow down what is faster than 50."""
_COLORS = 256
_LEAST_SIDE = 256  # px to which smaller pictures are enlarged
_TASTED = 24  # frames from which a palette is made


def save_gif(
    path: str | os.PathLike[str],
    frames: Iterable[Pixels],
    *,
    fps: float = 20.0,
    loop: bool = True,
    scale: int | None = None,
) -> Path:
    """Write frames as an animated GIF; the file is written whole or not at all.

    Args:
        path: of the file.
        frames: uint8 [height, width, 1 or 3], all of one size. More than 256 colours become the 256 nearest of one
            palette.
        fps: frames a second, 1 to 50.
        loop: whether it begins again at its end, for ever.
        scale: how many times as wide and high; None: small pictures are enlarged to about 256 px.

    Raises:
        ValueError: no frames, frames of several sizes, or an argument out of its bounds.
        FileNotFoundError: the folder does not exist.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"folder {str(target.parent)!r} does not exist: make it first")
    if not FPS[0] <= fps <= FPS[1]:
        raise ValueError(f"fps={fps!r}, but a GIF shows {FPS[0]:g} to {FPS[1]:g} frames a second")
    if scale is not None and (isinstance(scale, bool) or not isinstance(scale, int) or not 1 <= scale <= 64):
        raise ValueError(f"scale={scale!r}, but it is a whole number from 1 to 64")
    kept = _checked(frames)
    height, width = kept[0].shape[:2]
    times = scale or max(1, round(_LEAST_SIDE / max(height, width)))
    palette = _palette(kept)
    images = (_image(frame, palette, times) for frame in kept)
    # Hundredths of a second, so spread that no rounding adds up.
    ends = np.rint(100 * np.arange(1, len(kept) + 1) / fps).astype(int)
    durations = [10 * int(each) for each in np.diff(ends, prepend=0)]
    options: dict[str, Any] = {"loop": 0} if loop else {}
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem[:40]}-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            next(images).save(
                file, "GIF", save_all=True, append_images=images, duration=durations, optimize=True, **options
            )
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target


def _checked(frames: Iterable[Pixels]) -> list[Pixels]:
    kept: list[Pixels] = []
    for frame in frames:
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] not in (1, 3) or 0 in frame.shape:
            raise ValueError(
                f"a frame of type {frame.dtype} and shape {frame.shape}, but frames are uint8 [height, width, 1 or 3]"
            )
        if kept and frame.shape[:2] != kept[0].shape[:2]:
            raise ValueError(f"frame {len(kept)} is {_size(frame)}, but the first is {_size(kept[0])}: make them equal")
        kept.append(frame)
    if not kept:
        raise ValueError("no frames, but a GIF has at least one")
    return kept


def _size(frame: Pixels) -> str:
    return f"{frame.shape[1]} × {frame.shape[0]} pixels"


def _palette(frames: list[Pixels]) -> Pixels | None:
    """One palette for all frames, [256, 3], sorted; None where all are grey, whose palette is that of all greys."""
    from PIL import Image as pillow

    if all(frame.shape[2] == 1 for frame in frames):
        return None
    places = np.unique(np.linspace(0, len(frames) - 1, _TASTED).round().astype(int))
    tasted = np.concatenate([_colored(frames[place]).reshape(-1, 3) for place in places])
    colors = np.unique(tasted, axis=0)
    if len(colors) > _COLORS:
        sheet = pillow.fromarray(tasted[None]).quantize(_COLORS, method=pillow.Quantize.MEDIANCUT)
        colors = np.unique(np.array(sheet.getpalette(), np.uint8).reshape(-1, 3), axis=0)
    return np.concatenate([colors, np.repeat(colors[-1:], _COLORS - len(colors), axis=0)])


def _colored(frame: Pixels) -> Pixels:
    return np.repeat(frame, 3, axis=2) if frame.shape[2] == 1 else frame


def _image(frame: Pixels, palette: Pixels | None, times: int) -> Image:
    from PIL import Image as pillow

    if palette is None:
        image = pillow.fromarray(frame[..., 0])
    else:
        image = pillow.fromarray(_nearest(_colored(frame), palette), "P")
        image.putpalette(palette.tobytes())
    size = (image.width * times, image.height * times)
    return image if times == 1 else image.resize(size, pillow.Resampling.NEAREST)


def _nearest(frame: Pixels, palette: Pixels) -> Pixels:
    """Indices into the palette. Without dithering: dots that dance from frame to frame are seen before the colours are.

    Pillow's own search is off by a few shades, also where the palette has the very colour.
    """
    codes = frame.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    colors, places = np.unique(codes, return_inverse=True)
    wanted = np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=1).astype(np.float32)
    table = palette.astype(np.float32)
    found = np.empty(len(colors), np.uint8)
    for start in range(0, len(colors), 4096):
        # |a − b|² without |a|², which is the same for all of the palette
        part = wanted[start : start + 4096]
        found[start : start + 4096] = np.argmin((table**2).sum(axis=1) - 2 * part @ table.T, axis=1)
    return found[places].reshape(frame.shape[:2])


def thinned(count: int, most: int) -> Iterator[int]:
    """At most `most` of `count` frames, evenly taken, with the first and the last."""
    yield from (int(place) for place in np.unique(np.linspace(0, count - 1, min(count, most)).round()))

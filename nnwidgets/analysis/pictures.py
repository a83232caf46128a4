"""Pictures out of arrays: which layout and range a batch of images has, its pixels, and many pictures on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

Layout = Literal["channels first", "channels last"]
Pixels = NDArray[np.uint8]

MISSING: Final = (255, 0, 255)
"""The colour of NaN: no photograph has it, so a broken picture is seen to be broken."""

_CHANNELS = (1, 3, 4)
_UNDERSHOOT = 0.2  # below 0 that a decoder without a last sigmoid reaches for images of 0 to 1
_OVERSHOOT = 1.5
_NOISE = 8.0  # standard deviations: pure noise at the start of a diffusion is shown as images of −1 to 1 are
_LEAST_BYTE = 32.0  # the brightest pixel of a picture of 0 to 255 is at least so bright


@dataclass(frozen=True)
class PictureStyle:
    """How a batch of images is laid out (`channels_first` is None without an axis of channels), and which values are
    black and white.
    """

    channels_first: bool | None
    low: float
    high: float


def as_array(values: Any) -> NDArray[Any]:
    """An array of numbers from an array, a tensor of any device and kind, or nested lists."""
    if hasattr(values, "detach"):
        values = values.detach()
        if values.is_floating_point() and values.element_size() < 4:
            values = values.float()  # numpy has no bfloat16
        values = values.cpu().numpy()
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"an array of type {array.dtype}, but pictures are made of real numbers")
    return array


def as_batch(item: Any) -> NDArray[Any]:
    """A batch of what may be one image: [h, w], [h, w, 1, 3 or 4] and [1 or 3, h, w] get an axis in front.

    Any other array of three axes is several grey images, one of four axes several images.
    """
    array = as_array(item)
    one = array.ndim == 2 or (array.ndim == 3 and (array.shape[-1] in _CHANNELS or array.shape[0] in (1, 3)))
    return array[None] if one else array


def picture_style(batch: Any, layout: Layout | None = None) -> PictureStyle:
    """The style of a batch, read from its shape and values: [n, h, w] or, with 1, 3 or 4 channels, [n, h, w, c] or
    [n, c, h, w].

    Where both places could be the channels, those of a tensor come first, those of an array last, unless `layout`
    says. Ranges are −1 to 1, 0 to 1 and 0 to 255, and what fits none of them: 0, or minus the largest magnitude, to
    the largest. Raises ValueError, naming the shape, where it is no batch of images.
    """
    array = as_array(batch)
    low, high = _range(array)
    return PictureStyle(_channels_first(array.shape, layout, tensor=hasattr(batch, "detach")), low, high)


def to_pixels(batch: Any, style: PictureStyle) -> Pixels:
    """The pixels of a batch: uint8 [n, h, w, 1 or 3].

    What lies outside the style's range is clipped, transparency lies on white, and NaN is magenta, for which a grey
    batch becomes one of colours. Raises ValueError, naming the shape, where the batch is not of that style.
    """
    array = as_array(batch)
    axes = 3 if style.channels_first is None else 4
    if array.ndim != axes or 0 in array.shape:
        raise _no_pictures(array.shape)
    if style.channels_first is None:
        array = array[..., None]
    elif style.channels_first:
        array = np.moveaxis(array, 1, -1)
    if array.shape[-1] not in _CHANNELS:
        raise _no_pictures(array.shape if not style.channels_first else np.moveaxis(array, -1, 1).shape)
    holes = array.dtype.kind == "f" and bool(np.isnan(array.min()))  # NaN spreads: one pass where there is none
    missing = np.isnan(array).any(axis=-1) if holes else None
    pixels = _bytes(array, style, holes)
    if pixels.shape[-1] == 4:
        alpha = pixels[..., 3:].astype(np.uint16)
        pixels = ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    if missing is not None:
        pixels = np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels
        pixels[missing] = MISSING
    return np.ascontiguousarray(pixels)


def contact_sheet(pixels: Pixels, columns: int, gap: int = 2, background: int = 255) -> Pixels:
    """Pictures [n, h, w, c] side by side in rows of `columns`, `gap` pixels apart: uint8 [h, w, c]."""
    if columns < 1:
        raise ValueError(f"columns={columns}, but a sheet has at least 1")
    count, height, width, channels = pixels.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, channels)
    sheet = np.full(shape, background, dtype=np.uint8)
    for index, picture in enumerate(pixels):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def same_channels(pictures: Sequence[Pixels]) -> list[Pixels]:
    """Pictures [..., channels], the grey ones in colours where others are: NaN makes some of a grey process so."""
    channels = max(each.shape[-1] for each in pictures)
    return [np.broadcast_to(each, (*each.shape[:-1], channels)) for each in pictures]


def _channels_first(shape: tuple[int, ...], layout: Layout | None, *, tensor: bool) -> bool | None:
    if layout not in (None, "channels first", "channels last"):
        raise ValueError(f"layout={layout!r}, but it is 'channels first' or 'channels last'")
    if len(shape) not in (3, 4) or 0 in shape:
        raise _no_pictures(shape)
    if len(shape) == 3:
        return None
    first, last = shape[1] in _CHANNELS, shape[-1] in _CHANNELS
    if layout is not None:
        if not (first if layout == "channels first" else last):
            raise ValueError(f"layout={layout!r}, but {_no_pictures(shape)}")
        return layout == "channels first"
    if not (first or last):
        raise _no_pictures(shape)
    return first if first != last else tensor


def _range(array: NDArray[Any]) -> tuple[float, float]:
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    if array.dtype == np.bool_ or not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if array.dtype == np.uint8:
        return 0.0, 1.0 if high == 1 else 255.0  # 0 and 1 alone are cells that live or do not
    if low < -_UNDERSHOOT:
        largest = max(-low, high)
        return (-1.0, 1.0) if largest <= _NOISE else (-largest, largest)
    if high <= _OVERSHOOT:
        return 0.0, 1.0
    return 0.0, 255.0 if _LEAST_BYTE <= high <= 255.5 else high


def _bytes(array: NDArray[Any], style: PictureStyle, holes: bool) -> Pixels:
    if array.dtype == np.uint8 and (style.low, style.high) == (0.0, 255.0):
        return cast("Pixels", array.copy())
    scale = 255.0 / (style.high - style.low)
    with np.errstate(invalid="ignore"):
        values: NDArray[Any] = np.multiply(array, scale, dtype=np.float64 if array.dtype.itemsize > 4 else np.float32)
        values -= style.low * scale
    if holes:
        values = np.nan_to_num(values, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    return cast("Pixels", np.rint(np.clip(values, 0.0, 255.0, out=values), out=values).astype(np.uint8))


def _no_pictures(shape: tuple[int, ...]) -> ValueError:
    return ValueError(
        f"an array of shape {tuple(shape)} is no batch of images: they are [n, height, width] or, with 1, 3 or 4 "
        f"channels, [n, height, width, channels] or [n, channels, height, width]; draw= makes a picture of what is none"
    )

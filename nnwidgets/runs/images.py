"""Images in a run: PNG bytes, made from arrays, tensors and Pillow images."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from typing import Any, Final, Self, cast

import numpy as np
import numpy.typing as npt

MOST_PIXELS: Final = 4096 * 4096
_CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class Image:
    """A picture as PNG bytes; notebooks show it."""

    png: bytes

    @classmethod
    def of(cls, values: Any) -> Self:
        """From [height, width], [height, width, 1, 3 or 4] or, a tensor, [1, 3 or 4, height, width].

        Whole numbers are 0 to 255, floats 0 to 1 (what lies outside is clipped, NaN is black). Pillow images too.
        """
        from PIL import Image as pillow

        if is_pillow(values):
            _check_size(values.height, values.width)
            picture = values if values.mode in ("1", "L", "LA", "P", "RGB", "RGBA") else values.convert("RGB")
        else:
            pixels = _bytes(_channels_last(values))
            picture = pillow.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        stream = io.BytesIO()
        picture.save(stream, "PNG", compress_level=4)
        return cls(stream.getvalue())

    def array(self) -> npt.NDArray[np.uint8]:
        """The pixels: uint8 [height, width] or [height, width, channels]."""
        from PIL import Image as pillow

        with pillow.open(io.BytesIO(self.png)) as picture:
            return np.asarray(picture.convert("L") if picture.mode == "1" else picture).astype(np.uint8)

    def _repr_png_(self) -> bytes:
        return self.png

    def __repr__(self) -> str:
        return f"Image({len(self.png):,} bytes)"


def is_pillow(value: Any) -> bool:
    """Whether it is an image of Pillow's, which is not loaded to tell."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def _check_size(height: int, width: int) -> None:
    if not 0 < height * width <= MOST_PIXELS:
        raise ValueError(
            f"an image of {height:,} × {width:,} pixels, but a run keeps 1 to {MOST_PIXELS:,}: make it smaller first"
        )


def _channels_last(values: Any) -> npt.NDArray[Any]:
    tensor = hasattr(values, "detach")
    if tensor:
        values = values.detach()
        if getattr(values, "is_floating_point", bool)() and values.element_size() < 4:
            values = values.float()
        values = values.cpu().numpy()
    array: Any = np.asarray(values)
    if array.ndim == 2:
        array = array[..., None]
    elif array.ndim == 3 and array.shape[-1 if not tensor else 0] not in _CHANNELS:
        tensor = not tensor  # the other order, where only that one can be meant
    if tensor and array.ndim == 3 and array.shape[0] in _CHANNELS:
        array = np.moveaxis(array, 0, -1)
    if array.ndim != 3 or array.shape[-1] not in _CHANNELS:
        raise ValueError(
            f"an array of shape {np.shape(values)}, but an image is [height, width], [height, width, channels] or, "
            f"of a tensor, [channels, height, width], with 1, 3 or 4 channels"
        )
    _check_size(*array.shape[:2])
    return cast("npt.NDArray[Any]", array)


def _bytes(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array.astype(np.uint8)
    if array.dtype == np.bool_:
        return np.where(array, 255, 0).astype(np.uint8)
    if array.dtype.kind in "iu":
        clipped: npt.NDArray[Any] = np.clip(array, 0, 255)
        return clipped.astype(np.uint8)
    if array.dtype.kind != "f":
        raise ValueError(f"an array of type {array.dtype}, but an image has whole numbers 0 to 255 or floats 0 to 1")
    filled: npt.NDArray[np.float64] = np.nan_to_num(array.astype(np.float64), nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(np.clip(filled, 0.0, 1.0) * 255).astype(np.uint8)

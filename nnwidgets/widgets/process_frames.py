"""What a process draws, as pages get it: pictures as bytes, curves as float32, texts; and how many frames at once."""

from __future__ import annotations

import contextlib
import weakref
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from nnwidgets.analysis.pictures import PictureStyle, as_array, as_batch, picture_style, to_pixels
from nnwidgets.processes import Process, ProcessError

CHUNK_BYTES = 512 * 1024
_MOST = 64
_SEGMENT = 32  # of a process that keeps not every state: a chunk then costs no more than these steps

Kind = Literal["images", "curve", "text"]


@dataclass(frozen=True)
class FrameKind:
    """How a process is drawn, told from its first frames.

    `shape` is that of one frame: [samples, height, width, channels] in pixels, [1, n] of a curve, () of a text. `low`
    and `high` are the values that are black and white, or those of the first curve.
    """

    kind: Kind
    shape: tuple[int, ...]
    low: float
    high: float
    chunk: int
    style: PictureStyle | None = None

    @property
    def frame_bytes(self) -> int:
        """Of one frame on the wire."""
        return int(np.prod(self.shape)) * (4 if self.kind == "curve" else 1)

    def pack(self, frames: list[Any], start: int) -> npt.NDArray[Any]:
        """Frames that begin at step `start`: uint8 [frames, samples, h, w, 1 or 3] or float32 [frames, 1, n].

        Raises ValueError, naming the step, where one is not drawn as the first was.
        """
        if self.style is None:
            return np.stack([self._curve(frame, start + at) for at, frame in enumerate(frames)])
        samples = self.shape[0]
        batches = [_batch(frame, start + at) for at, frame in enumerate(frames)]
        for at, batch in enumerate(batches):
            if len(batch) != samples or batch.shape[1:] != batches[0].shape[1:]:
                raise ValueError(
                    f"step {start + at} is drawn as {batch.shape}, but the steps before as {samples} images"
                )
        pixels = to_pixels(np.concatenate(batches), self.style)
        return pixels.reshape(len(frames), samples, *pixels.shape[1:])

    def _curve(self, frame: Any, step: int) -> npt.NDArray[np.float32]:
        curve = _numbers(frame, step).astype(np.float32).reshape(1, -1)
        if curve.shape != self.shape:
            raise ValueError(f"step {step} is drawn as {curve.shape[1]} numbers, but step 0 as {self.shape[1]}")
        return curve


_known: weakref.WeakKeyDictionary[Process, FrameKind] = weakref.WeakKeyDictionary()


def frame_kind(process: Process) -> FrameKind:
    """How a process is drawn; looked at once. Raises ValueError where it is nothing that can be drawn, and what
    `process.frame` raises.
    """
    found = _known.get(process)
    if found is None:
        found = _known[process] = _look(process)
    return found


def _look(process: Process) -> FrameKind:
    first = process.frame(0)
    most = _MOST if process.interval == 1 else _SEGMENT
    if isinstance(first, str):
        return FrameKind("text", (), 0.0, 0.0, most)
    array = _numbers(first, 0)
    if array.ndim < 2:
        curve = array.astype(np.float64).reshape(-1)
        finite = curve[np.isfinite(curve)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        low, high = process.value_range or (low, high)
        return FrameKind("curve", (1, curve.size), low, high, _chunk(4 * curve.size, most))
    style = _style(process, first, array)
    shape = to_pixels(as_batch(array), style).shape
    return FrameKind("images", shape, style.low, style.high, _chunk(int(np.prod(shape)), most), style)


def _style(process: Process, first: Any, array: npt.NDArray[Any]) -> PictureStyle:
    """Layout and range; the range from two steps, for the first may be all black."""
    item = first if hasattr(first, "detach") else array  # of a tensor the channels come first, where both could be
    layout = picture_style(item[None] if as_batch(array).ndim > array.ndim else item)
    if process.value_range is not None:
        return PictureStyle(layout.channels_first, *process.value_range)
    pair = [array]
    with contextlib.suppress(ProcessError):  # told where that step is asked for
        second = _numbers(process.frame(1), 1)
        pair += [second] if second.shape == array.shape else []
    both = picture_style(np.concatenate([as_batch(each) for each in pair]))
    return PictureStyle(layout.channels_first, both.low, both.high)


def _batch(frame: Any, step: int) -> npt.NDArray[Any]:
    return as_batch(_numbers(frame, step))


def _numbers(frame: Any, step: int) -> npt.NDArray[Any]:
    try:
        return as_array(frame)
    except (TypeError, ValueError):
        raise ValueError(
            f"step {step} is a {type(frame).__name__} that cannot be drawn: give the process draw=function(state) that "
            "makes an image, a curve or a text of it"
        ) from None


def _chunk(frame_bytes: int, most: int) -> int:
    """How many frames go at once: a power of two, so that a chunk lies between two checkpoints."""
    fits = max(1, min(most, CHUNK_BYTES // max(frame_bytes, 1)))
    return int(2 ** (fits.bit_length() - 1))

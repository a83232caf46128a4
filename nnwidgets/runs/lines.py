"""`Line`: the newest points of one series in the memory of the process that records it.

What lies in full chunks of the store is dropped; all else stays, so that nothing has to be read back to write on, and
so that it can wait here while the store cannot be written.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from nnwidgets.runs.records import Floats, Points, Whole
from nnwidgets.runs.schema import CHUNK

_ROW = 24  # bytes of a point
_TAIL_HEAD = struct.Struct("<I")
_TAIL_ROW = np.dtype([("series", "<i8"), ("first", "<i8"), ("count", "<i8")])


class Line:
    """Points of one series, numbered from 0 in the order logged; it holds those from `base` on.

    Attributes:
        base: number of the first point held; a multiple of the chunk's size.
        packed: points that lie in chunks, in the last, unfinished one too.
        saved: points that are in the store.
        told: points that listeners were told of.
        key: of the series in the store.
    """

    def __init__(self, name: str, *, key: int | None = None, base: int = 0) -> None:
        self.name = name
        self.key = key
        self.base = self.packed = self.saved = self.told = base
        self.low_step: int | None = None
        self.high_step: int | None = None
        self.last: float | None = None
        self._held = 0
        self._steps: Whole = np.empty(64, np.int64)
        self._values: Floats = np.empty(64)
        self._times: Floats = np.empty(64)

    @property
    def count(self) -> int:
        """All points of the series."""
        return self.base + self._held

    def extend(self, steps: Whole, values: Floats, times: Floats, bounds: tuple[int, int] | None = None) -> None:
        """Append points; `bounds` are the smallest and largest of `steps`, where they are known."""
        if not len(steps):
            return
        end = self._held + len(steps)
        if end > len(self._steps):
            self._resize(max(end, 2 * len(self._steps)))
        self._steps[self._held : end] = steps
        self._values[self._held : end] = values
        self._times[self._held : end] = times
        self._held = end
        low, high = bounds or (int(steps.min()), int(steps.max()))
        self.low_step = low if self.low_step is None else min(low, self.low_step)
        self.high_step = high if self.high_step is None else max(high, self.high_step)
        self.last = float(values[-1])

    def view(self, first: int, stop: int | None = None) -> Points:
        """The points numbered `first` to `stop`, which are held, as they lie here: only until more are added."""
        part = slice(first - self.base, self._held if stop is None else min(stop - self.base, self._held))
        return Points(first, self._steps[part], self._values[part], self._times[part])

    def points(self, first: int) -> Points:
        """The points from number `first` on, which are held; arrays of their own."""
        held = self.view(first)
        return Points(first, held.steps.copy(), held.values.copy(), held.times.copy())

    def drop(self) -> None:
        """Let go of what lies in full chunks."""
        gone = self.packed // CHUNK * CHUNK - self.base
        if gone > 0:
            left = self._held - gone
            for column in (self._steps, self._values, self._times):
                column[:left] = column[gone : self._held].copy()
            self._held, self.base = left, self.base + gone
            if len(self._steps) > 8 * CHUNK > 8 * left:  # after much had to wait
                self._resize(2 * CHUNK)

    def _resize(self, room: int) -> None:
        self._steps = np.resize(self._steps, room)
        self._values = np.resize(self._values, room)
        self._times = np.resize(self._times, room)


def pack_points(points: Points) -> bytes:
    """The points of a chunk as bytes."""
    return points.steps.tobytes() + points.values.tobytes() + points.times.tobytes()


def unpack_points(first: int, data: bytes) -> Points:
    """What `pack_points` made."""
    count = len(data) // _ROW
    return Points(
        first,
        np.frombuffer(data, "<i8", count),
        np.frombuffer(data, "<f8", count, 8 * count),
        np.frombuffer(data, "<f8", count, 16 * count),
    )


def pack_tail(parts: list[tuple[int, Points]]) -> bytes:
    """New points of several series (by key) as one blob."""
    head = np.array([(key, points.first_index, len(points)) for key, points in parts], _TAIL_ROW)
    return _TAIL_HEAD.pack(len(parts)) + head.tobytes() + b"".join(pack_points(points) for _, points in parts)


def unpack_tail(data: bytes) -> Iterator[tuple[int, Points]]:
    """What `pack_tail` made."""
    rows = np.frombuffer(data, _TAIL_ROW, _TAIL_HEAD.unpack_from(data)[0], _TAIL_HEAD.size)
    at = _TAIL_HEAD.size + rows.nbytes
    for key, first, count in rows.tolist():
        yield key, unpack_points(first, data[at : at + _ROW * count])
        at += _ROW * count

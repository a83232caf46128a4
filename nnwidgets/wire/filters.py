"""Bytes as differences: pictures that are saved become smaller so, as in PNG. What a page undoes is `codec.ts`'s.

A filter is a list of distances. Each in turn replaces every byte by its difference (modulo 256) to the byte so far
before it: a pixel's width compares with the pixel to the left, a line's with the line above, a frame's with the frame
before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def filtered(data: Bytes, distances: Sequence[int]) -> Bytes:
    """The differences of flat bytes; the first `distance` of them stay as they are."""
    for distance in distances:
        differences = data.copy()
        differences[distance:] -= data[:-distance]
        data = differences
    return data


def unfiltered(data: Bytes, distances: Sequence[int]) -> Bytes:
    """The bytes that `filtered` was given."""
    for distance in reversed(distances):
        rows = -(-len(data) // distance)
        padded = np.zeros(rows * distance, dtype=np.uint8)
        padded[: len(data)] = data
        data = np.cumsum(padded.reshape(rows, distance), axis=0, dtype=np.uint8).ravel()[: len(data)]
    return data

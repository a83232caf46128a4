"""Ways through a latent space: grids, lines and arcs, directions of attributes, and how evenly the pictures change.

Arrays in, frozen dataclasses of arrays out; a latent is a vector [d].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Method = Literal["linear", "spherical"]

_OPPOSITE = 1e-4  # radians short of a half turn: float32 latents give no direction to turn in
_SAME = 1e-7
_EVEN, _UNEVEN = 1.5, 2.5


@dataclass(frozen=True, eq=False)
class Grid:
    """Latents over two axes: `latents` [count², d], in rows from the top, where `y` is highest, from left to right.

    `x` and `y` [count] are the coordinates along the two axes, ascending.
    """

    latents: Floats
    x: Floats
    y: Floats
    axes: tuple[int, int]

    @property
    def count(self) -> int:
        return len(self.x)


@dataclass(frozen=True, eq=False)
class Smoothness:
    """How evenly pictures change along a path of n.

    Attributes:
        steps: [n − 1], the root mean square difference between neighbours, in units of the pictures' range.
        ratio: the largest step by the mean step; 1 is perfectly even. 1 where nothing changes.
        path_length: the mean of (step / ε)² with ε = 1 / (n − 1): the perceptual path length of Karras et al. (2019),
            "A Style-Based Generator Architecture", with the pixels' distance in place of a network's.
        detour: the sum of the steps by the distance between first and last picture; 1 is a straight way. NaN where
            those two are the same.
    """

    steps: Floats
    ratio: float
    path_length: float
    detour: float

    @property
    def sentence(self) -> str:
        """The same in words."""
        if not len(self.steps) or not self.steps.any():
            return "The picture stands still."
        where = int(self.steps.argmax())
        times = f"the largest step is {self.ratio:.2g} times the mean step"
        if self.ratio <= _EVEN:
            return f"It changes evenly: {times}."
        how = "It changes unevenly" if self.ratio <= _UNEVEN else "It jumps"
        return f"{how} between pictures {where + 1} and {where + 2}: {times}."


@dataclass(frozen=True, eq=False)
class Importance:
    """How much each dimension changes the output: `change` [d], and `order` [d], the dimensions from most to least."""

    change: Floats
    order: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Direction:
    """The way from the points without an attribute to those with it.

    `vector` [d] has length 1. `separation` is the distance between the two means along it in pooled standard deviations
    (d′): above 2 the two groups hardly overlap. `low` and `high` are where those means lie along it.
    """

    vector: Floats
    separation: float
    low: float
    high: float


def interpolate(a: ArrayLike, b: ArrayLike, count: int, method: Method = "linear") -> Floats:
    """`count` latents [count, d] from `a` to `b`; the first and the last are the two themselves, to the bit.

    "spherical" turns the direction at an even pace and changes the norm linearly (after Shoemake, 1985, and White,
    2016, "Sampling Generative Networks"): for latents that are drawn from a normal distribution in many dimensions,
    whose norms are all about the same. Where they have one direction, or one of them is 0, it is the straight line.

    Raises:
        ValueError: shapes that differ, values that are not finite, fewer than 2 latents, another method; "spherical"
            between opposite latents, for every way round is as good as another.
    """
    first, last = (np.asarray(latent, dtype=np.float32) for latent in (a, b))
    if first.shape != last.shape or first.ndim != 1 or not first.size:
        raise ValueError(f"latents of shapes {list(first.shape)} and {list(last.shape)}, but both are [d]")
    if not (np.isfinite(first).all() and np.isfinite(last).all()):
        raise ValueError("the latents hold values that are not finite, and there is no way between those")
    if count < 2:
        raise ValueError(f"count={count}, but a way has 2 latents or more: its two ends")
    if method not in ("linear", "spherical"):
        raise ValueError(f'method={method!r}, but it is "linear" or "spherical"')
    t = np.linspace(0.0, 1.0, count)[:, None]
    start, end = first.astype(np.float64), last.astype(np.float64)
    way = _arc(start, end, t) if method == "spherical" else start + t * (end - start)
    found: Floats = way.astype(np.float32)
    found[0], found[-1] = first, last
    return found


def _arc(start: NDArray[np.float64], end: NDArray[np.float64], t: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = float(np.linalg.norm(start)), float(np.linalg.norm(end))
    line = start + t * (end - start)
    if not all(norms):
        return line
    one, other = start / norms[0], end / norms[1]
    angle = 2 * np.arctan2(np.linalg.norm(one - other), np.linalg.norm(one + other))  # exact where arccos is not
    if angle < _SAME:
        return line
    if np.pi - angle < _OPPOSITE:
        raise ValueError(
            "the two latents are opposite, so that no spherical way between them is the shortest: take "
            "method='linear', which goes through the middle, or go by a third latent"
        )
    way = (np.sin((1 - t) * angle) * one + np.sin(t * angle) * other) / np.sin(angle)
    arc: NDArray[np.float64] = ((1 - t) * norms[0] + t * norms[1]) * way
    return arc


def smoothness(pictures: ArrayLike) -> Smoothness:
    """How evenly pictures, or other outputs, [n, …] change from one to the next.

    Bytes count from 0 to 255 as 0 to 1, other numbers as they are; values that are not finite as no change. Raises
    `ValueError` for fewer than 2.
    """
    given = np.asarray(pictures)
    if given.ndim < 1 or len(given) < 2:
        raise ValueError(f"pictures of shape {list(given.shape)}, but smoothness is that of 2 or more in a row")
    values = given.reshape(len(given), -1).astype(np.float64) / (255.0 if given.dtype == np.uint8 else 1.0)
    values = np.where(np.isfinite(values), values, np.nan)
    steps = np.sqrt(np.mean(np.nan_to_num(np.diff(values, axis=0)) ** 2, axis=1))
    mean, whole = float(steps.mean()), float(np.sqrt(np.mean(np.nan_to_num(values[-1] - values[0]) ** 2)))
    return Smoothness(
        steps=steps.astype(np.float32),
        ratio=float(steps.max()) / mean if mean > 0 else 1.0,
        path_length=float(np.mean(steps**2)) * len(steps) ** 2,
        detour=float(steps.sum()) / whole if whole > 0 else float("nan"),
    )


def importance(low: ArrayLike, high: ArrayLike) -> Importance:
    """How much each dimension changes the output: the root mean square difference between two outputs.

    `low` and `high` [d, …] are decoded from a latent whose dimension i alone was moved down and up, by the same number
    of standard deviations. Values that are not numbers count as no change.
    """
    first, last = (np.asarray(side).astype(np.float64) for side in (low, high))
    if first.shape != last.shape or first.ndim < 1:
        raise ValueError(f"outputs of shapes {list(first.shape)} and {list(last.shape)}, but both are [d, …]")
    difference = np.nan_to_num((last - first).reshape(len(first), -1), nan=0.0, posinf=0.0, neginf=0.0)
    change = np.sqrt(np.mean(difference**2, axis=1)) if difference.shape[1] else np.zeros(len(first))
    return Importance(change.astype(np.float32), np.argsort(-change, kind="stable"))


def attribute_direction(points: ArrayLike, labels: ArrayLike) -> Direction:
    """The direction of an attribute: from the mean of the points without it to the mean of those with it.

    The difference of means, as Larsen et al. (2016, "Autoencoding beyond pixels") walk along it.

    Args:
        points: [n, d].
        labels: [n], true for the points that have the attribute.

    Raises:
        ValueError: shapes that do not fit, all points on one side, or both means in the same place.
    """
    latents, has = np.asarray(points, dtype=np.float64), np.asarray(labels).astype(bool)
    if latents.ndim != 2 or has.shape != (len(latents),):
        raise ValueError(f"points {list(latents.shape)} and labels {list(has.shape)}, but they are [n, d] and [n]")
    if has.all() or not has.any():
        raise ValueError(
            f"{int(has.sum())} of {len(has)} points have the attribute: a direction needs some on each side"
        )
    means = latents[~has].mean(axis=0), latents[has].mean(axis=0)
    way = means[1] - means[0]
    length = float(np.linalg.norm(way))
    if not length > 0 or not np.isfinite(length):
        raise ValueError("the points with the attribute have the same mean as those without it: there is no direction")
    vector = way / length
    along = latents @ vector
    variance = (along[has].var() * has.sum() + along[~has].var() * (~has).sum()) / len(has)
    separation = length / float(np.sqrt(variance)) if variance > 0 else float("inf")
    return Direction(vector.astype(np.float32), separation, float(means[0] @ vector), float(means[1] @ vector))


def grid(
    at: ArrayLike,
    mean: ArrayLike,
    std: ArrayLike,
    *,
    axes: Sequence[int] = (0, 1),
    count: int = 20,
    spread: float = 3.0,
) -> Grid:
    """Latents on a grid over two axes, `spread` standard deviations to each side of the mean.

    Args:
        at: [d], a latent from which the other dimensions are taken.
        mean, std: [d], of each dimension.
        axes: the two that vary: to the right and upwards.
        count: of latents along each.
        spread: how far it goes, in standard deviations.

    Raises:
        ValueError: axes that are not two different dimensions, a count below 2, a spread that is not above 0.
    """
    latent, middle, deviation = (np.asarray(each, dtype=np.float32) for each in (at, mean, std))
    across, up = check_axes(axes, len(latent))
    if count < 2:
        raise ValueError(f"count={count}, but a grid has 2 latents or more along each axis")
    if not spread > 0 or not np.isfinite(spread):
        raise ValueError(f"spread={spread}, but it is a number of standard deviations above 0")
    steps = np.linspace(-spread, spread, count, dtype=np.float32)
    x, y = (middle[axis] + steps * deviation[axis] for axis in (across, up))
    latents = np.tile(latent, (count * count, 1))
    latents[:, across] = np.tile(x, count)
    latents[:, up] = np.repeat(y[::-1], count)
    return Grid(latents, x, y, (across, up))


def check_axes(axes: Any, size: int) -> tuple[int, int]:
    """Two different dimensions of a latent of `size`; raises `ValueError` for anything else."""
    if size < 2:
        raise ValueError("the latents have 1 dimension, but a map needs 2: LatentSliders shows what it does")
    pair = tuple(int(axis) for axis in axes)
    if len(pair) != 2 or pair[0] == pair[1] or not all(0 <= axis < size for axis in pair):
        raise ValueError(f"axes={list(pair)}, but they are two different dimensions from 0 to {size - 1}")
    return pair[0], pair[1]


@dataclass(frozen=True, eq=False)
class LatentMapped:
    """What a map of a latent space shows.

    Attributes:
        grid: the latents of the manifold, and its coordinates.
        decoded: what they look like, in the grid's order: pictures [count², h, w, 1 or 3], curves [count², points] or
            texts.
        points: [n, 2] where the inputs lie along the two axes; None where nothing encodes them.
        labels: [n], the points' classes; None where they have none.
        latent: [d], that is looked at, and `picture`, what it looks like: as one of `decoded`.
    """

    grid: Grid
    decoded: Any
    points: Floats | None
    labels: NDArray[np.int32] | None
    latent: Floats
    picture: Any


@dataclass(frozen=True, eq=False)
class LatentTraversals:
    """What single dimensions of a latent do to the output.

    Attributes:
        dimensions: those that are shown, in their order; `change` [k], how much each changes the output, or None.
        values: [k, strip], the dimensions' values along each strip.
        decoded: for each dimension its strip: pictures [k, strip, h, w, 1 or 3], curves or texts.
        latent: [d], the one from which they start, and `picture`, what it looks like.
    """

    dimensions: tuple[int, ...]
    change: Floats | None
    values: Floats
    decoded: Any
    latent: Floats
    picture: Any


@dataclass(frozen=True, eq=False)
class LatentPath:
    """A way from one latent to another: `latents` [count, d], what they look like, and how evenly that changes."""

    latents: Floats
    method: Method
    decoded: Any
    smoothness: Smoothness | None
    start: str
    end: str

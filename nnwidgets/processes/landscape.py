"""The energy of a Hopfield network over a plane, with its memories as valleys: a picture to think with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from nnwidgets.processes.bounds import whole
from nnwidgets.processes.couplings import given
from nnwidgets.processes.hopfield import Hopfield
from nnwidgets.processes.spins import Spins, pattern_rows, unit_row
from nnwidgets.source.jobs import check_cancelled

CONCEPTUAL = (
    "conceptual: two directions of {units}, which hold {share:.0%} of what the memories and the recall differ in. The "
    "surface has their true energies where they lie, is a mixture of them in between, and away from all of them the "
    "undecided state, whose energy is 0"
)
_MARGIN = 0.35
"""Of the spread of what is shown: room around it."""
_VALLEY = 0.45
"""How wide a valley is, of the distance to the next memory."""
_SHARPNESS = 4

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Landscape:
    """Energies over a plane.

    `energy` [rows, columns] at the points `origin + columns[j] · directions[0] + rows[i] · directions[1]`; `directions`
    [2, units] are orthonormal. `paths`, each [steps, 3], and `memories` [patterns, 3] are (column, row, true energy).
    `share` of the variance of memories and paths lies in the plane. `note` says what the picture is and is not.
    """

    columns: Floats
    rows: Floats
    energy: Floats
    origin: Floats
    directions: Floats
    paths: tuple[Floats, ...]
    memories: Floats
    labels: tuple[str, ...]
    share: float
    note: str


def energy_landscape(
    source: Hopfield | Any,
    paths: Sequence[Any] | None = None,
    *,
    patterns: Any = None,
    directions: Literal["memories", "path"] | Any = None,
    size: int = 61,
) -> Landscape:
    """The energy −½ sᵀWs over the plane of two directions, with the paths that recalls took.

    The energy of real-valued points of a plane is one paraboloid without valleys, and most states lie in no plane. So a
    point of the plane stands for a mixture of the memories and of the states on the paths, each weighted by the inverse
    fourth power of its distance there (Shepard 1968), and of the state 0: the surface goes through all of them.

    Args:
        source: a `Hopfield` process, whose branches and patterns are taken, or weights [units, units].
        paths: recalls, each [steps, units]; of a process those of its branches unless given.
        patterns: the memories, [patterns, units]; of a process its own unless given.
        directions: "memories" or "path": their two leading principal components; or two vectors [2, units]. None: the
            memories where there are two, else the path.
        size: points along each side, 2 to 201.

    Raises:
        ValueError: states of another length, directions that are no plane, …
    """
    size = whole("size", size, 2, 201)
    labels: tuple[str, ...] = ()
    if isinstance(source, Hopfield):
        couplings = source.couplings
        if paths is None:
            paths = [source.frames(0, source.steps + 1, branch.index) for branch in source.branches]
        if patterns is None:
            patterns, labels = source.patterns, source.labels
    else:
        couplings = given(source)
    units = couplings.units
    walked = [np.stack([unit_row(state, units, "paths") for state in path]) for path in paths or ()]
    memories = np.empty((0, units), np.int8) if patterns is None or not len(patterns) else pattern_rows(patterns)[0]
    if memories.shape[1] != units:
        raise ValueError(f"patterns have {memories.shape[1]} units, but the network has {units}")
    steps: Spins = np.concatenate([np.empty((0, units), np.int8), *walked])
    if not len(steps) and not len(memories):
        raise ValueError("neither paths nor patterns are given, but the plane lies through one of them")
    origin = (memories if len(memories) else steps).mean(axis=0)
    plane = _plane(directions, memories - origin, steps - origin, units)

    points = np.concatenate([memories, steps]).astype(np.float64)
    projected = (points - origin) @ plane.T
    low, high = projected.min(axis=0), projected.max(axis=0)
    reach = max(float((high - low).max()), 1.0)
    columns, rows = (
        np.linspace(middle - wide, middle + wide, size)
        for middle, wide in zip((low + high) / 2, (high - low) / 2 + _MARGIN * reach, strict=True)
    )
    anchors, first = np.unique(points, axis=0, return_index=True)
    width = _VALLEY * _apart(projected[: len(memories)] if len(memories) > 1 else projected[first], reach)
    energy = np.empty((size, size))
    for at, row in enumerate(rows):
        check_cancelled()
        line = np.column_stack([columns, np.full(size, row)])
        squares = np.square(line[:, None] - projected[first]).sum(axis=-1)
        weights = (width**2 / np.maximum(squares, 1e-12 * reach**2)) ** (_SHARPNESS / 2)
        mixtures = weights @ anchors / (1 + weights.sum(axis=1, keepdims=True))
        energy[at] = couplings.energy(mixtures, couplings.fields(mixtures))

    heights = couplings.energy(points, couplings.fields(points))
    placed = np.column_stack([projected, heights])
    ends = np.cumsum([len(memories), *map(len, walked)])
    spread = float(np.square(points - origin).sum())
    share = float(np.square(projected).sum()) / spread if spread else 1.0
    return Landscape(
        columns=columns,
        rows=rows,
        energy=energy,
        origin=origin,
        directions=plane,
        paths=tuple(placed[start:end] for start, end in pairwise(ends)),
        memories=placed[: len(memories)],
        labels=labels or tuple(map(str, range(len(memories)))),
        share=share,
        note=CONCEPTUAL.format(units=units, share=share),
    )


def _apart(places: Floats, reach: float) -> float:
    """How far the nearest two of different places are from each other, within what can be seen."""
    between = np.sqrt(np.square(places[:, None] - places).sum(axis=-1))
    different = between[between > 0.05 * reach]
    return float(different.min()) if different.size else 0.3 * reach


def _plane(directions: Any, memories: Floats, path: Floats, units: int) -> Floats:
    """Two orthonormal directions: [2, units]."""
    if directions is None:
        directions = "memories" if len(memories) > 1 or not len(path) else "path"
    if isinstance(directions, str):
        if directions not in ("memories", "path"):
            raise ValueError(f"directions={directions!r}, but it is 'memories', 'path' or two vectors")
        first, second = (memories, path) if directions == "memories" else (path, memories)
        if not len(first):
            raise ValueError(f"directions={directions!r}, but none are given")
        # What the first do not span is filled by the others; a fixed random direction is the last resort.
        rest = np.random.default_rng(0).standard_normal((2, units))
        return _orthonormal([*_components(first), *_components(second), *rest])[:2]
    given_two = np.asarray(directions, dtype=np.float64)
    if given_two.shape != (2, units):
        raise ValueError(f"directions has the shape {given_two.shape}, but it is two vectors: (2, {units})")
    plane = _orthonormal(list(given_two))
    if len(plane) < 2:
        raise ValueError("directions are parallel or zero, but two directions make a plane")
    return plane


def _components(points: Floats) -> list[Floats]:
    """The two leading directions of some points, as far as there are any; each with a sign that does not depend on
    the machine.
    """
    if not len(points):
        return []
    _, lengths, components = np.linalg.svd(points, full_matrices=False)
    largest = max(float(lengths[0]), 1e-300)
    leading = [each for each, length in zip(components[:2], lengths, strict=False) if length > 1e-9 * largest]
    return [each * (1 if each[np.abs(each).argmax()] > 0 else -1) for each in leading]


def _orthonormal(vectors: list[Floats]) -> Floats:
    made: list[Floats] = []
    for vector in vectors:
        rest = vector - sum((each * (each @ vector) for each in made), np.zeros_like(vector))
        length = float(np.linalg.norm(rest))
        if length > 1e-6 * max(float(np.linalg.norm(vector)), 1e-300):
            made.append(rest / length)
    return np.array(made)

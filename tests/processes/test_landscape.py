"""The energy landscape: true heights where memories and paths lie, valleys between, planes that make sense."""

from __future__ import annotations

import numpy as np
import pytest

from nnwidgets.processes import Hopfield, energy_landscape

RANDOM = np.random.default_rng(3)
PATTERNS = RANDOM.choice([-1, 1], (3, 100))


def at(landscape, place):
    """The height of the grid's point that is nearest to a place."""
    column = np.abs(landscape.columns - place[0]).argmin()
    return landscape.energy[np.abs(landscape.rows - place[1]).argmin(), column]


def test_the_surface_goes_through_the_memories_and_has_its_valleys_there():
    process = Hopfield(PATTERNS, cue=np.where(RANDOM.random(100) < 0.2, -1, 1) * PATTERNS[0], steps=5)
    landscape = energy_landscape(process, size=121)
    for memory in landscape.memories:
        assert at(landscape, memory) == pytest.approx(memory[2], rel=0.05)
    assert landscape.energy.min() >= landscape.memories[:, 2].min() * 1.01
    corner = landscape.energy[0, 0]
    assert abs(corner) < 0.2 * abs(landscape.memories[:, 2].mean())  # far from all: undecided
    middle = landscape.memories[:2].mean(axis=0)
    assert at(landscape, middle) > landscape.memories[:2, 2].max()


def test_three_memories_lie_in_the_plane_and_a_path_ends_in_one():
    process = Hopfield(PATTERNS, cue=np.where(RANDOM.random(100) < 0.1, -1, 1) * PATTERNS[1], steps=5)
    landscape = energy_landscape(process)
    there = landscape.origin + landscape.memories[:, :2] @ landscape.directions
    np.testing.assert_allclose(there, PATTERNS, atol=1e-9)
    np.testing.assert_allclose(landscape.directions @ landscape.directions.T, np.eye(2), atol=1e-9)
    [path] = landscape.paths
    np.testing.assert_allclose(path[-1], landscape.memories[1])
    np.testing.assert_allclose(path[:, 2], process.curve("energy"))
    assert (np.diff(path[:, 2]) <= 0).all() and 0.5 < landscape.share <= 1


def test_from_weights_alone_and_every_branch_of_a_process():
    weights = PATTERNS.T @ PATTERNS / 100.0
    np.fill_diagonal(weights, 0)
    states = np.stack([PATTERNS[0], PATTERNS[2]])
    landscape = energy_landscape(weights, [states])
    assert landscape.share == pytest.approx(1) and landscape.labels == () and landscape.memories.shape == (0, 3)
    alone = energy_landscape(weights, patterns=PATTERNS[:1], size=5)  # one memory spans no plane: it is filled up
    np.testing.assert_allclose(alone.directions @ alone.directions.T, np.eye(2), atol=1e-9)
    given = energy_landscape(weights, patterns=PATTERNS, directions=np.eye(100)[:2] * 3, size=5)
    np.testing.assert_allclose(given.directions, np.eye(100)[:2])
    with pytest.raises(ValueError, match="paths has 3 values, but the network has 100 units"):
        energy_landscape(weights, [[[1, 1, 1]]])
    process = Hopfield(PATTERNS, cue=PATTERNS[0], steps=2)
    process.edit(1, PATTERNS[2])
    assert len(energy_landscape(process).paths) == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"directions": "units"}, "directions='units', but it is 'memories', 'path' or two vectors"),
        ({"directions": np.ones((2, 100))}, "directions are parallel or zero"),
        ({"directions": np.ones((3, 4))}, r"directions has the shape \(3, 4\), but it is two vectors: \(2, 100\)"),
        ({"patterns": np.ones((2, 9), int)}, "patterns have 9 units, but the network has 100"),
        ({"size": 1}, "size=1"),
    ],
)
def test_what_makes_no_plane_is_refused(options, says):
    process = Hopfield(PATTERNS, cue=PATTERNS[0], steps=2)
    with pytest.raises(ValueError, match=says):
        energy_landscape(process, **options)
    with pytest.raises(ValueError, match="neither paths nor patterns are given"):
        energy_landscape(np.zeros((4, 4)))

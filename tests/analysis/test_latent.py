"""Ways through a latent space, against references of their own and the properties that they promise."""

import numpy as np
import pytest

from nnwidgets.analysis.latent import attribute_direction, grid, importance, interpolate, smoothness


@pytest.mark.parametrize("method", ["linear", "spherical"])
@pytest.mark.parametrize("size", [1, 2, 100, 4096])
def test_the_ends_are_the_two_latents_to_the_bit(method, size):
    a, b = np.random.default_rng(size).normal(size=(2, size)).astype(np.float32)
    if size == 1:
        a, b = np.abs(a), np.abs(b)
    found = interpolate(a, b, 7, method)
    assert found.shape == (7, size) and found.dtype == np.float32
    assert (found[0] == a).all() and (found[-1] == b).all()


def test_linear_is_numpys_straight_line():
    a, b = np.random.default_rng(0).normal(size=(2, 5)).astype(np.float32)
    assert np.allclose(interpolate(a, b, 9), np.linspace(a, b, 9), atol=1e-6)


def test_spherical_turns_evenly_and_changes_the_norm_linearly():
    a, b = np.random.default_rng(1).normal(size=(2, 64))
    b *= 3
    found = interpolate(a, b, 11, "spherical").astype(np.float64)
    norms = np.linalg.norm(found, axis=1)
    assert np.allclose(norms, np.linspace(np.linalg.norm(a), np.linalg.norm(b), 11), rtol=1e-5)
    units = found / norms[:, None]
    angles = np.arccos((units[1:] * units[:-1]).sum(axis=1).clip(-1, 1))
    assert np.allclose(angles, angles.mean(), atol=1e-3)
    # In the plane of the two: a quarter turn from x to y passes the diagonal.
    assert np.allclose(interpolate([1, 0], [0, 1], 3, "spherical")[1], [2**-0.5, 2**-0.5])


@pytest.mark.parametrize("method", ["linear", "spherical"])
def test_equal_latents_stand_still(method):
    a = np.random.default_rng(2).normal(size=10).astype(np.float32)
    assert np.allclose(interpolate(a, a, 5, method), a, atol=1e-7)
    assert (interpolate(np.zeros(3), np.zeros(3), 4, method) == 0).all()


def test_the_same_direction_and_zero_go_straight():
    assert np.allclose(interpolate([1, 1], [3, 3], 3, "spherical")[1], [2, 2])
    assert np.allclose(interpolate([0, 0], [2, 0], 3, "spherical")[1], [1, 0])


def test_opposite_latents_are_refused_with_a_way_out():
    a = np.random.default_rng(3).normal(size=128).astype(np.float32)
    with pytest.raises(ValueError, match=r"opposite.*method='linear'.*third latent"):
        interpolate(a, -2 * a, 5, "spherical")
    assert np.allclose(interpolate(a, -a, 3, "linear")[1], 0, atol=1e-6)
    nearly = -a + 0.01 * np.random.default_rng(4).normal(size=128).astype(np.float32)
    assert np.isfinite(interpolate(a, nearly, 5, "spherical")).all()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([1], [1, 2], 3), r"shapes \[1\] and \[2\]"),
        (([np.nan], [1], 3), "not finite"),
        (([0], [1], 1), "count=1, but a way has 2"),
        (([0], [1], 3, "cubic"), "method='cubic', but it is"),
    ],
)
def test_ways_that_do_not_exist_are_named(arguments, says):
    with pytest.raises(ValueError, match=says):
        interpolate(*arguments)


def test_smoothness_tells_even_from_jumping():
    even = np.linspace(0, 1, 6)[:, None, None] * np.ones((1, 4, 4))
    smooth = smoothness(even)
    assert smooth.ratio == pytest.approx(1) and smooth.detour == pytest.approx(1)
    assert smooth.path_length == pytest.approx(1)  # (1/5 / (1/5))², whatever the number of steps
    assert smoothness(np.linspace(0, 1, 41)[:, None]).path_length == pytest.approx(1)
    assert smooth.sentence.startswith("It changes evenly")
    jump = smoothness(np.array([0, 0, 0, 1, 1, 1.0])[:, None])
    assert jump.ratio == pytest.approx(5) and jump.path_length == pytest.approx(5)
    assert jump.sentence.startswith("It jumps between pictures 3 and 4: the largest step is 5 times")
    still = smoothness(np.ones((4, 2)))
    assert (still.ratio, still.sentence) == (1.0, "The picture stands still.") and np.isnan(still.detour)
    assert smoothness(np.array([[0], [255]], np.uint8)).steps[0] == pytest.approx(1)
    broken = smoothness(np.array([[0, 0], [1, np.nan], [2, np.inf]]))  # NaN would be no JSON
    assert broken.steps.tolist() == pytest.approx([0.5**0.5] * 2) and broken.detour == pytest.approx(1)
    with pytest.raises(ValueError, match="2 or more in a row"):
        smoothness(np.ones((1, 3)))


def test_importance_orders_dimensions_by_their_effect():
    weights = np.array([0.5, 3.0, 0.0, 1.0])
    low, high = -weights[:, None] * np.ones((4, 8)), weights[:, None] * np.ones((4, 8))
    found = importance(low, high)
    assert found.order.tolist() == [1, 3, 0, 2]
    assert np.allclose(found.change, 2 * weights)
    high[0] = np.nan
    assert importance(low, high).change[0] == 0
    bytes_apart = importance(np.array([[200]], np.uint8), np.array([[100]], np.uint8))
    assert bytes_apart.change[0] == 100  # and not 156, as bytes would have it


def test_an_attribute_is_the_unit_way_between_the_means():
    draw = np.random.default_rng(5)
    labels = draw.random(2000) < 0.3
    points = draw.normal(size=(2000, 6))
    points[labels, 2] += 4
    found = attribute_direction(points, labels)
    assert np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-6)
    assert found.vector[2] > 0.99
    assert found.separation == pytest.approx(4, rel=0.1)
    assert found.high - found.low == pytest.approx(4, rel=0.1)
    with pytest.raises(ValueError, match="0 of 3 points have the attribute"):
        attribute_direction(np.ones((3, 2)), [False] * 3)
    with pytest.raises(ValueError, match="no direction"):
        attribute_direction(np.ones((2, 2)), [True, False])


def test_a_grid_goes_up_and_to_the_right_and_keeps_the_rest():
    found = grid([1, 2, 3, 4], [0, 10, 0, 0], [1, 2, 1, 1], axes=(1, 3), count=3, spread=2)
    assert found.latents.shape == (9, 4) and found.count == 3
    assert found.x.tolist() == [6, 10, 14] and found.y.tolist() == [-2, 0, 2]
    assert found.latents[0].tolist() == [1, 6, 3, 2]  # top left
    assert found.latents[8].tolist() == [1, 14, 3, -2]
    for wrong in ((0, 0), (0, 4), (0,)):
        with pytest.raises(ValueError, match="two different dimensions from 0 to 3"):
            grid(np.zeros(4), np.zeros(4), np.ones(4), axes=wrong)
    with pytest.raises(ValueError, match="LatentSliders"):
        grid([0], [0], [1])
    with pytest.raises(ValueError, match="spread=0"):
        grid(np.zeros(2), np.zeros(2), np.ones(2), spread=0)

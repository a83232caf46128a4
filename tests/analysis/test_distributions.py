"""Distributions: bins that keep every value, boxes, zeros, ternary layers, one layer over the steps."""

from __future__ import annotations

import numpy as np
import pytest

from nnwidgets.analysis.distributions import box, in_bins, joined, over_steps, rebinned, spikes, zeros
from nnwidgets.runs import Histogram

RANDOM = np.random.default_rng(0)


def test_bins_that_nest_are_counted_exactly() -> None:
    values = RANDOM.normal(size=5000)
    fine = Histogram.of(values, bins=64)
    edges, counts = in_bins(fine, 16)
    np.testing.assert_allclose(counts, np.histogram(values, edges)[0], atol=1e-6)
    assert in_bins(fine, None)[1].sum() == 5000
    np.testing.assert_array_equal(in_bins(fine, 512)[1], fine.counts)  # no finer than it was counted


def test_other_bins_keep_the_total() -> None:
    values = RANDOM.normal(size=5000)
    fine = Histogram.of(values, bins=64)
    edges, counts = in_bins(fine, 7)
    assert counts.sum() == pytest.approx(5000)
    assert np.abs(counts - np.histogram(values, edges)[0]).max() < 100  # as if even within a bin
    assert rebinned(fine.edges, fine.counts, np.array([fine.edges[-1] + 1, fine.edges[-1] + 2])).sum() == 0


def test_all_layers_in_one() -> None:
    one, other = RANDOM.normal(size=3000), 5 + RANDOM.normal(size=1000)
    edges, counts = joined([Histogram.of(one), None, Histogram.of(other)], 20) or (None, None)
    assert edges is not None and counts is not None
    assert counts.sum() == pytest.approx(4000)
    reference = np.histogram(np.concatenate([one, other]), edges)[0]
    assert np.abs(counts - reference).max() < 0.05 * 4000
    assert joined([None, Histogram.of([])]) is None


def test_a_box_is_the_quantiles() -> None:
    values = RANDOM.exponential(size=4001)
    expected = [values.min(), *np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]), values.max()]
    np.testing.assert_allclose(box(Histogram.of(values)), expected)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.97])
def test_exact_zeros_lie_between_the_bounds(share: float) -> None:
    values = np.abs(RANDOM.normal(size=10_000))
    values[: round(share * 10_000)] = 0.0
    least, most = zeros(Histogram.of(values))
    assert least <= share <= most
    assert most - least < 0.4 and (share == 0 or least > 0)


def test_no_zero_where_none_can_be() -> None:
    assert zeros(Histogram.of([1.0, 2.0, 3.0])) == (0.0, 0.0)
    assert zeros(Histogram.of([])) == (0.0, 0.0)
    assert zeros(Histogram.of(np.zeros(10)))[1] == 1.0


@pytest.mark.parametrize("scale", [1e-4, 0.023, 3.0])
def test_a_ternary_layer_is_told_with_its_scale(scale: float) -> None:
    values = RANDOM.choice([-scale, 0.0, scale], size=20_000, p=[0.3, 0.45, 0.25])
    found = spikes(Histogram.of(values))
    assert found.ternary and found.share == pytest.approx(1.0)
    assert found.scale == pytest.approx(scale, rel=0.05)
    assert (found.negative, found.zero, found.positive) == pytest.approx((0.3, 0.45, 0.25), abs=0.02)
    assert found.words.startswith("Ternary: 100 % of the values lie at −s, 0 or +s")


def test_a_ternary_layer_with_a_little_noise() -> None:
    values = RANDOM.choice([-0.02, 0.0, 0.02], size=20_000) + RANDOM.normal(scale=2e-4, size=20_000)
    assert spikes(Histogram.of(values, bins=128)).ternary


@pytest.mark.parametrize(
    "values",
    [
        RANDOM.normal(size=20_000),
        RANDOM.uniform(-1, 1, size=20_000),
        RANDOM.laplace(size=20_000),
        RANDOM.choice([0.0, 1.0], size=20_000),
        np.zeros(100),
        np.full(100, 0.3),
        RANDOM.choice([-1.0, -0.5, 0.0, 0.5, 1.0], size=20_000),
    ],
    ids=["normal", "uniform", "laplace", "zero and one", "zeros", "constant", "five levels"],
)
def test_other_layers_are_not_ternary(values: np.ndarray) -> None:
    found = spikes(Histogram.of(values))
    assert not found.ternary
    assert found.words.startswith("Not ternary")


def test_a_binary_layer_is_said_to_be_binary() -> None:
    found = spikes(Histogram.of(RANDOM.choice([-0.5, 0.5], size=1000)))
    assert not found.ternary and found.words.startswith("Binary: 100 %")


def test_bins_too_wide_to_tell_spikes_apart() -> None:
    assert not spikes(Histogram.of(RANDOM.normal(size=1000), bins=4)).ternary
    with pytest.raises(ValueError, match="tolerance=0.7"):
        spikes(Histogram.of([1.0]), tolerance=0.7)


def test_a_layer_over_the_steps_has_common_bins() -> None:
    histograms = [Histogram.of(RANDOM.normal(scale=1 + step, size=4000)) for step in range(5)]
    over = over_steps("fc", range(0, 500, 100), histograms, 40)
    assert over.shares.shape == (5, 40) and over.boxes.shape == (5, 7)
    np.testing.assert_allclose(over.shares.sum(axis=1), 1.0, atol=0.01)
    assert over.beyond < 0.01
    wide = (over.shares > 0).sum(axis=1)
    assert wide[0] < wide[-1]


def test_a_far_outlier_does_not_hide_the_rest() -> None:
    values = np.append(RANDOM.normal(size=4000), 1e6)
    over = over_steps("fc", [0, 1], [Histogram.of(RANDOM.normal(size=4000)), Histogram.of(values)], 40)
    assert over.edges[-1] < 100
    assert 0 < over.beyond <= 1


def test_a_layer_that_became_nan() -> None:
    over = over_steps("fc", [0, 1], [Histogram.of([0.1, 0.2]), Histogram.of([float("nan")] * 3)], 8)
    np.testing.assert_allclose(over.shares.sum(axis=1), [1.0, 0.0])
    nothing = over_steps("fc", [0], [Histogram.of([float("nan")])], 8)
    assert nothing.shares.sum() == 0 and nothing.beyond == 0


def test_a_layer_that_is_constant() -> None:
    over = over_steps("bias", [0, 1], [Histogram.of(np.zeros(8)), Histogram.of(np.zeros(8))])
    np.testing.assert_allclose(over.shares.sum(axis=1), 1.0)

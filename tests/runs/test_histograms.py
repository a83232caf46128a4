"""Histograms count what is there, against numpy."""

import math

import numpy as np
import pytest
import torch

from nnwidgets.runs import Histogram


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int32, np.uint8])
def test_of_arrays(dtype: type) -> None:
    values = (np.random.default_rng(0).normal(size=(50, 40)) * 20 + 100).astype(dtype)
    histogram = Histogram.of(values, bins=32)
    wide = values.astype(np.float64)
    assert len(histogram.counts) == 32
    assert histogram.counts.sum() == 2000
    assert np.array_equal(histogram.counts, np.histogram(wide, histogram.edges)[0])
    assert (
        (histogram.minimum, histogram.maximum) == (wide.min(), wide.max()) == (histogram.edges[0], histogram.edges[-1])
    )
    assert histogram.mean == pytest.approx(wide.mean())
    assert histogram.std == pytest.approx(wide.std())
    assert np.allclose(histogram.quantiles, np.quantile(wide, (0.05, 0.25, 0.5, 0.75, 0.95)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.bool])
def test_of_tensors(dtype: torch.dtype) -> None:
    values = (torch.arange(100).float() - 20).to(dtype)
    assert Histogram.of(values) == Histogram.of(values.double().numpy())
    assert Histogram.of(torch.nn.Parameter(torch.ones(3))).mean == 1.0
    assert Histogram.of(torch.eye(4).to_sparse()).counts.sum() == 4, "a sparse tensor's own values"


def test_nan_and_infinity_are_counted_apart() -> None:
    histogram = Histogram.of([1.0, math.nan, math.inf, -math.inf, math.nan, 2.0])
    assert (histogram.nan, histogram.infinite, histogram.counts.sum()) == (2, 2, 2)
    assert (histogram.minimum, histogram.maximum) == (1.0, 2.0)
    assert "2 NaN" in repr(histogram) and "2 inf" in repr(histogram)
    empty = Histogram.of([math.nan])
    assert (empty.nan, empty.counts.sum()) == (1, 0)
    assert math.isnan(empty.mean)
    assert Histogram.of([]).counts.sum() == 0


@pytest.mark.parametrize(
    "values",
    [
        [0.0],
        [5.0, 5.0],
        [1e308, -1e308],
        [1.7976931348623157e308],
        [5e-324, 0.0],
        [1.0, np.nextafter(1.0, 2.0)],
        [1e16, 1e16 + 2],
        [-0.0, 0.0],
        [1e-300, 2e-300],
    ],
)
def test_values_at_the_edge_of_what_floats_hold(values: list[float]) -> None:
    histogram = Histogram.of(values)
    assert histogram.counts.sum() == len(values)
    assert np.all(np.diff(histogram.edges) > 0)
    assert Histogram.from_bytes(histogram.to_bytes()) == histogram


def test_of_many_values() -> None:
    values = np.random.default_rng(0).normal(size=1_000_000).astype(np.float32)
    histogram = Histogram.of(values)
    assert np.array_equal(histogram.counts, np.histogram(values.astype(float), histogram.edges)[0])
    assert np.allclose(histogram.quantiles, np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)), atol=0.03)


def test_what_cannot_be_counted() -> None:
    with pytest.raises(TypeError, match="the values are of type <U1, but a histogram counts real numbers"):
        Histogram.of(["a"])
    with pytest.raises(TypeError, match="complex128"):
        Histogram.of([1j])
    for bins in (0, 4097, True):
        with pytest.raises(ValueError, match=f"bins={bins}, but it is a whole number from 1 to 4,096"):
            Histogram.of([1.0], bins=bins)
    numbers = {"minimum": 0.0, "maximum": 1.0, "mean": 0.5, "std": 0.1, "quantiles": (0.1, 0.2, 0.5, 0.7, 0.9)}
    assert Histogram(np.array([0.0, 0.5, 1.0]), np.array([1, 2]), **numbers).counts.tolist() == [1, 2]
    with pytest.raises(ValueError, match=r"edges has shape \(2,\) and counts \(2,\), but there is one edge more"):
        Histogram(np.array([0.0, 1.0]), np.array([1, 2]), **numbers)
    with pytest.raises(ValueError, match="edges must be finite and rise"):
        Histogram(np.array([0.0, 0.0]), np.array([1]), **numbers)
    with pytest.raises(ValueError, match="5,000 bins, but at most 4,096"):
        Histogram(np.arange(5001.0), np.ones(5000), **numbers)

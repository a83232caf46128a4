"""Gradient flow: layers on common steps, and marks where gradients vanish or explode, none where all is well."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nnwidgets.analysis.gradients import MARKS, LayerGradients, Thresholds, layer_gradients

LIMITS = Thresholds(decades=3.0, ordered=0.6, times=100.0, layers=5)


def series(values: Any, steps: Any = None, counts: Any = None, high: Any = None) -> SimpleNamespace:
    values = np.asarray(values, dtype=np.float64)
    steps = np.arange(len(values), dtype=np.float64) if steps is None else np.asarray(steps, dtype=np.float64)
    counts = np.ones(len(values), np.int64) if counts is None else np.asarray(counts)
    return SimpleNamespace(steps=steps, values=values, high=values if high is None else np.asarray(high), counts=counts)


def flow(sizes: Any, **more: Any) -> LayerGradients:
    """Layers of these means at one step, or over several."""
    sizes = np.atleast_2d(np.asarray(sizes, dtype=np.float64).T).T
    means = {f"layer{row}": series(values) for row, values in enumerate(sizes)}
    return layer_gradients(means, {}, {}, label="run", thresholds=LIMITS, **more)


def marks(result: LayerGradients, step: int = -1) -> list[str]:
    return [MARKS[mark] for mark in result.marks[:, step]]


def test_a_healthy_net_has_no_mark() -> None:
    assert set(marks(flow([2e-3, 1e-3, 4e-3, 8e-4, 2e-3, 6e-3]))) == {""}


def test_gradients_that_vanish_towards_the_input() -> None:
    found = marks(flow(10.0 ** np.arange(-11, -1)))
    assert found[:7] == ["near zero"] * 7 and found[7:] == [""] * 3


def test_gradients_that_explode_towards_the_input() -> None:
    found = marks(flow(10.0 ** np.arange(5, -5, -1)))
    assert found[:7] == ["extreme"] * 7 and found[7:] == [""] * 3


def test_one_layer_far_above_the_others() -> None:
    assert marks(flow([1e-3, 2e-3, 5.0, 1e-3, 2e-3, 1e-3])) == ["", "", "extreme", "", "", ""]


def test_one_small_layer_such_as_an_embedding_is_no_trend() -> None:
    assert set(marks(flow([1e-9, 2e-3, 1e-3, 3e-3, 2e-3, 1e-3]))) == {""}


def test_few_layers_show_no_trend() -> None:
    assert set(marks(flow([1e-9, 1e-6, 1e-3, 1.0]))) == {""}


def test_a_jump_to_a_hundred_times_the_usual() -> None:
    sizes = np.full((6, 20), 1e-3)
    sizes[2, 15] = 0.2
    result = flow(sizes)
    assert marks(result, 15) == ["", "", "extreme", "", "", ""]
    assert set(marks(result, 14)) == {""}
    # One step alone does not know what is usual, unless it is told.
    assert set(marks(flow(sizes[:, 15]))) == {""}
    assert marks(flow(sizes[:, 15], usual=np.full(6, 1e-3)))[2] == "extreme"


def test_what_is_zero_not_finite_or_not_logged_is_said() -> None:
    means = {
        "frozen": series([0.0, 0.0, 0.0]),
        "broken": series([1e-3, np.nan, np.inf]),
        "late": series([1e-3], steps=[2.0]),
    }
    result = layer_gradients(means, {"frozen": series([0.0, 0.0, 0.0])}, {}, label="run", thresholds=LIMITS)
    assert [[MARKS[mark] for mark in row] for row in result.marks] == [
        ["no gradient"] * 3,
        ["", "not finite", "not finite"],
        ["not logged", "not logged", ""],
    ]


def test_a_largest_gradient_that_is_infinite_is_said() -> None:
    result = layer_gradients({"a": series([1.0])}, {"a": series([np.inf])}, {}, label="run", thresholds=LIMITS)
    assert marks(result) == ["not finite"]


def test_layers_logged_at_other_steps_come_to_the_same_grid() -> None:
    means = {"a": series([1.0, 2.0, 3.0, 4.0], steps=[0, 10, 20, 30]), "b": series([5.0, 7.0, 9.0], steps=[10, 12, 29])}
    largest = {"b": series([6.0, 8.0, 10.0], steps=[10, 12, 29])}
    result = layer_gradients(means, largest, {}, label="run", thresholds=LIMITS)
    np.testing.assert_array_equal(result.steps, [0, 10, 20, 30])
    # Logged at step 10 itself: that counts; 29 lies nearest to 30.
    np.testing.assert_array_equal(result.mean[1], [np.nan, 5.0, np.nan, 9.0])
    np.testing.assert_array_equal(result.largest[1], [np.nan, 6.0, np.nan, 10.0])


def test_steps_out_of_order_and_twice() -> None:
    result = layer_gradients(
        {"a": series([3.0, 1.0, 2.0, 9.0], steps=[20, 0, 10, 10])}, {}, {}, label="run", thresholds=LIMITS
    )
    np.testing.assert_array_equal(result.steps, [0, 10, 20])
    np.testing.assert_array_equal(result.mean[0], [1.0, 9.0, 3.0])


def test_joined_measurements_keep_their_largest() -> None:
    thinned = series([2.0, 5.0], steps=[4.5, 14.5], counts=[10, 10], high=[9.0, 50.0])
    result = layer_gradients({"a": thinned}, {"a": thinned}, {}, label="run", thresholds=LIMITS)
    assert result.thinned
    np.testing.assert_array_equal(result.largest[0], [9.0, 50.0])
    assert result.nearest(10) == 1 and result.nearest(0) == 0 and result.nearest(None) == 1
    assert result.at(0).mean.tolist() == [[2.0]] and result.at(-1).mean.tolist() == [[5.0]]


def test_updates_by_the_rule_of_thumb() -> None:
    updates = {"a": series([1e-7]), "b": series([1e-3]), "c": series([0.5]), "d": series([np.nan])}
    result = layer_gradients({}, {}, updates, label="run", thresholds=LIMITS)
    assert [MARKS[mark] for mark in result.update_marks[:, 0]] == ["near zero", "", "extreme", "not logged"]


def test_a_run_without_gradients() -> None:
    result = layer_gradients({}, {}, {}, label="empty", thresholds=LIMITS)
    assert result.paths == () and result.mean.shape == (0, 0)
    with pytest.raises(ValueError, match="empty logged no gradients"):
        result.nearest(None)

"""To which steps the measurements of an optimizer's steps are filed."""

from __future__ import annotations

import math

import pytest

from nnwidgets.session import pacing
from nnwidgets.session.pacing import Pacing


def steps(pace: Pacing, *events: int | None) -> list[tuple[int, float]]:
    """What is recorded: None is an optimizer step (measured 0, 1, 2 …), a number a log of that step."""
    found, count = [], 0
    for event in events:
        if event is None:
            found += pace.add({"norm": float(count)})
            count += 1
        else:
            found += pace.logged(event)
    return [(step, values["norm"]) for step, values in found]


@pytest.mark.parametrize("begin", [0, 1, 400])
def test_a_loop_that_logs_each_step(begin: int) -> None:
    events = [event for step in range(begin, begin + 4) for event in (None, step)]
    assert steps(Pacing(), *events) == [(begin + number, number) for number in range(4)]


def test_a_loop_that_logs_twice_a_step_or_before_it() -> None:
    assert steps(Pacing(), None, 0, 0, None, 1, 1) == [(0, 0), (1, 1)]
    pace = Pacing()
    assert steps(pace, 0, None, 1, None, 2, None) == [(1, 0), (2, 1)]
    assert pace.rest() == [(3, {"norm": 2.0})]


def test_a_loop_that_logs_every_third_step() -> None:
    events = [None] * 3 + [2] + [None] * 3 + [5]
    assert steps(Pacing(), *events) == [(number, number) for number in range(6)]
    events = [None] * 3 + [3] + [None] * 3 + [6]
    assert steps(Pacing(), *events) == [(number + 1, number) for number in range(6)]


def test_steps_that_count_samples_are_spread() -> None:
    assert steps(Pacing(), None, 64, None, None, 192) == [(64, 0), (128, 1), (192, 2)]


def test_a_loop_that_logs_epochs() -> None:
    events = [None] * 5 + [0] + [None] * 4 + [1] + [None] * 2
    pace = Pacing()
    assert steps(pace, *events) == [(0, 2.0), (1, 6.5)]
    assert pace.step == 1
    assert pace.rest() == [(1, {"norm": 9.5})]


def test_a_long_epoch_takes_little_memory_and_the_mean_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_MOST", 10)
    pace = Pacing()
    assert steps(pace, *[None] * 3, 0, *[None] * 97) == [(0, 1.0)]
    assert len(pace._waiting) < 10
    assert pace.logged(1) == [(1, {"norm": pytest.approx(sum(range(3, 100)) / 97)})]


def test_a_loop_that_logs_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_PATIENCE", 0.0)
    pace = Pacing()
    assert steps(pace, None, None, None) == [(0, 0), (1, 1), (2, 2)]
    assert not pace.logs and pace.step == 2


def test_between_two_logs_that_are_far_apart_steps_are_filed_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    pace = Pacing()
    assert steps(pace, None, 0, None, 1) == [(0, 0), (1, 1)]
    monkeypatch.setattr(pacing, "_PATIENCE", 0.0)
    assert steps(pace, None, None) == [(2, 0), (3, 1)]
    assert pace.step == 3
    assert pace.logged(3) == [] and steps(pace, None) == [(4, 0)]


def test_one_value_that_is_not_finite_is_told_and_of_histograms_the_last() -> None:
    pace = Pacing()
    shape = object()
    pace.add({"norm": 1.0})
    pace.add({"norm": math.nan})
    pace.add({"norm": 2.0, "weights": shape})
    ((step, values),) = pace.logged(0)
    assert step == 0 and math.isnan(values["norm"]) and values["weights"] is shape


def test_nothing_measured_is_nothing_filed() -> None:
    assert Pacing().rest() == [] and Pacing().logged(3) == []

"""The points of a live plot: kept in the order given, from any thread, told to listeners once and never waited for."""

import gc
import threading
import time
import weakref

import numpy as np
import pytest
import torch

from nnwidgets.runs.plot_data import PlotBatch, PlotData, PlotStyle

STYLE = PlotStyle("line", (0, 0, 0), 1.5, "solid")


def style() -> PlotStyle:
    return STYLE


def points(data: PlotData) -> dict[str, tuple[list[float], list[float]]]:
    return {each.name: (each.x.tolist(), each.y.tolist()) for each in data.series()}


def wait_for(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_points_are_kept_in_the_order_given():
    data = PlotData()
    data.append("loss", 3, 0.5, style)
    data.append("loss", 1.5, float("nan"), style)
    data.append("loss", np.arange(100), np.arange(100.0) ** 2, style)
    data.append("other", [1, 2], (3, 4), style)
    xs, ys = points(data)["loss"]
    assert xs == [3, 1.5, *range(100)]
    assert np.isnan(ys[1])
    assert ys[2:] == [i**2 for i in range(100)]
    assert points(data)["other"] == ([1, 2], [3, 4])
    assert data.count == 104


@pytest.mark.parametrize(
    "value",
    [
        2,
        2.0,
        True,
        np.float32(2),
        np.int64(2),
        [2],
        np.array(2),
        torch.tensor(2.0),
        torch.tensor([2], dtype=torch.bfloat16),
    ],
)
def test_whatever_is_a_number_is_taken(value):
    data = PlotData()
    data.append("a", 0, value, style)
    assert points(data)["a"][1] == [float(1 if value is True else 2)]


@pytest.mark.parametrize(
    "value", ["2", None, [1, "b"], {}, {1: 2}, 1 + 2j, [1j], np.datetime64("2026-01-01"), object()]
)
def test_what_is_no_number_is_named_and_nothing_is_kept(value):
    data = PlotData()
    with pytest.raises(TypeError, match="'a' is given y=.*, but it takes a number or a row of numbers"):
        data.append("a", 0, value, style)
    assert not data.series()


def test_lengths_and_shapes_must_fit():
    data = PlotData()
    with pytest.raises(ValueError, match="'a' is given 3 x and 2 y, but each point has one of both"):
        data.append("a", [1, 2, 3], [1, 2], style)
    with pytest.raises(ValueError, match="'a' is given y of shape \\(2, 2\\), but"):
        data.append("a", [1, 2], np.zeros((2, 2)), style)
    with pytest.raises(TypeError, match="name=7, but it is a text"):
        data.append(7, 1, 1, style)


def test_what_was_read_does_not_change_and_cannot_be_written():
    data = PlotData()
    data.append("a", 0, 1, style)
    (before,) = data.series()
    for i in range(1, 500):
        data.append("a", i, -i, style)
    assert (before.x.tolist(), before.y.tolist()) == ([0.0], [1.0])
    with pytest.raises(ValueError, match="read-only"):
        before.y[0] = 2


def test_listeners_are_told_each_point_once_and_in_order():
    data = PlotData()
    data.append("a", 0, 0, style)  # nobody listens yet
    heard: list[PlotBatch] = []
    data.on_points(heard.append)
    for i in range(1, 5000):
        data.append("a", i, i, style)
    data.flush()
    told = [(part.first_index, part.x.tolist()) for batch in heard for part in batch.points]
    assert [first for first, _ in told] == np.cumsum([1, *(len(xs) for _, xs in told[:-1])]).tolist()
    assert [x for _, xs in told for x in xs] == list(range(1, 5000))
    cursors = [batch.cursor for batch in heard]
    assert cursors == sorted(set(cursors))
    assert len(heard) <= 60  # not one message a point


def test_a_thread_tells_without_being_asked():
    data = PlotData()
    heard: list[PlotBatch] = []
    forget = data.on_points(heard.append)
    data.append("a", 0, 0, style)
    wait_for(lambda: heard)
    assert heard[0].points[0].x.tolist() == [0]
    forget()
    data.append("a", 1, 1, style)
    data.flush()
    assert len(heard) == 1


def test_a_listener_that_hangs_or_raises_delays_no_append():
    data = PlotData()
    held, reached = threading.Event(), threading.Event()

    def hang(_batch: PlotBatch) -> None:
        reached.set()
        held.wait(60)
        raise RuntimeError("on purpose")

    data.on_points(hang)
    data.append("a", 0, 0, style)
    assert reached.wait(20)
    for i in range(1, 20_000):  # would never end if it waited for the listener
        data.append("a", i, i, style)
    assert not held.is_set()
    assert data.count == 20_000
    held.set()


def test_many_threads_lose_nothing():
    data = PlotData()
    data.on_points(lambda batch: None)

    def write(number: int) -> None:
        for i in range(5000):
            data.append("shared", i, number, style)
            data.append(f"own {number}", i, i, style)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = points(data)
    assert len(kept["shared"][0]) == 30_000
    for number in range(6):
        assert kept["shared"][1].count(number) == 5000
        assert kept[f"own {number}"][0] == list(range(5000))


def test_clear_and_replace_begin_a_series_of_its_own():
    data = PlotData()
    changes: list[PlotData] = []
    data.on_series(changes.append)
    data.put("a", [1], [1], STYLE)
    data.put("b", [1], [1], STYLE)
    first = {each.name: each.number for each in data.series()}
    data.put("a", [5, 6], [7, 8], STYLE)
    assert [each.name for each in data.series()] == ["a", "b"]
    assert data.series()[0].number not in first.values()
    assert points(data)["a"] == ([5, 6], [7, 8])
    data.clear("a")
    with pytest.raises(KeyError, match="there is no series 'a' to clear: the plot has 'b'"):
        data.clear("a")
    data.clear()
    assert not data.series()
    data.flush()
    assert changes


def test_a_plot_that_nobody_holds_is_let_go():
    data = PlotData()
    data.on_points(lambda batch: None)
    data.append("a", 0, 0, style)
    reference = weakref.ref(data)
    del data

    def gone() -> bool:
        gc.collect()
        return reference() is None

    wait_for(gone)

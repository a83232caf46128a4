"""TrainingMonitor's Python half: the story, news numbered without a gap, hands on the training, what a page keeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from nnwidgets.runs import Run, RunStore
from nnwidgets.source.errors import SourceClosed
from nnwidgets.widgets.training_monitor import TrainingMonitor
from nnwidgets.wire import feed, kernel
from nnwidgets.wire.codec import Coded, decode


@pytest.fixture
def run() -> Iterator[Run]:
    store = RunStore(":memory:")
    recorded = store.run("digits", config={"epochs": 4})
    yield recorded
    recorded.close()


def train(run: Run, steps: range) -> None:
    for step in steps:
        run.log(step, loss=1 / (step + 1), learning_rate=0.1)
        if step % 100 == 99:
            run.log(step, val_loss=1 / (step + 1) + 0.01, epoch=(step + 1) // 100)


def arrays(answer: Any, number: int) -> dict[str, Any]:
    """The arrays of one series of an answer."""
    parts = {name.split(".")[1]: coded for name, coded in answer.arrays.items() if name.startswith(f"{number}.")}
    return {part: decode(coded.header, coded.data) for part, coded in parts.items()}


def wait(until: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not until():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_it_looks_at_a_run_that_is_open(run: Run) -> None:
    with pytest.raises(TypeError, match=r"make one with nnw.RunStore\(path\).run\(name\)"):
        TrainingMonitor()
    with pytest.raises(TypeError, match="not at dict"):
        TrainingMonitor({})  # type: ignore[arg-type]
    run.close()
    with pytest.raises(SourceClosed, match="load it again"):
        TrainingMonitor(run)


def test_the_story_is_what_was_logged(run: Run) -> None:
    train(run, range(500))
    run.flush()
    monitor = TrainingMonitor(run)
    story = monitor.answer("run.story", {"until": None})
    series = story.value["series"]
    assert [(each["name"], each["metric"], each["phase"], each["count"]) for each in series] == [
        ("loss", "loss", "train", 500),
        ("learning_rate", "learning_rate", "train", 500),
        ("val_loss", "loss", "validation", 5),
        ("epoch", "epoch", "train", 5),
    ]
    assert story.value["cursor"] == run.cursor > 0
    np.testing.assert_array_equal(arrays(story, 2)["steps"], [99, 199, 299, 399, 499])
    np.testing.assert_allclose(arrays(story, 0)["values"], 1 / np.arange(1, 501), rtol=1e-6)


def test_a_preview_is_short_and_the_whole_is_whole(run: Run) -> None:
    values = np.random.default_rng(0).normal(size=150_000)
    for step, value in enumerate(values):
        run.log(step + 2**30, loss=float(value))  # float32 could not tell these steps apart
    run.flush()
    monitor = TrainingMonitor(run)
    preview, whole = (monitor.answer("run.story", {"until": until}) for until in (None, run.cursor))
    for story, most in ((preview, 1_000), (whole, 20_000)):
        found = arrays(story, 0)
        assert most / 2 < len(found["steps"]) <= most
        assert story.value["series"][0]["count"] == 150_000
        assert found["low"].min() == np.float32(values.min()) and found["high"].max() == np.float32(values.max())
    closer = arrays(monitor.answer("run.closer", {"name": "loss", "start": 2**30 + 7, "stop": 2**30 + 100}), 0)
    np.testing.assert_array_equal(closer["steps"], np.arange(2**30 + 7, 2**30 + 100))
    np.testing.assert_array_equal(closer["values"], values[7:100].astype(np.float32))
    with pytest.raises(ValueError, match="has logged 'loss'"):
        monitor.answer("run.closer", {"name": "accuracy", "start": 0, "stop": 9})


def test_news_follow_the_story_without_a_gap(run: Run) -> None:
    told: list[tuple[dict[str, Any], dict[str, Coded]]] = []
    train(run, range(50))
    run.flush()
    monitor = TrainingMonitor(run)
    monitor._stream.tell = lambda content, coded: told.append((content, coded))
    count = {each["name"]: each["count"] for each in monitor.answer("run.story", {"until": None}).value["series"]}
    for start in range(50, 1000, 50):
        train(run, range(start, start + 50))
        time.sleep(0.02)
    run.flush()
    wait(lambda: told and told[-1][0]["cursor"] == run.cursor)
    values: list[float] = []
    for content, coded in told:
        for number, series in enumerate(content["series"]):
            have = count.setdefault(series["name"], 0)
            assert series["from"] <= have, "a gap"
            new = decode(coded[f"{number}.values"].header, coded[f"{number}.values"].data)[have - series["from"] :]
            count[series["name"]] += len(new)
            values += new.tolist() if series["name"] == "loss" else []
    assert count == {"loss": 1000, "learning_rate": 1000, "val_loss": 10, "epoch": 10}
    np.testing.assert_allclose(values, 1 / np.arange(51, 1001), rtol=1e-6)


def test_the_state_says_how_the_run_stands(run: Run) -> None:
    monitor = TrainingMonitor(run)
    train(run, range(10))
    run.flush()
    wait(lambda: monitor._stream.state.get("step") == 9)
    assert monitor._stream.state["status"] == "running" and monitor._stream.state["recording"]
    monitor.act("pause", {})
    wait(lambda: monitor._stream.state["control"] == "pausing")
    monitor.act("resume", {})
    run.finish()
    wait(lambda: monitor._stream.state["status"] == "finished")
    assert not monitor._stream.state["recording"] and monitor._stream.state["control"] == "ended"


def test_hands_on_the_training(run: Run) -> None:
    rates = [0.1, 0.2]
    run.control.add_learning_rate(lambda: rates, lambda new: rates.__setitem__(slice(None), new))
    monitor = TrainingMonitor(run)
    monitor.act("learning_rate", {"value": 0.05})
    run.log(0, loss=1.0)
    assert rates == pytest.approx([0.05, 0.1])
    with pytest.raises(ValueError, match="greater than 0"):
        monitor.act("learning_rate", {"value": -1})
    monitor.act("stop", {})
    with run:
        run.log(1, loss=1.0)
        raise AssertionError("it went on")
    assert run.status == "stopped"


def test_a_page_that_is_not_heard_is_told_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "cell_is_running", lambda: True)
    monkeypatch.setattr(kernel, "has_subshells", lambda: False)
    monkeypatch.setattr(kernel, "ipykernel_version", lambda: "6.31.0")
    assert "ipykernel 6.31.0 hears nothing" in feed.state(run)["deaf"]
    monkeypatch.setattr(kernel, "has_subshells", lambda: True)
    assert feed.state(run)["deaf"] is None


def test_a_finished_run_keeps_its_end_in_the_notebook(run: Run) -> None:
    monitor = TrainingMonitor(run)
    train(run, range(200))
    run.finish()
    wait(lambda: monitor._snapshot)
    story = next(kept for kept in monitor._snapshot if kept["what"] == "run.story")
    assert story["value"]["series"][0]["count"] == 200
    wait(lambda: monitor._stream.state["cursor"] == story["value"]["cursor"])


def test_the_summary_and_the_findings(run: Run) -> None:
    train(run, range(400))
    run.flush()
    monitor = TrainingMonitor(run)
    told = monitor.answer("run.summary", {"until": None}).value
    loss = next(row for row in told["rows"] if row["name"] == "val_loss")
    assert loss["best"] == pytest.approx(1 / 400 + 0.01) and loss["best_step"] == 399
    assert told["epoch"] == 4 and told["total_epochs"] == 4
    assert told["gap"] == pytest.approx(0.01)
    assert told["gradient_threshold"] == monitor.result.gradient_threshold
    assert told["findings"] and all(finding["sentence"] for finding in told["findings"])
    text = str(monitor.summary())
    assert "val_loss" in text and "best 0.0125 at step 399" in text and "epoch 4 of 4" in text


def test_a_run_that_logs_what_json_cannot_hold(run: Run) -> None:
    run.log(0, loss=float("nan"))
    run.log(1, loss=float("inf"))
    run.flush()
    told = TrainingMonitor(run).answer("run.summary", {"until": None}).value
    import json

    json.dumps(dict(told), allow_nan=False)

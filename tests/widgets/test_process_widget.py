"""What every widget of a process shares: its questions, chunks, branches, and the feed that tells of branches."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from nnwidgets.export.bake import bake
from nnwidgets.processes import Hopfield, Process, ProcessError
from nnwidgets.source import NotStored, SourceClosed
from nnwidgets.source.jobs import Job
from nnwidgets.widgets.attention_heads import AttentionHeads
from nnwidgets.widgets.processes import ProcessWidget
from nnwidgets.wire import lifetime
from nnwidgets.wire.codec import decode
from tests.wire.conftest import Page


class Shown(ProcessWidget):
    """The least that a widget of a process says."""

    module = AttentionHeads.module  # any browser half: nobody displays it

    @property
    def result(self) -> None:
        return None

    def look(self) -> dict[str, Any]:
        return {}


def story(process: Process) -> dict[str, Any]:
    return dict(Shown(process).answer("process.story", {}).value)


def chunk(widget: ProcessWidget, branch: int, start: int, stop: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    answer = widget.answer("process.frames", {"branch": branch, "start": start, "stop": stop})
    return dict(answer.value), {name: decode(coded.header, coded.data) for name, coded in answer.arrays.items()}


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (np.zeros((4, 6)), {"kind": "images", "samples": 1, "height": 4, "width": 6, "channels": 1, "bytes": 24}),
        (np.zeros((4, 6, 3)), {"kind": "images", "samples": 1, "height": 4, "width": 6, "channels": 3}),
        (torch.zeros(3, 4, 6), {"kind": "images", "samples": 1, "height": 4, "width": 6, "channels": 3}),
        (torch.zeros(5, 1, 4, 6), {"kind": "images", "samples": 5, "height": 4, "width": 6, "channels": 1}),
        (np.zeros((5, 4, 6)), {"kind": "images", "samples": 5, "height": 4, "width": 6, "channels": 1}),
        (np.zeros(7), {"kind": "curve", "length": 7, "bytes": 28}),
        (0.5, {"kind": "curve", "length": 1}),
        ("abc", {"kind": "text", "bytes": 1}),
    ],
)
def test_the_story_says_how_it_is_drawn(start: Any, said: dict[str, Any]) -> None:
    process = Process(lambda state: state, start, steps=9, measures={"a": lambda _: 1, "b": lambda _: 2}, name="mine")
    told = story(process)
    assert told.items() >= said.items()
    assert (told["label"], told["steps"], told["measures"], told["chunk"]) == ("mine", 9, ["a", "b"], 64)


def test_chunks_hold_about_half_a_megabyte_and_one_segment() -> None:
    small = Process(lambda state: state, np.zeros((8, 8)), steps=100)
    assert story(small)["chunk"] == 64
    large = Process(lambda state: state, np.zeros((64, 64, 3), np.float32), steps=1000)
    assert story(large)["chunk"] == 32  # two segments would cost more than 32 steps
    huge = Process(lambda state: state, np.zeros((512, 512, 3), np.uint8), steps=10)
    assert story(huge)["chunk"] == 1


def test_what_cannot_be_drawn_says_what_to_give() -> None:
    with pytest.raises(ValueError, match=r"step 0 is a dict that cannot be drawn: give the process draw="):
        story(Process(lambda state: state, {"a": 1}, steps=2))
    with pytest.raises(ValueError, match=r"step 2 is drawn as 3 numbers, but step 0 as 2"):
        chunk(Shown(Process(lambda s, step: np.zeros(2 + step), np.zeros(2), steps=3)), 0, 0, 4)
    with pytest.raises(ValueError, match=r"shape \(2, 2, 2, 7, 5\) is no batch of images"):
        story(Process(lambda state: state, np.zeros((2, 2, 2, 7, 5)), steps=2))


def test_frames_and_measures_of_a_chunk() -> None:
    process = Process(
        lambda state: state + 1, np.zeros((2, 3)), steps=20, measures={"sum": np.sum}, value_range=(0, 20), name="rise"
    )
    widget = Shown(process)
    value, arrays = chunk(widget, 0, 5, 9)
    assert value == {"stop": 9}
    assert arrays["frames"].shape == (4, 1, 2, 3, 1) and arrays["frames"].dtype == np.uint8
    assert arrays["frames"][:, 0, 0, 0, 0].tolist() == [round(255 * level / 20) for level in range(5, 9)]
    assert arrays["m.0"].tolist() == [30, 36, 42, 48]
    branch = process.edit(7, np.zeros((2, 3)))
    _, edited = chunk(widget, branch.index, 5, 9)
    assert edited["m.0"].tolist() == [30, 36, 0, 6]
    with pytest.raises(ValueError, match=r"at most 64 frames come at once"):
        chunk(widget, 0, 0, 100)
    with pytest.raises(IndexError, match=r"start=30, but in rise it lies between 0 and 20"):
        chunk(widget, 0, 30, 31)


def test_curves_and_texts() -> None:
    _, arrays = chunk(Shown(Process(lambda state: state * 2, np.ones(3), steps=4)), 0, 0, 5)
    assert arrays["frames"].tolist() == [[[2.0**step] * 3] for step in range(5)]
    value, arrays = chunk(Shown(Process(lambda state: state + "<b>", "", steps=2)), 0, 0, 3)
    assert value["texts"] == ["", "<b>", "<b><b>"] and not arrays


def test_nan_is_seen_and_does_not_stop_it() -> None:
    process = Process(lambda s, step: np.where(step > 1, np.nan, s), np.linspace(0, 1, 9).reshape(3, 3), steps=4)
    _, arrays = chunk(Shown(process), 0, 0, 5)
    assert arrays["frames"].shape[-1] == 3
    assert arrays["frames"][4, 0, 0, 0].tolist() == [255, 0, 255]


def test_a_process_that_fails_shows_what_was_before() -> None:
    def advance(state: float, step: int) -> float:
        if step == 16:
            raise ValueError("no more")
        return state + 1

    widget = Shown(Process(advance, 0.0, steps=99, measures={"it": float}))
    value, arrays = chunk(widget, 0, 0, 64)
    assert value == {"stop": 17, "error": "step 17 of Process raised ValueError: no more"}
    assert arrays["m.0"].tolist() == list(range(17))
    with pytest.raises(ProcessError, match="step 17 of Process raised ValueError: no more"):
        chunk(widget, 0, 64, 100)


def test_what_cannot_be_drawn_is_said_beside_what_was_before() -> None:
    def draw(state: np.ndarray, step: int) -> np.ndarray:
        return state if step != 17 else state[99]

    widget = Shown(Process(lambda state: state + 1, np.zeros(3), steps=99, draw=draw))
    value, arrays = chunk(widget, 0, 0, 64)
    assert value["stop"] == len(arrays["frames"]) == 17
    assert value["error"].startswith("drawing step 17 of Process raised IndexError")
    assert len(chunk(widget, 0, 64, 100)[1]["frames"]) == 36


def test_a_process_that_fails_is_saved_as_far_as_it_goes() -> None:
    def advance(state: float, step: int) -> float:
        if step == 16:
            raise ValueError("no more")
        return state + 1

    widget = Shown(Process(advance, 0.0, steps=199))
    baked = bake([widget], 10**6, Job(lambda job: None))
    assert [json.loads(each)["what"] for each in baked.answers[widget.source]] == ["process.story", "process.frames"]


def test_what_is_not_computed_becomes_a_job() -> None:
    process = Hopfield(np.eye(4) * 2 - 1, cue=[1, 1, 1, -1], steps=3)
    with process.stored_only(), pytest.raises(NotStored):
        chunk(Shown(process), 0, 0, 4)
    _, arrays = chunk(Shown(process), 0, 0, 4)
    with process.stored_only():
        assert np.array_equal(chunk(Shown(process), 0, 0, 4)[1]["frames"], arrays["frames"])
    assert set(np.unique(arrays["frames"])) <= {0, 255}


def test_a_saved_page_holds_all_branches_and_the_selected_step_first() -> None:
    process = Process(lambda state: state + 1, np.zeros((64, 64, 3), np.float32), steps=200, value_range=(0, 200))
    process.edit(70, np.zeros((64, 64, 3)))
    process.selection.step = 100
    widget = Shown(process)
    asked = [tuple(arguments.values()) for what, arguments in widget.bake() if what == "process.frames"]
    assert asked[0] == (0, 96, 128)
    assert asked[1:3] == [(0, 192, 201), (1, 192, 201)]
    assert set(asked) == {(0, at, min(at + 32, 201)) for at in range(0, 201, 32)} | {
        (1, at, min(at + 32, 201)) for at in range(64, 201, 32)
    }
    baked = bake([widget], 10**9, Job(lambda job: None))
    assert baked.kept == len(set(asked)) + 1 and not baked.left_out


def test_it_looks_at_a_process_alone() -> None:
    with pytest.raises(TypeError, match=r"Shown looks at a Process, not at int: make one with nnw.Process"):
        Shown(3)  # type: ignore[arg-type]
    process = Process(lambda state: state, 0, steps=1)
    process.close()
    with pytest.raises(SourceClosed, match="was closed: make it again"):
        Shown(process)


def test_pages_are_told_of_branches(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(lambda state: state, 0.0, steps=5)
    widget = Shown(process)
    stream = lifetime._linked[process].stream
    assert stream.state == {"steps": 5, "branches": [{"index": 0, "parent": None, "step": 0, "label": ""}]}
    pushed: list[dict[str, Any]] = []
    pushes: Callable[..., None] = lambda **stated: pushed.append(stated["state"])  # noqa: E731
    monkeypatch.setattr(stream, "push", pushes)
    process.edit(3, 1.0, label="<i>")
    assert pushed[-1]["branches"][1] == {"index": 1, "parent": 0, "step": 3, "label": "<i>"}
    widget.close()
    process.edit(3, 2.0)
    assert len(pushed) == 1


def test_the_first_picture_comes_along_where_it_is_quick() -> None:
    widget = Shown(Process(lambda state: state, np.zeros((4, 4)), steps=5))
    assert widget.source.estimated_seconds() < 0.1
    widget.keep_picture()
    assert [entry["what"] for entry in widget._snapshot] == ["process.story", "process.frames"]


def test_a_page_that_asks_for_what_is_not_computed_is_answered_by_a_job() -> None:
    process = Process(lambda state: state + 1, np.zeros((2, 2)), steps=9, draw=lambda state: state * np.random.rand())
    page = Page(Shown(process))
    page.ask(1, "process.frames", branch=0, start=0, stop=10)
    assert page.parked(1) == "model"
    assert page.reply(1)["value"] == {"stop": 10}
    page.ask(2, "process.frames", branch=0, start=11, stop=12)
    assert "start=11, but in Process it lies between 0 and 9" in page.reply(2)["error"]

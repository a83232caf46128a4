"""HopfieldScrubber: what the page is told of a recall, edits by hand, the capacity experiment, figure and still."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nnwidgets.export.bake import bake
from nnwidgets.processes import Hopfield, Process
from nnwidgets.processes.capacity import capacity
from nnwidgets.source import Job, NotStored
from nnwidgets.widgets.hopfield_scrubber import HopfieldScrubber, words
from nnwidgets.wire import lifetime
from nnwidgets.wire.codec import decode
from tests.figures.test_raster import read
from tests.wire.conftest import Page


def digits(*wanted: int) -> NDArray[np.int8]:
    """The first of each, ±1: [digits, 8, 8]."""
    from sklearn.datasets import load_digits

    found = load_digits()
    first = [found.images[found.target == digit][0] for digit in wanted]
    return np.where(np.stack(first) > 7, 1, -1).astype(np.int8)


@pytest.fixture
def memories() -> NDArray[np.int8]:
    return digits(0, 1, 4)


@pytest.fixture
def process(memories: NDArray[np.int8]) -> Iterator[Hopfield]:
    cue = memories[1].copy()
    cue[0] *= -1
    with Hopfield(memories, cue=cue, labels=["zero", "one", "four"], steps=6) as made:
        yield made


@pytest.fixture
def widget(process: Hopfield) -> HopfieldScrubber:
    return HopfieldScrubber(process)


def arrays(answer: Any) -> dict[str, NDArray[Any]]:
    return {name: decode(coded.header, coded.data) for name, coded in answer.arrays.items()}


def test_it_looks_at_a_hopfield_process_alone() -> None:
    with Process(lambda state: state, np.ones(4), steps=2) as other, pytest.raises(TypeError, match="not at Process"):
        HopfieldScrubber(other)  # type: ignore[arg-type]


def test_what_the_network_stores(widget: HopfieldScrubber, memories: NDArray[np.int8]) -> None:
    answer = widget.answer("hopfield.network", {})
    told = dict(answer.value)
    assert (told["units"], told["height"], told["width"], told["update"]) == (64, 8, 8, "asynchronous")
    assert told["labels"] == ["zero", "one", "four"]
    pictures = arrays(answer)["memories"]
    assert (pictures[..., 0] == np.where(memories > 0, 255, 0)).all()


def test_overlaps_and_basin_of_each_branch(widget: HopfieldScrubber, process: Hopfield) -> None:
    process.edit(3, -process.patterns[2])
    for branch in (0, 1):
        answer = widget.answer("hopfield.recall", {"branch": branch})
        expected = [
            [np.mean(process.state(step, branch) == memory) * 2 - 1 for memory in process.patterns] for step in range(7)
        ]
        np.testing.assert_allclose(arrays(answer)["overlaps"], expected, atol=1e-6)
        assert answer.value["words"] == words(process.basin(branch))
    json.dumps(dict(answer.value))


def test_basins_in_words() -> None:
    random = np.random.default_rng(0)
    stored = np.where(random.random((3, 200)) < 0.5, 1, -1)
    mixture = np.sign(stored.sum(axis=0))
    said = {}
    for name, cue in {"memory": stored[1], "inverse": -stored[0], "mixture": mixture}.items():
        with Hopfield(stored, cue=cue, labels="PFL", steps=5) as process:
            said[name] = words(process.basin())
    assert said["memory"] == "fell into the memory F (overlap 1.00)"
    assert said["inverse"] == "fell into the inverse of P (overlap 1.00)"
    assert said["mixture"].startswith("spurious: a mixture of ")
    assert said["mixture"].endswith("(overlap 1.00)")
    pair = np.array([[1, 1], [1, 1]])
    with Hopfield(pair, cue=[1, -1], update="synchronous", steps=5) as process:
        assert words(process.basin()) == "not settled: it alternates between two states for ever"


def test_an_edit_by_hand_is_a_branch(widget: HopfieldScrubber, process: Hopfield) -> None:
    drawn = np.tile([1, 0], 32)
    before = process.state(6).copy()
    made = widget.act(
        "hopfield.edit", {"branch": 0, "step": 2, "state": "".join(map(str, drawn)), "label": "drawn at step 2"}
    )
    assert made == {"branch": 1}
    assert process.branches[1].step == 2
    assert process.branches[1].label == "drawn at step 2"
    assert (process.state(2, 1) == 2 * drawn - 1).all()
    assert (process.state(1, 1) == process.state(1)).all()
    assert (process.state(6) == before).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"state": "0101"}, r"state has 4 units, but the network has 64"),
        ({"state": "0" * 63 + "x"}, r"state has 'x', but it is a 0 or a 1 for each of the 64 units"),
        ({"step": 7}, r"step=7, but .* between 0 and 6"),
        ({"branch": 5}, r"branch=5, but .* between 0 and 0"),
        ({"state": None}, r"state"),
    ],
)
def test_edits_that_cannot_be(widget: HopfieldScrubber, process: Hopfield, change: Any, message: str) -> None:
    with pytest.raises((ValueError, IndexError, TypeError), match=message):
        widget.act("hopfield.edit", {"branch": 0, "step": 0, "state": "1" * 64} | change)
    assert len(process.branches) == 1


def test_the_orders_are_those_of_the_sweeps(widget: HopfieldScrubber, process: Hopfield) -> None:
    orders = arrays(widget.answer("hopfield.orders", {}))["orders"]
    state = process.patterns[0] * np.where(np.arange(64) % 3 == 0, -1, 1)
    branch = process.edit(1, state).index
    for unit in orders[1]:  # the step from 1 to 2, one unit after the other with a full product
        field = process.weights[unit] @ state
        state[unit] = state[unit] if field == 0 else np.sign(field)
    assert (process.state(2, branch) == state).all()


def test_the_capacity_experiment_is_a_job_and_kept(widget: HopfieldScrubber, process: Hopfield) -> None:
    with pytest.raises(NotStored, match="not tried yet"):
        widget.answer("hopfield.capacity", {"patterns": "own"})
    assert ("hopfield.capacity", {"patterns": "own"}) not in list(widget.bake())
    job = process.submit(lambda _: widget.answer("hopfield.capacity", {"patterns": "own"}))
    found = arrays(job.result(30))
    expected = capacity(patterns=process.patterns)
    np.testing.assert_allclose(found["overlaps"], expected.overlaps, atol=1e-6)
    again = widget.answer("hopfield.capacity", {"patterns": "own"})  # from the store now
    np.testing.assert_array_equal(arrays(again)["loads"], found["loads"])
    assert widget.experiments == []
    widget.capacity("own")
    assert widget.experiments == ["own"]
    assert ("hopfield.capacity", {"patterns": "own"}) in list(widget.first_questions())


def test_capacity_of_patterns_that_are_not_known() -> None:
    weights = np.ones((4, 4)) - np.eye(4)
    with Hopfield(weights=weights, cue=[1, 1, -1, 1]) as process:
        widget = HopfieldScrubber(process)
        assert widget.answer("hopfield.recall", {"branch": 0}).value["kind"] == "settled"
        with pytest.raises(ValueError, match="given by its weights"):
            widget.capacity("own")
        with pytest.raises(ValueError, match="patterns='mine'"):
            widget.capacity("mine")  # type: ignore[arg-type]
        assert widget._first_picture()


def test_a_cancelled_experiment_is_not_kept(widget: HopfieldScrubber, process: Hopfield) -> None:
    def work(job: Job) -> None:
        job.cancel()
        widget.answer("hopfield.capacity", {"patterns": "random"})

    job = process.submit(work)
    job.wait(30)
    assert job.state == "cancelled"
    with pytest.raises(NotStored):
        widget.answer("hopfield.capacity", {"patterns": "random"})


def test_a_saved_page_holds_all_branches(widget: HopfieldScrubber, process: Hopfield) -> None:
    process.edit(3, -process.patterns[2])
    baked = process.submit(lambda job: bake([widget], 10**7, job)).result(30)
    asked = [(entry["what"], entry["arguments"]) for entry in map(json.loads, baked.answers[process])]
    assert baked.left_out == 0
    for branch in (0, 1):
        assert ("hopfield.recall", {"branch": branch}) in asked
        assert ("process.frames", {"branch": branch, "start": 0, "stop": 7}) in asked
    assert ("hopfield.orders", {}) in asked


@pytest.mark.parametrize("storage", ["hebbian", "pseudo-inverse"])
def test_figure_still_and_frames(memories: NDArray[np.int8], storage: Any, tmp_path: Path) -> None:
    with Hopfield(memories, cue=memories[0], storage=storage, labels=["$zero", "<b>", "four"], steps=3) as process:
        widget = HopfieldScrubber(process)
        process.edit(1, -memories[1], label="$x$ <i>")
        widget.capacity("own")
        process.selection.step = 2
        assert widget.result.step == 2
        np.testing.assert_array_equal(widget.result.recalls[1].picture, process.frame(2, 1))
        assert len(widget.figure().axes) == 7  # two states, two rows of bars, energy, bits, capacity
        height, width = read(widget._first_picture()).shape[:2]
        assert width == 660
        assert height > 400
        frames = list(widget.frames())
        assert [frame.shape for frame in frames] == [(8, 17, 1)] * 4
        assert (frames[3][:, :8, 0] == np.where(process.frame(3) > 0, 255, 0)).all()
        assert (frames[3][:, 9:, 0] == np.where(process.frame(3, 1) > 0, 255, 0)).all()
        path = widget.save(tmp_path / "recall.gif")
        assert Path(path).read_bytes()[:6] == b"GIF89a"


def test_a_small_network_has_its_other_experiment_too() -> None:
    """The first may take less than what is answered without a job, and that says nothing of the second."""
    patterns = np.array([[1, 1, 1, 1, -1, -1], [1, -1, 1, -1, 1, -1]], np.int8)
    with Hopfield(patterns, cue=patterns[0], steps=3) as process:
        page = Page(HopfieldScrubber(process))
        lifetime._linked[process].desk._run_seconds["hopfield.capacity"] = 0.001
        page.ask(1, "hopfield.capacity", patterns="own")
        assert "arrays" in page.reply(1)

"""StepScrubber's Python half: what a page is told, key steps, GIFs, figures, branches, a process that raises."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traitlets
from PIL import Image, ImageSequence

import nnwidgets as nnw
from nnwidgets.processes import Process, ProcessError
from nnwidgets.wire.codec import decode


def life(cells: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The rule of Conway's Game of Life, on a torus."""
    shifts = [(down, across) for down in (-1, 0, 1) for across in (-1, 0, 1) if down or across]
    neighbours = sum(np.roll(cells, shift, (0, 1)) for shift in shifts)
    return ((neighbours == 3) | ((cells == 1) & (neighbours == 2))).astype(np.uint8)


@pytest.fixture
def automaton() -> Iterator[Process]:
    start = (np.random.default_rng(0).random((16, 12)) < 0.3).astype(np.uint8)
    with nnw.Process(life, start, steps=60, measures={"alive": np.sum}, name="life") as process:
        yield process


def straight(process: Process, steps: int) -> list[Any]:
    states = [process.state(0)]
    for _ in range(steps):
        states.append(life(states[-1]))
    return states


def test_a_page_gets_every_frame_once_as_pixels(automaton: Process) -> None:
    widget = nnw.StepScrubber(automaton)
    story = widget.answer("process.story", {}).value
    assert (story["kind"], story["steps"], story["samples"], story["height"], story["width"]) == (
        "images",
        60,
        1,
        16,
        12,
    )
    found = []
    for start in range(0, 61, story["chunk"]):
        stop = min(start + story["chunk"], 61)
        answer = widget.answer("process.frames", {"branch": 0, "start": start, "stop": stop})
        found.append(decode(answer.arrays["frames"].header, answer.arrays["frames"].data))
    expected = 255 * np.stack(straight(automaton, 60))
    np.testing.assert_array_equal(np.concatenate(found)[:, 0, :, :, 0], expected)


def test_result_is_a_few_steps_with_the_selected_one_and_all_that_was_measured(automaton: Process) -> None:
    automaton.selection.step = 17
    result = nnw.StepScrubber(automaton).result
    assert len(result.key) == 8 and result.key[0] == 0 and 17 in result.key and result.key[-1] == 60
    (only,) = result.branches
    states = straight(automaton, 60)
    for frame, step in zip(only.frames, result.key, strict=True):
        np.testing.assert_array_equal(frame[0, ..., 0], 255 * states[step])
    np.testing.assert_array_equal(only.curves["alive"], [state.sum() for state in states])


def test_branches_stand_beside_the_original(automaton: Process) -> None:
    automaton.edit(20, np.ones((16, 12), dtype=np.uint8), label="filled")
    widget = nnw.StepScrubber(automaton)
    original, branch = widget.result.branches
    assert (original.name, branch.name) == ("original", "filled (left at step 20)")
    np.testing.assert_array_equal(original.curves["alive"][:20], branch.curves["alive"][:20])
    assert branch.curves["alive"][20] == 192
    frames = list(widget.frames())
    assert frames[0].shape == (34, 12, 1)
    np.testing.assert_array_equal(frames[10][:16], frames[10][18:])
    assert (frames[20][18:] == 255).all()


def test_gif_has_every_step(automaton: Process, tmp_path: Path) -> None:
    widget = nnw.StepScrubber(automaton, fps=10)
    path = widget.save(tmp_path / "life.gif", scale=2)
    frames = {}
    with Image.open(path) as gif:
        at = 0
        for frame in ImageSequence.Iterator(gif):
            frames[at] = np.asarray(frame.convert("L"))
            at += frame.info["duration"]
    assert at == 6100  # what stands still is one frame that stays longer
    for step, state in enumerate(straight(automaton, 60)):
        shown = frames[max(time for time in frames if time <= 100 * step)]
        np.testing.assert_array_equal(shown, np.kron(255 * state, np.ones((2, 2), np.uint8)))


def test_it_is_saved_as_figure_page_and_still(automaton: Process, tmp_path: Path) -> None:
    widget = nnw.StepScrubber(automaton)
    for ending in ("png", "svg", "html"):
        assert Path(widget.save(tmp_path / f"life.{ending}", dpi=60)).stat().st_size > 2000
    still = Image.open(io.BytesIO(widget._still_half().still(widget.result, **widget.look())))
    assert still.width > 400
    axes = widget.figure().axes
    assert len(axes) == 9  # eight key steps and a chart
    with pytest.raises(ValueError, match=r"saved as \.png, \.svg, \.pdf, \.html or \.gif"):
        widget.save(tmp_path / "life.mp4")


def test_a_saved_page_holds_every_chunk_that_its_reader_asks_for(automaton: Process) -> None:
    automaton.edit(40, np.zeros((16, 12), dtype=np.uint8))
    widget = nnw.StepScrubber(automaton)
    chunk = widget.answer("process.story", {}).value["chunk"]
    asked = [(what, dict(arguments)) for what, arguments in widget.bake()]
    for branch, first in ((0, 0), (1, 40 // chunk * chunk)):
        for start in range(first, 61, chunk):
            arguments = {"branch": branch, "start": start, "stop": min(start + chunk, 61)}
            assert ("process.frames", arguments) in asked


def broken(state: np.ndarray[Any, Any], step: int) -> np.ndarray[Any, Any]:
    if step == 16:
        raise ValueError("no more")
    return state * 0.9


def test_steps_before_a_failure_are_there(tmp_path: Path) -> None:
    with nnw.Process(broken, np.ones((4, 4)), steps=40, measures={"mean": np.mean}, name="fading") as process:
        widget = nnw.StepScrubber(process)
        process.selection.step = 30
        result = widget.result
        assert (result.step, result.key[-1], len(result.branches[0].curves["mean"])) == (16, 16, 17)
        assert result.failure is not None and "step 17 of fading raised ValueError: no more" in result.failure
        answer = widget.answer("process.frames", {"branch": 0, "start": 0, "stop": 32})
        assert answer.arrays["frames"].header["shape"][0] == 17
        assert answer.value["error"] == "step 17 of fading raised ValueError: no more"
        assert len(list(widget.frames())) == 17
        widget.figure()
        widget.save(tmp_path / "fading.html")


def test_a_process_that_fails_at_once_is_one_clear_error() -> None:
    def draw(_: Any) -> Any:
        raise RuntimeError("no brush")

    with nnw.Process(lambda x: x, np.ones((4, 4)), steps=4, name="undrawn", draw=draw) as process:
        widget = nnw.StepScrubber(process)
        with pytest.raises(ProcessError, match="undrawn raised RuntimeError: no brush"):
            widget.result  # noqa: B018


def test_texts_and_curves(tmp_path: Path) -> None:
    with nnw.Process(lambda text: f"{text}<i>", "<b>", steps=12) as process:
        widget = nnw.StepScrubber(process)
        assert widget.result.branches[0].frames[1] == "<b><i><i>"
        widget.figure()
        assert widget._still_half().still(widget.result, **widget.look())
        with pytest.raises(ValueError, match=r"drawn as text.*\.html"):
            widget.save(tmp_path / "text.gif")
        assert not list(tmp_path.iterdir())
    with nnw.Process(lambda v: v * 0.9, np.linspace(-1, 1, 50), steps=12) as process:
        widget = nnw.StepScrubber(process)
        np.testing.assert_allclose(widget.result.branches[0].frames[-1, 0], 0.9**12 * np.linspace(-1, 1, 50), rtol=1e-5)
        widget.figure()
        assert widget._still_half().still(widget.result, **widget.look())
        assert len(list(widget.frames())) == 13


def test_several_samples_in_colour_with_a_broken_one() -> None:
    start = np.random.default_rng(0).random((5, 3, 8, 8))

    def step(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        images = images * 0.95
        images[2, :, 0, 0] = np.nan
        return images

    with nnw.Process(step, start, steps=6) as process:
        widget = nnw.StepScrubber(process, columns=3)
        frames = list(widget.frames())
        assert frames[0].shape == (2 * 8 + 2, 3 * 8 + 4, 3)
        assert frames[3][0, 20].tolist() == [255, 0, 255]
        assert len(widget.figure().axes) == 7 * 5


def test_options_are_checked(automaton: Process) -> None:
    with pytest.raises(traitlets.TraitError, match="measures=.*'energy'.* but life measures 'alive'"):
        nnw.StepScrubber(automaton, measures=["energy"])
    widget = nnw.StepScrubber(automaton, measures=["alive"])
    with pytest.raises(traitlets.TraitError, match="'energy'"):
        widget.measures = ["energy"]
    with pytest.raises(traitlets.TraitError):
        widget.fps = 31
    with pytest.raises(TypeError, match="looks at a Process, not at dict"):
        nnw.StepScrubber({})  # type: ignore[arg-type]
    assert "nnw.StepScrubber(process, measures=['alive'])" in widget.code()

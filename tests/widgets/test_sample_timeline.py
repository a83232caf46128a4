"""SampleTimeline's Python half: which images a page gets, sheets of batches, strips, GIFs, what a saved page holds."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import nnwidgets as nnw
from nnwidgets.runs import Run, RunStore
from nnwidgets.wire.codec import decode


def picture(step: int) -> np.ndarray[Any, Any]:
    return np.full((6, 4), step % 256, dtype=np.uint8)


@pytest.fixture
def run() -> Iterator[Run]:
    with RunStore(":memory:").run("gan") as recorded:
        yield recorded
    recorded.close()


@pytest.fixture
def trained(run: Run) -> Run:
    for step in range(0, 100, 10):
        run.log(step, samples=picture(step), loss=1.0)
    run.flush()
    return run


def arrays(widget: Any, what: str, **arguments: Any) -> dict[str, Any]:
    answer = widget.answer(what, arguments)
    return {name: decode(coded.header, coded.data) for name, coded in answer.arrays.items()}


def test_a_page_is_told_the_steps_and_gets_the_images(trained: Run) -> None:
    widget = nnw.SampleTimeline(trained)
    assert arrays(widget, "samples.story", name="samples")["steps"].tolist() == list(range(0, 100, 10))
    images = arrays(widget, "samples.images", name="samples", steps=[20, 90])["images"]
    assert images.shape == (2, 6, 4, 1) and images[:, 0, 0, 0].tolist() == [20, 90]


def test_images_logged_meanwhile_are_told_and_a_step_that_came_twice_is_its_last(trained: Run) -> None:
    widget = nnw.SampleTimeline(trained)
    trained.log(100, samples=picture(7))
    trained.log(100, samples=picture(8))
    assert arrays(widget, "samples.story", name="samples", until=5)["steps"].tolist()[-1] == 100
    assert arrays(widget, "samples.images", name="samples", steps=[100])["images"].max() == 8


def test_hundreds_are_thinned_evenly(run: Run) -> None:
    for step in range(700):
        run.log(step, samples=picture(step))
    run.flush()
    widget = nnw.SampleTimeline(run)
    steps = arrays(widget, "samples.story", name="samples")["steps"]
    assert len(steps) == 300 and (steps[0], steps[-1]) == (0, 699) and np.diff(steps).max() <= 3
    assert widget.answer("samples.story", {"name": "samples"}).value["count"] == 700
    assert len(list(widget.frames())) == 300


def test_images_of_several_sizes_and_modes(run: Run, tmp_path: Path) -> None:
    clear = np.zeros((3, 3, 4), dtype=np.uint8)
    indexed = Image.fromarray(np.full((2, 2, 3), (200, 10, 30), dtype=np.uint8)).quantize(4)
    run.log(0, samples=picture(9))
    run.log(1, samples=clear)
    run.log(2, samples=indexed)
    run.flush()
    widget = nnw.SampleTimeline(run)
    found = arrays(widget, "samples.images", name="samples", steps=[0, 1, 2])
    assert [found[str(index)].shape for index in range(3)] == [(6, 4, 1), (3, 3, 3), (2, 2, 3)]
    assert found["1"].min() == 255  # what is transparent lies on white
    assert found["2"][0, 0].tolist() == [200, 10, 30]
    frames = list(widget.frames())
    assert {frame.shape for frame in frames} == {(6, 4, 3)}
    assert frames[2][0, 0].tolist() == [200, 10, 30] and frames[2][5, 3].tolist() == [255] * 3
    widget.save(tmp_path / "samples.gif")


def test_a_sheet_of_a_batch(run: Run) -> None:
    batch = torch.rand(10, 3, 8, 8) * 2 - 1
    sheet = nnw.SampleTimeline.sheet(batch)
    assert sheet.shape == (3 * 8 + 4, 4 * 8 + 6, 3)
    expected = ((batch[5].permute(1, 2, 0).numpy() + 1) / 2 * 255).round()
    np.testing.assert_allclose(sheet[10:18, 10:18], expected, atol=1)
    assert nnw.SampleTimeline.sheet(batch[:, :1], columns=5, gap=0).shape == (16, 40, 1)
    run.log(0, samples=sheet)
    run.flush()
    assert nnw.SampleTimeline(run).result.images[0].shape == sheet.shape
    with pytest.raises(ValueError, match=r"\(10, 3\)"):
        nnw.SampleTimeline.sheet(batch[..., 0, 0])


def test_the_strip_has_the_step_that_is_looked_at(trained: Run) -> None:
    widget = nnw.SampleTimeline(trained, columns=4)
    assert widget.result.steps == (0, 30, 60, 90) and widget.result.step == 90
    trained.selection.step = 41  # the monitor may pick any step
    assert (widget.result.step, widget.result.steps) == (40, (0, 40, 60, 90))
    assert [image.max() for image in widget.result.images] == [0, 40, 60, 90]
    trained.selection.step = None


def test_it_is_saved_as_figure_gif_page_and_still(trained: Run, tmp_path: Path) -> None:
    widget = nnw.SampleTimeline(trained)
    for ending in ("png", "html"):
        assert Path(widget.save(tmp_path / f"samples.{ending}", dpi=60)).stat().st_size > 2000
    with Image.open(widget.save(tmp_path / "samples.gif", fps=5)) as gif:
        assert (gif.n_frames, gif.info["duration"]) == (10, 200)
    assert Image.open(io.BytesIO(widget._still_half().still(widget.result, **widget.look()))).width > 200
    assert len(widget.figure().axes) == 6


def test_a_saved_page_holds_all_that_it_asks(trained: Run) -> None:
    widget = nnw.SampleTimeline(trained)
    asked = [(what, dict(arguments)) for what, arguments in widget.bake()]
    assert asked[0] == ("samples.story", {"name": "samples", "until": None})
    assert asked[1] == ("samples.images", {"name": "samples", "steps": list(range(0, 100, 10))})


def test_no_images(run: Run, tmp_path: Path) -> None:
    run.log(0, faces=picture(1), samples=1.0)
    run.flush()
    widget = nnw.SampleTimeline(run)
    answer = widget.answer("samples.story", {"name": "samples"})
    assert answer.value["names"] == ["faces"] and answer.arrays["steps"].header["shape"] == [0]
    assert widget.result.images == () and widget.result.step is None
    widget.figure()
    assert widget._still_half().still(widget.result, **widget.look())
    with pytest.raises(ValueError, match=r"no images named 'samples': it has 'faces'; run.log\(step, samples=image\)"):
        widget.save(tmp_path / "none.gif")
    widget.save(tmp_path / "none.html")
    with pytest.raises(ValueError, match="step 5, but no image named 'faces'"):
        widget.answer("samples.images", {"name": "faces", "steps": [0, 5]})


def test_only_a_run() -> None:
    with pytest.raises(TypeError, match="SampleTimeline looks at a Run"):
        nnw.SampleTimeline("run.sqlite")  # type: ignore[arg-type]

"""DiffusionScrubber's Python half: pages are told what the process says; other seeds, forward process, files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import traitlets
from PIL import Image

from nnwidgets.analysis.spectra import band_amplitudes
from nnwidgets.processes import Diffusion, Process, cosine
from nnwidgets.source.errors import NotStored
from nnwidgets.widgets.diffusion_scrubber import DiffusionScrubber
from nnwidgets.wire.answers import Answer
from nnwidgets.wire.codec import decode
from tests.widgets.posterior import photographs, posterior

IMAGES = photographs(16)
CHUNK = {"branch": 0, "start": 0, "stop": 11}


def diffusion(model: Any = None, **options: Any) -> Diffusion:
    given = {"schedule": "cosine", "samples": 3, "timesteps": 10, "name": "photographs"} | options
    return Diffusion(model or posterior(IMAGES), shape=tuple(IMAGES.shape[1:]), **given)


@pytest.fixture
def process() -> Iterator[Diffusion]:
    with diffusion() as made:
        yield made


def assert_shows(shown: Any, images: torch.Tensor, most: float = 1.0) -> None:
    """The pixels are those of the images, but for the rounding of halves."""
    expected = pixels(images, most)
    assert shown.shape == expected.shape
    assert abs(shown.astype(int) - expected).max() <= 1


def arrays(answer: Answer) -> dict[str, Any]:
    return {name: decode(coded.header, coded.data) for name, coded in answer.arrays.items()}


def pixels(images: torch.Tensor, most: float = 1.0) -> Any:
    """By hand: −most to most as bytes, channels last."""
    scaled = ((images.double() / most).clamp(-1, 1) + 1) * 127.5
    return scaled.round().to(torch.uint8).movedim(-3, -1).numpy()


def test_a_chunk_is_what_the_process_says(process: Diffusion) -> None:
    widget = DiffusionScrubber(process)
    predicted = arrays(widget.answer("diffusion.predicted", CHUNK))
    noise = arrays(widget.answer("diffusion.noise", CHUNK))["frames"]
    assert predicted["frames"].shape == noise.shape == (11, 3, 16, 16, 3)
    for step in (0, 6, 10):
        clean = process.predicted(step)
        assert_shows(predicted["frames"][step], clean)
        assert_shows(noise[step], process.noise_estimate(step), 3.0)
        bands = np.sqrt((band_amplitudes(clean.numpy()) ** 2).mean(axis=(0, 1)))
        np.testing.assert_allclose(predicted["bands"][step], bands, rtol=1e-5)


def test_the_model_runs_once_for_all_rows() -> None:
    calls = []
    inner = posterior(IMAGES)

    def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        calls.append(int(t[0]))
        return inner(x, t)

    with diffusion(model) as process:
        widget = DiffusionScrubber(process)
        for what in widget._asked():
            widget.answer(what, CHUNK)
        assert sorted(calls, reverse=True) == list(process.timesteps)


def test_the_schedule_is_told_at_each_step(process: Diffusion) -> None:
    answer = DiffusionScrubber(process).answer("diffusion.story", {})
    told = arrays(answer)
    assert told["timesteps"].tolist() == list(process.timesteps)
    bars = np.append(cosine().alphas_bar[list(process.timesteps)], 1)
    np.testing.assert_allclose(told["alphas_bar"], bars, rtol=1e-6)
    np.testing.assert_allclose(told["signal_to_noise"][:-1], bars[:-1] / (1 - bars[:-1]), rtol=1e-6)
    assert told["signal_to_noise"][-1] == np.inf
    assert (answer.value["sampler"], answer.value["seed"], answer.value["draws"]) == ("ddpm", 0, True)


@pytest.mark.parametrize(
    "images",
    [
        IMAGES[:2],
        IMAGES[:2].permute(0, 2, 3, 1).numpy(),
        (IMAGES[:2] + 1) / 2,
        np.rint((IMAGES[:2].permute(0, 2, 3, 1).numpy() + 1) * 127.5).astype(np.uint8),
    ],
)
def test_real_images_in_any_layout_are_noised_by_the_closed_form(process: Diffusion, images: Any) -> None:
    widget = DiffusionScrubber(process, images=images)
    told = arrays(widget.answer("diffusion.forward", {"images": widget._images}))
    np.testing.assert_allclose(told["images"], IMAGES[:2].permute(0, 2, 3, 1), atol=0.005)
    for step in (0, 5, 9):
        t = process.timesteps[step]
        bar = cosine().alphas_bar[t]
        mixed = np.sqrt(bar) * told["images"] + np.sqrt(1 - bar) * told["noise"]
        np.testing.assert_allclose(mixed, process.forward(IMAGES[:2], t).permute(0, 2, 3, 1), atol=0.006)


def test_grey_images_and_one_alone_are_taken() -> None:
    grey = IMAGES.mean(1, keepdim=True)
    with Diffusion(posterior(grey), shape=(1, 16, 16), schedule="cosine", timesteps=4, samples=3) as process:
        for images, count in ((grey[:3, 0], 3), (grey[0], 1), (grey[0, 0], 1), (grey, 3)):
            widget = DiffusionScrubber(process, images=images)
            told = arrays(widget.answer("diffusion.forward", {"images": widget._images}))["images"]
            np.testing.assert_allclose(told, grey[:count].permute(0, 2, 3, 1), atol=1e-6)
        assert widget.result.noisy.shape == (5, 3, 16, 16, 1)
        assert len(widget._still_half().still(widget.result, **widget.look())) > 1000


def test_wrong_images_are_one_clear_error(process: Diffusion) -> None:
    with pytest.raises(ValueError, match=r"images are \(3, 8, 8\), but photographs makes images of \(3, 16, 16\)"):
        DiffusionScrubber(process, images=torch.zeros(2, 3, 8, 8))
    with pytest.raises(ValueError, match="no batch of images"):
        DiffusionScrubber(process, images=np.zeros(7))
    widget = DiffusionScrubber(process, images=IMAGES[:2])
    with pytest.raises(ValueError, match="these real images are gone"):
        widget.answer("diffusion.forward", {"images": "others"})


def test_another_seed_is_a_branch_with_the_same_images_there(process: Diffusion) -> None:
    widget = DiffusionScrubber(process)
    question = {"step": 4, "branch": 0, "seed": 7}
    with process.stored_only(), pytest.raises(NotStored):  # so a page makes it a job, which can wait for a cell
        widget.answer("diffusion.branch", question)
    assert len(process.branches) == 1
    assert widget.answer("diffusion.branch", question).value == {"branch": 1}
    assert widget.answer("diffusion.branch", question).value == {"branch": 1}  # asked twice, made once
    assert torch.equal(process.state(4, 1), process.state(4))
    assert not torch.equal(process.state(5, 1), process.state(5))
    assert process.branches[1].label == "noise 7 from step 4"
    child = widget.answer("diffusion.branch", {"step": 2, "branch": 1, "seed": 8}).value["branch"]
    assert process.branches[child].parent == 0  # what lies before the branch is its parent's


def test_at_step_0_it_begins_with_other_noise() -> None:
    with diffusion(sampler="ddim") as process:
        widget = DiffusionScrubber(process)
        widget.answer("diffusion.branch", {"step": 0, "branch": 0, "seed": 1})
        start = process.state(0, 1)
        assert not torch.equal(start, process.state(0))
        assert abs(float(start.std()) - 1) < 0.1
        assert process.branches[1].label == "start noise 1"
        with pytest.raises(ValueError, match="draws no noise"):
            widget.answer("diffusion.branch", {"step": 3, "branch": 0, "seed": 1})
        assert widget.answer("diffusion.story", {}).value["draws"] is False


def test_where_no_noise_follows_there_is_no_branch(process: Diffusion) -> None:
    with pytest.raises(ValueError, match="the last noise is drawn after step 8"):
        DiffusionScrubber(process).answer("diffusion.branch", {"step": 9, "branch": 0, "seed": 1})


def test_a_model_that_fails_leaves_the_steps_before() -> None:
    inner = posterior(IMAGES)

    def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        if t[0] < 500:
            raise FloatingPointError("too deep")
        return inner(x, t)

    with diffusion(model) as process:
        widget = DiffusionScrubber(process)
        for what in ("diffusion.predicted", "diffusion.noise", "process.frames"):
            answer = widget.answer(what, CHUNK)
            assert len(arrays(answer)["frames"]) == answer.value["stop"] == 5
            assert "FloatingPointError: too deep" in answer.value["error"]


def test_nan_is_said_and_seen() -> None:
    inner = posterior(IMAGES)
    with diffusion(lambda x, t: inner(x, t) * (float("nan") if t[0] < 500 else 1.0)) as process:
        answer = DiffusionScrubber(process).answer("diffusion.predicted", CHUNK)
    assert "at step 5 hold NaN" in answer.value["error"]
    frames = arrays(answer)["frames"]
    assert frames[5, 0, 0, 0].tolist() == [255, 0, 255]
    assert frames[4, 0, 0, 0].tolist() != [255, 0, 255]


def test_rows_are_checked(process: Diffusion) -> None:
    assert DiffusionScrubber(process, rows=["noise", "noisy"]).rows == ("noisy", "noise")
    with pytest.raises(traitlets.TraitError, match="rows are 'noisy', 'predicted', 'noise', 'forward'"):
        DiffusionScrubber(process, rows=["noisy", "clean"])
    with pytest.raises(traitlets.TraitError, match="at least one"):
        DiffusionScrubber(process, rows=[])


def test_another_process_is_refused() -> None:
    with Process(lambda x: x, np.zeros((4, 4))) as process, pytest.raises(TypeError, match="Diffusion, not at Process"):
        DiffusionScrubber(process)  # type: ignore[arg-type]


def test_the_figure_shows_key_steps_and_is_saved(process: Diffusion, tmp_path: Path) -> None:
    widget = DiffusionScrubber(process, images=IMAGES[:3], key_steps=5)
    result = widget.result
    assert result.steps == (0, 2, 5, 8, 10)
    assert result.timesteps[-1] == -1
    assert_shows(result.predicted[2], process.predicted(5))
    assert_shows(result.noisy[-1], process.state(10))
    assert result.forward is not None
    assert_shows(result.forward[-1], IMAGES[:3])
    widget.save(tmp_path / "a.png", dpi=40)
    assert Image.open(tmp_path / "a.png").width > 100
    still = Image.open(io.BytesIO(widget._still_half().still(result, **widget.look())))
    assert still.width > 300
    assert widget.code().endswith("images=images)")


def test_a_still_is_made_only_of_what_is_there(process: Diffusion) -> None:
    widget = DiffusionScrubber(process, key_steps=3)
    with pytest.raises(NotStored):
        widget.is_quick()
    result = widget.result
    assert result.noisy.shape == (3, 3, 16, 16, 3)
    assert widget.is_quick()


def test_the_gif_plays_the_rows(process: Diffusion) -> None:
    frames = list(DiffusionScrubber(process, rows=("noisy", "predicted")).frames())
    assert len(frames) == 11
    assert {frame.shape for frame in frames} == {(16 * 2 + 2, 16 * 3 + 4, 3)}
    assert_shows(frames[10][:16, :16], process.state(10)[0])
    assert_shows(frames[4][18:, :16], process.predicted(4)[0])


def test_a_saved_page_holds_all_rows_of_all_branches_noise_last(process: Diffusion) -> None:
    widget = DiffusionScrubber(process, images=IMAGES[:2])
    widget.answer("diffusion.branch", {"step": 4, "branch": 0, "seed": 7})
    asked = list(widget.bake())
    chunks = [(what, arguments["branch"]) for what, arguments in asked if "branch" in arguments]
    for what in ("process.frames", "diffusion.predicted", "diffusion.noise"):
        assert {(what, 0), (what, 1)} <= set(chunks)
    assert chunks[-1][0] == "diffusion.noise"
    for what, arguments in asked:
        widget.answer(what, arguments)
    assert [what for what, _ in asked][:2] == ["diffusion.story", "diffusion.forward"]


def test_grey_frames_have_colours_where_one_row_alone_is_nan() -> None:
    def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return x * (float("nan") if t[0] == 0 else 0.5)

    with Diffusion(model, shape=(1, 8, 8), samples=2, timesteps=65) as process:  # x̂₀ is NaN at the end of a chunk
        frames = list(DiffusionScrubber(process, rows=("noisy", "predicted")).frames())
    assert len(frames) == 66 and {frame.shape[-1] for frame in frames} == {1, 3}

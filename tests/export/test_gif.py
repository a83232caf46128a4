"""GIFs: their pixels, their palette, their pace, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from nnwidgets.export.gif import save_gif, thinned

RANDOM = np.random.default_rng(0)


def read(path: Path) -> list[np.ndarray]:
    with Image.open(path) as gif:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(gif)]


def durations(path: Path) -> list[int]:
    with Image.open(path) as gif:
        return [frame.info["duration"] for frame in ImageSequence.Iterator(gif)]


def test_grey_frames_come_back_to_the_bit(tmp_path: Path) -> None:
    frames = [RANDOM.integers(0, 256, (20, 30, 1), dtype=np.uint8) for _ in range(5)]
    found = read(save_gif(tmp_path / "grey.gif", frames, scale=1))
    for frame, back in zip(frames, found, strict=True):
        np.testing.assert_array_equal(np.repeat(frame, 3, axis=2), back)


def test_few_colours_come_back_to_the_bit_and_tiny_pictures_are_enlarged(tmp_path: Path) -> None:
    colors = RANDOM.integers(0, 256, (200, 3), dtype=np.uint8)
    frames = [colors[RANDOM.integers(0, 200, (16, 16))] for _ in range(4)]
    found = read(save_gif(tmp_path / "colour.gif", frames))
    assert found[0].shape == (256, 256, 3)
    for frame, back in zip(frames, found, strict=True):
        np.testing.assert_array_equal(frame.repeat(16, axis=0).repeat(16, axis=1), back)


def test_a_grey_frame_among_coloured_ones(tmp_path: Path) -> None:
    frames = [np.full((8, 8, 1), 90, np.uint8), np.full((8, 8, 3), (200, 10, 30), np.uint8)]
    found = read(save_gif(tmp_path / "both.gif", frames, scale=2))
    assert [back[3, 3].tolist() for back in found] == [[90, 90, 90], [200, 10, 30]]


def test_many_colours_are_near(tmp_path: Path) -> None:
    across, down = np.meshgrid(np.arange(64), np.arange(64))
    picture = np.stack([4 * across, 4 * down, 2 * (across + down)], -1).astype(np.uint8)
    frames = [np.roll(picture, 6 * step, axis=1) for step in range(10)]
    path = save_gif(tmp_path / "many.gif", frames, scale=1)
    errors = [np.abs(frame.astype(int) - back).mean() for frame, back in zip(frames, read(path), strict=True)]
    assert max(errors) < 6
    assert path.stat().st_size < 10 * 64 * 64  # one palette, a byte a pixel at most


@pytest.mark.parametrize("fps", [1, 7, 20, 30])
def test_pace(tmp_path: Path, fps: int) -> None:
    frames = [np.full((4, 4, 1), 8 * step, np.uint8) for step in range(30)]
    path = save_gif(tmp_path / "pace.gif", frames, fps=fps)
    told = durations(path)
    assert len(told) == 30
    assert sum(told) == pytest.approx(30_000 / fps, abs=5)
    assert max(told) - min(told) <= 10


def test_loop(tmp_path: Path) -> None:
    frames = [np.full((4, 4, 1), step, np.uint8) for step in (0, 200)]
    with Image.open(save_gif(tmp_path / "round.gif", frames)) as gif:
        assert gif.info["loop"] == 0
    with Image.open(save_gif(tmp_path / "once.gif", frames, loop=False)) as gif:
        assert "loop" not in gif.info


def test_frames_that_stand_still_keep_their_time(tmp_path: Path) -> None:
    path = save_gif(tmp_path / "still.gif", [np.zeros((4, 4, 1), np.uint8)] * 20, fps=20)
    assert sum(durations(path)) == 1000


@pytest.mark.parametrize(
    ("frames", "options", "words"),
    [
        ([], {}, "no frames"),
        ([np.zeros((4, 4, 1), np.uint8), np.zeros((5, 4, 1), np.uint8)], {}, "frame 1 is 4 × 5 pixels, but the first"),
        ([np.zeros((4, 4), np.uint8)], {}, r"shape \(4, 4\)"),
        ([np.zeros((4, 4, 1))], {}, "float64"),
        ([np.zeros((4, 4, 1), np.uint8)], {"fps": 0}, "fps=0, but a GIF shows 1 to 50"),
        ([np.zeros((4, 4, 1), np.uint8)], {"scale": 0}, "scale=0"),
    ],
)
def test_what_is_refused_leaves_the_file(
    tmp_path: Path, frames: list[np.ndarray], options: dict[str, int], words: str
) -> None:
    before = save_gif(tmp_path / "kept.gif", [np.zeros((4, 4, 1), np.uint8)]).read_bytes()
    with pytest.raises(ValueError, match=words):
        save_gif(tmp_path / "kept.gif", frames, **options)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["kept.gif"]
    assert (tmp_path / "kept.gif").read_bytes() == before


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make it first"):
        save_gif(tmp_path / "none" / "a.gif", [np.zeros((4, 4, 1), np.uint8)])


def test_thinned() -> None:
    assert list(thinned(5, 300)) == [0, 1, 2, 3, 4]
    places = list(thinned(1001, 300))
    assert (len(places), places[0], places[-1]) == (300, 0, 1000)
    assert max(np.diff(places)) <= 4
    assert list(thinned(1, 300)) == [0]

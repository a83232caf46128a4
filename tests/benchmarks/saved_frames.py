"""Bytes of a saved diffusion page of 50 frames, beside its frames as PNG files and the runtime.

The process is the forward one of DDPM (Ho et al. 2020) run backwards: noise that turns into photographs. Most of its
frames are noise, which no coding makes smaller: the worst case.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_sample_images

from nnwidgets.export.page import save_page
from nnwidgets.processes import Process
from nnwidgets.widgets.step_scrubber import StepScrubber
from nnwidgets.wire.runtime import bundle
from tests.benchmarks.row import Row, judged

MOST = 1.4
FRAMES = 50
_SIZE = 64


def measure(workshop: Any = None) -> list[Row]:
    """One row. It needs nothing of the workshop's: no notebook is opened."""
    frames = _frames()
    steps = len(frames) - 1
    noise_norm = {"noise": lambda x: float(np.abs(x).mean())}
    with (
        tempfile.TemporaryDirectory() as folder,
        Process(
            lambda _, step: frames[step + 1], frames[0], steps=steps, measures=noise_norm, value_range=(-1, 1)
        ) as process,
    ):
        widget = StepScrubber(process)
        page = save_page(Path(folder) / "diffusion.html", [widget]).nbytes
        empty = _runtime()
        pngs = sum(_png(pixels) for frame in frames for pixels in _pixels(frame))
    ratio = (page - empty) / pngs
    measured = f"{page / 1e6:.2f} MB, PNG {pngs / 1e6:.2f} MB"
    work = f"saved page, {FRAMES} diffusion frames of 4 × {_SIZE} × {_SIZE} colour pixels"
    return [judged(work, measured, ratio, MOST, **{"runtime and code (kB)": empty / 1000})]


def _frames() -> NDArray[np.float32]:
    """[FRAMES, 4, 64, 64, 3], −1 to 1 and noise beyond; from noise to photographs."""
    draw = np.random.default_rng(0)
    cuts = [photo[:427, left : left + 427] for photo in load_sample_images().images for left in (0, 213)]
    small = [np.asarray(Image.fromarray(cut).resize((_SIZE, _SIZE), Image.Resampling.LANCZOS)) for cut in cuts]
    image = np.stack(small).astype(np.float32) / 127.5 - 1
    betas = np.linspace(1e-4, 0.02, 1000)
    kept = [image]
    wanted = set(np.linspace(0, len(betas) - 1, FRAMES - 1).round().astype(int).tolist())
    for step, beta in enumerate(betas):
        image = (np.sqrt(1 - beta) * image + np.sqrt(beta) * draw.normal(size=image.shape)).astype(np.float32)
        if step in wanted:
            kept.append(image)
    return np.stack(kept[::-1])


def _pixels(frame: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(np.clip((frame + 1) * 127.5, 0, 255)).astype(np.uint8)


def _png(pixels: NDArray[np.uint8]) -> int:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return len(file.getvalue())


def _runtime() -> int:
    """Of a page: its runtime, its host and the widget's code."""
    return sum(len(bundle(name).encode()) for name in ("runtime", "page", "widgets/step_scrubber"))


if __name__ == "__main__":
    print(*measure(), sep="\n")

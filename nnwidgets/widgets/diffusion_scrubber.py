"""DiffusionScrubber: how a diffusion model makes images out of noise, at every step."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import traitlets

from nnwidgets.analysis.denoising import Denoising
from nnwidgets.analysis.pictures import (
    PictureStyle,
    Pixels,
    as_array,
    contact_sheet,
    picture_style,
    same_channels,
    to_pixels,
)
from nnwidgets.analysis.spectra import BANDS, band_amplitudes
from nnwidgets.export.gif import thinned
from nnwidgets.processes import Branch, Diffusion, ProcessError
from nnwidgets.widgets.base import Question
from nnwidgets.widgets.diffusion_estimates import Floats, alphas_bar, estimates
from nnwidgets.widgets.moving import MOST_FRAMES, MovingWidget
from nnwidgets.widgets.process_frames import frame_kind
from nnwidgets.widgets.processes import ProcessWidget
from nnwidgets.wire.answers import Answer, answers
from nnwidgets.wire.codec import encode

ROWS = ("noisy", "predicted", "noise", "forward")
NOISE = 3.0
"""Noise is drawn from −3 to 3: 99.7 % of a standard normal one lies within."""
_KEPT = 600_000  # bytes of frames that a saved notebook keeps


class DiffusionScrubber(ProcessWidget, MovingWidget):
    """The reverse process of a diffusion model, step by step: scrub it, play it, branch it with other noise.

    Rows for each branch: the noisy images xₜ, the clean images x̂₀ that the model sees in them, the noise ε̂ that it
    takes for the rest; and beside them the forward process: real images noised to the same t by the closed form (Ho,
    Jain & Abbeel 2020, equation 4). Under them key steps, the noise schedule, and how much of x̂₀'s coarse and fine
    waves is there at each step: structure comes first, detail last.

    "Another seed" runs on from the step that is looked at, from the same images with other noise, as a branch beside
    the old one; at step 0 it begins with other noise.

    Args:
        source: the `nnw.processes.Diffusion`.
        images: real images for the forward process, one for each sample at most: [n, c, h, w], [n, h, w, c] or one
            image, −1…1, 0…1 or 0…255; None: there is no forward process to show.
        rows: which are shown, of "noisy", "predicted", "noise", "forward".
        key_steps: how many steps the strip and the figure show.
        columns: samples beside each other; None: as many as there are.
        fps, loop: of the player.

    Raises:
        TypeError: a source that is no `Diffusion`.
        ValueError: images of another shape than the process makes.
    """

    source: Diffusion

    rows = traitlets.Tuple(default_value=ROWS).tag(sync=True, option=True)
    key_steps = traitlets.Int(12, min=2, max=50).tag(sync=True, option=True)
    columns = traitlets.Int(None, min=1, max=64, allow_none=True).tag(sync=True, option=True)
    _images = traitlets.Unicode("").tag(sync=True)
    """Names the real images by their content: what is answered about them follows from it."""

    def __init__(self, source: Diffusion | None = None, images: Any = None, **options: Any) -> None:
        if not isinstance(source, Diffusion):
            other = "" if source is None else f", not at {type(source).__name__}"
            raise TypeError(
                f"{type(self).__name__} looks at a Diffusion{other}: make one with "
                "nnw.processes.Diffusion(model, shape=(channels, height, width))"
            )
        given = None if images is None else _clean(images, source)
        super().__init__(source, **options)
        self._given = given
        self._images = "" if given is None else hashlib.sha256(given.tobytes()).hexdigest()[:16]

    @traitlets.validate("rows")
    def _check_rows(self, proposal: Any) -> tuple[str, ...]:
        rows = proposal["value"]
        for row in rows:
            if row not in ROWS:
                raise traitlets.TraitError(f"rows={rows!r}, but the rows are {', '.join(map(repr, ROWS))}")
        if not rows:
            raise traitlets.TraitError(f"rows=(), but at least one is shown of {', '.join(map(repr, ROWS))}")
        return tuple(row for row in ROWS if row in rows)

    # What a page asks

    @answers("diffusion.story")
    def _diffusion(self) -> Answer:
        """The sampler, and the schedule at each step."""
        process = self.source
        value = {
            "sampler": process.sampler,
            "eta": process.eta,
            "seed": process.seed,
            "predicts": process.predicts,
            "low": self._range()[0],
            "high": self._range()[1],
            "noise": NOISE,
            "bands": list(BANDS),
            "draws": self._draws(),
        }
        arrays = {
            "timesteps": encode(np.array(process.timesteps)),
            "alphas_bar": encode(alphas_bar(process)),
            "signal_to_noise": encode(process.signal_to_noise),
        }
        return Answer(value, arrays)

    @answers("diffusion.predicted")
    def _predicted(self, branch: int, start: int, stop: int) -> Answer:
        """The clean images that the model sees at the steps of a chunk, and how coarse they are."""
        images, value = self._until_failure(estimates(self.source).predicted, branch, start, stop)
        bands = np.sqrt((band_amplitudes(images) ** 2).mean(axis=(1, 2)))
        broken = np.flatnonzero(np.isnan(images).any(axis=(1, 2, 3, 4)))
        if len(broken):
            step = start + int(broken[0])
            value = {"error": f"the clean images that the model sees at step {step} hold NaN, drawn in magenta"} | value
        return Answer(value, {"frames": encode(self._pixels(images, *self._range())), "bands": encode(bands)})

    @answers("diffusion.noise")
    def _noise(self, branch: int, start: int, stop: int) -> Answer:
        """The noise that the model sees at the steps of a chunk."""
        noise, value = self._until_failure(estimates(self.source).noise, branch, start, stop)
        return Answer(value, {"frames": encode(self._pixels(noise, -NOISE, NOISE))})

    @answers("diffusion.forward")
    def _forward(self, images: str) -> Answer:
        """The real images and the noise of the forward process, [n, h, w, c]: the page mixes them for each t."""
        if self._given is None or images != self._images:
            raise ValueError("these real images are gone: run the cell of this widget again")
        arrays = {"images": self._given, "noise": self._forward_noise(self._given)}
        return Answer({}, {name: encode(np.moveaxis(each, 1, -1)) for name, each in arrays.items()})

    @answers("diffusion.branch")
    def _another_seed(self, step: int, branch: int, seed: int) -> Answer:
        """The branch that has other noise from a step on; made where there is none.

        Asked for, and no act, for it may have to run the model: then it is a job, and waits for a running cell.
        """
        process = self.source
        parent = _owner(process, branch, step)
        label = f"start noise {seed}" if step == 0 else f"noise {seed} from step {step}"
        for each in process.branches:
            if (each.parent, each.step, each.label) == (parent.index, step, label):
                return Answer({"branch": each.index})
        if step == 0:
            return Answer({"branch": process.edit(0, _start(process, seed), branch=branch, label=label).index})
        if step > process.steps - 2:
            raise ValueError(f"step={step}, but the last noise is drawn after step {process.steps - 2}")
        return Answer({"branch": process.branch_noise(step, seed, branch=branch, label=label).index})

    def first_questions(self) -> Iterator[Question]:
        yield "diffusion.story", {}
        if self._given is not None and self._given.nbytes <= _KEPT // 4:
            yield "diffusion.forward", {"images": self._images}
        kind, left = frame_kind(self.source), _KEPT // 2
        story, chunk = super().first_questions()
        yield story
        for what in self._asked():
            left -= kind.frame_bytes * (chunk[1]["stop"] - chunk[1]["start"])
            if left >= 0:
                yield what, chunk[1]

    def bake(self) -> Iterator[Question]:
        """First what is shown; then the images and what the model sees in them, chunk by chunk; the noise last."""
        yield "diffusion.story", {}
        if self._given is not None:
            yield "diffusion.forward", {"images": self._images}
        yield "process.story", {}
        _, (_, first) = super().first_questions()
        for what in self._asked():
            yield what, first
        chunks = [arguments for what, arguments in super().bake() if what == "process.frames"]
        for chunk in chunks:
            yield "diffusion.predicted", chunk
            yield "process.frames", chunk
        for chunk in chunks:
            yield "diffusion.noise", chunk

    def _asked(self) -> list[str]:
        """What the page asks of a chunk, in its order: the estimates first, for their run of the model makes the states
        too.
        """
        return ["diffusion.predicted", "process.frames", *(["diffusion.noise"] if "noise" in self.rows else [])]

    # The still half

    @property
    def result(self) -> Denoising:
        """The original at key steps: runs the model as far as it did not yet."""
        process, steps = self.source, self._key_steps()
        images = self._at_key_steps(estimates(process).predicted)
        states = np.stack([process.frame(step).numpy() for step in steps])
        bars = alphas_bar(process)
        forward = None
        if self._given is not None:
            noise = self._forward_noise(self._given)
            mixed = [np.sqrt(bars[step]) * self._given + np.sqrt(1 - bars[step]) * noise for step in steps]
            forward = self._pixels(np.stack(mixed), *self._range())
        return Denoising(
            label=process.label,
            sampler=self._sampler(),
            seed=process.seed,
            steps=steps,
            timesteps=tuple((*process.timesteps, -1)[step] for step in steps),
            alphas_bar=bars,
            signal_to_noise=process.signal_to_noise,
            noisy=self._pixels(states, *self._range()),
            predicted=self._pixels(images, *self._range()),
            noise=self._pixels(self._at_key_steps(estimates(process).noise), -NOISE, NOISE),
            forward=forward,
            bands=np.sqrt((band_amplitudes(images) ** 2).mean(axis=(1, 2))),
        )

    def look(self) -> dict[str, Any]:
        return {"label": self.source.label, "rows": self.rows}

    def is_quick(self) -> bool:
        with self.source.stored_only():
            self._at_key_steps(estimates(self.source).noise)
        return True

    def frames(self) -> Iterator[Pixels]:
        """The original's steps as sheets: a row for each of `rows` but the forward process, a column a sample."""
        process, chunk = self.source, frame_kind(self.source).chunk
        wanted = set(thinned(process.steps + 1, MOST_FRAMES))
        rows = [row for row in self.rows if row != "forward"] or ["noisy"]
        for start in range(0, process.steps + 1, chunk):
            stop = min(start + chunk, process.steps + 1)
            seen = {
                "predicted": self._pixels(estimates(process).predicted(process, start, stop, 0), *self._range()),
                "noisy": frame_kind(process).pack(process.frames(start, stop), start),
            }
            if "noise" in rows:
                seen["noise"] = self._pixels(estimates(process).noise(process, start, stop, 0), -NOISE, NOISE)
            for step in sorted(wanted & set(range(start, stop))):
                pictures = np.concatenate(same_channels([seen[row][step - start] for row in rows]))
                yield contact_sheet(pictures, process.samples)

    def code(self) -> str:
        """As for every widget; real images are called `images`."""
        made = super().code()
        return made if self._given is None else f"{made[:-1]}, images=images)"

    # Parts

    def _range(self) -> tuple[float, float]:
        return self.source.value_range or (-1.0, 1.0)

    def _draws(self) -> bool:
        """Whether noise is drawn on the way."""
        return self.source.sampler == "ddpm" or self.source.eta > 0

    def _sampler(self) -> str:
        return "DDPM" if self.source.sampler == "ddpm" else f"DDIM, η = {self.source.eta:g}"

    def _key_steps(self) -> tuple[int, ...]:
        return tuple(thinned(self.source.steps + 1, self.key_steps))

    def _at_key_steps(self, look: Callable[[Diffusion, int, int, int], Floats]) -> Floats:
        return np.concatenate([look(self.source, step, step + 1, 0) for step in self._key_steps()])

    def _until_failure(
        self, look: Callable[[Diffusion, int, int, int], Floats], branch: int, start: int, stop: int
    ) -> tuple[Floats, dict[str, Any]]:
        """A look at a chunk; where the model fails inside it, at the steps before, with the words for it."""
        process, chunk = self.source, frame_kind(self.source).chunk
        if stop - start > chunk:
            raise ValueError(f"stop={stop}, but at most {chunk} steps come at once, from start={start} on")
        try:
            return look(process, start, stop, branch), {"stop": stop}
        except ProcessError as error:
            if error.step <= start:
                raise
            return look(process, start, error.step, branch), {"stop": error.step, "error": str(error)}

    def _pixels(self, images: npt.NDArray[Any], low: float, high: float) -> Pixels:
        """[steps, samples, c, h, w] as pixels [steps, samples, h, w, 1 or 3]."""
        flat = to_pixels(images.reshape(-1, *images.shape[2:]), PictureStyle(True, low, high))
        return flat.reshape(*images.shape[:2], *flat.shape[1:])

    def _forward_noise(self, images: Floats) -> Floats:
        """The noise of the process's forward process: what is left where the image is black, that is zero."""
        last = len(self.source.schedule) - 1
        spread = np.sqrt(1 - self.source.schedule.alphas_bar[last])
        noise: Floats = (self.source.forward(np.zeros_like(images), last).numpy() / spread).astype(np.float32)
        return noise


def _clean(images: Any, process: Diffusion) -> Floats:
    """Real images as the process has them, at most one a sample: float32 [n, c, h, w]. Raises ValueError."""
    given = images if hasattr(images, "detach") else np.asarray(images)
    if given.ndim == 2 or (given.ndim == 3 and process.shape in (tuple(given.shape), _last(given.shape))):
        given = given[None]
    style = picture_style(given)
    batch = as_array(given)
    if style.channels_first is None:
        batch = batch[:, None]
    elif not style.channels_first:
        batch = np.moveaxis(batch, -1, 1)
    if tuple(batch.shape[1:]) != process.shape:
        raise ValueError(f"images are {tuple(batch.shape[1:])}, but {process.label} makes images of {process.shape}")
    low, high = process.value_range or (-1.0, 1.0)
    share = (batch[: process.samples].astype(np.float64) - style.low) / (style.high - style.low)
    return np.ascontiguousarray(low + share * (high - low), dtype=np.float32)


def _last(shape: Any) -> tuple[int, ...]:
    """The shape of an image whose channels come last, with its channels first."""
    return (shape[-1], *shape[:-1])


def _owner(process: Diffusion, branch: int, step: int) -> Branch:
    """The branch whose own the images at the step are."""
    found = process.branches[branch]
    while found.parent is not None and step < found.step:
        found = process.branches[found.parent]
    return found


def _start(process: Diffusion, seed: int) -> Any:
    """Other noise to begin with: [samples, c, h, w]."""
    import torch

    return torch.randn((process.samples, *process.shape), generator=torch.Generator().manual_seed(seed))

"""`Diffusion`: the reverse process of a diffusion model, from noise to image, at every step."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from nnwidgets.processes.bounds import span, whole
from nnwidgets.processes.branches import Branch
from nnwidgets.processes.model_calls import device_of, quiet
from nnwidgets.processes.process import Process
from nnwidgets.processes.random_state import LOCK, RandomState, borrowed, mixed, reseed
from nnwidgets.processes.schedules import Schedule, as_schedule, key_steps
from nnwidgets.source.errors import NotStored

if TYPE_CHECKING:
    from torch import Tensor

_MEASURES = ("signal_to_noise", "noise_norm", "change")
_START = 0  # the noise that the first state is; that of the step to k has the number k
_FORWARD = -1

Predicts = Literal["noise", "image", "velocity"]


class Diffusion(Process):
    """Images made from noise, step by step. A state is a float32 tensor [samples, channels, height, width].

        process = nnw.processes.Diffusion(unet, shape=(3, 32, 32), schedule="cosine", timesteps=50)
        process.state(50)                    # the images
        process.predicted(10)                # the clean images that the model sees at step 10
        process.branch_noise(25, seed=1)     # the same until step 25, other noise from there on

    Step 0 is noise, at the last timestep; each step goes to the next timestep of `timesteps`, the last to the images.
    The noise of a step is keyed by seed and step alone, so scrubbing gives the bits of a straight run. The model runs
    in eval, without gradients or autocast, and is left as it was.

    Measured: "signal_to_noise" of the schedule, ᾱ / (1 − ᾱ) (infinite at the images); "noise_norm", the root mean
    square of the noise that the model sees (0 at the images); "change", that of the difference to the step before.

    Args:
        model: called as `model(x, t)`, with x [samples, c, h, w] and t [samples] int64: a torch module, or a function.
        shape: (channels, height, width) of an image.
        schedule: "linear", "cosine", a `Schedule`, or betas [timesteps].
        samples: how many images at once.
        sampler: "ddpm", ancestral, with the variance of the posterior (Ho, Jain & Abbeel 2020); or "ddim" (Song, Meng &
            Ermon 2021).
        eta: of "ddim", 0 to 1: how much noise it draws; 0: none, it is deterministic.
        seed: of the noise.
        predicts: what the model gives: "noise", "image", or "velocity" (Salimans & Ho 2022).
        timesteps: a number of them, evenly taken, or a list; None: all of the schedule.
        clip: whether the clean image that is predicted is cut to `value_range` at each step.
        labels: a class for each sample, given to the model as a third argument.
        value_range: of the images.
        name, selection, save_dir, memory_limit: see `Process`.

    Raises:
        ValueError: a schedule that is not between 0 and 1, timesteps that it does not have, …
    """

    _trusted = True

    def __init__(
        self,
        model: Callable[..., Any],
        *,
        shape: Sequence[int],
        schedule: Any = "linear",
        samples: int = 4,
        sampler: Literal["ddpm", "ddim"] = "ddpm",
        eta: float = 0.0,
        seed: int = 0,
        predicts: Predicts = "noise",
        timesteps: int | Sequence[int] | None = None,
        clip: bool = True,
        labels: Any = None,
        value_range: tuple[float, float] = (-1.0, 1.0),
        **keywords: Any,
    ) -> None:
        import torch

        if not callable(model):
            raise TypeError(f"model is of type {type(model).__name__}, but it is called as model(x, t)")
        if unknown := keywords.keys() - {"name", "selection", "save_dir", "memory_limit"}:
            raise TypeError(f"Diffusion does not take {', '.join(sorted(unknown))}")
        if sampler not in ("ddpm", "ddim"):
            raise ValueError(f"sampler={sampler!r}, but it is 'ddpm' or 'ddim'")
        if predicts not in ("noise", "image", "velocity"):
            raise ValueError(f"predicts={predicts!r}, but it is 'noise', 'image' or 'velocity'")
        if not isinstance(eta, int | float) or not 0 <= eta <= 1:
            raise ValueError(f"eta={eta!r}, but it lies between 0 and 1")
        sides = tuple(whole("shape", side, 1, None) for side in shape)
        if len(sides) != 3:
            raise ValueError(f"shape={tuple(shape)}, but it is (channels, height, width)")
        self.model, self.sampler, self.eta = model, sampler, float(eta)
        self.predicts, self.clip, self.shape = predicts, bool(clip), sides
        self.schedule: Schedule = as_schedule(schedule)
        self.timesteps = key_steps(timesteps, len(self.schedule))
        self.samples = whole("samples", samples, 1, None)
        self.labels = None if labels is None else torch.as_tensor(labels)
        if self.labels is not None and len(self.labels) != self.samples:
            raise ValueError(f"labels has {len(self.labels)} classes, but there are {self.samples} samples")
        self._bars = [*self.schedule.alphas_bar[list(self.timesteps)], 1.0]
        self._seen: tuple[Tensor, Tensor, Tensor] | None = None
        self._range = span(value_range) or (-1.0, 1.0)
        super().__init__(
            model,
            self._noise(whole("seed", seed, 0, 2**32 - 1), _START),
            steps=len(self.timesteps),
            measures=dict.fromkeys(_MEASURES, model),
            seed=seed,
            value_range=value_range,
            **keywords,
        )

    @property
    def needs_idle_kernel(self) -> bool:
        return True  # the cell may be using the model

    def estimated_seconds(self) -> float:
        """How long the steps that nobody looked at yet take; unknown, and so infinite, before the first."""
        return math.inf if self._seconds is None else super().estimated_seconds()

    @property
    def signal_to_noise(self) -> npt.NDArray[np.float64]:
        """ᾱ / (1 − ᾱ) at each step; infinite at the last. [steps + 1]."""
        with np.errstate(divide="ignore"):
            bars = np.array(self._bars)
            ratio: npt.NDArray[np.float64] = bars / (1 - bars)
        return ratio

    def predicted(self, step: int, branch: int = 0) -> Tensor:
        """The clean images x̂₀ that the model sees at a step: [samples, c, h, w]; at the last step the images."""
        image: Tensor = self._one(step, branch, lambda at, state: self._estimates(state, at)[0].clone())
        return image

    def predictions(self, start: int, stop: int, branch: int = 0) -> list[Tensor]:
        """`predicted` of the steps from `start` to before `stop`, in one pass."""
        return self._several(start, stop, branch, lambda at, state: self._estimates(state, at)[0].clone())

    def noise_estimate(self, step: int, branch: int = 0) -> Tensor:
        """The noise ε̂ that the model sees at a step: [samples, c, h, w]; 0 at the last step."""
        noise: Tensor = self._one(step, branch, lambda at, state: self._estimates(state, at)[1].clone())
        return noise

    def forward(self, image: Any, t: int | Sequence[int]) -> Tensor:
        """The forward process in one step: √ᾱₜ x₀ + √(1 − ᾱₜ) ε, with the same noise ε for each timestep t.

        Args:
            image: [channels, height, width], or several: [samples, channels, height, width].
            t: a timestep of the schedule, or several: then they come first in the result.

        Raises:
            ValueError: an image of another shape.
            IndexError: a timestep that the schedule does not have.
        """
        import torch

        clean = torch.as_tensor(image, dtype=torch.float32).detach().cpu()
        if clean.ndim not in (3, 4) or tuple(clean.shape[-3:]) != self.shape:
            raise ValueError(f"image has the shape {tuple(clean.shape)}, but an image here is {self.shape}")
        noise = self._noise(self.seed, _FORWARD, tuple(clean.shape))
        last = len(self.schedule) - 1
        single = isinstance(t, int | np.integer)
        asked = [t] if isinstance(t, int | np.integer) else t
        bars = [self.schedule.alphas_bar[whole("t", each, 0, last, IndexError)] for each in asked]
        noisy = [math.sqrt(bar) * clean + math.sqrt(1 - bar) * noise for bar in bars]
        return noisy[0] if single else torch.stack(noisy)

    def branch_noise(self, step: int, seed: int, *, branch: int = 0, label: str = "") -> Branch:
        """Run on from the same images at a step with other noise, as a branch.

        Raises ValueError where the sampler draws no noise ("ddim" with eta 0).
        """
        if self.sampler == "ddim" and not self.eta:
            raise ValueError("sampler='ddim' with eta=0 draws no noise: edit the state instead, or make it with eta=1")
        seed = whole("seed", seed, 0, 2**32 - 1)
        cursor, previous = self._at(step, branch)
        return self._branch_off(branch, cursor, previous, label or f"noise {seed} from step {step}", seed=seed)

    # The parts of a process

    def _take_step(self, state: Tensor, step: int, seed: int) -> Tensor:
        """x at the next timestep: equation 12 of Song et al., of which DDPM's posterior is the case η = 1."""
        image, noise = self._estimates(state, step)
        bar, after = self._bars[step], self._bars[step + 1]
        eta = 1.0 if self.sampler == "ddpm" else self.eta
        sigma = eta * math.sqrt((1 - after) / (1 - bar) * (1 - bar / after))
        following = math.sqrt(after) * image + math.sqrt(max(1 - after - sigma**2, 0.0)) * noise
        if sigma:
            following = following + sigma * self._noise(seed, step + 1)
        return following

    def _random(self, random: RandomState | None) -> contextlib.AbstractContextManager[Any]:
        return LOCK  # before the lock of the process: the model runs under it

    def _measure(self, state: Tensor, step: int, previous: Tensor | None) -> list[float]:
        change = math.nan if previous is None else _rms(state - previous)
        return [float(self.signal_to_noise[step]), _rms(self._estimates(state, step)[1]), change]

    def _drawn(self, states: list[Tensor], start: int) -> list[Tensor]:
        return [state.clone() for state in states]

    def _estimates(self, state: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """The clean image and the noise that the model sees: one run of it serves step, measures and picture."""
        import torch

        if step == self.steps:
            return state, torch.zeros_like(state)
        if self._stored_only():
            raise NotStored(f"the model was not run for step {step} of {self.label}")
        with LOCK, self._work:
            if self._seen is None or self._seen[0] is not state:
                self._seen = state, *self._estimated(state, step)
            return self._seen[1], self._seen[2]

    def _estimated(self, state: Tensor, step: int) -> tuple[Tensor, Tensor]:
        bar = self._bars[step]
        signal, spread = math.sqrt(bar), math.sqrt(1 - bar)
        given = self._run_model(state, step)
        if self.predicts == "noise":
            image = (state - spread * given) / signal
        elif self.predicts == "image":
            image = given
        else:
            image = signal * state - spread * given
        if self.clip:
            image = image.clamp(*self._range)
        elif self.predicts == "noise":
            return image, given
        return image, (state - signal * image) / spread  # the noise that goes with the image, clipped or not

    def _run_model(self, state: Tensor, step: int) -> Tensor:
        import torch

        device = device_of(self.model)
        t = torch.full((self.samples,), self.timesteps[step], dtype=torch.int64, device=device)
        more = () if self.labels is None else (self.labels.to(device),)
        # Keyed, so that a model that draws random numbers of its own gives the same ones whenever it is asked.
        with borrowed(), quiet(self.model):
            reseed(self.seed, step)
            given = self.model(state.to(device, copy=True), t, *more)
        given = getattr(given, "sample", given)  # diffusers' own
        if not isinstance(given, torch.Tensor) or given.shape != state.shape:
            got = tuple(given.shape) if isinstance(given, torch.Tensor) else f"a {type(given).__name__}"
            raise ValueError(f"the model gave {got} for images {tuple(state.shape)}, but it gives the same shape")
        return given.detach().to("cpu", torch.float32)

    def _noise(self, seed: int, number: int, shape: tuple[int, ...] | None = None) -> Tensor:
        import torch

        generator = torch.Generator().manual_seed(mixed(seed, number))
        return torch.randn(shape or (self.samples, *self.shape), generator=generator)


def _rms(values: Tensor) -> float:
    return float(values.double().square().mean().sqrt())

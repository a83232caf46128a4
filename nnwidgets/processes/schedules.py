"""Noise schedules of diffusion: how much of the image is left at each timestep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nnwidgets.processes.bounds import whole
from nnwidgets.processes.states import is_tensor

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Schedule:
    """Betas [timesteps], the variance of the noise that each timestep of the forward process adds.

    Raises ValueError for one that is not between 0 and 1.
    """

    betas: Floats

    def __post_init__(self) -> None:
        betas = np.array(self.betas, np.float64)  # of its own, whatever becomes of theirs
        if betas.ndim != 1 or not len(betas):
            raise ValueError(f"betas has the shape {betas.shape}, but a noise schedule is one row of numbers")
        wrong = np.flatnonzero(~((betas > 0) & (betas < 1)))
        if len(wrong):
            at = int(wrong[0])
            raise ValueError(
                f"betas[{at}] is {betas[at]:g}, but each step of a noise schedule is more than 0, less than 1"
            )
        bar = np.cumprod(1 - betas)
        wrong = np.flatnonzero(~((bar > 0) & (bar < 1)))  # by rounding: noise and image are told apart by dividing
        if len(wrong):
            at = int(wrong[0])
            raise ValueError(
                f"betas leave {bar[at]:g} of the image's variance at timestep {at}, but it is more than 0, less than "
                f"1: make them {'smaller' if bar[at] <= 0 else 'larger'}"
            )
        betas.flags.writeable = False
        object.__setattr__(self, "betas", betas)

    def __len__(self) -> int:
        return len(self.betas)

    @property
    def alphas_bar(self) -> Floats:
        """The share of the image's variance that is left at each timestep: Π (1 − β). [timesteps]."""
        bar: Floats = np.cumprod(1 - self.betas, dtype=np.float64)
        return bar

    @property
    def signal_to_noise(self) -> Floats:
        """ᾱ / (1 − ᾱ) at each timestep (Kingma et al. 2021). [timesteps]."""
        bar = self.alphas_bar
        ratio: Floats = bar / (1 - bar)
        return ratio


def linear(timesteps: int = 1000, start: float = 1e-4, end: float = 0.02) -> Schedule:
    """Betas that rise evenly (Ho, Jain & Abbeel 2020)."""
    return Schedule(np.linspace(start, end, whole("timesteps", timesteps, 1, None)))


def cosine(timesteps: int = 1000, offset: float = 0.008, most: float = 0.999) -> Schedule:
    """ᾱ falls as a squared cosine (Nichol & Dhariwal 2021); no beta is larger than `most`."""
    at = np.linspace(0, 1, whole("timesteps", timesteps, 1, None) + 1)
    bar = np.cos((at + offset) / (1 + offset) * np.pi / 2) ** 2
    betas: Floats = np.minimum(1 - bar[1:] / bar[:-1], most)
    return Schedule(betas)


def as_schedule(schedule: Any) -> Schedule:
    """A `Schedule`, from its name ("linear", "cosine": 1,000 timesteps) or from betas. Raises ValueError."""
    if isinstance(schedule, Schedule):
        return schedule
    named = {"linear": linear, "cosine": cosine}
    if isinstance(schedule, str):
        if schedule not in named:
            raise ValueError(f"schedule={schedule!r}, but it is 'linear', 'cosine', a Schedule or an array of betas")
        return named[schedule]()
    betas = getattr(schedule, "betas", schedule)
    try:
        array = np.asarray(betas.detach().cpu().numpy() if is_tensor(betas) else betas, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"schedule is {schedule!r:.80}, but it is a name, a Schedule or an array of betas") from None
    return Schedule(array)


def key_steps(timesteps: int | Sequence[int] | None, count: int) -> tuple[int, ...]:
    """The timesteps at which the reverse process stops, falling: all, so many evenly, or those given."""
    if timesteps is None:
        return tuple(range(count - 1, -1, -1))
    if isinstance(timesteps, int | np.integer):
        many = whole("timesteps", timesteps, 1, count)
        return tuple(int(at) for at in np.linspace(count - 1, 0, many).round())
    try:
        given = [whole("timesteps", at, 0, count - 1) for at in timesteps]
    except TypeError:
        raise TypeError(f"timesteps={timesteps!r:.80}, but it is a number of steps, or a list of timesteps") from None
    if not given or len(set(given)) < len(given):
        raise ValueError(f"timesteps={timesteps!r:.80}, but it names at least one timestep, and each once")
    return tuple(sorted(given, reverse=True))

"""Images on their way out of noise: what a picture of a diffusion model's reverse process shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnwidgets.analysis.pictures import Pixels


@dataclass(frozen=True)
class Denoising:
    """The reverse process at key steps, and what is measured there.

    `steps` [keys] and their `timesteps` t [keys] (−1 at the images, where there is no noise left); `alphas_bar` and
    `signal_to_noise` [steps + 1] of the schedule at every step. Pixels of the noisy images xₜ, of the clean ones x̂₀
    that the model sees in them and of the noise ε̂ that it takes for the rest: uint8 [keys, samples, h, w, 1 or 3];
    `forward`, real images noised to the same t, likewise, or None. `bands` [keys, bands]: the amplitude of x̂₀ in the
    bands of wavelengths of `analysis.spectra`.
    """

    label: str
    sampler: str
    seed: int
    steps: tuple[int, ...]
    timesteps: tuple[int, ...]
    alphas_bar: NDArray[np.float64]
    signal_to_noise: NDArray[np.float64]
    noisy: Pixels
    predicted: Pixels
    noise: Pixels
    forward: Pixels | None
    bands: NDArray[np.float64]

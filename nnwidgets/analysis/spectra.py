"""How coarse or fine what an image shows is: its amplitude in bands of wavelengths."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BANDS: Final = ("coarse", "middle", "fine")
"""The bands of `band_amplitudes`, each an octave and more of wavelengths: from 8 px on, 4 to 8 px, under 4 px."""

_FREQUENCIES = (1 / 8, 1 / 4)  # cycles a pixel that part the bands


def band_amplitudes(images: Any) -> NDArray[np.float64]:
    """The root mean square of images in each of `BANDS`, their mean brightness left out.

    Natural images have the more amplitude the longer the wave (van der Schaaf and van Hateren 1996), and noise as much
    everywhere; so a diffusion model settles long waves while short ones are still under the noise (Dieleman 2024,
    "Diffusion is spectral autoregression"). By Parseval's theorem the squares add up to the image's variance.

    Args:
        images: [..., height, width]: one image, several, with channels or without.

    Returns:
        [..., bands]; NaN of images that are not finite.

    Raises:
        ValueError: an array of fewer than two axes, or an empty one.
    """
    array = np.asarray(images, dtype=np.float64)
    if array.ndim < 2 or 0 in array.shape:
        raise ValueError(f"images has the shape {array.shape}, but images are [..., height, width]")
    height, width = array.shape[-2:]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    band: NDArray[np.intp] = np.asarray(np.digitize(frequency, _FREQUENCIES, right=True))
    band[0, 0] = -1  # the mean
    finite = np.asarray(np.isfinite(array).all(axis=(-2, -1)))
    power = np.abs(np.fft.fft2(np.where(finite[..., None, None], array, 0.0))) ** 2 / (height * width) ** 2
    amplitudes: NDArray[np.float64] = np.sqrt(
        np.stack([(power * (band == each)).sum(axis=(-2, -1)) for each in range(len(BANDS))], axis=-1)
    )
    amplitudes[~finite] = np.nan
    return amplitudes

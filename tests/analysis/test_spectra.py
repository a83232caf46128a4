"""Bands of wavelengths: waves lie in their own band, and nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest

from nnwidgets.analysis.spectra import band_amplitudes


@pytest.mark.parametrize(("wavelength", "band"), [(16, 0), (8, 0), (32 / 5, 1), (4, 1), (32 / 9, 2), (2, 2)])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_wave_lies_in_its_band(wavelength: float, band: int, axis: int) -> None:
    places = np.arange(32)
    wave = np.cos(2 * np.pi * places / wavelength)
    image = np.broadcast_to(wave[:, None] if axis == 0 else wave[None, :], (32, 32))
    expected = np.zeros(3)
    expected[band] = 1.0 if wavelength == 2 else np.sqrt(0.5)
    np.testing.assert_allclose(band_amplitudes(3 + image), expected, atol=1e-12)


def test_the_squares_add_up_to_the_variance() -> None:
    images = np.random.default_rng(0).normal(size=(2, 3, 9, 14))
    np.testing.assert_allclose((band_amplitudes(images) ** 2).sum(-1), images.var(axis=(-2, -1)), rtol=1e-12)


def test_what_is_not_finite_says_so_alone() -> None:
    images = np.ones((2, 4, 4))
    images[1, 2, 2] = np.nan
    amplitudes = band_amplitudes(images)
    assert np.isfinite(amplitudes[0]).all()
    assert np.isnan(amplitudes[1]).all()


def test_no_image_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"shape \(5,\), but images are"):
        band_amplitudes(np.zeros(5))

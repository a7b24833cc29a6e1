"""A PSF for each channel: widths and shifts that differ between colours are found."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from numerics.lens import adapt_to_channels
from numerics.make_psf import gaussian
from numerics.psf import check_psf

SHIFTS = np.array([(-1.2, 0.6), (0.0, 0.0), (0.9, -0.7)])
SIGMAS = (1.6, 1.1, 2.0)


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    """Blur and shift the channels of a portrait, each its own way."""
    sharp = (data.astronaut()[40:230, 110:310] / 255.0) ** 2.2
    channels = [
        ndimage.shift(ndimage.gaussian_filter(sharp[..., channel], sigma), shift, mode="nearest")
        for channel, (sigma, shift) in enumerate(zip(SIGMAS, SHIFTS, strict=True))
    ]
    grain = 0.002 * np.random.default_rng(0).standard_normal((174, 184, 3))
    return np.asarray(np.dstack(channels)[8:-8, 8:-8] + grain, np.float32)


@pytest.fixture(scope="module")
def psfs(sample: np.ndarray) -> np.ndarray:
    shared = gaussian(1.6)
    return adapt_to_channels(sample, np.pad(shared, (15 - shared.shape[0]) // 2))


def test_shifts_between_channels_are_found(psfs: np.ndarray) -> None:
    check_psf(psfs)
    centres = np.array([ndimage.center_of_mass(psfs[..., channel]) for channel in range(3)])
    np.testing.assert_allclose(centres - centres[1], SHIFTS, atol=0.45)


def test_widths_keep_their_order(psfs: np.ndarray) -> None:
    peaks = psfs.max(axis=(0, 1))
    assert peaks[1] > peaks[0] > peaks[2]


def test_stopping(sample: np.ndarray) -> None:
    def check() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        adapt_to_channels(sample[:64, :64], gaussian(1.6), check=check)

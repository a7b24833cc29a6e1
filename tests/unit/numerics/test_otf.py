"""A psf in the Fourier domain."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.otf import Blur
from numerics.psf import lay_at_origin


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (31, 31)])
@pytest.mark.parametrize("shape", [(48, 50), (64, 31), (31, 40)])
def test_spectrum_is_that_of_the_psf_around_the_origin(
    size: tuple[int, int], shape: tuple[int, int]
) -> None:
    psf = np.random.default_rng(0).random(size, np.float32)
    psf /= psf.sum()
    blur = Blur(psf, shape)
    expected = np.fft.rfft2(lay_at_origin(psf.astype(np.float64), shape))
    assert np.abs(blur.conjugate[0][:, blur.frequencies] - expected.conj()).max() < 3e-7
    assert np.abs(blur.power[0][:, blur.frequencies] - np.abs(expected) ** 2).max() < 6e-7
    assert not blur.conjugate[0][:, shape[1] // 2 + 1 :].any(), "rows are padded with 0"


def test_each_channel_has_its_own() -> None:
    psfs = np.random.default_rng(0).random((5, 5, 3), np.float32)
    blur = Blur(psfs, (32, 32))
    for channel in range(3):
        alone = Blur(psfs[:, :, channel], (32, 32))
        assert np.array_equal(blur.conjugate[channel], alone.conjugate[0])
        assert np.array_equal(blur.step(channel, 2.0).power, alone.power[0])

"""The spectrum of a sample, and what PSFs cost on it."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.blur import blur
from numerics.make_psf import disc, gaussian, motion
from numerics.whittle import (
    POINT,
    SlidingCost,
    measure_spectrum,
    otf_power,
    spectral_cost,
    spectral_costs,
)


def fractal(side: int = 191, seed: int = 0) -> np.ndarray:
    """A random picture with the power law of nature, f^-2.4, softened as photographs are."""
    numbers = np.random.default_rng(seed).standard_normal((256, 256))
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256))
    frequency[0, 0] = 1
    shape = frequency**-1.2 * np.exp(-2 * (np.pi * frequency * 0.3) ** 2)
    plane = np.fft.irfft2(np.fft.rfft2(numbers) * shape)
    return (0.5 + 0.15 * plane / plane.std()).astype(np.float32)[:side, :side]


def spectrum_of(psf: np.ndarray, noise: float = 0.003, shape: tuple[int, int] = (191, 191)):
    plane = blur(fractal()[..., None], psf)[..., 0][: shape[0], : shape[1]]
    plane = plane + noise * np.random.default_rng(1).standard_normal(plane.shape, np.float32)
    return measure_spectrum(plane.astype(np.float32), noise, np.ones(plane.shape, bool))


def test_white_noise_has_its_power_everywhere() -> None:
    plane = 0.02 * np.random.default_rng(0).standard_normal((200, 180), np.float32)
    spectrum = measure_spectrum(plane, 0.02, np.ones(plane.shape, bool))
    used = spectrum.weights > 0
    assert np.mean(spectrum.log_power[used]) == pytest.approx(2 * np.log(0.02), abs=0.02)
    assert spectrum.signal_share() < 0.01


@pytest.mark.parametrize("psf", [POINT, gaussian(1.2), disc(3), motion(9, 30)], ids=range(4))
@pytest.mark.parametrize("shape", [(191, 191), (127, 160)])
def test_the_true_psf_costs_least(psf: np.ndarray, shape: tuple[int, int]) -> None:
    others = [POINT, gaussian(0.8), gaussian(1.2), gaussian(1.7), disc(3), disc(4), motion(9, 30)]
    spectrum = spectrum_of(psf, shape=shape)
    costs = spectral_costs(spectrum, others)
    assert spectral_cost(spectrum, psf) == pytest.approx(costs.min())
    # A model that is true costs about 1 a bin, less what it has of variance itself.
    assert 0.2 < costs.min() / spectrum.size < 1.2


def test_costs_do_not_depend_on_exposure_or_company() -> None:
    psf = disc(2)
    spectrum = spectrum_of(psf)
    alone = spectral_cost(spectrum, psf)
    assert spectral_costs(spectrum, [POINT, psf])[1] == pytest.approx(alone, rel=1e-6)


def test_costs_do_not_depend_on_where_the_fit_begins() -> None:
    spectrum = spectrum_of(disc(3))
    cost = SlidingCost(spectrum)
    for psf in (disc(2.9), disc(3.1), gaussian(1.5), motion(40, 20), POINT):
        assert cost(psf) == pytest.approx(spectral_cost(spectrum, psf), rel=1e-3)


def test_mirror_images_cost_the_same() -> None:
    psf = np.zeros((5, 5), np.float32)
    psf[0, :3] = 0.2
    psf[4, 1:3] = 0.2
    assert otf_power(psf) == pytest.approx(otf_power(psf[::-1, ::-1]), abs=1e-6)


def test_clipped_pixels_are_left_out() -> None:
    psf = gaussian(1.5)
    plane = blur(fractal()[..., None], psf)[..., 0]
    plane += 0.003 * np.random.default_rng(1).standard_normal(plane.shape, np.float32)
    valid = np.ones(plane.shape, bool)
    plane[40:60, 100:130], valid[40:60, 100:130] = 3.0, False
    widths = [0.7, 1.0, 1.5, 2.0]
    psfs = [gaussian(width) for width in widths]
    masked = spectral_costs(measure_spectrum(plane, 0.003, valid), psfs)
    assert widths[int(masked.argmin())] == 1.5
    blind = spectral_costs(measure_spectrum(plane, 0.003, np.ones_like(valid)), psfs)
    assert blind.min() > 3 * masked.min()


def test_dimmed_spectrum_is_that_of_more_noise() -> None:
    quiet, loud = spectrum_of(gaussian(1.0), 0.002), spectrum_of(gaussian(1.0), 0.02)
    dimmed = quiet.dimmed(0.02)
    used = (quiet.weights > 0) & (loud.weights > 0)
    assert np.mean(dimmed.log_power[used] - loud.log_power[used]) == pytest.approx(0, abs=0.1)
    assert dimmed.white == pytest.approx(loud.white, rel=0.12)


def test_waves_finer_than_asked_do_not_count() -> None:
    plane = fractal()
    everywhere = np.ones(plane.shape, bool)
    bands = [measure_spectrum(plane, 0.003, everywhere, finest) for finest in (np.inf, 0.3)]
    used = [band.weights > 0 for band in bands]
    fine = bands[0].bins.frequency > 0.3
    np.testing.assert_array_equal(used[1], used[0] & ~fine)
    assert used[0][fine].any()

"""Families of blurs with a formula: their parameters are found again."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.blur import blur
from numerics.families import (
    astigmatic,
    fit_astigmatic,
    fit_disc,
    fit_families,
    fit_gaussian,
    fit_line,
)
from numerics.make_psf import disc, gaussian, motion
from numerics.psf import check_psf
from numerics.whittle import Spectrum, measure_spectrum


def look(sharp: np.ndarray, psf: np.ndarray, noise: float = 0.004) -> Spectrum:
    plane = blur(sharp[..., None], psf)[..., 0][12:-12, 12:-12]
    plane = plane + noise * np.random.default_rng(2).standard_normal(plane.shape, np.float32)
    return measure_spectrum(plane, noise, np.ones(plane.shape, bool))


@pytest.mark.parametrize("sigma", [1.0, 1.63, 2.7])
def test_sigma_of_a_gaussian(sharp_photo: np.ndarray, sigma: float) -> None:
    fit = fit_gaussian(look(sharp_photo, gaussian(sigma)))
    check_psf(fit.psf)
    assert fit.parameters["sigma"] == pytest.approx(sigma, rel=0.1)


@pytest.mark.parametrize("radius", [2.2, 3.37, 5.6])
def test_radius_of_a_disc(sharp_photo: np.ndarray, radius: float) -> None:
    fit = fit_disc(look(sharp_photo, disc(radius)))
    check_psf(fit.psf)
    assert fit.parameters["radius"] == pytest.approx(radius, rel=0.03)


@pytest.mark.parametrize(("length", "angle"), [(6.3, 12.0), (13.0, 97.5), (24.0, 150.0)])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_length_and_angle_of_a_line(
    sharp_photo: np.ndarray, length: float, angle: float, noise: float
) -> None:
    fit = fit_line(look(sharp_photo, motion(length, angle), noise))
    check_psf(fit.psf)
    assert fit.parameters["length"] == pytest.approx(length, rel=0.06)
    assert fit.parameters["angle"] == pytest.approx(angle, abs=3)


@pytest.mark.parametrize("angle", [20.0, 110.0])
def test_widths_and_angle_of_an_astigmatic_gaussian(sharp_photo: np.ndarray, angle: float) -> None:
    spectrum = look(sharp_photo, astigmatic(2.2, 1.1, angle))
    fit = fit_astigmatic(spectrum, fit_gaussian(spectrum))
    check_psf(fit.psf)
    assert fit.parameters["sigma_long"] == pytest.approx(2.2, rel=0.1)
    assert fit.parameters["sigma_short"] == pytest.approx(1.1, rel=0.15)
    assert fit.parameters["angle"] == pytest.approx(angle, abs=6)


def test_the_true_family_costs_least(sharp_photo: np.ndarray) -> None:
    for name, psf in {"gaussian": gaussian(1.5), "disc": disc(3), "line": motion(9, 40)}.items():
        fits = fit_families(look(sharp_photo, psf))
        assert set(fits) == {"gaussian", "astigmatic", "disc", "line"}
        others = [fit.cost for family, fit in fits.items() if family not in (name, "astigmatic")]
        assert fits[name].cost < min(others)
        # Round gaussians are of this family, too, but for how they are integrated over pixels.
        assert fits["astigmatic"].cost < 1.001 * fits["gaussian"].cost


def test_astigmatic_of_equal_widths_is_round() -> None:
    assert astigmatic(1.3, 1.3, 25) == pytest.approx(gaussian(1.3), abs=2e-4)


def test_astigmatic_is_long_along_its_angle() -> None:
    psf = astigmatic(3, 1, 45)
    assert psf[4, -5] > 10 * psf[4, 4]
    np.testing.assert_allclose(psf, psf[::-1, ::-1], atol=1e-7)

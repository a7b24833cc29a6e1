"""Formulas for point spread functions against their moments and known values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from numerics.make_psf import airy, centre, disc, gaussian, motion
from numerics.psf import PsfError, check_psf


def moments(psf: NDArray[Any]) -> tuple[float, float, NDArray[np.float64]]:
    """Centroid relative to the centre, and covariance, in (x, y)."""
    y, x = np.mgrid[: psf.shape[0], : psf.shape[1]].astype(float)
    y, x = y - psf.shape[0] // 2, x - psf.shape[1] // 2
    weight = psf.astype(np.float64)
    mean_x, mean_y = (weight * x).sum(), (weight * y).sum()
    covariance = np.array([[(weight * a * b).sum() for a in (x, y)] for b in (x, y)])
    return float(mean_x), float(mean_y), covariance


@pytest.mark.parametrize(
    "psf",
    [
        gaussian(0.3),
        gaussian(2.0),
        disc(0.5),
        disc(3.7),
        motion(1, 0),
        motion(11, 33),
        airy(1.22),
        airy(4.0),
        gaussian(3.0, 5),
    ],
)
def test_each_is_a_centred_psf(psf: NDArray[Any]) -> None:
    check_psf(psf)
    assert psf.dtype == np.float32
    mean_x, mean_y, _ = moments(psf)
    assert abs(mean_x) < 1e-5
    assert abs(mean_y) < 1e-5


def test_gaussian_has_its_variance() -> None:
    # Integration over a pixel adds 1/12.
    _, _, covariance = moments(gaussian(1.7))
    assert covariance[0, 0] == pytest.approx(1.7**2 + 1 / 12, rel=2e-3)
    assert covariance[0, 1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("radius", [2.5, 2.6, 7.25])
def test_disc_has_its_area_and_variance(radius: float) -> None:
    psf = disc(radius)
    assert 1 / psf.max() == pytest.approx(math.pi * radius**2, rel=1e-3)
    _, _, covariance = moments(psf)
    assert covariance[0, 0] == pytest.approx(radius**2 / 4 + 1 / 12, rel=0.03)
    assert np.allclose(psf, psf.T, atol=1e-4)


def test_smallest_disc_is_a_point() -> None:
    assert disc(0.4).tolist() == [[1.0]]


def test_disc_radius_is_continuous() -> None:
    small, large = disc(2.5, 9), disc(2.51, 9)
    assert 0 < np.abs(small - large).max() < 2e-3


@pytest.mark.parametrize("angle", [0.0, 20.0, 45.0, 90.0, 135.0])
def test_motion_points_where_it_should(angle: float) -> None:
    _, _, covariance = moments(motion(15, angle))
    # Counter-clockwise on a screen, where y goes down.
    along = np.array([math.cos(math.radians(angle)), -math.sin(math.radians(angle))])
    across = np.array([along[1], -along[0]])
    assert along @ covariance @ along == pytest.approx(15**2 / 12, rel=0.02)
    assert across @ covariance @ across < 0.3


def test_airy_is_dark_at_its_first_ring() -> None:
    psf = airy(8.0)
    centre_row = psf[psf.shape[0] // 2, psf.shape[1] // 2 :]
    assert centre_row[:11].argmin() == 8
    assert centre_row[8] < 2e-3 * centre_row[0]
    assert centre_row[11] > centre_row[8]


@pytest.mark.parametrize("make", [lambda n: gaussian(1, n), lambda n: disc(2, n)])
def test_even_size_is_refused(make: Callable[[int], Any]) -> None:
    with pytest.raises(PsfError, match=r"psf size 4 px\. Use an odd size\."):
        make(4)


def test_centre_moves_the_centroid_and_keeps_the_light() -> None:
    psf = np.zeros((6, 9))
    psf[0:3, 6:9] = [[0, 2, 0], [2, 8, 2], [0, 2, 0]]
    centred = centre(psf)
    assert centred.shape == (3, 3)
    assert np.array_equal(centred, psf[0:3, 6:9])


def test_centre_grows_where_light_is_lopsided() -> None:
    psf = np.zeros((3, 4, 3))
    psf[1, 0] = 9.0
    psf[1, 3] = 1.0
    centred = centre(psf)
    assert centred.shape == (1, 7, 3)
    assert centred[0, 3].tolist() == [9.0] * 3
    assert centred.sum() == psf.sum()


def test_centre_wants_light() -> None:
    with pytest.raises(PsfError, match="no positive value"):
        centre(np.zeros((3, 3)))

"""Scaling a PSF keeps its light and its place, and scales its width."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from numerics.make_psf import disc, gaussian, motion, shake
from numerics.psf import PsfError, check_psf, normalise
from numerics.psf_scale import scale_psf

BLURS = {
    "gaussian": gaussian(2.0),
    "disc": disc(5.0),
    "motion": motion(15, 30),
    "shake": shake(21, 3),
    "lopsided": np.pad(shake(13, 4), ((4, 0), (0, 6))),
}
FACTORS = st.floats(0.1, 3.0)


def moments(psf: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centroid and second moments, (y, x), from the middle, pixels."""
    sides = np.array(psf.shape) // 2
    at = np.indices(psf.shape).reshape(2, -1) - sides[:, None]
    weight = psf.ravel().astype(np.float64)
    weight /= weight.sum()
    centroid = at @ weight
    return centroid, (at - centroid[:, None]) ** 2 @ weight


@st.composite
def psfs(draw: st.DrawFn) -> NDArray[np.float32]:
    """Any light on any odd sides, most of it dark."""
    height, width = (2 * draw(st.integers(0, 7)) + 1 for _ in range(2))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = random.random((height, width)) * (random.random((height, width)) < 0.3)
    values[random.integers(height), random.integers(width)] = 1.0
    return normalise(values)


@given(psfs(), FACTORS)
@settings(max_examples=150, deadline=None)
def test_light_and_centroid_are_kept(psf: NDArray[np.float32], factor: float) -> None:
    scaled = scale_psf(psf, factor)
    check_psf(scaled)  # odd, not negative, sums to 1
    assert moments(scaled)[0] == pytest.approx(factor * moments(psf)[0], abs=1e-4)


@given(st.sampled_from(sorted(BLURS)), FACTORS)
@settings(max_examples=100, deadline=None)
def test_second_moments_grow_with_the_square(name: str, factor: float) -> None:
    before, after = (moments(psf)[1] for psf in (BLURS[name], scale_psf(BLURS[name], factor)))
    two_pixels = (1 + factor**2) / 12
    assert after == pytest.approx(factor**2 * before + two_pixels, abs=0.02 + 2 * two_pixels)


@given(psfs())
@settings(max_examples=30, deadline=None)
def test_at_1_nothing_changes(psf: NDArray[np.float32]) -> None:
    scaled = scale_psf(psf, 1.0)
    assert scaled.shape == psf.shape
    assert scaled == pytest.approx(psf, abs=1e-6)


@pytest.mark.parametrize("odd", [3, 5])
def test_larger_pixels_are_squares_of_the_old(odd: int) -> None:
    psf = normalise(np.random.default_rng(1).random((3, 5)))
    expected = np.kron(psf, np.ones((odd, odd))) / odd**2
    assert scale_psf(psf, odd) == pytest.approx(expected, abs=1e-6)


@given(st.floats(0.01, 1.0))
@settings(max_examples=20, deadline=None)
def test_a_point_stays_one(factor: float) -> None:
    assert scale_psf(np.pad(np.ones((1, 1)), 3), factor).max() == pytest.approx(1.0)


def test_channels_keep_their_places_to_one_another() -> None:
    planes = [np.roll(np.pad(disc(2.0), 4), shift, axis=1) for shift in (-2, 0, 2)]
    scaled = scale_psf(np.stack(planes, axis=2), 0.4)
    places = [moments(scaled[:, :, i])[0][1] for i in range(3)]
    assert places == pytest.approx([-0.8, 0.0, 0.8], abs=0.1)
    assert scaled.sum(axis=(0, 1)) == pytest.approx([1, 1, 1], abs=1e-6)


@pytest.mark.parametrize("factor", [0.0, -1.0, np.nan, np.inf])
def test_factors_that_are_none_are_told(factor: float) -> None:
    with pytest.raises(PsfError, match="Use a factor above 0"):
        scale_psf(disc(2.0), factor)


def test_an_array_that_is_no_psf_is_told() -> None:
    with pytest.raises(PsfError, match="Use odd sides"):
        scale_psf(np.ones((2, 2)) / 4, 0.5)

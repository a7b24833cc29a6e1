"""Residual whiteness: 0 for noise, below for what is left of a picture."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from numerics.whiteness import residual_whiteness


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((120, 150)).astype(np.float32)


def test_white_noise_is_white(noise: np.ndarray) -> None:
    assert -1e-3 < residual_whiteness(noise) <= 0


def test_the_more_it_hangs_together_the_lower(noise: np.ndarray) -> None:
    found = [residual_whiteness(ndimage.gaussian_filter(noise, s)) for s in (0, 0.5, 1, 2)]
    assert found == sorted(found, reverse=True)
    assert -1 <= found[-1] < -0.1


def test_offset_and_scale_do_not_matter(noise: np.ndarray) -> None:
    soft = ndimage.gaussian_filter(noise, 1)
    assert residual_whiteness(5 + 0.1 * soft) == pytest.approx(residual_whiteness(soft), rel=1e-3)


def test_constant_counts_as_white() -> None:
    assert residual_whiteness(np.full((20, 20), 0.5, np.float32)) == 0

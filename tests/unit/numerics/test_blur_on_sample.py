"""Looks and estimator joined: which planes of a sample are used."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from numerics.blur_on_sample import find_blur
from numerics.sample import EstimateError


@pytest.fixture(scope="module")
def soft_photo() -> np.ndarray:
    sharp = (data.camera()[128:352, 128:352] / 255.0) ** 2.2
    soft = ndimage.gaussian_filter(sharp, 2.0)
    noise = 0.004 * np.random.default_rng(2).standard_normal(soft.shape)
    return np.asarray(soft + noise, np.float32)


def test_mixes_in_which_edges_vanish_are_left_out(soft_photo: np.ndarray) -> None:
    flat = np.full_like(soft_photo, 0.4)
    alone = find_blur(soft_photo)
    assert alone.kind.name == "gaussian"
    assert alone.kind.parameters["sigma"] == pytest.approx(2.0, rel=0.1)
    for mixes in ([soft_photo, flat], [flat, soft_photo]):
        first, second = mixes
        found = find_blur(first, others=[second])
        np.testing.assert_array_equal(found.kind.psf, alone.kind.psf)


def test_a_sample_whose_edges_vanish_in_all_mixes_is_refused(soft_photo: np.ndarray) -> None:
    flat = np.full_like(soft_photo, 0.4)
    with pytest.raises(EstimateError, match="nothing to measure the blur on"):
        find_blur(flat, others=[flat + np.float32(0.1)])

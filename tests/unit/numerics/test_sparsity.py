"""Normalised sparsity: blind to contrast, awake to blur."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from numerics.sparsity import normalised_sparsity


def test_contrast_and_brightness_do_not_matter() -> None:
    plane = np.random.default_rng(0).random((40, 50), np.float32)
    assert normalised_sparsity(3 * plane + 1) == pytest.approx(normalised_sparsity(plane), rel=1e-4)


def test_blur_raises_it() -> None:
    plane = np.zeros((64, 64), np.float32)
    plane[20:44, 24:40] = 1
    scores = [normalised_sparsity(ndimage.gaussian_filter(plane, s)) for s in (0, 1, 2, 3)]
    assert scores == sorted(scores)


def test_flat_plane_has_the_worst() -> None:
    assert normalised_sparsity(np.ones((8, 8), np.float32)) == 1

"""The latent of few edges."""

from __future__ import annotations

import numpy as np

from numerics.canvas import blur_circular
from numerics.l0 import latent_of_edges


def test_blurred_square_gets_its_edges_back() -> None:
    sharp = np.zeros((48, 64), np.float32)
    sharp[12:36, 16:48] = 0.6
    psf = np.full((5, 5), 1 / 25, np.float32)
    rng = np.random.default_rng(0)
    blurred = blur_circular(sharp, psf) + 0.005 * rng.standard_normal(sharp.shape, np.float32)
    latent = latent_of_edges(blurred, psf, 4e-3)
    assert np.abs(blurred - sharp).max() > 0.3
    side = (slice(18, 30), slice(None))  # corners get rounded: fewer pixels with a gradient
    assert np.abs(latent - sharp)[side].max() < 0.03


def test_dear_edges_leave_a_flat_plane() -> None:
    plane = 0.05 * np.random.default_rng(0).random((32, 32), np.float32)
    point = np.ones((1, 1), np.float32)
    latent = latent_of_edges(plane, point, 1.0)
    np.testing.assert_allclose(latent, plane.mean(), atol=1e-4)

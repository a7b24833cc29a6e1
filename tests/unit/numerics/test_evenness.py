"""Weights that let weak edges have their say beside strong ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from numerics.blind import estimate_psf
from numerics.blur import blur_valid
from numerics.canvas import lay_out
from numerics.consensus import similarity
from numerics.evenness import even_weights
from numerics.make_psf import shake


def make_halves(faint: float) -> np.ndarray:
    """Make blobs with hard edges, on the right `faint` times as strong as on the left."""
    random = np.random.default_rng(3).standard_normal((96, 192), np.float32)
    blobs = np.sign(ndimage.gaussian_filter(random, 4)).astype(np.float32)
    blobs[:, 96:] *= faint
    return blobs


def test_flat_sample_is_weighed_alike() -> None:
    assert np.all(even_weights(lay_out(np.zeros((40, 50), np.float32), 9), 9) == 1)


def test_faint_half_weighs_more() -> None:
    canvas = lay_out(make_halves(0.2), 9)
    weights = even_weights(canvas, 9)[canvas.window]
    assert weights[:, 150:].mean() > 2 * weights[:, :40].mean()
    assert np.abs(np.diff(weights, axis=1)).max() < 0.2
    assert weights[:, :40].mean() == pytest.approx(0.7, abs=0.15)


def test_weights_don_t_depend_on_light() -> None:
    halves = make_halves(0.2)
    bright, dim = (even_weights(lay_out(scale * halves, 9), 9) for scale in (1.0, 0.25))
    np.testing.assert_allclose(bright, dim, rtol=1e-3)


def test_noise_in_empty_parts_is_not_raised_without_end() -> None:
    canvas = lay_out(make_halves(0.0), 9)
    assert even_weights(canvas, 9).max() < 2.5


def test_faint_edges_tell_what_a_strong_one_leaves_open() -> None:
    """A long strong edge says nothing of the blur along it; faint shapes elsewhere do."""
    random = np.random.default_rng(5)
    shapes = ndimage.gaussian_filter(random.standard_normal((175, 175)), 5)
    scene = 0.06 * np.sign(shapes).astype(np.float32)
    scene[:, :70] = 0
    scene[:, 25:45] = 1
    psf = shake(9.0, 2)
    blurred = blur_valid(scene[..., None], psf)[..., 0]
    blurred += random.normal(0, 0.002, blurred.shape).astype(np.float32)
    found = estimate_psf(blurred, 19).psf
    assert similarity(found, np.pad(psf, (19 - psf.shape[0]) // 2)) > 0.97

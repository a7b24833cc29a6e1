"""Small parts of the blind estimator."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from numerics.blur import blur
from numerics.canvas import blur_circular, fill, lay_out
from numerics.conjugate_gradients import conjugate_gradients
from numerics.derivatives import gradient
from numerics.l0 import latent_of_edges
from numerics.make_psf import gaussian, shake
from numerics.psf import PsfError
from numerics.psf_cleaning import centring_shift, clean_psf, shift_psf
from numerics.pyramid import enlarge_psf, first_psf, pyramid_scales, scaled_psf_size, shrink_plane
from numerics.sparse_cg import deconvolve_sparse
from numerics.sparsity import normalised_sparsity
from numerics.whiteness import residual_whiteness

random = np.random.default_rng(4)
PHOTO = ((skimage.data.astronaut()[50:178, 160:288].mean(axis=2) / 255) ** 2.2).astype(np.float32)


def psnr(one: np.ndarray, two: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((one - two) ** 2)))


def test_a_latent_of_few_edges() -> None:
    latent = latent_of_edges(PHOTO, np.ones((1, 1), np.float32), 1e-2)
    assert np.mean(np.abs(gradient(latent)).sum(axis=0) > 1e-3) < 0.55
    assert np.mean(np.abs(gradient(PHOTO)).sum(axis=0) > 1e-3) > 0.9
    assert psnr(latent, PHOTO) > 20


def test_the_sparse_deconvolution_gains() -> None:
    psf = shake(9, 1)
    noise = random.normal(0, 0.003, PHOTO.shape)
    blurred = (blur(PHOTO[..., None], psf)[..., 0] + noise).astype(np.float32)
    latent = deconvolve_sparse(blurred, psf)
    assert psnr(latent[12:-12, 12:-12], PHOTO[12:-12, 12:-12]) > psnr(blurred, PHOTO) + 5


def test_conjugate_gradients_solve_small_systems() -> None:
    root = random.normal(size=(6, 6))
    matrix = root @ root.T + np.eye(6)
    target = random.normal(size=(1, 6, 1)).astype(np.float64)
    found = conjugate_gradients(lambda x: matrix @ x, target, np.zeros_like(target), 12)
    np.testing.assert_allclose(matrix @ found, target, atol=1e-6)


def test_a_canvas_holds_the_sample_and_a_smooth_rest() -> None:
    canvas = lay_out(PHOTO, 15)
    np.testing.assert_array_equal(canvas.plane[canvas.valid].reshape(PHOTO.shape), PHOTO)
    assert min(canvas.shape) >= 128 + 15
    assert canvas.inner.sum() < canvas.valid.sum()
    outside = canvas.plane[~canvas.valid]
    assert PHOTO.min() <= outside.min() <= outside.max() <= PHOTO.max()


def test_filling_a_constant_gives_the_constant() -> None:
    valid = np.zeros((40, 40), bool)
    valid[5:20, 8:30] = True
    filled = fill(np.where(valid, np.float32(0.7), 0).astype(np.float32), valid)
    np.testing.assert_allclose(filled, 0.7, atol=1e-3)


def test_the_pyramid_ends_at_full_size() -> None:
    for size in (3, 5, 15, 31, 65):
        scales = pyramid_scales(size)
        assert scales[-1] == 1
        assert scales == sorted(scales)
        sizes = [scaled_psf_size(size, scale) for scale in scales]
        assert (sizes[0], sizes[-1]) == (3, size)
        assert all(side % 2 for side in sizes)
    assert shrink_plane(PHOTO, 0.5).shape == (64, 64)


def test_psfs_are_made_and_enlarged() -> None:
    assert first_psf(5).sum() == 1
    larger = enlarge_psf(gaussian(1.0, 9), 13, 2**0.5)
    np.testing.assert_allclose(larger, gaussian(2**0.5, 13), atol=4e-3)


def test_cleaning_drops_what_is_faint_or_alone() -> None:
    psf = np.zeros((9, 9))
    psf[4, 3:6] = 1
    psf[0, 0] = 0.2  # a speck
    psf[3, 3] = 0.03  # faint
    cleaned = clean_psf(psf)
    assert cleaned.sum() == pytest.approx(1)
    np.testing.assert_array_equal(np.flatnonzero(cleaned), np.flatnonzero(psf == 1))
    with pytest.raises(PsfError):
        clean_psf(np.zeros((3, 3)))


def test_a_psf_is_centred_by_whole_pixels() -> None:
    moved = np.roll(gaussian(0.8, 11), (2, -3), (0, 1))
    assert centring_shift(moved) == (-2, 3)
    np.testing.assert_allclose(shift_psf(moved, (-2, 3)), gaussian(0.8, 11), atol=1e-3)


def test_blur_makes_gradients_less_sparse() -> None:
    scores = [
        normalised_sparsity(blur_circular(PHOTO, gaussian(sigma))) for sigma in (0.3, 1.0, 2.0)
    ]
    assert scores[0] < scores[1] < scores[2]
    assert normalised_sparsity(PHOTO * 3) == pytest.approx(normalised_sparsity(PHOTO), rel=1e-4)


def test_white_noise_is_white_and_blurred_noise_is_not() -> None:
    noise = random.normal(size=(128, 128)).astype(np.float32)
    assert -0.01 < residual_whiteness(noise) <= 0
    assert residual_whiteness(blur_circular(noise, gaussian(1.0))) < -0.1

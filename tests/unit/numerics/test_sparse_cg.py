"""The careful deconvolution: what it gains, and that no edge rings."""

from __future__ import annotations

import numpy as np

from numerics.sparse_cg import deconvolve_sparse


def psnr(latent: np.ndarray, sharp: np.ndarray) -> float:
    return -10 * float(np.log10(np.mean((latent - sharp) ** 2)))


def test_photo_gets_sharp_up_to_its_edges(
    shaken_photo: np.ndarray, sharp_photo: np.ndarray, shake: np.ndarray
) -> None:
    sharp = sharp_photo[5:-5, 5:-5]
    latent = deconvolve_sparse(shaken_photo, shake, sparsity_weight=1e-3)
    assert latent.shape == shaken_photo.shape
    assert latent.dtype == np.float32
    assert psnr(latent, sharp) > psnr(shaken_photo, sharp) + 8
    assert psnr(latent[:, :10], sharp[:, :10]) > psnr(shaken_photo[:, :10], sharp[:, :10]) + 2


def test_point_psf_changes_little(sharp_photo: np.ndarray) -> None:
    point = np.ones((1, 1), np.float32)
    latent = deconvolve_sparse(sharp_photo, point, sparsity_weight=1e-4)
    assert np.abs(latent - sharp_photo).max() < 0.02


def test_flat_stays_flat() -> None:
    psf = np.full((5, 5), 1 / 25, np.float32)
    latent = deconvolve_sparse(np.full((40, 40), 0.4, np.float32), psf)
    np.testing.assert_allclose(latent, 0.4, atol=1e-3)


def test_unknown_pixels_have_no_say(shaken_photo: np.ndarray, shake: np.ndarray) -> None:
    window = shaken_photo[:90, :96].copy()
    known = np.full(window.shape, True)
    known[40:44, 50:54] = False
    clean = deconvolve_sparse(window, shake, known=known)
    window[~known] += 0.01
    spoilt = deconvolve_sparse(window, shake, known=known)
    np.testing.assert_allclose(spoilt, clean, atol=3e-3)
    assert np.abs(deconvolve_sparse(window, shake) - clean).max() > 6e-3

"""Blurring: against direct convolution, its adjoint, and what must stay as it is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import convolve

from numerics.blur import blur, blur_adjoint, blur_valid, fold_edges, pad_edges
from numerics.psf import PsfError


def random_psf(shape: tuple[int, ...], seed: int = 0) -> NDArray[np.float64]:
    psf = np.random.default_rng(seed).random(shape)
    return np.asarray(psf / psf.sum(axis=(0, 1), keepdims=True))


def picture(shape: tuple[int, ...], seed: int = 1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).random(shape)


@pytest.mark.parametrize("psf_shape", [(1, 1), (3, 9), (7, 5), (5, 5, 3)])
def test_equals_direct_convolution(psf_shape: tuple[int, ...]) -> None:
    image, psf = picture((23, 30, 3)), random_psf(psf_shape)
    blurred = blur(image, psf)
    for channel in range(3):
        plane = psf if psf.ndim == 2 else psf[:, :, channel]
        wanted = convolve(image[:, :, channel], plane, mode="nearest")
        assert np.allclose(blurred[:, :, channel], wanted, atol=1e-12)


@pytest.mark.parametrize("psf_shape", [(3, 9), (7, 5), (5, 5, 3)])
def test_adjoint(psf_shape: tuple[int, ...]) -> None:
    x, y, psf = picture((17, 22, 3)), picture((17, 22, 3), seed=2), random_psf(psf_shape)
    assert np.vdot(blur(x, psf), y) == pytest.approx(np.vdot(x, blur_adjoint(y, psf)), rel=1e-12)


def test_folding_is_the_adjoint_of_padding() -> None:
    x, y = picture((5, 6, 2)), picture((11, 14, 2), seed=2)
    assert np.vdot(pad_edges(x, (3, 4)), y) == pytest.approx(np.vdot(x, fold_edges(y, (3, 4))))


def test_point_is_the_identity_and_flat_stays_flat() -> None:
    image = picture((12, 15, 1)).astype(np.float32)
    point = np.zeros((5, 5), np.float32)
    point[2, 2] = 1
    assert np.allclose(blur(image, point), image, atol=1e-6)
    assert np.allclose(blur(np.full_like(image, 0.7), random_psf((5, 7))), 0.7, atol=1e-6)
    assert blur(image, point).dtype == np.float32


def test_valid_drops_what_edges_touch() -> None:
    image, psf = picture((20, 25, 3)), random_psf((5, 9))
    assert np.allclose(blur_valid(image, psf), blur(image, psf)[2:-2, 4:-4])


def test_array_that_is_no_psf_is_refused() -> None:
    with pytest.raises(PsfError):
        blur(picture((9, 9, 1)), np.ones((3, 3)))
    with pytest.raises(PsfError, match=r"psf has 3 channels, the picture 1\."):
        blur(picture((9, 9, 1)), random_psf((3, 3, 3)))

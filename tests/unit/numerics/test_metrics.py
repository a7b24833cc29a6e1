"""PSNR, SSIM and the shift between pictures, on known answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, shift
from skimage import data

from numerics.metrics import find_shift, move, psnr, ssim_map


@pytest.fixture(scope="module")
def photo() -> NDArray[np.float32]:
    return (data.chelsea()[20:260, 60:360].mean(axis=2) / 255).astype(np.float32)


def test_psnr_of_known_errors() -> None:
    zeros = np.zeros((10, 10))
    assert psnr(zeros, zeros + 0.1) == pytest.approx(20.0)
    assert psnr(zeros, zeros + 0.01) == pytest.approx(40.0)
    assert psnr(zeros, zeros) == 120.0


def test_ssim_is_one_for_equal_pictures_and_falls_with_noise(photo: NDArray[Any]) -> None:
    image = photo[:, :, np.newaxis]
    noise = np.random.default_rng(0).normal(0, 0.05, image.shape).astype(np.float32)
    assert np.allclose(ssim_map(image, image), 1.0)
    assert ssim_map(image + noise, image).shape == image.shape
    assert 0.3 < ssim_map(image + noise, image).mean() < 0.95


@pytest.mark.parametrize("by", [(0.0, 0.0), (0.4, -0.3), (3.25, 0.5), (-6.7, 9.1)])
@pytest.mark.parametrize("sigma", [0.0, 1.5])
def test_finds_shift_of_a_noisy_blurred_picture(
    photo: NDArray[Any], by: tuple[float, float], sigma: float
) -> None:
    moved = shift(gaussian_filter(photo, sigma), (-by[1], -by[0]), order=3, mode="nearest")
    moved += np.random.default_rng(0).normal(0, 0.01, moved.shape)
    found = find_shift(moved, photo)
    assert found == pytest.approx(by, abs=0.06)
    if by != (0.0, 0.0):
        inner = np.s_[16:-16, 16:-16]
        assert psnr(move(moved, found)[inner], photo[inner]) > psnr(moved[inner], photo[inner])


def test_nothing_in_common_means_no_shift() -> None:
    flat = np.full((40, 50), 0.5, np.float32)
    noise = np.random.default_rng(0).random((40, 50)).astype(np.float32)
    assert find_shift(flat, flat) == (0.0, 0.0)
    assert np.abs(find_shift(flat, noise)).max() <= 12
    assert find_shift(np.zeros((3, 3)), np.zeros((3, 3))) == (0.0, 0.0)


def test_move_goes_right_and_down() -> None:
    image = np.zeros((9, 9, 3), np.float32)
    image[4, 4] = 1.0
    assert np.unravel_index(move(image, (2.0, 1.0))[:, :, 0].argmax(), (9, 9)) == (5, 6)
    assert move(image, (0.0, 0.0)) is image

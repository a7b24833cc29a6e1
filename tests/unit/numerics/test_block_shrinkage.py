from __future__ import annotations

import numpy as np
import pytest
from scipy.fft import dctn, idctn

from numerics.block_shrinkage import BLOCK, STRIDE, BlockLines, shrink_blocks


def plainly(planes: np.ndarray, threshold: float, offset: tuple[int, int]) -> np.ndarray:
    """Block by block, as the docstring has it."""
    channels, height, width = planes.shape
    total = np.zeros(planes.shape)
    for top in range(offset[0], height, STRIDE):
        for left in range(offset[1], width, STRIDE):
            rows, columns = (
                np.arange(start, start + BLOCK) % n for start, n in ((top, height), (left, width))
            )
            place = np.ix_(range(channels), rows, columns)
            values = dctn(planes[place].astype(np.float64), axes=(1, 2), norm="ortho")
            length = np.sqrt((values**2).mean(0))
            factor = np.where(length > threshold, 1 - (threshold / length) ** 4, 0)
            factor[0, 0] = 1
            total[place] += idctn(factor * values, axes=(1, 2), norm="ortho")
    return total / (BLOCK // STRIDE) ** 2


@pytest.mark.parametrize("offset", [(0, 0), (3, 1), (2, 2)])
@pytest.mark.parametrize("shape", [(3, 24, 40), (1, 16, 8), (2, 8, 12)])
def test_the_sweep_equals_the_plain_way(
    offset: tuple[int, int], shape: tuple[int, int, int]
) -> None:
    planes = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    expected = plainly(planes, 0.8, offset)
    shrink_blocks(planes, 0.8, offset=offset)
    np.testing.assert_allclose(planes, expected, atol=2e-6)


def test_what_is_darker_than_light_can_be_is_cut_off() -> None:
    dots = np.random.default_rng(3).random((2, 24, 40)) > 0.95
    planes = np.where(dots, 1.0, -0.2).astype(np.float32)
    expected = np.maximum(planes, np.float32(0))
    shrink_blocks(expected, 0.3, offset=(1, 2))
    assert expected.min() < -0.05, "blocks overshoot"
    shrink_blocks(planes, 0.3, offset=(1, 2), darkest=0.0)
    np.testing.assert_allclose(planes, np.maximum(expected, np.float32(0)), atol=1e-6)


def test_nothing_shrinks_at_no_threshold() -> None:
    planes = np.random.default_rng(4).random((3, 32, 48)).astype(np.float32)
    same = planes.copy()
    shrink_blocks(same, 0.0)
    np.testing.assert_allclose(same, planes, atol=1e-6)


def test_the_mean_of_each_channel_stays() -> None:
    planes = np.random.default_rng(5).random((2, 32, 48)).astype(np.float32)
    means = planes.mean((1, 2))
    shrink_blocks(planes, 5.0)
    np.testing.assert_allclose(planes.mean((1, 2)), means, rtol=1e-5)


def test_noise_goes_and_an_edge_stays() -> None:
    edge = np.zeros((3, 32, 64), np.float32)
    edge[:, :, 20:50] = 1.0
    noisy = edge + np.random.default_rng(6).normal(0, 0.05, edge.shape).astype(np.float32)
    before = np.sqrt(np.mean((noisy - edge) ** 2))
    shrink_blocks(noisy, 0.1)
    assert np.sqrt(np.mean((noisy - edge) ** 2)) < 0.6 * before


def test_scratch_may_be_used_again() -> None:
    planes = np.random.default_rng(7).random((3, 16, 24)).astype(np.float32)
    lines = BlockLines.allocate(3, 24)
    for array in lines:
        array[...] = np.nan
    expected = planes.copy()
    shrink_blocks(expected, 0.2)
    shrink_blocks(planes, 0.2, lines=lines)
    np.testing.assert_array_equal(planes, expected)

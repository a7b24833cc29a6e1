from __future__ import annotations

import numpy as np
import pytest

from numerics.derivatives import gradient, gradient_adjoint
from numerics.shrinkage import shrink, shrink_gradients, threshold


@pytest.mark.parametrize("p", [1.0, 2 / 3])
@pytest.mark.parametrize("beta", [2.0, 30.0, 500.0])
def test_the_map_finds_the_minimum(p: float, beta: float) -> None:
    magnitudes = np.array([0.0, 0.01, 0.1, 0.4, 1.0, 3.0])
    candidates = np.linspace(0, 3.2, 320_001)
    for magnitude, found in zip(magnitudes, shrink(magnitudes, beta, p), strict=True):
        costs = candidates**p + beta / 2 * (candidates - magnitude) ** 2
        cost = found**p + beta / 2 * (found - magnitude) ** 2
        assert cost <= costs.min() + 1e-9


@pytest.mark.parametrize("p", [1.0, 2 / 3])
def test_what_is_below_the_threshold_vanishes_and_above_it_does_not(p: float) -> None:
    limit = threshold(7.0, p)
    below, above = shrink(np.array([0.999 * limit, 1.001 * limit]), 7.0, p)
    assert below == 0
    assert above > 0


@pytest.mark.parametrize("p", [1.0, 2 / 3])
@pytest.mark.parametrize("shape", [(1, 5, 6), (3, 16, 17), (3, 2, 40)])
def test_the_sweep_equals_the_plain_way(p: float, shape: tuple[int, int, int]) -> None:
    planes = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    field = np.stack([gradient(plane) for plane in planes])
    length = np.sqrt((field.astype(np.float64) ** 2).sum(axis=(0, 1)))
    factor = shrink(length, 3.0, p) / np.maximum(length, 1e-30)
    plain = np.stack([gradient_adjoint((f * factor).astype(np.float32)) for f in field])
    shrink_gradients(planes, 3.0, p)
    # The polynomial is right to 3e-4 of a gradient; here they reach 5, and four meet in a pixel.
    np.testing.assert_allclose(planes, plain, atol=6e-3)


def test_what_is_darker_than_light_can_be_is_cut_off() -> None:
    planes = np.random.default_rng(1).normal(size=(2, 12, 17)).astype(np.float32)
    expected = np.maximum(planes, np.float32(-0.2))
    shrink_gradients(expected, 3.0, 2 / 3)
    shrink_gradients(planes, 3.0, 2 / 3, darkest=-0.2)
    np.testing.assert_allclose(planes, expected, atol=1e-6)


def test_gradients_far_above_the_threshold_stay() -> None:
    planes = np.random.default_rng(2).normal(size=(2, 9, 8)).astype(np.float32)
    laplacian = np.stack([gradient_adjoint(gradient(plane)) for plane in planes])
    shrink_gradients(planes, 1e12, 1.0)
    np.testing.assert_allclose(planes, laplacian, atol=1e-4)


def test_channels_shrink_together() -> None:
    edge = np.zeros((2, 8, 8), np.float32)
    edge[:, :, 4:] = 0.3  # each alone is below the threshold of 1/beta = 0.35, both are above
    alone = edge[:1].copy()
    shrink_gradients(alone, 1 / 0.35, 1.0)
    together = edge.copy()
    shrink_gradients(together, 1 / 0.35, 1.0)
    assert np.all(alone == 0)
    assert np.abs(together).max() > 0.01

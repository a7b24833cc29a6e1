"""Fused derivatives and back: the same as one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.derivatives import gradient, gradient_adjoint
from numerics.laplacian import keep_edges, weigh_gradient, weigh_two_orders
from numerics.sparse_cg import second_derivatives

SHAPES = [(12, 16), (9, 7), (1, 5), (5, 1)]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("shape", SHAPES)
def test_weighing_is_that_of_single_passes(
    shape: tuple[int, int], random: np.random.Generator
) -> None:
    plane = random.normal(size=shape).astype(np.float32)
    weights = random.random((2, *shape), np.float32)
    expected = gradient_adjoint(weights * gradient(plane))
    weigh_gradient(plane, weights)
    assert np.array_equal(plane, expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_two_orders_are_those_of_single_passes(
    shape: tuple[int, int], random: np.random.Generator
) -> None:
    plane = random.normal(size=shape).astype(np.float32)
    first, second = random.random((2, *shape), np.float32), random.random((3, *shape), np.float32)
    down, along = gradient(plane)
    yy, xx, xy = second * second_derivatives(np.stack([down, along]))
    down = first[0] * down + gradient_adjoint(np.stack([yy, xy]))
    along = first[1] * along + gradient_adjoint(np.stack([np.zeros_like(xx), xx]))
    weigh_two_orders(plane, first, second)
    np.testing.assert_allclose(plane, gradient_adjoint(np.stack([down, along])), atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_edges_keep_both_directions_or_none(
    shape: tuple[int, int], random: np.random.Generator
) -> None:
    plane = random.normal(size=shape).astype(np.float32)
    field = gradient(plane)
    threshold = float(np.median(np.sum(field**2, axis=0)))
    field[:, np.sum(field**2, axis=0) < threshold] = 0
    keep_edges(plane, threshold)
    assert np.array_equal(plane, gradient_adjoint(field))


@pytest.mark.parametrize(("threshold", "any_left"), [(2.1, False), (1.9, True)])
def test_edges_are_stronger_than_the_threshold(threshold: float, any_left: bool) -> None:
    plane = np.eye(8, dtype=np.float32)
    keep_edges(plane, threshold)
    assert plane.any() == any_left

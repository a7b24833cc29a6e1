"""Fused derivatives and back: the same as one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.derivatives import gradient, gradient_adjoint
from numerics.laplacian import laplacian_of_edges, weighted_laplacian

SHAPES = [(12, 16), (9, 7), (1, 5), (5, 1)]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("shape", SHAPES)
def test_weighted_laplacian_is_that_of_single_passes(
    shape: tuple[int, int], random: np.random.Generator
) -> None:
    planes = random.normal(size=(2, *shape)).astype(np.float32)
    weights = random.random((2, *shape), np.float32)
    expected = [gradient_adjoint(weights * gradient(plane)) for plane in planes]
    assert np.array_equal(weighted_laplacian(planes, weights), expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_edges_keep_both_directions_or_none(
    shape: tuple[int, int], random: np.random.Generator
) -> None:
    plane = random.normal(size=shape).astype(np.float32)
    field = gradient(plane)
    threshold = float(np.median(np.sum(field**2, axis=0)))
    field[:, np.sum(field**2, axis=0) < threshold] = 0
    assert np.array_equal(laplacian_of_edges(plane, threshold), gradient_adjoint(field))


def test_no_edge_is_as_strong_as_that() -> None:
    plane = np.eye(8, dtype=np.float32)
    assert not laplacian_of_edges(plane, 2.1).any()
    assert laplacian_of_edges(plane, 1.9).any()

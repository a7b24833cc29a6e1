"""Widths of edges, and the noise that they have to rise above."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from numerics.edge_width import LEAST_EDGES, measure_edges
from numerics.noise import quiet_noise

ALL = np.ones((200, 200), bool)


def slanted_bars(sigma: float, noise: float = 0.0) -> np.ndarray:
    """Bars 40 px wide whose edges cross all pixel phases, antialiased by 4 x 4 samples."""
    rows, columns = np.mgrid[0:800, 0:800] / 4
    bars = 0.2 + 0.5 * (np.mod(columns + 0.23 * rows, 80) < 40)
    plane = ndimage.gaussian_filter(bars, 4 * sigma).reshape(200, 4, 200, 4).mean(axis=(1, 3))
    numbers = np.random.default_rng(3).standard_normal(plane.shape)
    return (plane + noise * numbers).astype(np.float32)


@pytest.mark.parametrize("sigma", [0.8, 1.5, 2.5])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_width_is_that_of_the_blur(sigma: float, noise: float) -> None:
    edges = measure_edges(slanted_bars(sigma, noise), noise, ALL)
    assert edges.count > 100
    assert edges.width == pytest.approx(np.hypot(sigma, 0.29), rel=0.15)


def test_edges_near_clipped_pixels_do_not_count() -> None:
    valid = ALL.copy()
    valid[:, 100] = False
    plane = slanted_bars(1.0)
    assert measure_edges(plane, 0, valid).count < measure_edges(plane, 0, ALL).count
    assert measure_edges(plane, 0, ~ALL).count == 0


def test_too_few_edges_have_no_width() -> None:
    smooth = np.linspace(0, 1, 200)[:, None] * np.ones(200)
    edges = measure_edges(smooth.astype(np.float32), 0.0, ALL)
    assert edges.count < LEAST_EDGES
    assert np.isnan(edges.width)


@pytest.mark.parametrize("noise", [0.002, 0.02])
def test_noise_is_found_beside_edges(noise: float) -> None:
    assert quiet_noise(slanted_bars(1.0, noise)) == pytest.approx(noise, rel=0.2)


def test_flat_cells_tell_no_noise() -> None:
    plane = slanted_bars(1.0, 0.01)
    plane[:100] = 1.0
    assert quiet_noise(plane) == pytest.approx(0.01, rel=0.25)
    assert quiet_noise(np.ones((64, 64), np.float32)) == 0

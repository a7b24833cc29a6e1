"""Where light is clipped, and where it is only bright."""

from __future__ import annotations

import numpy as np

from numerics.clipping import find_levels, find_unclipped


def test_clipped_highlights_are_found() -> None:
    pixels = np.random.default_rng(0).uniform(0.1, 0.6, (60, 50, 3)).astype(np.float32)
    assert find_unclipped(pixels).mean() > 0.99, "far from white, nothing is clipped"
    pixels[10:20, 5:9, 1] = 1.0
    pixels[30, 30] = 0.98
    pixels[40, 40] = 0.995
    pixels[30, 30, 0] = pixels[40, 40, 0] = pixels[40, 40, 2] = pixels[30, 30, 2] = 0.5
    unclipped = find_unclipped(pixels)
    assert not unclipped[10:20, 5:9].any()
    assert unclipped.sum() == 60 * 50 - 41
    pixels[:30] = 1.0
    assert find_unclipped(pixels).all(), "white paper is no highlight"


def test_the_tops_of_blurred_highlights_are_not_clipped() -> None:
    y, x = np.mgrid[-40:41, -40:41] / 20
    glow = np.repeat(0.97 * np.exp(-(x**2 + y**2))[..., None], 3, axis=2).astype(np.float32)
    assert find_unclipped(glow).all()
    clipped = find_unclipped(np.minimum(1.4 * glow, 1))
    assert not clipped[35:46, 35:46].any()
    assert 0.8 < clipped.mean() < 0.95


def test_the_level_is_that_of_all_parts_of_a_picture() -> None:
    random = np.random.default_rng(2)
    parts = [random.uniform(0, 0.9, (40, 40, 2)).astype(np.float32) for _ in range(3)]
    parts[2][:5, :5, 0] = 0.97
    assert find_levels(parts).tolist() == [np.float32(0.97), np.inf]


def test_parts_without_clipped_light_may_have_it_elsewhere() -> None:
    dim = np.random.default_rng(3).uniform(0, 0.5, (40, 40, 3)).astype(np.float32)
    dim[0, 0, 1] = 1.005
    dim[0, 0, 2] = 1.2
    assert find_levels([dim], white=1.0).tolist() == [1.0, 1.0, np.inf]

"""Scales, and how planes and PSFs change between them."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.pyramid import enlarge_psf, first_psf, pyramid_scales, scaled_psf_size, shrink_plane


@pytest.mark.parametrize("size", range(3, 66, 2))
def test_scales_begin_with_about_three_pixels(size: int) -> None:
    scales = pyramid_scales(size, 512)
    sizes = [scaled_psf_size(size, scale) for scale in scales]
    assert scales[-1] == 1
    assert sizes[0] in (3, 5)
    assert sizes[-1] == size
    assert sizes == sorted(sizes)
    assert all(side % 2 == 1 for side in sizes)


def test_planes_do_not_get_too_small() -> None:
    scales = pyramid_scales(65, 130)
    assert 15 < 130 * scales[0] < 25
    assert pyramid_scales(3, 10) == [1]


def test_shrinking_keeps_ramps_in_place() -> None:
    ramp = np.tile(np.arange(64, dtype=np.float32), (48, 1))
    small = shrink_plane(ramp, 0.5)
    assert small.shape == (24, 32)
    np.testing.assert_allclose(
        small[:, 4:-4], np.tile(np.arange(4, 28) * 2 + 0.5, (24, 1)), atol=0.01
    )
    assert shrink_plane(ramp, 1) is ramp


def test_enlarging_keeps_the_centre() -> None:
    psf = np.zeros((5, 5), np.float32)
    psf[2, 1:4] = (0.25, 0.5, 0.25)
    large = enlarge_psf(psf, 7)
    assert large.sum() == pytest.approx(1)
    assert large.min() >= 0
    np.testing.assert_allclose(large, large[:, ::-1], atol=1e-6)
    np.testing.assert_allclose(large, large[::-1], atol=1e-6)
    spread = np.sum(large.sum(axis=0) * (np.arange(7) - 3) ** 2)
    assert 0.8 < spread < 1.6  # 0.5 doubles, and interpolation adds a little


def test_first_psf_lies_at_the_centre_and_left_of_it() -> None:
    assert np.array_equal(first_psf(3), [[0, 0, 0], [0.5, 0.5, 0], [0, 0, 0]])

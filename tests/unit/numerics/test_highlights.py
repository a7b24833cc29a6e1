from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from numerics.blur import blur
from numerics.half_quadratic import Schedule, TileSolver, growing_betas
from numerics.highlights import Clipping, Highlights, window_shape
from numerics.make_psf import shake
from numerics.otf import Blur
from numerics.outside import Inside

PSF = shake(11, 3, 13)
CLIPPING = Clipping((1.0,), 8)


def night(side: int) -> np.ndarray:
    """Give a dark scene (side, side) with lights, periodic."""
    random = np.random.default_rng(4)
    y, x = np.mgrid[:side, :side] * (2 * np.pi * 5 / side)
    scene = 0.1 + 0.05 * np.sin(y) * np.cos(2 * x)
    for _ in range(side * side // 3000):
        scene[tuple(random.integers(0, side, 2))] += random.uniform(20, 120)
    return scene.astype(np.float32)


def blurred(scene: np.ndarray) -> np.ndarray:
    otf = Blur(PSF, scene.shape).conjugate[0][:, : scene.shape[1] // 2 + 1].conj()
    return np.fft.irfft2(np.fft.rfft2(scene) * otf, scene.shape).astype(np.float32)


def whole(plane: np.ndarray) -> Inside:
    return Inside((0, plane.shape[0]), (0, plane.shape[1]))


def take_out(
    plane: np.ndarray, origin: tuple[int, int] = (0, 0), clipping: Clipping = CLIPPING
) -> tuple[np.ndarray, np.ndarray]:
    """Give what is left of a blurred plane, and the excess."""
    highlights = Highlights(Blur(PSF, plane.shape), clipping)
    left, excess = plane[None].copy(), np.zeros_like(plane)[None]
    highlights.take_out(left, whole(plane), origin)
    highlights.put_back(excess)
    return left[0], excess[0]


def test_what_is_left_and_the_blurred_excess_make_the_picture() -> None:
    plane = np.minimum(blurred(night(320)), 1)
    left, excess = take_out(plane)
    assert excess.max() > 3, "lights were many times as bright as what is left of them"
    assert excess.min() == 0
    again = left + blurred(excess)
    clipped = plane >= 0.99
    assert 0.005 < clipped.mean() < 0.1
    np.testing.assert_allclose(again[~clipped], plane[~clipped], atol=2e-5)
    assert np.mean(again[clipped] > 0.99) > 0.9
    assert again[clipped].mean() > 1.2


def test_lights_come_near_to_what_they_were() -> None:
    scene = night(320)
    truth = blurred(scene)
    left, excess = take_out(np.minimum(truth, 1))
    clipped = truth > 1.05
    error = left + blurred(excess) - truth
    assert np.sqrt(np.mean(error[clipped] ** 2)) < 0.6 * np.sqrt(np.mean((truth - 1)[clipped] ** 2))


def test_clipped_light_may_lie_below_the_level_beside_some_that_does_not() -> None:
    scene = night(320)
    truth = blurred(scene)
    spread = np.random.default_rng(2).choice([1, 0.95], truth.shape, p=[0.8, 0.2])
    plane = np.minimum(truth, np.where(truth > 1, spread, 1)).astype(np.float32)
    errors = []
    for clipping in (CLIPPING, replace(CLIPPING, spread=0.09)):
        left, excess = take_out(plane, clipping=clipping)
        errors.append(np.sqrt(np.mean((left + blurred(excess) - truth) ** 2)))
    assert errors[1] < 0.7 * errors[0]


@pytest.mark.parametrize("level", [0.95, 2.0, np.inf])
def test_where_nothing_is_clipped_all_stays(level: float) -> None:
    plane = np.random.default_rng(1).uniform(0, 0.9, (1, 256, 288)).astype(np.float32)
    plane[0, 40, 50] = 1.5  # brighter than where light is clipped: no light that was clipped there
    highlights = Highlights(Blur(PSF, plane.shape[1:]), Clipping((level,), 8))
    left = plane.copy()
    highlights.take_out(left, whole(plane[0]), (0, 0))
    highlights.put_back(left)
    np.testing.assert_array_equal(left, plane)


def test_where_all_is_clipped_all_stays() -> None:
    plane = np.ones((300, 300), np.float32)
    left, excess = take_out(plane)
    np.testing.assert_array_equal(left, plane)
    assert not excess.any()


def test_white_that_just_reaches_the_level_stays() -> None:
    random = np.random.default_rng(6)
    scene = np.where(random.random((300, 300)) > 0.5, 0.2, 1.0)
    scene[100:200, 100:200] = 1.0
    noisy = blurred(scene.astype(np.float32)) + random.normal(0, 0.003, scene.shape)
    plane = np.minimum(noisy, 1).astype(np.float32)
    assert np.mean(plane == 1) > 0.02
    left, excess = take_out(plane)
    np.testing.assert_array_equal(left, plane)
    assert not excess.any()


def test_what_lies_outside_of_the_picture_says_nothing() -> None:
    plane = np.minimum(blurred(night(320)), 1)
    other = plane.copy()
    inside = Inside((40, 320), (0, 290))
    other[:40] = other[:, 290:] = 0.6
    results = []
    for picture in (plane, other):
        highlights = Highlights(Blur(PSF, plane.shape), CLIPPING)
        excess = np.zeros_like(plane)[None]
        highlights.take_out(picture[None].copy(), inside, (0, 0))
        highlights.put_back(excess)
        results.append(excess[0])
        assert not excess[0, :40].any()
        assert not excess[0, :, 290:].any()
    # The first guess of what lies outside is what stood there.
    assert np.corrcoef(results[0].ravel(), results[1].ravel())[0, 1] > 0.95


def test_tiles_that_share_a_place_find_the_same() -> None:
    picture = np.minimum(blurred(night(1280)), 1)
    first, second = picture[:1000, :1000], picture[200:1200, 150:1150]
    excess = take_out(first)[1]
    other = take_out(second, (200, 150))[1]
    # Whatever windows these pixels are in lie in both.
    side = window_shape(first.shape, PSF.shape[0])[0]
    shared = excess[200 + side : -side, 150 + side : -side]
    assert np.count_nonzero(shared) > 20
    np.testing.assert_allclose(
        shared, other[side : side + shared.shape[0], side : side + shared.shape[1]], atol=1e-4
    )


def test_each_channel_has_its_own_level_and_psf() -> None:
    plane = np.minimum(blurred(night(256)), 1)
    planes = np.stack([plane, 0.5 * plane])
    psf = np.stack([PSF, PSF], axis=-1)
    highlights = Highlights(Blur(psf, plane.shape), Clipping((1.0, 0.5), 8))
    highlights.take_out(planes, whole(plane), (0, 0))
    excess = np.zeros_like(planes)
    highlights.put_back(excess)
    bright = excess[0] > 1
    assert bright.any()
    np.testing.assert_allclose(excess[1][bright], 0.5 * excess[0][bright], rtol=0.02)


def test_lights_no_longer_ring() -> None:
    scene = night(320)
    noise = np.random.default_rng(5).normal(0, 0.003, scene.shape)
    data = np.clip(blur(scene[..., None], PSF)[..., 0] + noise, 0, 1).astype(np.float32)
    errors = []
    for levels in ((), (1.0,)):
        schedule = Schedule(
            8000.0, 2 / 3, growing_betas(2.2, 5.0, 600.0, 7), clipping=Clipping(levels, 8)
        )
        solver = TileSolver(Blur(PSF, scene.shape), 1, schedule)
        solver.planes[0] = data
        solver.solve()
        error = np.clip(solver.planes[0], 0, 1) - np.clip(scene, 0, 1)
        errors.append(np.sqrt(np.mean(error[40:-40, 40:-40] ** 2)))
    assert errors[1] < 0.5 * errors[0]

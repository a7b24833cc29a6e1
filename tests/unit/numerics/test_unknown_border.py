from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from numerics.blur import blur_valid
from numerics.boundary import fold_axis, fold_planes
from numerics.half_quadratic import Blur, Schedule, TileSolver
from numerics.make_psf import shake
from numerics.psf import psf_to_otf
from numerics.shrinkage import shrink_gradients
from numerics.unknown_border import Inside

PSF = shake(11, 3, 13)
HALO = 32


def solve(blurred: np.ndarray, corrected: tuple[int, ...]) -> np.ndarray:
    height, width, _ = blurred.shape
    folds = [fold_axis(-HALO, n + 2 * HALO, HALO, n) for n in (height, width)]
    schedule = Schedule.geometric(8000.0, exponent=2 / 3, steps=8, growth=1.15, corrected=corrected)
    shape = (height + 2 * HALO, width + 2 * HALO)
    solver = TileSolver(Blur(PSF, shape), 3, schedule)
    fold_planes(blurred, *folds, solver.planes)
    solver.solve(Inside(folds[0].inside, folds[1].inside))
    return solver.planes[:, HALO:-HALO, HALO:-HALO].transpose(1, 2, 0).copy()


@pytest.fixture(scope="module")
def sharp() -> np.ndarray:
    return ((skimage.data.astronaut()[60:272, 130:342] / 255.0) ** 2.2).astype(np.float32)


def test_corrections_gain_at_the_border_and_nothing_is_lost_inside(sharp: np.ndarray) -> None:
    blurred = blur_valid(sharp, PSF)
    blurred += np.random.default_rng(1).normal(0, 0.003, blurred.shape).astype(np.float32)
    reach = PSF.shape[0] // 2
    truth = sharp[reach:-reach, reach:-reach]
    border = np.ones(truth.shape[:2], bool)
    border[16:-16, 16:-16] = False
    inside = np.zeros_like(border)
    inside[48:-48, 48:-48] = True
    plain, corrected = (solve(blurred, steps) - truth for steps in ((), (1, 3)))
    assert np.mean(corrected[border] ** 2) < 0.9 * np.mean(plain[border] ** 2)
    assert np.mean(corrected[inside] ** 2) < 1.02 * np.mean(plain[inside] ** 2)


def test_planes_without_an_outside_are_left_alone() -> None:
    planes = np.random.default_rng(7).random((2, 48, 50)).astype(np.float32)
    results = []
    for corrected in ((), (0, 1)):
        schedule = Schedule.geometric(500.0, exponent=1.0, steps=3, growth=1.0, corrected=corrected)
        solver = TileSolver(Blur(PSF, (48, 50)), 2, schedule)
        solver.planes[...] = planes
        solver.solve(Inside((0, 48), (0, 50)))
        results.append(solver.planes.copy())
    np.testing.assert_array_equal(*results)


def test_one_correction_is_the_formula() -> None:
    planes = np.random.default_rng(8).random((1, 40, 42)).astype(np.float32)
    inside = Inside((8, 40), (0, 30))
    first, both = (
        TileSolver(Blur(PSF, (40, 42)), 1, Schedule(400.0, 1.0, betas, corrected))
        for betas, corrected in (((2.0,), ()), ((2.0, 4.0), (0,)))
    )
    first.planes[...] = planes
    first.solve()
    latent = first.planes.astype(np.float64)
    K = psf_to_otf(PSF, (40, 42))
    explained = np.fft.irfft2(K * np.fft.rfft2(latent), (40, 42))
    outside = np.ones((40, 42), bool)
    outside[8:40, 0:30] = False
    moved = planes + np.where(outside, 3.0 * (explained - planes), 0.0)
    # The second step from the same latent picture, with the moved y as its data.
    shrunken = first.planes.copy()
    shrink_gradients(shrunken, 4.0, 1.0)
    blur = Blur(PSF, (40, 42))
    above = 100.0 * blur.conjugate * np.fft.rfft2(moved) + np.fft.rfft2(shrunken)
    below = 100.0 * blur.power + blur.rows[:, None] + blur.columns
    both.planes[...] = planes
    both.solve(inside)
    np.testing.assert_allclose(both.planes, np.fft.irfft2(above / below, (40, 42)), atol=1e-3)

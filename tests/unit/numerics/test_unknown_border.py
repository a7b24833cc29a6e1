from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from numerics.blur import blur_valid
from numerics.boundary import fold_axis, fold_planes
from numerics.half_quadratic import Blur, Schedule, TileSolver, growing_betas
from numerics.make_psf import shake
from numerics.unknown_border import Inside

PSF = shake(11, 3, 13)
HALO = 32


def solve(blurred: np.ndarray, corrected: tuple[int, ...]) -> np.ndarray:
    height, width, _ = blurred.shape
    folds = [fold_axis(-HALO, n + 2 * HALO, HALO, n) for n in (height, width)]
    betas = growing_betas(2.2, 5.0, 600.0, 7)
    schedule = Schedule(8000.0, 2 / 3, betas, corrected=corrected, iterations=3)
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
    plain, corrected = (solve(blurred, steps) - truth for steps in ((), (2,)))
    assert np.mean(corrected[border] ** 2) < 0.8 * np.mean(plain[border] ** 2)
    assert np.mean(corrected[inside] ** 2) < 1.02 * np.mean(plain[inside] ** 2)


def test_planes_without_an_outside_are_left_alone() -> None:
    planes = np.random.default_rng(7).random((2, 48, 50)).astype(np.float32)
    results = []
    for corrected in ((), (0, 1)):
        schedule = Schedule(500.0, 1.0, (2.0, 4.0, 8.0), corrected=corrected)
        solver = TileSolver(Blur(PSF, (48, 50)), 2, schedule)
        solver.planes[...] = planes
        solver.solve(Inside((0, 48), (0, 50)))
        results.append(solver.planes.copy())
    np.testing.assert_array_equal(*results)


def test_many_iterations_solve_the_problem_whose_data_are_the_inside_alone() -> None:
    planes = np.random.default_rng(8).random((1, 40, 42)).astype(np.float32)
    fidelity, beta = 40.0, 2.0
    blur = Blur(PSF, (40, 42))
    solver = TileSolver(blur, 1, Schedule(fidelity, 1.0, (beta,), corrected=(0,), iterations=60))
    solver.planes[...] = planes
    solver.solve(Inside((8, 40), (0, 30)))
    # lambda K^T M (K x - y) + beta D^T D x, since w is 0 in the first step: zero where the energy
    # is least.
    latent, otf = np.fft.rfft2(solver.planes.astype(np.float64)), blur.conjugate.conj()
    misfit = np.fft.irfft2(otf * latent, (40, 42)) - planes
    misfit[:, :8] = misfit[:, :, 30:] = 0.0
    data = fidelity * blur.conjugate * np.fft.rfft2(misfit)
    prior = beta * (blur.rows[:, None] + blur.columns) * latent
    gradient, one_part = (np.fft.irfft2(part, (40, 42)) for part in (data + prior, prior))
    assert np.abs(gradient).max() < 1e-3 * np.abs(one_part).max()


def test_a_border_that_is_right_already_stays() -> None:
    solver = TileSolver(Blur(PSF, (40, 42)), 1, Schedule(40.0, 1.0, (2.0, 4.0), (), (0, 1), 3))
    solver.planes[...] = 0.25
    solver.solve(Inside((8, 40), (0, 30)))
    np.testing.assert_allclose(solver.planes, 0.25, atol=1e-5)

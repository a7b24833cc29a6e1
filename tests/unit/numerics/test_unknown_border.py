from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from numerics.blur import blur_valid
from numerics.boundary import fold_axis, fold_planes
from numerics.half_quadratic import Schedule, TileSolver, growing_betas
from numerics.make_psf import shake
from numerics.otf import Blur
from numerics.outside import Inside
from numerics.unknown_border import Correction

PSF = shake(11, 3, 13)
HALO = 32


def solve(blurred: np.ndarray, corrected: tuple[int, ...], width: int | None) -> np.ndarray:
    height, width, _ = blurred.shape
    folds = [fold_axis(-HALO, n + 2 * HALO, HALO, n) for n in (height, width)]
    betas = growing_betas(2.2, 5.0, 600.0, 7)
    schedule = Schedule(8000.0, 2 / 3, betas, (), Correction(corrected, 3, width))
    shape = (height + 2 * HALO, width + 2 * HALO)
    solver = TileSolver(Blur(PSF, shape), 3, schedule)
    fold_planes(blurred, *folds, solver.planes, np.ones(3, np.float32))
    solver.solve(Inside(folds[0].inside, folds[1].inside))
    return solver.planes[:, HALO:-HALO, HALO:-HALO].transpose(1, 2, 0).copy()


@pytest.fixture(scope="module")
def sharp() -> np.ndarray:
    return ((skimage.data.astronaut()[60:272, 130:342] / 255.0) ** 2.2).astype(np.float32)


@pytest.mark.parametrize("width", [HALO, None])
def test_corrections_gain_at_the_border_and_nothing_is_lost_inside(
    sharp: np.ndarray, width: int | None
) -> None:
    blurred = blur_valid(sharp, PSF)
    blurred += np.random.default_rng(1).normal(0, 0.003, blurred.shape).astype(np.float32)
    reach = PSF.shape[0] // 2
    truth = sharp[reach:-reach, reach:-reach]
    border = np.ones(truth.shape[:2], bool)
    border[16:-16, 16:-16] = False
    inside = np.zeros_like(border)
    inside[48:-48, 48:-48] = True
    plain, corrected = (solve(blurred, steps, width) - truth for steps in ((), (2,)))
    assert np.mean(corrected[border] ** 2) < 0.8 * np.mean(plain[border] ** 2)
    assert np.mean(corrected[inside] ** 2) < 1.02 * np.mean(plain[inside] ** 2)


def test_bands_lie_along_the_picture_and_are_no_wider_than_told() -> None:
    inside, shape = Inside((10, 90), (0, 50)), (96, 56)
    spans = [(band.axis, band.start, band.stop) for band in inside.regions(shape, 8)]
    assert spans == [(0, 2, 10), (0, 90, 96), (1, 50, 56)]
    assert inside.regions(shape, None)[0].shape == shape
    assert Inside((0, 96), (0, 56)).regions(shape, 8) == ()


def test_planes_without_an_outside_are_left_alone() -> None:
    planes = np.random.default_rng(7).random((2, 48, 50)).astype(np.float32)
    results = []
    for corrected in ((), (0, 1)):
        schedule = Schedule(500.0, 1.0, (2.0, 4.0, 8.0), (), Correction(corrected))
        solver = TileSolver(Blur(PSF, (48, 50)), 2, schedule)
        solver.planes[...] = planes
        solver.solve(Inside((0, 48), (0, 50)))
        results.append(solver.planes.copy())
    np.testing.assert_array_equal(*results)


# Along one axis and along both, where bands are solved beside each other; with transforms of bands
# as large as the tile, and smaller.
@pytest.mark.parametrize(
    ("shape", "rows", "columns", "width"),
    [
        ((40, 42), (20, 40), (0, 42), 40),
        ((40, 42), (20, 40), (0, 20), 40),
        ((40, 42), (8, 40), (0, 30), None),
        ((96, 320), (0, 96), (60, 320), 60),
        ((320, 320), (0, 250), (0, 250), 70),
    ],
)
def test_many_iterations_solve_the_problem_whose_data_are_the_inside_alone(
    shape: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int], width: int | None
) -> None:
    planes = np.random.default_rng(8).random((1, *shape)).astype(np.float32)
    # So small a beta that all gradients vanish in every step.
    fidelity, beta, steps = 2.0, 0.1, 24
    blur = Blur(PSF, shape)
    schedule = Schedule(
        fidelity, 1.0, (beta,) * steps, (), Correction(tuple(range(steps)), 20, width)
    )
    solver = TileSolver(blur, 1, schedule)
    solver.planes[...] = planes
    solver.solve(Inside(rows, columns))
    # lambda K^T M (K x - y) + beta D^T D x: zero where the energy is least.
    conjugate, columns_power = blur.conjugate[..., blur.frequencies], blur.columns[blur.frequencies]
    latent = np.fft.rfft2(solver.planes.astype(np.float64))
    misfit = np.fft.irfft2(conjugate.conj() * latent, shape) - planes
    known = np.zeros(shape, bool)
    known[slice(*rows), slice(*columns)] = True
    misfit[:, ~known] = 0.0
    data = fidelity * conjugate * np.fft.rfft2(misfit)
    prior = beta * (blur.rows[:, None] + columns_power) * latent
    gradient, one_part = (np.fft.irfft2(part, shape) for part in (data + prior, prior))
    assert np.abs(gradient).max() < 1e-3 * np.abs(one_part).max()


def test_a_border_that_is_right_already_stays() -> None:
    solver = TileSolver(
        Blur(PSF, (40, 42)), 1, Schedule(40.0, 1.0, (2.0, 4.0), (), Correction((0, 1), 3))
    )
    solver.planes[...] = 0.25
    solver.solve(Inside((8, 40), (0, 30)))
    np.testing.assert_allclose(solver.planes, 0.25, atol=1e-5)

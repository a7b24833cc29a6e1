"""PSF by least squares: the normal equations, and both ways to solve them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from numerics.canvas import blur_circular
from numerics.fft import rfft2
from numerics.psf_step import (
    NormalEquations,
    normal_equations,
    solve_clipped,
    solve_non_negative,
    spectral_equations,
)


@pytest.fixture
def sharp() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((2, 30, 24)).astype(np.float32)


@pytest.fixture
def psf() -> np.ndarray:
    psf = np.zeros((5, 5), np.float32)
    psf[0, 1:4] = psf[1:4, 3] = 1 / 6  # lopsided: a turned or mirrored result would show
    return psf


def test_equations_are_those_of_least_squares(sharp: np.ndarray) -> None:
    blurred = np.random.default_rng(1).standard_normal(sharp.shape).astype(np.float32)
    equations = normal_equations(sharp, blurred, 3, ridge=0.5)
    columns = []
    for row in range(3):
        for column in range(3):
            moved = np.roll(sharp, (row - 1, column - 1), (1, 2))
            columns.append(moved.ravel().astype(np.float64))
    design = np.stack(columns, axis=1)
    np.testing.assert_allclose(
        equations.matrix, design.T @ design + 0.5 * np.eye(9), rtol=1e-4, atol=1e-2
    )
    np.testing.assert_allclose(equations.target, design.T @ blurred.ravel(), atol=1e-2)


def test_deviation_costs_what_the_psf_makes_of_it(sharp: np.ndarray, psf: np.ndarray) -> None:
    deviation = np.random.default_rng(2).standard_normal(sharp.shape).astype(np.float32)
    spectra, extra = rfft2(sharp), rfft2(deviation)
    equations = [
        spectral_equations(spectra, spectra, (30, 24), 5, 0.5, more) for more in (None, extra)
    ]
    more = equations[1].matrix - equations[0].matrix
    assert psf.ravel() @ more @ psf.ravel() == pytest.approx(
        float(np.sum(blur_circular(deviation, psf) ** 2)), rel=1e-4
    )
    np.testing.assert_array_equal(equations[0].target, equations[1].target)


@pytest.mark.parametrize("non_negative", [False, True])
def test_known_psf_is_found(sharp: np.ndarray, psf: np.ndarray, non_negative: bool) -> None:
    equations = normal_equations(sharp, blur_circular(sharp, psf), 5, ridge=1e-3)
    if non_negative:
        found = solve_non_negative(equations, np.ones((5, 5)))
    else:
        found = solve_clipped(equations)
    np.testing.assert_allclose(found, psf, atol=1e-4)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("guess", [0, 1])
def test_pivoting_finds_the_same_as_an_active_set(seed: int, guess: int) -> None:
    rng = np.random.default_rng(seed)
    design, observed = rng.standard_normal((60, 49)), rng.standard_normal(60)
    wanted, _ = optimize.nnls(design, observed)
    equations = NormalEquations(design.T @ design, design.T @ observed, 7)
    found = solve_non_negative(equations, np.full((7, 7), guess))
    np.testing.assert_allclose(found.ravel(), wanted, atol=1e-7)

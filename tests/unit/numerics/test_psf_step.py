"""The PSF step: least squares, with and without the constraint of being non-negative."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.canvas import blur_circular
from numerics.make_psf import shake
from numerics.psf_step import normal_equations, solve_clipped, solve_non_negative

SIZE = 7
random = np.random.default_rng(3)
SHARP = random.normal(size=(2, 40, 36)).astype(np.float32)
TRUE = shake(4, 2, SIZE)


def test_the_equations_are_those_of_the_convolution() -> None:
    # Column p of A is the picture moved by pixel p's offset from the centre.
    offsets = [(y - SIZE // 2, x - SIZE // 2) for y in range(SIZE) for x in range(SIZE)]
    A = np.stack([np.roll(SHARP, offset, (1, 2)).ravel() for offset in offsets], axis=1)
    blurred = random.normal(size=SHARP.shape).astype(np.float32)
    equations = normal_equations(SHARP, blurred, SIZE, ridge=2.0)
    np.testing.assert_allclose(equations.matrix, A.T @ A + 2 * np.eye(SIZE**2), atol=2e-2)
    np.testing.assert_allclose(equations.target, A.T @ blurred.ravel(), atol=2e-2)


@pytest.mark.parametrize("non_negative", [False, True])
def test_a_psf_is_found_again(non_negative: bool) -> None:
    equations = normal_equations(SHARP, blur_circular(SHARP, TRUE), SIZE, ridge=1e-3)
    found = solve_non_negative(equations, TRUE) if non_negative else solve_clipped(equations)
    np.testing.assert_allclose(found, TRUE, atol=1e-3)


def test_the_constrained_solution_is_optimal_from_any_guess() -> None:
    blurred = random.normal(size=SHARP.shape).astype(np.float32)
    equations = normal_equations(SHARP, blurred, SIZE, ridge=1.0)
    guesses = (np.ones((SIZE, SIZE)), np.zeros((SIZE, SIZE)), TRUE)
    found = [solve_non_negative(equations, guess).ravel() for guess in guesses]
    slope = equations.matrix @ found[0] - equations.target
    scale = np.abs(equations.target).max()
    assert found[0].min() >= 0
    assert slope.min() > -1e-6 * scale
    assert np.abs(slope * found[0]).max() < 1e-6 * scale
    np.testing.assert_allclose(found[0], found[1], atol=1e-8)
    np.testing.assert_allclose(found[0], found[2], atol=1e-8)

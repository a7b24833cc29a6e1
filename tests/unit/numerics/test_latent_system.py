"""Systems of blurred latents against their solution by dense matrices."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from numerics.fft import irfft2, rfft2
from numerics.latent_system import LatentSystem
from numerics.psf import psf_to_otf

FLOOR = 0.1


class Problem:
    """Two latents of 6 rows, a blur, weights of blurred and of plain pixels, targets."""

    def __init__(self, width: int) -> None:
        random = np.random.default_rng(width)
        self.shape = (6, width)
        psf = random.random((3, 3), np.float32)
        self.blur = psf_to_otf(psf / psf.sum(), self.shape)
        self.data, self.prior = random.uniform(1, 2, (2, *self.shape)).astype(np.float32)
        self.target = random.normal(size=(2, *self.shape)).astype(np.float32)
        self.calls = 0

    def weigh(self, planes: NDArray[np.float32]) -> None:
        self.calls += 1
        planes[:2] *= self.data
        planes[2:] *= self.prior

    @property
    def solution(self) -> NDArray[np.float64]:
        points = np.eye(self.target[0].size).reshape(-1, *self.shape)
        blurred = irfft2(rfft2(points) * self.blur, self.shape).reshape(len(points), -1)
        data = (blurred * self.data.ravel()) @ blurred.T
        matrix = data + np.diag(self.prior.ravel() + FLOOR)
        flat = self.target.reshape(2, -1).astype(np.float64)
        return np.linalg.solve(matrix, flat.T).T.reshape(self.target.shape)

    def solve(
        self, steps: int, start: NDArray[np.float32] | None = None, tolerance: float = 0.0
    ) -> NDArray[np.float32]:
        conditioner = np.reciprocal(np.abs(self.blur) ** 2 * 1.5 + np.float32(1.5 + FLOOR))
        system = LatentSystem(self.shape, self.blur, self.weigh, conditioner, FLOOR)
        start = np.zeros_like(self.target) if start is None else start
        found = system.solve(rfft2(self.target), rfft2(start), steps, tolerance=tolerance)
        return irfft2(found, self.shape)


@pytest.mark.parametrize("width", [8, 9])
def test_the_solution_is_that_of_the_matrix(width: int) -> None:
    problem = Problem(width)
    np.testing.assert_allclose(problem.solve(20), problem.solution, atol=2e-5)


def test_few_steps_lead_near_it_from_anywhere() -> None:
    problem = Problem(9)
    start = np.random.default_rng(0).normal(size=problem.target.shape).astype(np.float32)
    wrong = [np.abs(problem.solve(steps, start) - problem.solution).max() for steps in (0, 2, 4)]
    np.testing.assert_allclose(problem.solve(0, start), start, atol=1e-6)
    assert wrong[0] > 20 * wrong[1] > 100 * wrong[2]


def test_a_solution_stays() -> None:
    problem = Problem(8)
    solution = problem.solution.astype(np.float32)
    found = problem.solve(20, solution, tolerance=1e-3)
    np.testing.assert_allclose(found, solution, atol=1e-5)
    assert problem.calls == 1


def test_tolerance_saves_steps_and_is_kept() -> None:
    problem = Problem(8)
    found = problem.solve(20, tolerance=0.05)
    wrong = np.linalg.norm(found - problem.solution) / np.linalg.norm(problem.solution)
    assert 1e-4 < wrong < 0.1
    assert problem.calls < 6


def test_each_latent_is_a_system_of_its_own() -> None:
    problem = Problem(8)
    problem.target[1] = 0  # solved before it begins: must not become 0 / 0
    found = problem.solve(20)
    assert not found[1].any()
    np.testing.assert_allclose(found[0], problem.solution[0], atol=2e-5)

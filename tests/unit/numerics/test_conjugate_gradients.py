"""Conjugate gradients against a system whose solution is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from numerics.conjugate_gradients import conjugate_gradients


def test_each_plane_is_a_system_of_its_own() -> None:
    rng = np.random.default_rng(0)
    weights = rng.uniform(1, 4, (2, 3, 4)).astype(np.float32)
    wanted = rng.normal(size=(2, 3, 4)).astype(np.float32)
    wanted[1] = 0  # solved before it begins: must not become 0 / 0
    found = conjugate_gradients(
        lambda planes: weights * planes, weights * wanted, np.zeros_like(wanted), steps=12
    )
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_exact_preconditioner_needs_one_step() -> None:
    rng = np.random.default_rng(0)
    weights = rng.uniform(1, 1000, (8, 8)).astype(np.float32)
    wanted = rng.normal(size=(8, 8)).astype(np.float32)
    found = conjugate_gradients(
        lambda planes: weights * planes,
        weights * wanted,
        np.zeros_like(wanted),
        steps=1,
        precondition=lambda planes: planes / weights,
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_tolerance_saves_steps_and_is_kept() -> None:
    rng = np.random.default_rng(0)
    weights = np.geomspace(1, 1000, 64, dtype=np.float32).reshape(8, 8)
    wanted = rng.normal(size=(8, 8)).astype(np.float32)
    target, calls = weights * wanted, []

    def apply(planes: NDArray[np.float32]) -> NDArray[np.float32]:
        calls.append(1)
        return weights * planes

    found = conjugate_gradients(apply, target, None, steps=64, tolerance=0.05)
    left = np.linalg.norm(target - weights * found)
    assert 1e-4 < left / np.linalg.norm(target) <= 0.05
    assert len(calls) < 32

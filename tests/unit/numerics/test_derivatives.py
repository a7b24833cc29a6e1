from __future__ import annotations

import numpy as np

from numerics.derivatives import gradient, gradient_adjoint, gradient_power
from numerics.fft import irfft2, rfft2
from numerics.sparse_cg import second_derivatives, second_derivatives_adjoint

random = np.random.default_rng(5)


def normal(*shape: int) -> np.ndarray:
    return random.normal(size=shape).astype(np.float32)


def test_the_adjoint_of_the_gradient() -> None:
    plane, field = normal(9, 12), normal(2, 9, 12)
    left, right = np.sum(gradient(plane) * field), np.sum(plane * gradient_adjoint(field))
    np.testing.assert_allclose(left, right, rtol=1e-4)


def test_the_adjoint_of_the_second_derivatives() -> None:
    first, second = normal(2, 9, 12), normal(3, 9, 12)
    left = np.sum(second_derivatives(first) * second)
    right = np.sum(first * second_derivatives_adjoint(second))
    np.testing.assert_allclose(left, right, rtol=1e-4)


def test_the_power_is_the_laplacians_spectrum() -> None:
    plane = normal(10, 14)
    by_spectrum = irfft2(rfft2(plane) * gradient_power(plane.shape), plane.shape)
    np.testing.assert_allclose(by_spectrum, gradient_adjoint(gradient(plane)), atol=1e-4)

"""Derivatives: the adjoint, the power spectrum, what wraps."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.derivatives import gradient, gradient_adjoint, gradient_power, gradient_response
from numerics.fft import rfft2

SHAPES = [(12, 16), (9, 7)]


@pytest.mark.parametrize("shape", SHAPES)
def test_adjoint_of_first_derivatives(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    plane, field = rng.normal(size=shape), rng.normal(size=(2, *shape))
    assert np.vdot(gradient(plane), field) == pytest.approx(
        np.vdot(plane, gradient_adjoint(field)), abs=1e-10
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_response_is_what_the_differences_do_to_spectra(shape: tuple[int, int]) -> None:
    plane = np.random.default_rng(3).normal(size=shape)
    np.testing.assert_allclose(
        gradient_response(shape) * rfft2(plane), rfft2(gradient(plane)), atol=1e-5
    )


def test_differences_go_forward_and_wrap() -> None:
    plane = np.zeros((3, 4), np.float32)
    plane[1, 3] = 1
    down, along = gradient(plane)
    assert (down[0, 3], down[1, 3], down[2, 3]) == (1, -1, 0)
    assert (along[1, 2], along[1, 3], along[1, 0]) == (1, -1, 0)
    plane[...] = 0
    plane[0, 0] = 1
    assert gradient(plane)[0, 2, 0] == 1
    assert gradient(plane)[1, 0, 3] == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_power_is_that_of_the_gradient(shape: tuple[int, int]) -> None:
    plane = np.random.default_rng(3).normal(size=shape)
    spectrum = rfft2(gradient_adjoint(gradient(plane)))
    np.testing.assert_allclose(spectrum, gradient_power(shape) * rfft2(plane), atol=1e-4)

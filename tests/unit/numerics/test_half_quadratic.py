from __future__ import annotations

import numpy as np
import pytest

from numerics.block_shrinkage import STRIDE, shrink_blocks
from numerics.half_quadratic import BlockStep, NotFiniteError, Schedule, TileSolver
from numerics.make_psf import gaussian, motion, shake
from numerics.otf import Blur
from numerics.psf import psf_to_otf
from numerics.reach import LARGEST_HALO, solver_reach
from numerics.shrinkage import shrink_gradients


def solver(psf: np.ndarray, planes: np.ndarray, schedule: Schedule) -> TileSolver:
    result = TileSolver(Blur(psf, planes.shape[1:]), planes.shape[0], schedule)
    result.planes[...] = planes
    return result


@pytest.fixture
def planes() -> np.ndarray:
    return np.random.default_rng(7).random((3, 48, 50)).astype(np.float32)


def growing(fidelity: float, exponent: float, steps: int, growth: float) -> Schedule:
    return Schedule(fidelity, exponent, tuple(2 ** (growth * step) for step in range(1, steps + 1)))


def test_one_step_is_the_formula(planes: np.ndarray) -> None:
    psf, fidelity, beta = gaussian(1.2), 300.0, 4.0
    K = np.fft.fft2(_placed(psf, planes.shape[1:]))
    y, x = (np.fft.fftfreq(n) for n in planes.shape[1:])
    D2 = 4 * np.sin(np.pi * y[:, None]) ** 2 + 4 * np.sin(np.pi * x) ** 2
    known = fidelity * K.conj() * np.fft.fft2(planes)
    divisor = fidelity * np.abs(K) ** 2 + beta * D2
    shrunken = np.fft.ifft2(known / divisor).real.astype(np.float32)
    start = solver(psf, planes, Schedule(fidelity, 2 / 3, (beta,)))
    start.solve()
    np.testing.assert_allclose(start.planes, shrunken, atol=2e-4)
    shrink_gradients(shrunken, beta, 2 / 3)
    expected = np.fft.ifft2((known + beta * np.fft.fft2(shrunken)) / divisor).real
    two = solver(psf, planes, Schedule(fidelity, 2 / 3, (beta, beta)))
    two.solve()
    np.testing.assert_allclose(two.planes, expected, atol=2e-4)


def test_a_step_with_blocks_is_the_formula() -> None:
    planes = np.random.default_rng(9).random((3, 48, 64)).astype(np.float32)
    psf, step, origin = gaussian(1.2), BlockStep(0.3, 0.4), (-5, 9)
    start = solver(psf, planes, Schedule(300.0, 2 / 3, (4.0,)))
    start.solve()
    shrink_blocks(start.planes, step.threshold, offset=(5 % STRIDE, -9 % STRIDE))
    K = np.fft.fft2(_placed(psf, planes.shape[1:]))
    above = K.conj() * np.fft.fft2(planes) + step.weight * np.fft.fft2(start.planes)
    expected = np.fft.ifft2(above / (np.abs(K) ** 2 + step.weight)).real
    both = solver(psf, planes, Schedule(300.0, 2 / 3, (4.0,), (step,)))
    both.solve(origin=origin)
    np.testing.assert_allclose(both.planes, expected, atol=2e-4)


def _placed(psf: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    plane = np.zeros(shape)
    plane[: psf.shape[0], : psf.shape[1]] = psf
    return np.roll(plane, (-(psf.shape[0] // 2), -(psf.shape[1] // 2)), (0, 1))


def test_a_point_gives_the_picture_back(planes: np.ndarray) -> None:
    same = solver(
        np.ones((1, 1), np.float32),
        planes,
        growing(1e9, 1.0, 8, 1.0),
    )
    same.solve()
    np.testing.assert_allclose(same.planes, planes, atol=1e-4)


def test_light_is_kept(planes: np.ndarray) -> None:
    schedule = growing(1e3, 2 / 3, 9, 1.15)
    some = solver(shake(9, 1), planes, schedule)
    some.solve()
    np.testing.assert_allclose(some.planes.mean((1, 2)), planes.mean((1, 2)), rtol=1e-4)


def test_each_channel_may_have_a_psf_of_its_own(planes: np.ndarray) -> None:
    schedule = growing(500.0, 1.0, 3, 1.0)
    psfs = np.stack([gaussian(s, 9) for s in (0.5, 1.0, 1.5)], axis=2)
    blur = Blur(psfs, (48, 50))
    for channel in range(3):
        mine = psf_to_otf(psfs[:, :, channel], (48, 50))
        found = blur.conjugate[channel][:, blur.frequencies]
        np.testing.assert_allclose(found, mine.conj(), atol=1e-6)
    one = solver(gaussian(1.0, 9), planes, schedule)
    same = solver(gaussian(1.0, 9)[:, :, None].repeat(3, 2), planes, schedule)
    one.solve()
    same.solve()
    np.testing.assert_array_equal(one.planes, same.planes)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_picture_that_is_not_finite_is_refused(planes: np.ndarray, bad: float) -> None:
    planes[1, 3, 4] = bad
    some = solver(gaussian(1.0), planes, growing(1e3, 1.0, 2, 1.0))
    with pytest.raises(NotFiniteError, match="NaN or infinite pixels"):
        some.solve()


def test_the_blur_is_taken_out() -> None:
    squares = np.kron(np.random.default_rng(1).random((3, 8, 8)), np.ones((16, 16))).astype(
        np.float32
    )
    psf = shake(9, 1)
    otf = psf_to_otf(psf, (128, 128))
    blurred = np.fft.irfft2(np.fft.rfft2(squares) * otf, s=(128, 128)).astype(np.float32)
    blurred += np.random.default_rng(2).normal(0, 0.005, blurred.shape).astype(np.float32)
    schedule = growing(0.1 / 0.005**2, 2 / 3, 9, 1.15)
    some = solver(psf, blurred, schedule)
    some.solve()
    before, after = (np.mean((p - squares) ** 2) for p in (blurred, some.planes))
    assert 10 * np.log10(before / after) > 15


def test_reach_grows_with_the_blur_up_to_the_cap() -> None:
    schedule = growing(4e3, 2 / 3, 9, 1.15)
    small, large, largest = (
        solver_reach(psf, schedule) for psf in (gaussian(1.0), shake(27, 1), motion(65, 20.0))
    )
    assert 32 <= small.halo < large.halo <= 192 < largest.halo <= LARGEST_HALO
    assert small.lost <= 0.01 < large.lost < largest.lost
    assert small.expected_error < 3e-4 < large.expected_error < 3e-3


def test_no_steps_reach_nowhere() -> None:
    assert solver_reach(gaussian(1.0), Schedule(1.0, 1.0, ())).halo == 0

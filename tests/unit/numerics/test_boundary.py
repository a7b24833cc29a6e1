from __future__ import annotations

import numpy as np
import pytest

from numerics.boundary import fold_axis, fold_planes, smootherstep

UNITS = np.ones(3, np.float32)


def fold(
    picture: np.ndarray, origin: tuple[int, int], n: int, width: int, units: np.ndarray = UNITS
) -> np.ndarray:
    rows, columns = (
        fold_axis(at, n, width, size) for at, size in zip(origin, picture.shape[:2], strict=True)
    )
    planes = np.empty((picture.shape[2], n, n), np.float32)
    block = picture[rows.start : rows.stop, columns.start : columns.stop]
    fold_planes(block, rows, columns, planes, units)
    return planes


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(3).random((90, 80, 3)).astype(np.float32)


def test_away_from_the_wrap_the_picture_is_as_it_was(picture: np.ndarray) -> None:
    planes = fold(picture, (12, 10), 48, 16)
    inner = picture[12 + 8 : 12 + 40, 10 + 8 : 10 + 40]
    np.testing.assert_array_equal(planes[:, 8:40, 8:40], inner.transpose(2, 0, 1))


def test_planes_count_in_their_own_units(picture: np.ndarray) -> None:
    units = np.array([1.0, 2.0, 0.5], np.float32)
    planes, scaled = fold(picture, (12, 10), 48, 16), fold(picture, (12, 10), 48, 16, units)
    np.testing.assert_allclose(scaled * units[:, None, None], planes, rtol=1e-6)


def test_without_a_fold_a_tile_is_a_cut_out(picture: np.ndarray) -> None:
    planes = fold(picture, (5, 7), 40, 0)
    np.testing.assert_array_equal(planes, picture[5:45, 7:47].transpose(2, 0, 1))


def test_across_the_wrap_both_sides_meet() -> None:
    ramp = np.linspace(0, 1, 200, dtype=np.float32)[:, None, None].repeat(200, 1)
    line = fold(ramp, (60, 60), 64, 24)[0, :, 5]
    steps = np.abs(np.diff(np.append(line, line[0])))
    assert steps[-1] < 0.035  # untreated, the ramp would jump by 64/200 = 0.32
    assert steps.max() < 0.05


def test_beyond_the_border_the_last_pixel_repeats(picture: np.ndarray) -> None:
    planes = fold(picture, (-10, -10), 60, 0)
    np.testing.assert_array_equal(
        planes[:, :10, :10], planes[:, 10:11, 10:11].repeat(10, 1).repeat(10, 2)
    )


def test_only_what_is_needed_is_read() -> None:
    axis = fold_axis(100, 64, 16, 1000)
    assert (axis.start, axis.stop) == (92, 172)
    axis = fold_axis(-30, 64, 16, 20)
    assert (axis.start, axis.stop) == (0, 20)


def test_smootherstep_is_complementary() -> None:
    u = np.linspace(0, 1, 11)
    np.testing.assert_allclose(smootherstep(u) + smootherstep(1 - u), 1, atol=1e-15)
    assert smootherstep(np.array([0.0, 1.0])).tolist() == [0.0, 1.0]

"""Canvases: the sample stays, the margin continues it smoothly and circularly."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.canvas import blur_circular, fill, lay_out


@pytest.mark.parametrize("shape", [(40, 40), (33, 57)])
def test_sample_stays_as_it_is(shape: tuple[int, int]) -> None:
    sample = np.random.default_rng(0).random(shape, np.float32)
    canvas = lay_out(sample, 9)
    assert np.array_equal(canvas.plane[canvas.window], sample)
    assert canvas.valid.sum() == sample.size
    assert canvas.inner.sum() == (shape[0] - 2) * (shape[1] - 2)
    assert all(side >= n + 9 for side, n in zip(canvas.shape, shape, strict=True))


def test_flat_sample_gives_flat_canvas() -> None:
    canvas = lay_out(np.full((40, 50), 0.3, np.float32), 15)
    np.testing.assert_allclose(canvas.plane, 0.3, atol=1e-5)


def test_margin_joins_both_ends_without_a_step() -> None:
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    plane = lay_out(ramp, 31).plane
    steps = np.abs(np.diff(plane[48], append=plane[48, 0]))
    assert steps.max() < 0.12
    assert plane.min() >= -1e-3
    assert plane.max() <= 1 + 1e-3


def test_what_lies_outside_is_not_looked_at() -> None:
    rng = np.random.default_rng(0)
    plane, valid = rng.random((30, 40), np.float32), np.zeros((30, 40), bool)
    valid[5:20, 8:30] = True
    assert np.array_equal(fill(plane, valid), fill(np.where(valid, plane, 9), valid))


def test_circular_blur_moves_and_wraps() -> None:
    plane = np.zeros((8, 10), np.float32)
    plane[7, 0] = 1
    psf = np.zeros((3, 3), np.float32)
    psf[2, 0] = 1  # one down, one to the left
    blurred = blur_circular(plane, psf)
    assert blurred[0, 9] == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(blur_circular(np.stack([plane, plane]), psf)[1], blurred)


def test_unknown_pixels_keep_their_values_but_are_not_valid() -> None:
    sample = np.random.default_rng(1).random((20, 22), np.float32)
    known = np.full(sample.shape, True)
    known[4:7, 5:9] = False
    canvas = lay_out(sample, 9, known)
    assert np.array_equal(canvas.plane[canvas.window], sample)
    assert np.array_equal(canvas.valid[canvas.window], known)
    assert np.array_equal(canvas.plane, lay_out(sample, 9).plane)

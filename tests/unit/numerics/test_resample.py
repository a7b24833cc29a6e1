"""Resampling: flat stays flat, factors keep the mean, pieces equal the whole."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.resample import make_taps, resample_columns, resample_rows


@pytest.mark.parametrize("outputs", [1, 7, 40, 41, 97, 640])
def test_flat_stays_flat(outputs: int) -> None:
    picture = np.full((40, 3, 2), 0.3, np.float32)
    resampled = resample_rows(picture, make_taps(40, outputs))
    assert resampled.shape == (outputs, 3, 2)
    assert np.allclose(resampled, 0.3, atol=1e-6)


def test_same_size_changes_nothing() -> None:
    picture = np.random.default_rng(0).random((20, 30, 3), np.float32)
    assert np.allclose(resample_rows(picture, make_taps(20, 20)), picture, atol=1e-6)


@pytest.mark.parametrize("outputs", [25, 60, 333])
def test_smooth_curves_are_kept(outputs: int) -> None:
    def curve(count: int) -> np.ndarray:
        return np.sin(2 * np.pi * (np.arange(count) + 0.5) / count * 2).astype(np.float32)

    resampled = resample_columns(curve(100)[np.newaxis, :, np.newaxis], make_taps(100, outputs))
    assert np.allclose(resampled[0, 4:-4, 0], curve(outputs)[4:-4], atol=0.03)


def test_shrinking_antialiases() -> None:
    stripes = np.tile(np.array([0.0, 1.0], np.float32), 64)[:, np.newaxis, np.newaxis]
    shrunk = resample_rows(stripes, make_taps(128, 32))
    assert np.allclose(shrunk[3:-3], 0.5, atol=0.01)


@pytest.mark.parametrize("outputs", [9, 50, 133])
def test_pieces_equal_the_whole(outputs: int) -> None:
    picture = np.random.default_rng(0).random((50, 4, 1), np.float32)
    taps = make_taps(50, outputs)
    whole = resample_rows(picture, taps)
    for start in range(0, outputs, 8):
        stop = min(start + 8, outputs)
        first, last = taps.span(start, stop)
        piece = resample_rows(picture[first:last], taps.cut(start, stop))
        assert np.array_equal(piece, whole[start:stop])

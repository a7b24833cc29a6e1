"""Resampling: flat stays flat, factors keep the mean, pieces equal the whole."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.resample import make_taps, resample


@pytest.mark.parametrize("outputs", [1, 7, 40, 41, 97, 640])
def test_flat_stays_flat(outputs: int) -> None:
    picture = np.full((40, 3, 2), 0.3, np.float32)
    resampled = resample(picture, make_taps(40, outputs), make_taps(3, 5))
    assert resampled.shape == (outputs, 5, 2)
    assert np.allclose(resampled, 0.3, atol=1e-6)


def test_same_size_changes_nothing() -> None:
    picture = np.random.default_rng(0).random((20, 30, 3), np.float32)
    same = resample(picture, make_taps(20, 20), make_taps(30, 30))
    assert np.allclose(same, picture, atol=1e-6)


@pytest.mark.parametrize("outputs", [25, 60, 333])
def test_smooth_curves_are_kept(outputs: int) -> None:
    def curve(count: int) -> np.ndarray:
        return np.sin(2 * np.pi * (np.arange(count) + 0.5) / count * 2).astype(np.float32)

    taps = make_taps(100, outputs)
    picture = curve(100)[:, np.newaxis, np.newaxis] * curve(100)[:, np.newaxis]
    expected = curve(outputs)[4:-4, np.newaxis] * curve(outputs)[4:-4]
    assert np.allclose(resample(picture, taps, taps)[4:-4, 4:-4, 0], expected, atol=0.03)


def test_shrinking_antialiases() -> None:
    stripes = np.tile(np.array([0.0, 1.0], np.float32), 64)[:, np.newaxis, np.newaxis]
    shrunk = resample(stripes, make_taps(128, 32), make_taps(1, 1))
    assert np.allclose(shrunk[3:-3], 0.5, atol=0.01)


@pytest.mark.parametrize("outputs", [9, 50, 133])
def test_pieces_equal_the_whole(outputs: int) -> None:
    picture = np.random.default_rng(0).random((50, 4, 1), np.float32)
    taps = make_taps(50, outputs)
    across = make_taps(4, 3)
    whole = resample(picture, taps, across)
    for start in range(0, outputs, 8):
        stop = min(start + 8, outputs)
        first, last = taps.span(start, stop)
        piece = resample(picture[first:last], taps.cut(start, stop), across)
        assert np.array_equal(piece, whole[start:stop])

"""Cleaning and centring of PSFs."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.psf import PsfError
from numerics.psf_cleaning import centring_shift, clean_psf, psf_extent, psf_reach, shift_psf


def test_faint_pixels_and_specks_go() -> None:
    psf = np.zeros((9, 9))
    psf[2:6, 4] = 1
    psf[2, 5] = 0.04  # faint
    psf[8, 0] = 0.3  # a speck: less than a tenth of the light
    psf[6, 5] = 0.2  # joined by a corner only
    cleaned = clean_psf(psf)
    assert cleaned.sum() == pytest.approx(1)
    assert cleaned[2, 5] == cleaned[8, 0] == 0
    assert cleaned[6, 5] == pytest.approx(0.2 / 4.2)


def test_heaviest_group_always_stays() -> None:
    psf = np.zeros((9, 9))
    psf[::2, ::2] = 1
    psf[4, 4] = 1.5
    cleaned = clean_psf(psf)
    assert cleaned[4, 4] == 1


def test_dark_psf_is_refused() -> None:
    with pytest.raises(PsfError, match="no positive value"):
        clean_psf(np.zeros((5, 5)))


def test_centroid_comes_to_the_middle() -> None:
    psf = np.zeros((9, 9), np.float32)
    psf[1:4, 6] = 1 / 3
    shift = centring_shift(psf)
    assert shift == (2, -2)
    moved = shift_psf(psf, shift)
    assert np.array_equal(moved, np.roll(psf, shift, (0, 1)))
    assert centring_shift(moved) == (0, 0)


def test_light_that_leaves_is_made_up_for() -> None:
    psf = np.zeros((3, 3), np.float32)
    psf[0, 0] = psf[1, 1] = 0.5
    moved = shift_psf(psf, (-1, 0))
    assert moved[0, 1] == 1
    assert moved.sum() == 1


def test_reach_is_the_farthest_light_along_an_axis() -> None:
    psf = np.zeros((9, 9), np.float32)
    psf[4, 4] = 1
    assert psf_reach(psf) == 0
    psf[5, 1] = 0.1
    assert psf_reach(psf) == 3
    assert psf_extent(psf) == 7
    assert psf_extent(psf, without=0.1) == 1

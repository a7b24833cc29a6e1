"""Blind estimation from end to end, on a photograph with a known shake."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from numerics.blind import (
    STARTS,
    _similarity,
    adapt_psf,
    estimate_psf,
    estimate_psf_and_size,
)
from numerics.climb import build_levels, climb, climb_cost
from numerics.psf import check_psf
from numerics.sample import normalise_sample
from numerics.sparse_cg import deconvolve_sparse
from numerics.work import Work


def padded(psf: np.ndarray, size: int) -> np.ndarray:
    return np.pad(psf, (size - psf.shape[0]) // 2)


@pytest.fixture(scope="module")
def estimate(shaken_photo):
    return estimate_psf(shaken_photo, 15)


def test_shake_is_found(estimate, shake: np.ndarray) -> None:
    check_psf(estimate.psf)
    assert estimate.psf.shape == (15, 15)
    assert estimate.psf.dtype == np.float32
    assert _similarity(estimate.psf, padded(shake, 15)) > 0.85
    middle = np.array(ndimage.center_of_mass(estimate.psf))
    assert np.abs(middle - 7).max() < 1.5
    assert estimate.agreement > 0.75
    assert -0.2 < estimate.whiteness < 0
    assert 0 < estimate.score < 1


def test_deconvolving_with_it_gains(
    estimate, shaken_photo: np.ndarray, sharp_photo: np.ndarray
) -> None:
    sharp = sharp_photo[5:-5, 5:-5]
    latent = deconvolve_sparse(shaken_photo, estimate.psf)
    inside = (slice(12, -12), slice(12, -12))
    before = np.mean((shaken_photo - sharp)[inside] ** 2)
    after = min(
        np.mean((np.roll(latent, (down, right), (0, 1)) - sharp)[inside] ** 2)
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    )
    assert 10 * np.log10(before / after) > 4


def test_same_sample_same_psf(shaken_photo: np.ndarray) -> None:
    window = shaken_photo[:80, :90]
    first, second = (estimate_psf(window, 9, starts=STARTS[:1]) for _ in range(2))
    assert np.array_equal(first.psf, second.psf)
    assert first.agreement == 1


def test_exposure_does_not_matter(shaken_photo: np.ndarray) -> None:
    window = shaken_photo[:96, :96]
    bright = estimate_psf(window, 9, starts=STARTS[:1])
    dark = estimate_psf(window / 64, 9, starts=STARTS[:1])
    assert _similarity(bright.psf, dark.psf) > 0.999


@pytest.mark.parametrize(("size", "shape"), [(3, (64, 70)), (5, (33, 64)), (21, (64, 81))])
@pytest.mark.parametrize("start", STARTS, ids=lambda start: start.name)
def test_any_size_gives_a_psf(shaken_photo: np.ndarray, size, shape, start) -> None:
    window = shaken_photo[60 : 60 + shape[0], 60 : 60 + shape[1]]
    found = estimate_psf(window, size, starts=[start])
    check_psf(found.psf)
    assert found.psf.shape == (size, size)


def test_largest_size_gives_a_psf(shaken_photo: np.ndarray) -> None:
    levels = build_levels(normalise_sample(shaken_photo[:130, :130], 65), 65)
    psf = climb(levels, STARTS[1], Work(climb_cost(levels)))
    check_psf(psf)
    assert psf.shape == (65, 65)


def test_progress_rises_to_the_end(shaken_photo: np.ndarray) -> None:
    steps: list[float] = []
    estimate_psf(shaken_photo[:64, :64], 7, progress=lambda done, total: steps.append(done / total))
    assert steps == sorted(steps)
    assert len(steps) > 30
    assert steps[-1] == pytest.approx(1)


def test_work_can_be_stopped(shaken_photo: np.ndarray) -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        estimate_psf(shaken_photo, 15, check=check)
    assert calls == 3


def test_size_is_found_by_score(shaken_photo: np.ndarray) -> None:
    steps: list[float] = []
    sizes = (5, 13)
    found = estimate_psf_and_size(
        shaken_photo, sizes, progress=lambda done, total: steps.append(done / total)
    )
    assert found.psf.shape == (13, 13)
    assert steps == sorted(steps)
    assert steps[-1] == pytest.approx(1)


def test_sizes_too_large_for_the_sample_are_left_out(shaken_photo: np.ndarray) -> None:
    found = estimate_psf_and_size(shaken_photo[:40, :40], (5, 31))
    assert found.psf.shape == (5, 5)


def test_channels_get_their_own_psf(shaken_photo: np.ndarray, estimate) -> None:
    softer = np.asarray(ndimage.gaussian_filter(shaken_photo, 1), np.float32)
    own = adapt_psf(softer, estimate.psf)
    same = adapt_psf(shaken_photo, estimate.psf)
    check_psf(own)
    assert own.shape == estimate.psf.shape
    assert _similarity(same, estimate.psf) > 0.9
    assert own.max() < 0.8 * same.max()

"""How alike PSFs are, and their mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from numerics.consensus import agreement, are_of_their_own, is_unlike, mean_psf, similarity
from numerics.make_psf import gaussian
from numerics.psf import check_psf, normalise


@pytest.fixture
def psf(shake: np.ndarray) -> np.ndarray:
    return np.pad(shake, 4)


def test_shifts_do_not_matter(psf: np.ndarray) -> None:
    assert similarity(psf, np.roll(psf, (3, -2), (0, 1))) == pytest.approx(1, abs=1e-5)
    assert similarity(psf, psf[::-1]) < 0.9


def test_agreement_is_the_mean_by_weight(psf: np.ndarray) -> None:
    soft = normalise(ndimage.gaussian_filter(psf, 1))
    point = np.zeros_like(psf)
    point[9, 9] = 1
    assert agreement(psf, [psf, psf], np.ones(2)) == pytest.approx(1)
    near, far = similarity(psf, soft), similarity(psf, point)
    found = agreement(psf, [soft, point], np.array([3.0, 1.0]))
    assert found == pytest.approx((3 * near + far) / 4)


def test_mean_heeds_trust(psf: np.ndarray) -> None:
    """One that is trusted outweighs two that agree but are not."""
    astray = normalise(ndimage.gaussian_filter(psf[::-1], 2))
    mean = mean_psf([astray, psf, astray], np.array([0.02, 1, 0.02]))
    assert similarity(mean, psf) > 0.99


@pytest.mark.parametrize("shift", [(0, 0), (2, -3), (-1.5, 0.5)])
def test_mean_lays_them_onto_each_other(psf: np.ndarray, shift: tuple[float, float]) -> None:
    soft = normalise(ndimage.gaussian_filter(psf, 1))
    moved = normalise(ndimage.shift(soft, shift, order=1))
    mean = mean_psf([soft, soft, moved])
    check_psf(mean)
    assert similarity(mean, soft) > 0.995


def test_mean_evens_out_chance(psf: np.ndarray) -> None:
    dust = np.random.default_rng(0).exponential(0.01, (3, *psf.shape))
    noisy = [normalise(psf + each) for each in dust]
    assert similarity(mean_psf(noisy), psf) > max(similarity(each, psf) for each in noisy)


def test_mean_hardly_heeds_one_that_went_astray(psf: np.ndarray) -> None:
    astray = normalise(ndimage.gaussian_filter(psf[::-1], 2))
    assert similarity(astray, psf) < 0.8
    evenly = normalise((2 * psf + astray) / 3)
    assert similarity(mean_psf([psf, astray, psf]), psf) > similarity(evenly, psf)
    assert similarity(mean_psf([psf, astray, psf]), psf) > 0.99


def test_likeness_takes_psfs_of_any_size(shake: np.ndarray, psf: np.ndarray) -> None:
    assert not is_unlike(shake, [psf])
    assert not is_unlike(psf, [psf[::-1], shake])
    assert is_unlike(gaussian(0.4), [psf, psf[::-1]])


def test_candidates_are_of_their_own_if_alike_and_unlike_the_family(psf: np.ndarray) -> None:
    soft = normalise(ndimage.gaussian_filter(psf, 0.5))
    assert are_of_their_own([psf, soft, psf], gaussian(0.5))
    assert not are_of_their_own([psf, soft, psf], psf)
    assert not are_of_their_own([psf, gaussian(0.6, psf.shape[0]), soft], gaussian(0.5))
    point = np.zeros_like(psf)
    point[2, 9] = 1
    far = normalise(np.roll(point, 5, 0) + np.roll(point, 9, 1))
    assert not are_of_their_own([far, point, psf], gaussian(3.0))
    assert not are_of_their_own([psf], gaussian(0.5))

"""Variational refinement: a PSF that is about right gets better."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from numerics.canvas import lay_out
from numerics.psf import normalise
from numerics.sample import prepare_sample
from numerics.variational import refine_psf, refinement_cost
from numerics.work import Work


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.vdot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


def test_softened_psf_gets_closer_to_the_truth(shaken_photo: np.ndarray, shake: np.ndarray) -> None:
    soft = normalise(ndimage.gaussian_filter(shake, 1.2))
    sample = prepare_sample(shaken_photo, 11)
    canvas = lay_out(sample.plane, 11)
    steps = []
    work = Work(refinement_cost(canvas), lambda done, total: steps.append(done / total))
    refined = refine_psf(canvas, soft, sample.noise, work)
    assert refined.sum() == pytest.approx(1, abs=1e-5)
    assert refined.min() >= 0
    assert similarity(refined, shake) > similarity(soft, shake) + 0.1
    assert steps[-1] == pytest.approx(1)


def test_a_psf_that_settles_gets_closer_still(shaken_photo: np.ndarray, shake: np.ndarray) -> None:
    soft = normalise(ndimage.gaussian_filter(shake, 1.2))
    sample = prepare_sample(shaken_photo, 11)
    canvas = lay_out(sample.plane, 11)
    steps = []
    work = Work(
        refinement_cost(canvas, settle=True), lambda done, total: steps.append(done / total)
    )
    once = refine_psf(canvas, soft, sample.noise, Work(refinement_cost(canvas)))
    settled = refine_psf(canvas, soft, sample.noise, work, settle=True)
    assert similarity(settled, shake) > similarity(once, shake) + 0.02
    assert steps[-1] == pytest.approx(1)


def test_noise_does_not_make_a_psf_swallow_less(
    shaken_photo: np.ndarray, shake: np.ndarray
) -> None:
    refined = refine_under_noise(0.02, shaken_photo, shake)
    assert fine_power(refined) < 1.1 * fine_power(shake)


def test_strong_noise_leaves_a_true_psf_as_it_is(
    shaken_photo: np.ndarray, shake: np.ndarray
) -> None:
    """Latents broken off after ten steps, as many as do without noise, give it dust: 0.96."""
    refined = refine_under_noise(0.03, shaken_photo, shake)
    assert similarity(refined, shake) > 0.97


def refine_under_noise(noise: float, photo: np.ndarray, psf: np.ndarray) -> np.ndarray:
    grain = np.random.default_rng(1).normal(0, noise, photo.shape)
    sample = prepare_sample(photo + grain.astype(np.float32), 11)
    canvas = lay_out(sample.plane, 11)
    return refine_psf(canvas, psf, sample.noise, Work(refinement_cost(canvas)))


def fine_power(psf: np.ndarray) -> float:
    """Mean power that a PSF lets through above a quarter of the sampling frequency."""
    power = np.abs(np.fft.rfft2(psf, (64, 64))) ** 2
    down, along = np.fft.fftfreq(64)[:, None], np.fft.rfftfreq(64)
    return float(power[np.hypot(down, along) > 0.25].mean())

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

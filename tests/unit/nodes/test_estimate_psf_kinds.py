"""The estimate_psf node tells kinds of blur, and leaves sharp pictures alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from nodes.deconvolve import Deconvolve
from nodes.estimate_psf import EstimatePsf
from nodes.image import Image
from numerics.blur import blur
from numerics.families import astigmatic
from numerics.make_psf import disc, gaussian, motion, shake
from numerics.psf import check_psf
from pipeline.node import Value

KINDS = {
    "gaussian": (gaussian(1.4), {"sigma": 1.4}),
    "astigmatic": (
        astigmatic(2.4, 1.2, 60),
        {"sigma_long": 2.4, "sigma_short": 1.2, "angle": 60},
    ),
    "disc": (disc(3.0), {"radius": 3.0}),
    "line": (motion(11, 75), {"length": 11, "angle": 75}),
}


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return ((data.astronaut()[40:230, 110:320] / 255.0) ** 2.2).astype(np.float32)


@pytest.fixture(scope="module")
def cup() -> np.ndarray:
    return ((data.coffee()[80:280, 180:420] / 255.0) ** 2.2).astype(np.float32)


def blurred(sharp: np.ndarray, psf: np.ndarray) -> np.ndarray:
    return add_noise(blur(sharp, psf)[10:-10, 10:-10])


def add_noise(pixels: np.ndarray) -> np.ndarray:
    numbers = np.random.default_rng(3).standard_normal(pixels.shape, np.float32)
    return np.asarray(pixels + 0.004 * numbers, np.float32)


def estimate(context: Any, pixels: np.ndarray, **options: Any) -> Value:
    params = EstimatePsf.Params(**{"size": "auto", **options})
    return EstimatePsf().run(params, {"image": Image(pixels).value()}, context)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_told(context: Any, portrait: np.ndarray, kind: str) -> None:
    true, parameters = KINDS[kind]
    value = estimate(context, blurred(portrait, true))
    assert value.details["kind"] == kind
    assert value.details["result"] == "estimated"
    found = {name: value.details[name] for name in parameters}
    assert found == pytest.approx(parameters, rel=0.1)
    psf = value.arrays["psf"][:, :]
    check_psf(psf)
    assert value.details["size"] == psf.shape[0] == psf.shape[1]
    assert 0.5 < float(str(value.details["confidence"])) <= 1
    assert float(str(value.details["spectral_width"])) > 0
    assert context.warnings == context.notes == []


def test_a_shake_is_of_free_form(context: Any, cup: np.ndarray) -> None:
    value = estimate(context, blurred(cup, shake(13, 4)), size=17)
    assert value.details["kind"] == "free"
    assert value.details["result"] == "estimated"
    assert value.arrays["psf"].shape == (17, 17)
    assert {"agreement", "whiteness", "score", "start"} <= value.details.keys()


@pytest.mark.parametrize("blur", ["motion", "lens"])
def test_a_sharp_picture_is_given_back(context: Any, cup: np.ndarray, blur: str) -> None:
    sharp = add_noise(cup)
    value = estimate(context, sharp, blur=blur)
    assert value.details["kind"] == "none"
    assert value.details["result"] == "no blur found"
    assert context.warnings == []
    assert "no blur found" in context.notes[0]
    inputs = {"image": Image(sharp).value(), "psf": value}
    after = Deconvolve().run(Deconvolve.Params(), inputs, context).arrays["pixels"]
    assert np.array_equal(after[:, :, :], sharp)


def test_a_family_can_be_forced(context: Any, portrait: np.ndarray) -> None:
    sample = blurred(portrait, gaussian(1.4))
    round_ = estimate(context, sample, family="disc").details
    assert round_["kind"] == "disc"
    assert 1.5 < float(str(round_["radius"])) < 3.4
    line = estimate(context, sample, family="line").details
    assert line["kind"] == "line"
    assert float(str(line["confidence"])) < 0.2
    none = estimate(context, sample, family="none")
    assert none.arrays["psf"].shape == (3, 3)
    assert none.details["result"] == "no blur found"
    assert context.warnings == []


def test_a_given_size_is_kept(context: Any, portrait: np.ndarray) -> None:
    sample = blurred(portrait, disc(3.0))
    wide = estimate(context, sample, size=15)
    assert wide.arrays["psf"].shape == (15, 15)
    assert context.warnings == []
    narrow = estimate(context, sample, size=5)
    assert narrow.arrays["psf"].shape == (5, 5)
    assert float(str(narrow.details["rim_light"])) > 0.1
    assert "the PSF is cut off" in context.warnings[0]
    estimate(context, sample, size=51)
    assert "size 51 is far more than this blur takes, 7 px" in context.warnings[1]


def test_a_lens_blurs_and_shifts_each_colour_its_own_way(
    context: Any, portrait: np.ndarray
) -> None:
    sigmas, shifts = (1.6, 1.1, 2.0), np.array([(-1.2, 0.6), (0.0, 0.0), (0.9, -0.7)])
    planes = [
        ndimage.shift(ndimage.gaussian_filter(portrait[..., channel], sigma), shift, mode="nearest")
        for channel, (sigma, shift) in enumerate(zip(sigmas, shifts, strict=True))
    ]
    sample = add_noise(np.dstack(planes)[8:-8, 8:-8])
    value = estimate(context, sample, family="gaussian", blur="lens")
    psf = value.arrays["psf"][:, :, :]
    check_psf(psf)
    centres = np.array([ndimage.center_of_mass(psf[..., channel]) for channel in range(3)])
    np.testing.assert_allclose(centres - centres[1], shifts, atol=0.15)
    rows = np.arange(psf.shape[0])[:, None]
    spreads = [
        np.sqrt((psf[..., channel].sum(axis=1, keepdims=True) * (rows - centre[0]) ** 2).sum())
        for channel, centre in enumerate(centres)
    ]
    np.testing.assert_allclose(spreads, sigmas, rtol=0.15)

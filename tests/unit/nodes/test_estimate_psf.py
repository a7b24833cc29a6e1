"""The estimate_psf node: parameters, ports, details, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import ndimage
from skimage import data

from nodes.estimate_psf import EstimatePsf
from nodes.image import Image
from numerics.consensus import similarity
from numerics.make_psf import shake
from numerics.psf import check_psf
from pipeline.node import Value


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    sharp = (data.astronaut()[60:200, 150:300] / 255.0) ** 2.2
    shaken = ndimage.uniform_filter1d(sharp, 7, axis=1)
    noise = 0.002 * np.random.default_rng(0).standard_normal(shaken.shape)
    return np.asarray(shaken + noise, np.float32)


def estimate(context: Any, pixels: np.ndarray, **options: Any) -> Value:
    params = EstimatePsf.Params(**options)
    return EstimatePsf().run(params, {"image": Image(pixels).value()}, context)


def test_motion_gives_one_psf_for_all_channels(context: Any, photo: np.ndarray) -> None:
    value = estimate(context, photo, size=11, family="free")
    psf = value.arrays["psf"][:, :]
    check_psf(psf)
    assert value.type == "psf"
    assert psf.shape == (11, 11)
    assert psf.dtype == np.float32
    assert psf[3:8].sum() > 0.8, "the shake went along the rows"
    assert value.details["size"] == 11
    assert value.details["result"] == "estimated"
    assert 0.15 < float(str(value.details["confidence"])) <= 1
    assert context.steps[-1][0] == pytest.approx(context.steps[-1][1])


def test_lens_gives_one_for_each(context: Any, photo: np.ndarray) -> None:
    psf = estimate(context, photo, size=9, blur="lens", family="free").arrays["psf"][:, :, :]
    check_psf(psf)
    assert psf.shape == (9, 9, 3)
    gray = estimate(context, photo[..., :1], size=9, blur="lens", family="free").arrays["psf"][:, :]
    assert gray.shape == (9, 9)


def test_auto_tells_the_size_it_found(context: Any, photo: np.ndarray) -> None:
    value = estimate(context, photo, size="auto", family="free")
    size = value.details["size"]
    assert size in range(7, 21, 2)
    assert value.arrays["psf"].shape == (size, size)


def test_size_too_small_is_told(context: Any, photo: np.ndarray) -> None:
    estimate(context, photo, size=3, family="free")
    assert any("the PSF is cut off" in each and "Try size 5" in each for each in context.warnings)


def test_hopelessly_large_size_is_told(context: Any, photo: np.ndarray) -> None:
    value = estimate(context, photo, size=65, family="free")
    assert value.details["extent"] < 19
    assert any("size 65 is far more than this blur takes" in each for each in context.warnings)


def test_ambiguous_sample_is_left_alone(context: Any) -> None:
    eye = (data.retina()[500:580, 500:580] / 255.0) ** 2.2  # a few soft vessels
    noise = 0.014 * np.random.default_rng(0).standard_normal(eye.shape)
    sample = np.asarray(eye + noise, np.float32)
    value = estimate(context, sample, size=21, family="free")
    assert value.details["result"] == "left alone"
    assert value.arrays["psf"].shape == (3, 3)
    assert value.arrays["psf"][1, 1] == 1
    assert len(context.warnings) == 1
    assert "the picture is left alone. Choose a window" in context.warnings[0]


def test_a_red_that_is_blown_out_is_told_and_left_out(context: Any, photo: np.ndarray) -> None:
    blown = photo.copy()
    blown[..., 0] = np.minimum(4 * photo[..., 0], 1.0)
    value = estimate(context, blown, size=11, family="free")
    without = estimate(context, photo[..., 1:], size=11, family="free")
    np.testing.assert_array_equal(value.arrays["psf"][:, :], without.arrays["psf"][:, :])
    told = "the blur is measured without red, clipped where other channels are not."
    assert context.notes == [told]


@pytest.mark.parametrize("size", [1, 2, 16, 67, "big", 7.5])
def test_sizes_that_are_refused(size: Any) -> None:
    with pytest.raises(ValidationError):
        EstimatePsf.Params(size=size)


def test_even_size_is_told_in_plain_words() -> None:
    with pytest.raises(ValidationError, match=r"got 16\. Use an odd number of pixels from 3 to 65"):
        EstimatePsf.Params(size=16)


def test_flat_sample_is_refused(context: Any) -> None:
    with pytest.raises(ValueError, match="nothing to measure the blur on"):
        estimate(context, np.full((64, 64, 3), 0.5, np.float32))


def test_whole_photo_is_refused(context: Any) -> None:
    pixels = np.broadcast_to(np.float32(0), (2000, 3000, 3))
    with pytest.raises(ValueError, match=r"3000 x 2000 px\. Crop a window of 255 px"):
        estimate(context, pixels)


def test_light_trails_are_told(context: Any) -> None:
    lights = np.zeros((160, 160, 3))
    lights[20:150:30, 20:150:30] = (4, 5, 6)
    drawn = shake(11, 3, 15)[..., None].astype(np.float64)
    noise = np.random.default_rng(0).normal(0, 0.003, lights.shape)
    night = np.clip(0.02 + ndimage.convolve(lights, drawn) + noise, 0, 1).astype(np.float32)
    value = estimate(context, night)
    assert context.notes == ["the blur is what 24 light trails draw, of 24 that were seen."]
    assert value.details["kind"] == "free"
    assert value.details["start"] == "light trails"
    assert value.details["spectral_width"] is None
    assert float(str(value.details["confidence"])) > 0.9
    assert similarity(value.arrays["psf"][:, :], drawn[..., 0]) > 0.97

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
    value = estimate(context, photo, size=11)
    psf = value.arrays["psf"][:, :]
    check_psf(psf)
    assert value.type == "psf"
    assert psf.shape == (11, 11)
    assert psf.dtype == np.float32
    assert psf[4:7].sum() > 0.9, "the shake went along the rows"
    assert value.details["size"] == 11
    assert set(value.details) == {"size", "whiteness", "score", "start", "agreement"}
    assert context.steps[-1][0] == pytest.approx(context.steps[-1][1])


def test_lens_gives_one_for_each(context: Any, photo: np.ndarray) -> None:
    psf = estimate(context, photo, size=9, blur="lens").arrays["psf"][:, :, :]
    check_psf(psf)
    assert psf.shape == (9, 9, 3)
    gray = estimate(context, photo[..., :1], size=9, blur="lens").arrays["psf"][:, :]
    assert gray.shape == (9, 9)


def test_auto_tells_the_size_it_found(context: Any, photo: np.ndarray) -> None:
    value = estimate(context, photo[:60, :60], size="auto")
    assert value.details["size"] == 15
    assert value.arrays["psf"].shape == (15, 15)


def test_ambiguous_sample_is_told(context: Any) -> None:
    corner = (data.coffee()[:64, :64] / 255.0) ** 2.2  # little but the grain of a table
    value = estimate(context, corner.astype(np.float32), size=25)
    assert value.details["agreement"] < 0.75
    assert len(context.warnings) == 1
    assert "the PSF is uncertain" in context.warnings[0]


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

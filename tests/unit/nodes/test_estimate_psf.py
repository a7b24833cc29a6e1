from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import skimage.data
from pydantic import ValidationError

from nodes.estimate_psf import EstimatePsf
from numerics.blur import blur
from numerics.make_psf import shake
from pipeline.node import Value


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    sharp = (skimage.data.astronaut()[40:140, 170:270] / 255.0) ** 2.2
    return blur(sharp, shake(6, 3)).astype(np.float32)


def estimate(context: Any, pixels: np.ndarray, **params: Any) -> Value:
    facts: Any = {"encoding": "linear", "bit_depth": 16}
    inputs = {"image": Value("image", {"pixels": pixels}, facts)}
    return EstimatePsf().run(EstimatePsf.Params(**params), inputs, context)


def test_motion_gives_one_psf_and_says_what_was_learnt(context: Any, sample: np.ndarray) -> None:
    result = estimate(context, sample, size=9)
    assert result.type == "psf"
    assert result.arrays["psf"].shape == (9, 9)
    assert {"size", "whiteness", "score", "start", "agreement"} == set(result.details)
    assert result.details["size"] == 9
    assert context.steps


def test_lens_gives_one_psf_for_each_channel(context: Any, sample: np.ndarray) -> None:
    psf = np.asarray(estimate(context, sample, size=9, blur="lens").arrays["psf"][:, :, :])
    assert psf.shape == (9, 9, 3)
    np.testing.assert_allclose(psf.sum(axis=(0, 1)), 1, atol=1e-4)


def test_a_grey_sample(context: Any, sample: np.ndarray) -> None:
    result = estimate(context, sample[:, :, :1], size=5, blur="lens")
    assert result.arrays["psf"].shape == (5, 5)


def test_a_flat_sample_is_told(context: Any) -> None:
    with pytest.raises(ValueError, match=r"nothing to measure.*Choose a window with edges\."):
        estimate(context, np.full((100, 100, 3), 0.5, np.float32))


def test_a_whole_photograph_is_too_much(context: Any) -> None:
    with pytest.raises(ValueError, match=r"the sample is 1100 x 90 px\. Crop a window"):
        estimate(context, np.zeros((90, 1100, 3), np.float32))


@pytest.mark.parametrize("size", [14, 1, 67, "large", 15.0])
def test_sizes_that_can_not_be(size: Any) -> None:
    with pytest.raises(ValidationError):
        EstimatePsf.Params.model_validate({"size": size}, strict=True)

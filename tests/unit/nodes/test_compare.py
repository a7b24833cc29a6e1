"""The compare node: known answers, shifts, borders, encodings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import shift
from skimage import data

from nodes.compare import Compare
from nodes.image import Image
from numerics.metrics import psnr, ssim_map
from pipeline.node import Json


@pytest.fixture(scope="module")
def photo() -> NDArray[np.float32]:
    return (data.chelsea()[:200, :240] / 255).astype(np.float32)


def compare(
    context: Any, image: NDArray[Any], reference: NDArray[Any], **options: Any
) -> dict[str, Any]:
    inputs = {"image": Image(image).value(), "reference": Image(reference).value()}
    value = Compare().run(Compare.Params(**options), inputs, context)
    assert value.type == "metrics"
    assert value.facts == value.details
    found: dict[str, Json] = dict(value.facts)
    assert set(found) == {"psnr", "ssim", "shift"}
    return found


def noisy(photo: NDArray[np.float32]) -> NDArray[np.float32]:
    noise = np.random.default_rng(0).normal(0, 0.01, photo.shape)
    return (photo + noise).astype(np.float32)


def test_equal_pictures(context: Any, photo: NDArray[np.float32]) -> None:
    assert compare(context, photo, photo) == {
        "psnr": 120.0,
        "ssim": pytest.approx(1.0),
        "shift": [0.0, 0.0],
    }


def test_known_noise(context: Any, photo: NDArray[np.float32]) -> None:
    found = compare(context, noisy(photo), photo)
    assert found["psnr"] == pytest.approx(40.0, abs=0.1)
    assert found["shift"] == pytest.approx([0, 0], abs=0.02)


def test_bands_equal_the_whole(context: Any) -> None:
    tall = np.random.default_rng(0).random((1100, 40, 1), np.float32)
    image = (tall + np.random.default_rng(1).normal(0, 0.1, tall.shape)).astype(np.float32)
    found = compare(context, image, tall, border=0)
    if found["shift"] == [0.0, 0.0]:
        assert found["psnr"] == pytest.approx(psnr(image, tall), abs=1e-4)
    assert found["ssim"] == pytest.approx(ssim_map(image, tall).mean(), abs=1e-3)


def test_shift_is_found_and_taken_back(context: Any, photo: NDArray[np.float32]) -> None:
    moved = shift(noisy(photo), (-1.5, 0.75, 0), order=3, mode="nearest")
    found = compare(context, moved, photo)
    assert found["shift"] == pytest.approx([-0.75, 1.5], abs=0.05)
    assert found["psnr"] > 39


def test_border_is_left_out(context: Any, photo: NDArray[np.float32]) -> None:
    spoilt = noisy(photo)
    spoilt[:10] = spoilt[:, -10:] = 0
    assert compare(context, spoilt, photo, border=0)["psnr"] < 25
    assert compare(context, spoilt, photo, border=16)["psnr"] > 39


def test_encoding_as_on_a_screen(context: Any, photo: NDArray[np.float32]) -> None:
    dark = photo * np.float32(0.1)  # where the curve is steep
    found = compare(context, noisy(dark), dark, encoding="srgb")
    assert found["psnr"] < compare(context, noisy(dark), dark)["psnr"] - 3


def test_sizes_that_differ_are_told(context: Any, photo: NDArray[np.float32]) -> None:
    words = r"image is 240 x 199 px with 3 channels, reference 240 x 200 px with 3 channels\."
    with pytest.raises(ValueError, match=words):
        compare(context, photo[1:], photo)


def test_border_that_leaves_nothing_is_told(context: Any, photo: NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match=r"border 95 px leaves less than 11 px of 240 x 200 px"):
        compare(context, photo, photo, border=95)

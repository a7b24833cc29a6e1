"""The crop node: where the window lies, and windows that don't fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nodes.crop import Crop
from nodes.image import Image


@pytest.fixture
def photo() -> Image:
    pixels = np.arange(60 * 80 * 3, dtype=np.float32).reshape(60, 80, 3)
    return Image(pixels, "linear", 8, icc=b"profile")


def crop(context: Any, photo: Image, **options: Any) -> np.ndarray:
    value = Crop().run(Crop.Params(**options), {"image": photo.value()}, context)
    image = Image.of(value)
    assert (image.encoding, image.bit_depth, image.icc) == ("linear", 8, b"profile")
    return image.pixels[:, :]


@pytest.mark.parametrize("chunk", [512, 7])
def test_window_lies_around_its_center(context: Any, photo: Image, chunk: int) -> None:
    context.chunk = chunk
    window = crop(context, photo, center=[30, 20], size=[11, 8])
    assert np.array_equal(window, photo.pixels[16:24, 25:36, :])


def test_middle_is_the_default(context: Any, photo: Image) -> None:
    assert np.array_equal(crop(context, photo, size=21), photo.pixels[20:41, 30:51, :])
    assert np.array_equal(crop(context, photo, size=[80, 60]), photo.pixels[:, :, :])


@pytest.mark.parametrize("center", [(5, 5), (74, 54)])
def test_window_may_touch_the_corner(context: Any, photo: Image, center: tuple[int, int]) -> None:
    assert crop(context, photo, center=center, size=11).shape == (11, 11, 3)


@pytest.mark.parametrize("center", [(4, 30), (30, 4), (75, 30), (30, 55), (500, 500), (-3, 30)])
def test_window_that_leaves_the_picture_is_told(
    context: Any, photo: Image, center: tuple[int, int]
) -> None:
    with pytest.raises(ValueError, match="leaves the picture of 80 x 60 px") as caught:
        crop(context, photo, center=center, size=11)
    assert str(caught.value).startswith(f"window of 11 x 11 px around ({center[0]}, {center[1]})")
    assert str(caught.value).endswith("Use a center from (5, 5) to (74, 54).")


def test_window_larger_than_the_picture_is_told(context: Any, photo: Image) -> None:
    with pytest.raises(ValueError, match=r"Use a size up to 80 x 60\.$"):
        crop(context, photo)


@pytest.mark.parametrize("options", [{"size": 0}, {"size": [3, -1]}, {"center": [1]}, {"side": 3}])
def test_wrong_parameters_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Crop.Params(**options)

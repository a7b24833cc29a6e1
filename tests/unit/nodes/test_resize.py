"""The resize node: sizes, and bands that equal the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage import data

from nodes.image import Image
from nodes.resize import Resize


@pytest.fixture(scope="module")
def photo() -> Image:
    return Image((data.chelsea() / np.float32(255)).astype(np.float32))  # 451 x 300


def resize(context: Any, photo: Image, **options: Any) -> np.ndarray:
    value = Resize().run(Resize.Params(**options), {"image": photo.value()}, context)
    return Image.of(value).pixels[:, :]


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"width": 200}, (133, 200, 3)),
        ({"scale": 0.5}, (150, 226, 3)),
        ({"scale": 2}, (600, 902, 3)),
        ({"width": 1}, (1, 1, 3)),
    ],
)
def test_size(
    context: Any, photo: Image, options: dict[str, float], shape: tuple[int, ...]
) -> None:
    resized = resize(context, photo, **options)
    assert resized.shape == shape
    assert context.arrays["pixels"].written.all()
    assert resized.mean() == pytest.approx(photo.pixels[:, :].mean(), rel=0.03)


@pytest.mark.parametrize("scale", [0.21, 1.0, 1.7])
def test_bands_equal_the_whole(context: Any, photo: Image, scale: float) -> None:
    whole = resize(context, photo, scale=scale)
    context.chunk = 16
    assert np.array_equal(resize(context, photo, scale=scale), whole)


def test_flat_light_stays_flat(context: Any) -> None:
    flat = Image(np.full((50, 70, 1), 0.25, np.float32))
    assert np.allclose(resize(context, flat, width=33), 0.25, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"width": 10, "scale": 0.5}])
def test_one_of_width_and_scale_is_wanted(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Give one of them\."):
        Resize.Params(**options)


def test_only_a_width_is_scaled_with_the_picture() -> None:
    assert Resize.at_scale(Resize.Params(width=300), 0.5) == Resize.Params(width=150)
    assert Resize.at_scale(Resize.Params(scale=0.3), 0.5) == Resize.Params(scale=0.3)


def test_little_memory_changes_nothing(context: Any, photo: Image) -> None:
    whole = resize(context, photo, scale=0.4)
    context.memory = 1
    assert np.array_equal(resize(context, photo, scale=0.4), whole)

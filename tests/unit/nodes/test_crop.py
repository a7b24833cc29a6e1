"""The crop node: where the window lies, and windows that don't fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nodes.crop import Crop, find_window
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


@pytest.mark.parametrize(
    "options", [{"size": 0}, {"size": [3, -1]}, {"center": [1]}, {"center": "best"}, {"side": 3}]
)
def test_wrong_parameters_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Crop.Params(**options)


def test_auto_finds_the_part_with_edges(context: Any) -> None:
    pixels = np.full((700, 900, 3), 0.4, np.float32)
    blocks = 0.9 * np.random.default_rng(0).random((24, 24, 3), np.float32)
    pixels[500:692, 640:832] = blocks.repeat(8, axis=0).repeat(8, axis=1)
    value = Crop().run(
        Crop.Params(center="auto", size=127), {"image": Image(pixels).value()}, context
    )
    x, y = value.details["center"]
    assert 640 + 40 < x < 832 - 40
    assert 500 + 40 < y < 692 - 40
    expected = pixels[y - 63 : y + 64, x - 63 : x + 64]
    assert np.array_equal(Image.of(value).pixels[:, :, :], expected)
    assert value.details["size"] == [127, 127]
    assert value.details["contrast"] > 0.01
    assert value.details["directions"] > 0.3
    assert value.details["clipped"] < 0.01
    assert context.steps[-1] == (4, 4)


def test_auto_reads_parts_only(context: Any) -> None:
    class Streamed:
        shape, dtype = (1300, 1100, 3), np.dtype("f4")
        largest = 0

        def __getitem__(self, region: tuple[slice, ...]) -> np.ndarray:
            sides = [len(range(n)[s]) for n, s in zip(self.shape, region, strict=True)]
            Streamed.largest = max(Streamed.largest, int(np.prod(sides)))
            return np.full(sides, 0.5, np.float32)

    value = Crop().run(Crop.Params(center="auto"), {"image": Image(Streamed()).value()}, context)
    assert value.details["center"] == [550, 650]  # nothing to see: the middle
    assert Streamed.largest <= 512 * 512 * 3


def test_auto_is_the_same_on_any_number_of_threads(context: Any) -> None:
    coarse = np.random.default_rng(5).random((75, 138, 3), np.float32)
    image = Image(coarse.repeat(8, axis=0).repeat(8, axis=1))
    details = []
    for workers in (1, 3):
        context.workers = workers
        crop = Crop().run(Crop.Params(center="auto"), {"image": image.value()}, context)
        details.append(crop.details)
    assert details[0] == details[1]
    assert details[0]["center"] != [552, 300]  # not the middle: something was seen


@pytest.mark.parametrize(("size", "expected"), [(255, [80, 60]), ([40, 255], [40, 60])])
def test_auto_takes_a_smaller_picture_whole(
    context: Any, photo: Image, size: Any, expected: list[int]
) -> None:
    window = crop(context, photo, center="auto", size=size)
    assert [window.shape[1], window.shape[0]] == expected
    assert expected != [80, 60] or np.array_equal(window, photo.pixels[:, :, :])


def test_the_place_is_told(context: Any, photo: Image) -> None:
    value = Crop().run(Crop.Params(size=[11, 8]), {"image": photo.value()}, context)
    assert value.details == {"center": [40, 30]}


@pytest.mark.parametrize("factor", [0.9, 0.5, 0.137, 0.01])
def test_a_scaled_window_stays_within_the_scaled_picture(factor: float) -> None:
    height, width = 60, 80
    scaled = round(factor * width), round(factor * height)
    for left, top, across, down in [(0, 0, 3, 80), (77, 2, 3, 58), (13, 0, 67, 60)]:
        down = min(down, height - top)
        center = left + across // 2, top + down // 2
        params = Crop.at_scale(Crop.Params(center=center, size=(across, down)), factor)
        x, y, *size = find_window(params, *scaled)
        assert abs(x - factor * left) <= 1
        assert abs(y - factor * top) <= 1
        assert size == [max(1, int(factor * across)), max(1, int(factor * down))]


def test_a_window_in_the_middle_stays_there() -> None:
    params = Crop.at_scale(Crop.Params(size=21), 0.5)
    assert find_window(params, 40, 30) == (15, 10, 10, 10)

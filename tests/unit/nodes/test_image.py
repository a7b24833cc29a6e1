"""The typed view of a travelling picture."""

from __future__ import annotations

import numpy as np

from nodes.image import Image, read_rows
from pipeline.node import Value


def test_all_survives_packing() -> None:
    pixels = np.random.default_rng(0).random((4, 5, 3), np.float32)
    image = Image(pixels, "linear", 8, icc=b"profile", metadata=b"\0exif")
    packed = image.value({"seen": 1})
    assert packed.type == "image"
    assert packed.details == {"seen": 1}
    assert packed.facts == {"encoding": "linear", "bit_depth": 8}
    assert packed.arrays["icc"].dtype == np.uint8
    again = Image.of(packed)
    assert (again.encoding, again.bit_depth) == ("linear", 8)
    assert (again.icc, again.metadata) == (b"profile", b"\0exif")


def test_empty_extras_are_not_stored() -> None:
    assert set(Image(np.zeros((1, 1, 1), np.float32)).value().arrays) == {"pixels"}


def test_a_value_of_pixels_alone_is_an_image() -> None:
    image = Image.of(Value("image", {"pixels": np.zeros((4, 5, 1), np.float32)}))
    assert image.shape == (4, 5, 1)
    assert (image.encoding, image.bit_depth, image.icc) == ("srgb", 16, b"")


def test_new_pixels_keep_the_rest() -> None:
    image = Image(np.zeros((2, 2, 1), np.float32), "linear", 32, icc=b"profile")
    changed = image.with_pixels(np.ones((3, 2, 1), np.float32))
    assert changed.shape == (3, 2, 1)
    assert (changed.encoding, changed.bit_depth, changed.icc) == ("linear", 32, b"profile")
    assert read_rows(changed.pixels, 1, 2).shape == (1, 2, 1)

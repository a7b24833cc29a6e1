"""The load node: encodings, chunks, warnings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile

from nodes.image import Image
from nodes.load import Load
from numerics.colour import srgb_to_linear


def load(context: Any, path: Path, **options: Any) -> Image:
    return Image.of(Load().run(Load.Params(path=path, **options), {}, context))


@pytest.mark.parametrize(("dtype", "bits"), [("u1", 8), ("u2", 16)])
def test_integers_are_srgb_by_default(tmp_path: Path, context: Any, dtype: str, bits: int) -> None:
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (1030, 600, 3), dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", metadata=None)
    image = load(context, tmp_path / "a.tif")
    assert (image.encoding, image.bit_depth) == ("srgb", bits)
    assert context.arrays["pixels"].written.all()
    assert np.array_equal(image.pixels[:, :], srgb_to_linear(values))
    assert context.steps[-1] == (1030, 1030)


def test_integers_can_be_linear(tmp_path: Path, context: Any) -> None:
    values = np.array([[0, 128, 255]], np.uint8)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(values))
    image = load(context, tmp_path / "a.png", encoding="linear")
    assert image.encoding == "linear"
    assert image.shape == (1, 3, 1)
    assert np.allclose(image.pixels[:, :].ravel(), values / 255)


def test_floats_are_linear_by_default_and_not_clipped(tmp_path: Path, context: Any) -> None:
    values = np.linspace(-0.5, 3, 30, dtype=np.float32).reshape(5, 6)
    tifffile.imwrite(tmp_path / "a.tif", values, metadata=None)
    image = load(context, tmp_path / "a.tif")
    assert (image.encoding, image.bit_depth) == ("linear", 32)
    assert np.array_equal(image.pixels[:, :, 0], values)
    encoded = load(context, tmp_path / "a.tif", encoding="srgb")
    assert np.array_equal(encoded.pixels[:, :, 0], srgb_to_linear(values))


def test_values_that_are_no_numbers_become_black_and_are_told(tmp_path: Path, context: Any) -> None:
    values = np.full((5, 6), 0.5, np.float32)
    values[1, 2:5] = np.nan, np.inf, -np.inf
    tifffile.imwrite(tmp_path / "a.tif", values, metadata=None)
    image = load(context, tmp_path / "a.tif")
    assert np.count_nonzero(image.pixels[:, :] == 0) == 3
    assert context.warnings == ["a.tif: 3 values are no numbers (NaN): 0 instead."]


def test_what_is_left_out_is_told(tmp_path: Path, context: Any) -> None:
    values = np.zeros((4, 5, 4), np.uint8)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(values))
    assert load(context, tmp_path / "a.png").shape == (4, 5, 3)
    assert context.warnings == ["a.png: the alpha channel is left out."]


def test_missing_file_is_an_os_error(tmp_path: Path, context: Any) -> None:
    with pytest.raises(FileNotFoundError):
        load(context, tmp_path / "nowhere.tif")

"""The export node: formats, depths, encodings, and what must not happen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from nodes.export import Export
from nodes.image import Image
from nodes.load import Load
from numerics.colour import linear_to_srgb
from pipeline.node import Value


@pytest.fixture
def photo() -> Image:
    return Image(np.random.default_rng(5).random((600, 530, 3), np.float32))


def export(context: Any, image: Image, path: Path, **options: Any) -> Value:
    return Export().run(Export.Params(path=path, **options), {"image": image.value()}, context)


def load(context: Any, path: Path, **options: Any) -> NDArray[Any]:
    return Load().run(Load.Params(path=path, **options), {}, context).arrays["pixels"][:, :]


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("a.tif", {}, 3e-5),
        ("a.tif", {"bit_depth": 8}, 7e-3),
        ("a.tif", {"bit_depth": 32}, 0),
        ("a.tiff", {"compression": "deflate"}, 3e-5),
        ("a.tif", {"compression": "zstd", "bit_depth": 32}, 0),
        ("a.png", {}, 3e-5),
        ("A.PNG", {"bit_depth": 8}, 7e-3),
    ],
)
def test_what_is_written_can_be_loaded(
    tmp_path: Path,
    context: Any,
    photo: Image,
    name: str,
    options: dict[str, Any],
    tolerance: float,
) -> None:
    export(context, photo, tmp_path / name, **options)
    assert np.abs(load(context, tmp_path / name) - photo.pixels[:, :]).max() <= tolerance


def test_integers_that_were_loaded_come_back_exactly(tmp_path: Path, context: Any) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (513, 700, 3), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", metadata=None)
    loaded = Load().run(Load.Params(path=tmp_path / "a.tif"), {}, context)
    Export().run(Export.Params(path=tmp_path / "b.tif"), {"image": loaded}, context)
    assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), values)


def test_only_integers_are_clipped(tmp_path: Path, context: Any) -> None:
    light = np.array([[[-0.5], [0.25], [7.0]]], np.float32)
    export(context, Image(light), tmp_path / "a.tif", bit_depth=32)
    export(context, Image(light), tmp_path / "b.tif")
    assert tifffile.imread(tmp_path / "a.tif").tolist() == [[-0.5, 0.25, 7.0]]
    assert tifffile.imread(tmp_path / "b.tif").tolist()[0][::2] == [0, 65535]


@pytest.mark.parametrize(
    ("source", "options", "is_linear"),
    [
        (("srgb", 16), {}, False),
        (("linear", 16), {}, True),
        (("linear", 32), {}, False),
        (("linear", 32), {"bit_depth": 32}, True),
        (("srgb", 8), {"bit_depth": 32}, True),
        (("srgb", 8), {"encoding": "linear"}, True),
        (("linear", 32), {"bit_depth": 32, "encoding": "srgb"}, False),
    ],
)
def test_encoding(
    tmp_path: Path, context: Any, source: tuple[Any, Any], options: dict[str, Any], is_linear: bool
) -> None:
    light = np.full((2, 2, 1), 0.25, np.float32)
    export(context, Image(light, *source), tmp_path / "a.tif", **options)
    value = tifffile.imread(tmp_path / "a.tif")[0, 0]
    value = value / (65535 if value.dtype == np.uint16 else 1)
    assert value == pytest.approx(0.25 if is_linear else linear_to_srgb(light)[0, 0, 0], abs=1e-4)


def test_facts_tell_what_was_written(tmp_path: Path, context: Any, photo: Image) -> None:
    first = export(context, photo, tmp_path / "a.tif")
    again = export(context, photo, tmp_path / "b.tif")
    assert first.type == "file"
    assert first.facts["bytes"] == (tmp_path / "a.tif").stat().st_size
    assert first.facts == again.facts
    assert export(context, photo, tmp_path / "a.png").facts != first.facts
    assert context.steps[-1] == (600, 600)


def test_old_output_is_replaced(tmp_path: Path, context: Any, photo: Image) -> None:
    (tmp_path / "a.tif").write_bytes(b"old")
    export(context, photo, tmp_path / "a.tif")
    assert load(context, tmp_path / "a.tif").shape == photo.shape
    assert os.listdir(tmp_path) == ["a.tif"]


class BrokenPixels:
    """Pixels whose second band can't be read."""

    shape = (600, 20, 3)
    dtype = np.dtype(np.float32)

    def __getitem__(self, region: tuple[slice, ...]) -> NDArray[np.float32]:
        if region[0].start:
            raise ValueError("damaged chunk")
        return np.zeros((512, 20, 3), np.float32)


def test_failure_half_way_leaves_the_old_file_alone(tmp_path: Path, context: Any) -> None:
    (tmp_path / "a.tif").write_bytes(b"old")
    with pytest.raises(ValueError, match="damaged chunk"):
        export(context, Image(BrokenPixels()), tmp_path / "a.tif")
    assert (tmp_path / "a.tif").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.tif"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": "a.webp"}, r'ending "\.webp" is unknown\. Use \.tif, \.png or \.jpg'),
        ({"path": "a"}, 'ending "" is unknown'),
        ({"path": "a.jpg", "bit_depth": 16}, r"bit_depth: got 16 for a \.jpg file\. Use 8\."),
        ({"path": "a.png", "bit_depth": 32}, r"got 32 for a \.png file\. Use 8 or 16\."),
        ({"path": "a.tif", "bit_depth": 12}, "Input should be 8, 16 or 32"),
        ({"path": "a.jpg", "quality": 0}, "greater than or equal to 1"),
    ],
)
def test_wrong_parameters_are_told(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Export.Params(**options)


def test_one_input_is_wanted(tmp_path: Path, context: Any, photo: Image) -> None:
    params = Export.Params(path=tmp_path / "a.tif")
    psf = Value("psf", {"psf": np.ones((1, 1), np.float32)})
    for inputs in ({}, {"image": photo.value(), "psf": psf}):
        with pytest.raises(ValueError, match=r"Join either image or psf\."):
            Export().run(params, inputs, context)


def test_ending_must_suit_what_is_written(tmp_path: Path, context: Any, photo: Image) -> None:
    with pytest.raises(ValueError, match=r"a\.npy: can't hold a picture\."):
        export(context, photo, tmp_path / "a.npy")
    psf = Value("psf", {"psf": np.ones((1, 1), np.float32)})
    with pytest.raises(ValueError, match=r"a\.jpg: can't hold a PSF\."):
        Export().run(Export.Params(path=tmp_path / "a.jpg"), {"psf": psf}, context)
    assert os.listdir(tmp_path) == []


def test_folder_as_path_is_told(tmp_path: Path, context: Any, photo: Image) -> None:
    (tmp_path / "a.tif").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        export(context, photo, tmp_path / "a.tif")

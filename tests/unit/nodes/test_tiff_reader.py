"""TIFF in: every layout gives the same pixels, and what can't be used is told."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from nodes.formats import FormatError, open_picture
from nodes.streams import regroup

LAYOUTS: list[dict[str, Any]] = [
    {},
    {"rowsperstrip": 7},
    {"rowsperstrip": 7, "compression": "deflate"},
    {"compression": "lzw", "predictor": True},
    {"compression": "zstd", "rowsperstrip": 100},
    {"tile": (64, 48)},
    {"tile": (64, 48), "compression": "zlib"},
    {"byteorder": ">"},
    {"byteorder": ">", "compression": "zlib", "predictor": True},
    {"bigtiff": True},
]


def make_values(dtype: str, channels: int, shape: tuple[int, int] = (131, 97)) -> NDArray[Any]:
    scale = 1.5 if dtype.startswith("f") else np.iinfo(dtype).max
    return (np.random.default_rng(0).random((*shape, channels)) * scale).astype(dtype)


def read(path: Path) -> NDArray[Any]:
    with open_picture(path) as picture:
        values = np.concatenate(list(regroup(picture.blocks(2), 50)))
        assert values.shape == picture.shape
        assert values.dtype == picture.dtype
        return values


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_rgb_in_every_layout(tmp_path: Path, dtype: str, layout: dict[str, Any]) -> None:
    values = make_values(dtype, 3)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", metadata=None, **layout)
    assert np.array_equal(read(tmp_path / "a.tif"), values)


@pytest.mark.parametrize("layout", LAYOUTS[:7], ids=str)
def test_planes_apart(tmp_path: Path, layout: dict[str, Any]) -> None:
    values = make_values("u2", 3)
    planes = np.ascontiguousarray(values.transpose(2, 0, 1))
    options = {"photometric": "rgb", "planarconfig": "separate", "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", planes, **options, **layout)
    assert np.array_equal(read(tmp_path / "a.tif"), values)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f2", "f4", "f8"])
def test_gray(tmp_path: Path, dtype: str) -> None:
    values = make_values(dtype, 1)
    tifffile.imwrite(tmp_path / "a.tif", values[:, :, 0], metadata=None)
    assert np.array_equal(read(tmp_path / "a.tif"), values)


def test_gray_where_zero_is_white(tmp_path: Path) -> None:
    values = make_values("u2", 1)
    tifffile.imwrite(tmp_path / "a.tif", values[:, :, 0], photometric="miniswhite", metadata=None)
    assert np.array_equal(read(tmp_path / "a.tif"), 65535 - values)


def test_alpha_is_left_out_and_told(tmp_path: Path) -> None:
    values = make_values("u1", 4)
    options = {"photometric": "rgb", "extrasamples": ["unassalpha"], "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", values, **options)
    assert np.array_equal(read(tmp_path / "a.tif"), values[:, :, :3])
    with open_picture(tmp_path / "a.tif") as picture:
        assert picture.notes == ["a.tif: alpha or other extra channels (1) are left out."]


def test_jpeg_inside_tiff(tmp_path: Path) -> None:
    values = np.full((64, 80, 3), [200, 90, 30], np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", compression="jpeg")
    assert np.abs(read(tmp_path / "a.tif").astype(int) - values).max() <= 3


def test_thumbnail_before_the_picture_is_skipped(tmp_path: Path) -> None:
    values = make_values("u1", 3)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(values[::4, ::4], photometric="rgb", subfiletype=1, metadata=None)
        file.write(values, photometric="rgb", metadata=None)
    assert np.array_equal(read(tmp_path / "a.tif"), values)


@pytest.mark.parametrize("rows", [None, 16])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_memory_does_not_follow_the_picture(
    tmp_path: Path, rows: int | None, compression: str | None
) -> None:
    values = np.zeros((6000, 1000, 3), np.uint16)  # 36 MB
    options = {"compression": compression, "rowsperstrip": rows or (6000 if not compression else 8)}
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", metadata=None, **options)
    del values
    tracemalloc.start()
    try:
        with open_picture(tmp_path / "a.tif") as picture:
            count = sum(len(band) for band in regroup(picture.blocks(2), 512))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 6000
    assert peak < 12e6


def write_truncated(path: Path, share: float, **options: Any) -> None:
    tifffile.imwrite(path, make_values("u2", 3), photometric="rgb", metadata=None, **options)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rowsperstrip": 3}, r"a\.tif: file ends after 21 of 44 strips\. Export it again\."),
        ({"tile": (32, 32)}, r"a\.tif: file ends after \d of 20 tiles\. Export it again\."),
        ({}, r"a\.tif: file ends after 0 of 1 strips\. Export it again\."),
    ],
)
def test_truncated_file_is_told(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    write_truncated(tmp_path / "a.tif", 0.5, **options)
    with pytest.raises(FormatError, match=words):
        open_picture(tmp_path / "a.tif")


@pytest.mark.parametrize("keep", [4, 8, 10, 40, 120])
def test_file_cut_within_its_directory_is_told(tmp_path: Path, keep: int) -> None:
    write_truncated(tmp_path / "a.tif", 1.0)
    (tmp_path / "a.tif").write_bytes((tmp_path / "a.tif").read_bytes()[:keep])
    with pytest.raises(FormatError, match=r"^a\.tif: .*Export it again\.$"):
        open_picture(tmp_path / "a.tif")


def test_damaged_strip_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_truncated(path, 1.0, compression="zlib", rowsperstrip=16)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    path.write_bytes(data)
    with pytest.raises(FormatError, match=r"^a\.tif: can't be read as TIFF, it is damaged"):
        read(path)


@pytest.mark.parametrize(
    ("dtype", "options", "words"),
    [
        ("u4", {}, r"a\.tif: 32-bit integer samples\. Export it with 8 or 16 bits, or as float\."),
        ("i2", {}, r"a\.tif: 16-bit signed integer samples\."),
        ("u1", {"photometric": "palette", "colormap": np.zeros((3, 256), "u2")}, "mode PALETTE"),
        ("u1", {"photometric": "cielab"}, "mode CIELAB"),
    ],
)
def test_what_can_not_be_used_is_told(
    tmp_path: Path, dtype: str, options: dict[str, Any], words: str
) -> None:
    values = np.zeros((20, 30, 3) if options.get("photometric") == "cielab" else (20, 30), dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, metadata=None, **options)
    with pytest.raises(FormatError, match=words):
        open_picture(tmp_path / "a.tif")


def test_cmyk_is_told(tmp_path: Path) -> None:
    values = np.zeros((20, 30, 4), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="separated", metadata=None)
    with pytest.raises(FormatError, match=r"mode SEPARATED with 4 samples a pixel\. Export it as"):
        open_picture(tmp_path / "a.tif")


@pytest.mark.parametrize(("tag", "value"), [(256, 0), (257, 0), (256, 2_000_000_000), (277, 1)])
def test_absurd_directory_is_told(tmp_path: Path, tag: int, value: int) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, make_values("u1", 3), photometric="rgb", metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages.first.tags[tag].overwrite(value)
    with pytest.raises(FormatError, match=r"^a\.tif: .* Export it "):
        open_picture(path)


def test_bilevel_is_told(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((20, 32), bool), metadata=None)
    with pytest.raises(FormatError, match="1-bit"):
        open_picture(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("notes.tif", b"Dear diary, today", r"notes\.tif: is no TIFF, PNG or JPEG file\. Export"),
        ("empty.tif", b"", r"empty\.tif: is empty \(0 bytes\)\. Export it again\."),
        ("photo.NEF", b"MM\0*....", r"photo\.NEF: is a raw file\. Develop it and export"),
    ],
)
def test_files_that_are_no_pictures_are_told(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FormatError, match=words):
        open_picture(tmp_path / name)


def test_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"is a folder\. Name a TIFF, PNG or JPEG file in it\."):
        open_picture(tmp_path)

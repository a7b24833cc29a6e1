"""Metadata and colour profiles from any format to any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import exiv2
import imagecodecs
import numpy as np
import pytest

from nodes.export import Export
from nodes.formats.metadata import MetadataError, embed_metadata, read_metadata
from nodes.load import Load

ENDINGS = [".tif", ".png", ".jpg"]
EXIF = {
    "Exif.Image.Make": "Maker",
    "Exif.Image.Orientation": "6",
    "Exif.Photo.ISOSpeedRatings": "400",
    "Exif.Photo.ExposureTime": "1/250",
    "Exif.GPSInfo.GPSLatitudeRef": "N",
}


def put(path: Path, values: dict[str, str], *, rest: bool = True) -> None:
    image = exiv2.ImageFactory.open(str(path))
    image.readMetadata()
    for key, value in values.items():
        image.exifData()[key] = value
    if rest:
        image.xmpData()["Xmp.dc.title"] = "Title"
        image.iptcData()["Iptc.Application2.Caption"] = "Caption"
    image.writeMetadata()


def get(path: Path) -> dict[str, str]:
    image = exiv2.ImageFactory.open(str(path))
    image.readMetadata()
    everything = (*image.exifData(), *image.xmpData(), *image.iptcData())
    return {datum.key(): datum.toString() for datum in everything}


@pytest.fixture
def export(context: Any) -> Any:
    def run(source: Path, target: Path, **options: Any) -> Path:
        value = Load().run(Load.Params(path=source), {}, context)
        Export().run(Export.Params(path=target, **options), {"image": value}, context)
        return target

    return run


@pytest.fixture
def plain(tmp_path: Path, context: Any, export: Any) -> Path:
    """Write a small picture without metadata."""
    path = tmp_path / "plain.png"
    path.write_bytes(imagecodecs.png_encode(np.full((8, 9, 3), 100, np.uint8)))
    return path


@pytest.mark.parametrize("target", ENDINGS)
@pytest.mark.parametrize("source", ENDINGS)
def test_everything_survives(
    tmp_path: Path, plain: Path, export: Any, context: Any, source: str, target: str
) -> None:
    first = export(plain, tmp_path / f"first{source}")
    put(first, EXIF)
    second = export(first, tmp_path / f"second{target}")
    found = get(second)
    assert {key: found[key] for key in EXIF} == EXIF
    assert "Title" in found["Xmp.dc.title"]
    assert found["Iptc.Application2.Caption"] == "Caption"
    assert context.warnings == []


@pytest.mark.parametrize("target", ENDINGS)
@pytest.mark.parametrize("source", ENDINGS)
def test_profile_survives(
    tmp_path: Path, plain: Path, export: Any, source: str, target: str
) -> None:
    profile = imagecodecs.cms_profile("adobergb") or imagecodecs.cms_profile("srgb")
    first = export(plain, tmp_path / "first.jpg")
    image = exiv2.ImageFactory.open(str(first))
    image.readMetadata()
    image.setIccProfile(exiv2.DataBuf(profile))
    image.writeMetadata()
    second = export(first, tmp_path / f"second{source}")
    third = export(second, tmp_path / f"third{target}")
    assert read_metadata(third)[0] == profile


def test_how_the_source_stored_its_pixels_is_forgotten(
    tmp_path: Path, plain: Path, export: Any
) -> None:
    source = export(plain, tmp_path / "a.tif", compression="deflate")
    put(source, {"Exif.Photo.PixelXDimension": "9", "Exif.Image.Make": "Maker"}, rest=False)
    found = get(export(source, tmp_path / "b.jpg"))
    assert found["Exif.Image.Make"] == "Maker"
    assert not {"Exif.Photo.PixelXDimension", "Exif.Image.ImageWidth"} & set(found)
    assert not any("Strip" in key or "Predictor" in key for key in found)


def test_thumbnail_of_the_blurred_picture_is_forgotten(
    tmp_path: Path, plain: Path, export: Any
) -> None:
    source = export(plain, tmp_path / "a.jpg")
    image = exiv2.ImageFactory.open(str(source))
    image.readMetadata()
    image.exifData()["Exif.Image.Make"] = "Maker"
    exiv2.ExifThumb(image.exifData()).setJpegThumbnail(source.read_bytes())
    image.writeMetadata()
    assert any("Thumbnail" in key for key in get(source))
    assert not any("Thumbnail" in key for key in get(export(source, tmp_path / "b.jpg")))


def test_profile_is_never_put_on_other_values(
    tmp_path: Path, plain: Path, export: Any, context: Any
) -> None:
    first = export(plain, tmp_path / "first.jpg")
    image = exiv2.ImageFactory.open(str(first))
    image.readMetadata()
    image.setIccProfile(exiv2.DataBuf(imagecodecs.cms_profile("srgb")))
    image.writeMetadata()
    linear = export(first, tmp_path / "linear.tif", bit_depth=32)
    assert read_metadata(linear)[0] == b""
    assert any("colour profile left out: it is for srgb values" in w for w in context.warnings)


def test_nothing_said_nothing_carried(plain: Path) -> None:
    assert read_metadata(plain) == (b"", b"")


def test_metadata_too_large_for_jpeg_are_left_out_and_told(
    tmp_path: Path, plain: Path, export: Any, context: Any
) -> None:
    source = export(plain, tmp_path / "a.tif")
    put(source, {"Exif.Image.Make": "Maker", "Exif.Photo.UserComment": "x" * 70_000}, rest=False)
    assert len(get(export(source, tmp_path / "b.tif"))["Exif.Photo.UserComment"]) > 60_000
    assert context.warnings == []
    assert get(export(source, tmp_path / "c.jpg"))["Exif.Image.Make"] == "Maker"
    assert context.warnings == [
        "c.jpg: metadata that don't fit are left out: Exif.Photo.UserComment."
    ]


def test_unreadable_metadata_are_told(tmp_path: Path, plain: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"no picture")
    with pytest.raises(MetadataError):
        read_metadata(tmp_path / "notes.txt")
    with pytest.raises(MetadataError):
        embed_metadata(b"no picture", b"no carrier")

"""Exif, XMP, IPTC and colour profiles: from any picture file to any other, by the Exiv2 library.

Between load and export the metadata travel as the bytes of a *carrier*: a TIFF directory without
a picture. Other formats take over its tags; a TIFF file can simply begin with it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Exiv2 wants at least one tag in a directory: a width, which nobody takes over.
_EMPTY_CARRIER = struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 256, 3, 1, 1, 0)

# Tags of the main directory that speak of the photograph. The others describe how the file holds
# its pixels, and would be wrong in another file.
_DESCRIPTIVE = {
    *("ImageDescription", "Make", "Model", "Orientation", "XResolution", "YResolution"),
    *("ResolutionUnit", "Software", "DateTime", "Artist", "HostComputer", "Copyright", "Rating"),
    *("RatingPercent", "XPTitle", "XPComment", "XPAuthor", "XPKeywords"),
    *("XPSubject", "DateTimeOriginal", "DocumentName", "TimeZoneOffset", "ImageID"),
}
# The picture's size, of which crop and resize make a lie.
_SIZES = {"Exif.Photo.PixelXDimension", "Exif.Photo.PixelYDimension"}
# Thumbnails, previews and pages beside the main picture: they would still show the blurred one.
_OTHER_PICTURES = ("Thumbnail", "SubImage", "SubThumb", "Image1", "Image2", "Image3", "Preview")


class MetadataError(ValueError):
    """The metadata can't be read or written."""


def read_metadata(path: Path) -> tuple[bytes, bytes]:
    """Read what a file says about its picture.

    Returns
    -------
    icc, metadata : bytes
        Colour profile and carrier; empty where there is none.

    Raises
    ------
    MetadataError
        If Exiv2 can't make sense of the file.
    """
    with _telling_faults():
        source = _open(str(path))
        icc = bytes(source.iccProfile().data()) if source.iccProfileDefined() else b""
        return icc, _pack(source)


def embed_metadata(picture: bytes, metadata: bytes) -> tuple[bytes, list[str]]:
    """Write metadata into the bytes of a PNG or JPEG file.

    Returns
    -------
    picture : bytes
    lost : list of str
        Keys that found no place: JPEG holds 64 KB of Exif, and large entries go first.

    Raises
    ------
    MetadataError
        If nothing can be written.
    """
    with _telling_faults():
        target = _open(picture)
        _copy(_open(metadata), target)
        wanted = _keep_descriptive(target.exifData())
        target.writeMetadata()
        written = _bytes(target)
        kept = {datum.key() for datum in _open(written).exifData()}
        return written, [key for key in wanted if key not in kept]


def embed_profile(jpeg: bytes, icc: bytes) -> bytes:
    """Write a colour profile into the bytes of a JPEG file; raises `MetadataError`."""
    with _telling_faults():
        target = _open(jpeg)
        target.setIccProfile(_exiv2().DataBuf(icc))
        target.writeMetadata()
        return _bytes(target)


def _pack(source: Any) -> bytes:
    """Copy the descriptive metadata of a file to a new carrier; empty if there are none."""
    kept = _keep_descriptive(source.exifData())
    if not (kept or len(source.xmpData()) or len(source.iptcData())):
        return b""
    carrier = _open(_EMPTY_CARRIER)
    _copy(source, carrier)
    carrier.setByteOrder(_exiv2().ByteOrder.littleEndian)
    carrier.writeMetadata()
    return _bytes(carrier)


def _keep_descriptive(exif: Any) -> list[str]:
    """Erase the other tags; return the keys of those that stay."""
    for key in {datum.key() for datum in exif if not _is_kept(datum)}:
        while (found := exif.findKey(_exiv2().ExifKey(key))) != exif.end():
            exif.erase(found)
    return [datum.key() for datum in exif]


def _is_kept(datum: Any) -> bool:
    if datum.groupName() == "Image":
        return datum.tagName() in _DESCRIPTIVE
    return datum.key() not in _SIZES and not datum.groupName().startswith(_OTHER_PICTURES)


def _open(source: str | bytes) -> Any:
    """Open a file by its name, or by its bytes."""
    image = _exiv2().ImageFactory.open(source)
    image.readMetadata()
    return image


def _copy(source: Any, target: Any) -> None:
    target.setExifData(source.exifData())
    target.setXmpData(source.xmpData())
    target.setIptcData(source.iptcData())


def _bytes(image: Any) -> bytes:
    with image.io().data() as view:
        return bytes(view)


@contextmanager
def _telling_faults() -> Iterator[None]:
    try:
        yield
    except _exiv2().Exiv2Error as error:
        raise MetadataError(str(error.args[-1])) from error


def _exiv2() -> Any:
    import exiv2

    exiv2.LogMsg.setLevel(exiv2.LogMsg.Level.mute)
    return exiv2

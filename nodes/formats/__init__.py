"""Picture files, in and out, behind one small interface.

`open_picture` tells the format from a file's first bytes and gives a `Picture`: what the file
says about its pixels, and the pixels as a stream of row blocks. `make_writer` gives a `Writer`
for a path's ending, which takes the same stream. Colour profile and other metadata are carried by
`nodes.formats.metadata`.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from nodes.formats.base import FormatError, Layout, Picture, Writer

__all__ = [
    "PSF_WRITABLE",
    "WRITABLE",
    "FormatError",
    "Layout",
    "Picture",
    "Writer",
    "make_writer",
    "open_picture",
]

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_RAW = {".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf", ".pef", ".srw"}

WRITABLE = {".tif": "tiff", ".tiff": "tiff", ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg"}
"""Format by ending, for pictures that are written."""

PSF_WRITABLE = {".npy", ".tif", ".tiff", ".png"}
"""Endings that a PSF can be written with."""


def open_picture(path: Path) -> Picture:
    """Open a picture; close it when done, best by ``with``.

    Raises
    ------
    FormatError
        If the file is no picture, or one that can't be used.
    OSError
        If it can't be read.
    """
    if path.is_dir():
        raise FormatError(f"{path}: is a folder. Name a TIFF, PNG or JPEG file in it.")
    if path.suffix.lower() in _RAW:
        raise FormatError(f"{path.name}: is a raw file. Develop it and export a 16-bit TIFF first.")
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise FormatError(f"{path.name}: is empty (0 bytes). Export it again.")
    if start[:4] in _TIFF:
        from nodes.formats.tiff_reader import TiffPicture

        return TiffPicture(path)
    if start == _PNG or start[:3] == _JPEG:
        from nodes.formats.raster import RasterPicture

        return RasterPicture(path, "png" if start == _PNG else "jpeg")
    raise FormatError(f"{path.name}: is no TIFF, PNG or JPEG file. Export it as one of these.")


def make_writer(path: Path, file: BinaryIO, layout: Layout) -> Writer:
    """Make a `Writer` into `file`, in the format that `path`'s ending names."""
    if WRITABLE[path.suffix.lower()] == "tiff":
        from nodes.formats.tiff_writer import TiffWriter

        return TiffWriter(file, layout)
    from nodes.formats.raster import RasterWriter

    return RasterWriter(file, layout, WRITABLE[path.suffix.lower()])

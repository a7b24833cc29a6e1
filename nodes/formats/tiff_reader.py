"""TIFF in: strips or tiles, planes together or apart, decoded piece by piece.

tifffile reads the directory, imagecodecs the compressed pieces. The picture is never held whole
(but for a file that keeps it in one compressed strip).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import PHOTOMETRIC, SAMPLEFORMAT, TiffFile, TiffPage

from nodes.formats.base import FormatError, Picture
from nodes.formats.tiff_rows import JPEG, find_rows
from nodes.streams import map_ordered

# What tifffile would log stands in our own errors.
logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)

_GRAY = (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE)
_USABLE = {SAMPLEFORMAT.UINT: (8, 16), SAMPLEFORMAT.IEEEFP: (16, 32, 64)}
_LONGEST_SIDE = 500_000
_AGAIN = "Export it again."
_KINDS = {SAMPLEFORMAT.UINT: "integer", SAMPLEFORMAT.INT: "signed integer"}


class TiffPicture(Picture):
    """A TIFF file; of several pages the first that is no thumbnail."""

    def __init__(self, path: Path) -> None:
        with _telling_damage(path):
            self._file = TiffFile(path)
        try:
            with _telling_damage(path):
                self._open(path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def blocks(self, workers: int) -> Iterator[NDArray[Any]]:
        """Read the picture; see `Picture.blocks`."""
        rows = self._rows
        with _telling_damage(self._path):
            for block in map_ordered(lambda span: rows.read(*span), rows.spans(), workers):
                yield self._turned(block)

    def _open(self, path: Path) -> None:
        self._path = path
        self._page = page = _main_page(self._file)
        channels = _count_channels(path, page)
        _check_samples(path, page)
        _check_length(path, page)
        self._rows = find_rows(self._file, page, channels)
        self.shape = (self._rows.height, self._rows.width, channels)
        self.dtype = self._rows.dtype
        extra = page.samplesperpixel - channels
        if extra:
            self.notes = [f"{path.name}: alpha or other extra channels ({extra}) are left out."]

    def _turned(self, block: NDArray[Any]) -> NDArray[Any]:
        """Make 0 black in files where it is white."""
        if self._page.photometric != PHOTOMETRIC.MINISWHITE:
            return block
        white = np.iinfo(self.dtype).max if self.dtype.kind == "u" else 1.0
        return np.asarray(white - block, self.dtype)


@contextmanager
def _telling_damage(path: Path) -> Iterator[None]:
    """Turn whatever the libraries raise on damaged files into one clear error."""
    try:
        yield
    except (FormatError, OSError, MemoryError):
        raise
    except Exception as error:
        raise FormatError(
            f"{path.name}: can't be read as TIFF, it is damaged or cut off. {_AGAIN}"
        ) from error


def _main_page(file: TiffFile) -> TiffPage:
    pages = [file.pages.first, *file.pages[1:]] if file.pages.first.is_reduced else []
    return next((page for page in pages if not page.is_reduced), file.pages.first)


def _count_channels(path: Path, page: TiffPage) -> int:
    """Tell gray from RGB; refuse the rest."""
    if not all(0 < side <= _LONGEST_SIDE for side in (page.imagelength, page.imagewidth)):
        size = f"{page.imagewidth} x {page.imagelength} px"
        raise FormatError(f"{path.name}: claims to be {size}, it must be damaged. {_AGAIN}")
    if page.imagedepth == 1 and page.photometric in _GRAY:
        return 1
    decodes_to_rgb = page.photometric == PHOTOMETRIC.YCBCR and page.compression in JPEG
    is_rgb = page.photometric == PHOTOMETRIC.RGB or decodes_to_rgb
    if page.imagedepth == 1 and page.samplesperpixel >= 3 and is_rgb:
        return 3
    mode = getattr(page.photometric, "name", page.photometric)
    raise FormatError(
        f"{path.name}: colour mode {mode} with {page.samplesperpixel} samples a pixel. "
        "Export it as gray or RGB."
    )


def _check_samples(path: Path, page: TiffPage) -> None:
    if page.bitspersample not in _USABLE.get(page.sampleformat, ()):
        kind = _KINDS.get(page.sampleformat, "float or complex")
        raise FormatError(
            f"{path.name}: {page.bitspersample}-bit {kind} samples. "
            "Export it with 8 or 16 bits, or as float."
        )


def _check_length(path: Path, page: TiffPage) -> None:
    """Raise if the file is too short for what its directory promises."""
    size = os.path.getsize(path)
    pieces = int(np.prod(page.chunked))
    places = list(zip(page.dataoffsets, page.databytecounts, strict=True))[:pieces]
    whole = sum(offset + count <= size for offset, count in places)
    if whole < pieces:
        word = "tiles" if page.is_tiled else "strips"
        raise FormatError(f"{path.name}: file ends after {whole} of {pieces} {word}. {_AGAIN}")

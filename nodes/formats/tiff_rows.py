"""Rows of a TIFF page, read or decoded piece by piece; each class knows one way to store them."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import COMPRESSION, PLANARCONFIG, TiffFile, TiffPage

from nodes.streams import spans

JPEG = (COMPRESSION.OJPEG, COMPRESSION.JPEG)

_ROWS = 64  # read by one thread at a time: a strip may be a single row


def find_rows(file: TiffFile, page: TiffPage, channels: int) -> Rows:
    """Choose the class that reads this page."""
    if not page.is_contiguous:
        return CodedRows(file, page, channels)
    return (
        PlaneRows(file, page, channels) if _planes_apart(page) else PlainRows(file, page, channels)
    )


class Rows(ABC):
    """Reads rows of a page, from any thread.

    Parameters
    ----------
    file : TiffFile
    page : TiffPage
    channels : int
        How many are wanted; samples beyond are left out.
    """

    def __init__(self, file: TiffFile, page: TiffPage, channels: int) -> None:
        self.page = page
        self.channels = channels
        self.height, self.width = int(page.imagelength), int(page.imagewidth)
        self.stored = np.dtype(page.dtype).newbyteorder(file.byteorder)
        self.dtype: np.dtype[Any] = self.stored.newbyteorder("=")
        self._descriptor = file.filehandle.fileno()

    def spans(self) -> list[tuple[int, int]]:
        """Where to start and stop so that nothing is read twice."""
        return spans(self.height, _ROWS)

    @abstractmethod
    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Read rows ``start:stop``, (rows, width, channels) in native byte order."""

    def _pread(self, count: int, offset: int) -> bytes:
        return os.pread(self._descriptor, count, offset)

    def _values(self, first: int, count: int) -> NDArray[Any]:
        """Read `count` samples of an uncompressed page, from number `first`."""
        size = self.stored.itemsize
        data = self._pread(count * size, int(self.page.dataoffsets[0]) + first * size)
        return np.frombuffer(data, self.stored).astype(self.dtype, copy=False)


class PlainRows(Rows):
    """Uncompressed, all samples of a pixel together, one strip after the other."""

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Read rows; see `Rows.read`."""
        samples = int(self.page.samplesperpixel)
        row = self.width * samples
        values = self._values(start * row, (stop - start) * row)
        return values.reshape(stop - start, self.width, samples)[:, :, : self.channels]


class PlaneRows(Rows):
    """Uncompressed, one plane after the other."""

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Read rows; see `Rows.read`."""
        count = (stop - start) * self.width
        firsts = [(plane * self.height + start) * self.width for plane in range(self.channels)]
        planes = [self._values(first, count) for first in firsts]
        return np.stack(planes, axis=-1).reshape(stop - start, self.width, self.channels)


class CodedRows(Rows):
    """Strips or tiles: compressed, or scattered over the file; planes together or apart."""

    def __init__(self, file: TiffFile, page: TiffPage, channels: int) -> None:
        super().__init__(file, page, channels)
        tiled = bool(page.is_tiled)
        self._piece_rows = int(page.tilelength if tiled else min(page.rowsperstrip, self.height))
        self._across = -(-self.width // int(page.tilewidth)) if tiled else 1
        self._apart = _planes_apart(page)
        self._tables: dict[str, Any] = {}
        if page.compression in JPEG:
            self._tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}

    def spans(self) -> list[tuple[int, int]]:
        """Where to start and stop so that no piece is decoded twice."""
        return spans(self.height, self._piece_rows * max(1, _ROWS // self._piece_rows))

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Decode rows; see `Rows.read`."""
        block = np.zeros((stop - start, self.width, self.channels), self.dtype)
        for index in self._pieces(start, stop):
            piece, (plane, _, top, left, _), _ = self._decode(index)
            if piece is not None:  # else it was never written: TIFF calls that sparse
                part = block[top - start :, left:, plane if self._apart else 0 :]
                piece = piece[0, : part.shape[0], : part.shape[1], : part.shape[2]]
                part[: piece.shape[0], : piece.shape[1], : piece.shape[2]] = piece
        return block

    def _pieces(self, start: int, stop: int) -> list[int]:
        """List the strips or tiles that rows ``start:stop`` lie in."""
        in_plane = -(-self.height // self._piece_rows) * self._across
        first = start // self._piece_rows * self._across
        last = -(-stop // self._piece_rows) * self._across
        planes = self.channels if self._apart else 1
        return [plane * in_plane + at for plane in range(planes) for at in range(first, last)]

    def _decode(self, index: int) -> Any:
        count = int(self.page.databytecounts[index])
        data = self._pread(count, int(self.page.dataoffsets[index])) if count else None
        return self.page.decode(data, index, **self._tables)


def _planes_apart(page: TiffPage) -> bool:
    return bool(page.planarconfig == PLANARCONFIG.SEPARATE and page.samplesperpixel > 1)

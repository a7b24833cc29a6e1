"""TIFF out: strips written as they come, the directory last.

A file of ours is: a carrier of metadata (see `nodes.formats.metadata`; else a bare header), the
strips, the directory. The carrier is a TIFF file itself, and it stands at the very start; so all
places within it stay true, and our directory takes over its entries as they are. Nothing is
written twice, and nothing but the list of strips is held. Files beyond 4 GB become BigTIFF.

References
----------
.. [1] TIFF revision 6.0, Adobe, 1992. The BigTIFF extension, https://www.awaresystems.be.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from nodes.formats.base import Layout, Writer

_SHORT, _LONG, _UNDEFINED, _LONG8 = 3, 4, 7, 16
_CODES = {_SHORT: "H", _LONG: "I", _UNDEFINED: "B", _LONG8: "Q"}
_SCHEMES = {"none": 1, "deflate": 8, "zstd": 50000}
_HORIZONTAL, _FLOATING = 2, 3  # predictors


@dataclass(frozen=True, slots=True)
class _Flavour:
    """What sets BigTIFF apart: the width of places and counts."""

    header: bytes
    count: str
    entry: str
    place: str
    places: int

    @property
    def room(self) -> int:
        """Bytes of an entry that hold small values themselves."""
        return struct.calcsize("<" + self.place)


_CLASSIC = _Flavour(struct.pack("<2sHI", b"II", 42, 0), "H", "HHI", "I", _LONG)
_BIG = _Flavour(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0), "Q", "HHQ", "Q", _LONG8)


class TiffWriter(Writer):
    """Writes one little-endian TIFF picture: gray or RGB; 8 or 16 bits, or 32-bit float."""

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        self._file, self._layout = file, layout
        raw = int(np.prod(layout.shape)) * layout.dtype.itemsize
        self._flavour = _CLASSIC if raw < 4_200_000_000 else _BIG
        self._strips: list[tuple[int, int]] = []
        # A carrier is no BigTIFF and can't begin one: there the metadata are left out.
        self._carrier = layout.metadata if self._flavour is _CLASSIC else b""
        if layout.metadata and not self._carrier:
            self.notes = ["a TIFF of more than 4 GB takes no Exif: metadata are left out."]
        file.write(self._carrier or self._flavour.header)

    def encode(self, block: NDArray[Any]) -> bytes | memoryview:
        """Compress one strip; uncompressed, it is the block itself where that can be."""
        stored = np.ascontiguousarray(block, block.dtype.newbyteorder("<"))
        if self._layout.compression == "none":
            return stored.reshape(-1).view("u1").data
        from imagecodecs import delta_encode, floatpred_encode, zlib_encode, zstd_encode

        predict = floatpred_encode if self._predictor == _FLOATING else delta_encode
        compress = zlib_encode if self._layout.compression == "deflate" else zstd_encode
        return bytes(compress(predict(stored, axis=-2).tobytes()))

    def append(self, encoded: bytes | memoryview) -> None:
        """Write the next strip."""
        self._strips.append((self._file.tell(), len(encoded)))
        self._file.write(encoded)

    def finish(self) -> None:
        """Write the directory, and its place into the header."""
        entries = {**self._carried_entries(), **self._own_entries()}
        place = self._align()
        self._file.write(struct.pack("<" + self._flavour.count, len(entries)))
        self._file.write(b"".join(entries[tag] for tag in sorted(entries)))
        self._file.write(struct.pack("<" + self._flavour.place, 0))
        self._file.seek(self._flavour.room)
        self._file.write(struct.pack("<" + self._flavour.place, place))

    @property
    def _predictor(self) -> int:
        return _FLOATING if self._layout.dtype.kind == "f" else _HORIZONTAL

    def _carried_entries(self) -> dict[int, bytes]:
        """Entries of the carrier's directory, by tag, as they stand there."""
        if not self._carrier:
            return {}
        (place,) = struct.unpack_from("<I", self._carrier, 4)
        (count,) = struct.unpack_from("<H", self._carrier, place)
        starts = range(place + 2, place + 2 + 12 * count, 12)
        entries = [self._carrier[start : start + 12] for start in starts]
        return {struct.unpack_from("<H", entry)[0]: entry for entry in entries}

    def _own_entries(self) -> dict[int, bytes]:
        """Entries that say how the pixels are stored."""
        layout = self._layout
        height, width, channels = layout.shape
        offsets, counts = zip(*self._strips, strict=True)
        fields: list[tuple[int, int, tuple[int, ...] | bytes]] = [
            (256, _LONG, (width,)),
            (257, _LONG, (height,)),
            (258, _SHORT, (8 * layout.dtype.itemsize,) * channels),
            (259, _SHORT, (_SCHEMES[layout.compression],)),
            (262, _SHORT, (2 if channels == 3 else 1,)),  # RGB, or gray with 0 for black
            (273, self._flavour.places, offsets),
            (277, _SHORT, (channels,)),
            (278, _LONG, (self.rows,)),
            (279, self._flavour.places, counts),
            (284, _SHORT, (1,)),  # the samples of a pixel stand together
            (339, _SHORT, (3 if layout.dtype.kind == "f" else 1,) * channels),
        ]
        if layout.compression != "none":
            fields.append((317, _SHORT, (self._predictor,)))
        if layout.icc:
            fields.append((34675, _UNDEFINED, layout.icc))
        return {tag: self._entry(tag, kind, values) for tag, kind, values in fields}

    def _entry(self, tag: int, kind: int, values: tuple[int, ...] | bytes) -> bytes:
        """Make an entry; values that don't fit into it are written to the file here."""
        data = struct.pack(f"<{len(values)}{_CODES[kind]}", *values)
        head = struct.pack("<" + self._flavour.entry, tag, kind, len(values))
        if len(data) <= self._flavour.room:
            return head + data.ljust(self._flavour.room, b"\0")
        place = self._align()
        self._file.write(data)
        return head + struct.pack("<" + self._flavour.place, place)

    def _align(self) -> int:
        """Go on at an even place, as TIFF wants."""
        if self._file.tell() % 2:
            self._file.write(b"\0")
        return self._file.tell()

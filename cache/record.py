"""The record of a published result: plain JSON that carries its own checksum.

It is data from a disk that others may write to: everything in it is checked before it is used.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cache.arrays import DigestedArray
from cache.chunks import Grid
from cache.digest import canonical_json, seal, text_digest, unseal
from cache.files import folder_bytes, read_small
from cache.store import Entry, Json, StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import DTypeLike

MAX_RECORD_BYTES = 16 * 2**20
MAX_CHUNK_BYTES = 2**31
_HEX = re.compile(r"[0-9a-f]{32}")
_DTYPE = re.compile(r"\|[biu]1|<[iu][248]|<f[248]|<c(8|16)")


def check_key(key: str) -> str:
    """Give the key back, or raise `ValueError` if it is not 32 hexadecimal digits."""
    if not is_key(key):
        raise ValueError(f"got the key {key!r}. A key is 32 hexadecimal digits.")
    return key


def is_key(key: object) -> bool:
    """Whether this is 32 lowercase hexadecimal digits, so safe as a file name too."""
    return isinstance(key, str) and _HEX.fullmatch(key) is not None


def check_name(name: str) -> str:
    """Give the array's name back, or raise `ValueError`: it becomes the name of a folder."""
    if not (isinstance(name, str) and name.isascii() and name.isidentifier()):
        raise ValueError(f"got the array name {name!r}. Use letters, digits and underscores.")
    return name


def check_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Give the dtype, or raise `ValueError` if its values are not plain little-endian numbers."""
    import numpy as np

    known = np.dtype(dtype)
    _check_dtype_name(known.str)
    return known


def _check_dtype_name(name: str) -> None:
    # Without numpy: to read a record is all that a cached run does.
    if _DTYPE.fullmatch(name) is None:
        raise ValueError(f"got the dtype {name}. Store little-endian numbers.")


@dataclass(frozen=True, slots=True)
class ArrayRecord:
    """What is known of an array without reading it.

    Attributes
    ----------
    dtype : str
        As numpy writes it, such as ``<f4``.
    shape, chunks : tuple of int
        In elements.
    digests : tuple of str
        One a chunk, in C order.
    """

    dtype: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    digests: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_dtype_name(self.dtype)
        sizes = (*self.shape, *self.chunks)
        is_sane = len(self.shape) == len(self.chunks) and 0 not in self.chunks
        if not is_sane or not all(type(n) is int and n >= 0 for n in sizes):
            raise ValueError(f"has the shape {self.shape}, chunks {self.chunks}")
        if self.chunk_bytes > MAX_CHUNK_BYTES:
            raise ValueError(f"has chunks of {self.chunk_bytes} bytes")
        if len(self.digests) != self.grid.count or not all(map(is_key, self.digests)):
            raise ValueError(f"has {len(self.digests)} digests for {self.grid.count} chunks")

    @property
    def grid(self) -> Grid:
        """Shape and chunks."""
        return Grid(self.shape, self.chunks)

    @property
    def chunk_bytes(self) -> int:
        """Size of a chunk's file: the chunks at the end are stored whole."""
        return math.prod(self.chunks) * int(self.dtype[2:])

    @classmethod
    def of(cls, name: str, array: DigestedArray) -> ArrayRecord:
        """Record of an array that was written; raises `StoreError` if chunks are missing."""
        missing = array.grid.count - len(array.digests)
        if missing:
            raise StoreError(
                f'array "{name}": {missing} of {array.grid.count} chunks were never written. '
                "Write all of them before publishing."
            )
        digests = tuple(array.digests[cell] for cell in array.grid.cells())
        return cls(array.dtype.str, array.shape, array.chunks, digests)

    def to_json(self) -> Json:
        """As it stands in the record."""
        return {
            "dtype": self.dtype,
            "shape": list(self.shape),
            "chunks": list(self.chunks),
            "digests": list(self.digests),
        }

    @classmethod
    def from_json(cls, data: Any) -> ArrayRecord:
        """Undo `to_json`."""
        return cls(
            data["dtype"], tuple(data["shape"]), tuple(data["chunks"]), tuple(data["digests"])
        )


def array_digests(arrays: Mapping[str, ArrayRecord]) -> dict[str, str]:
    """Digest what each array *is*: its dtype, shape and values."""
    return {name: text_digest(canonical_json(array.to_json())) for name, array in arrays.items()}


def result_digest(arrays: Mapping[str, ArrayRecord], facts: Json) -> str:
    """Digest what a result *is*: names, dtypes, shapes and values of its arrays, and its facts."""
    described = {name: array.to_json() for name, array in arrays.items()}
    return text_digest(canonical_json({"arrays": described, "facts": facts}))


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that is kept of a result beside its values.

    Attributes
    ----------
    entry : Entry
    arrays : mapping of str to ArrayRecord
    metadata : mapping of str to str
        Digest of each array's ``zarr.json``, so that a changed one is noticed.
    """

    entry: Entry
    arrays: Mapping[str, ArrayRecord]
    metadata: Mapping[str, str]

    def to_text(self) -> str:
        """JSON with a checksum; raises `StoreError` if it is longer than readers accept."""
        body = {
            "key": self.entry.key,
            "digest": self.entry.digest,
            "bytes": self.entry.bytes,
            "record": self.entry.record,
            "arrays": {name: array.to_json() for name, array in self.arrays.items()},
            "metadata": dict(self.metadata),
        }
        text = seal(body)
        if len(text) > MAX_RECORD_BYTES:
            raise StoreError(
                f"the record has {len(text)} bytes. Use at most {MAX_RECORD_BYTES}: "
                "put large things into arrays."
            )
        return text

    @classmethod
    def from_text(cls, text: str) -> Record:
        """Undo `to_text`; raises `ValueError` if anything is not as it was written."""
        try:
            return cls._from_json(unseal(text))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"has no meaning ({type(error).__name__}: {error})") from error

    @classmethod
    def _from_json(cls, body: Any) -> Record:
        arrays = {
            check_name(name): ArrayRecord.from_json(array) for name, array in body["arrays"].items()
        }
        record = cast("dict[str, Json]", dict(body["record"]))
        if result_digest(arrays, record.get("facts")) != body["digest"]:
            raise ValueError("has a wrong digest")
        stored = sum(array.chunk_bytes * array.grid.count for array in arrays.values())
        if type(body["bytes"]) is not int or body["bytes"] < stored:
            raise ValueError(f"has the size {body['bytes']!r}, its arrays {stored}")
        key, size = check_key(body["key"]), body["bytes"]
        entry = Entry(key, body["digest"], size, record, array_digests(arrays))
        return cls(entry, arrays, dict(body["metadata"]))


def read_record(folder: Path) -> Record | None:
    """Read the record of the result in a folder named by its key; None if there is none.

    Raises
    ------
    ValueError
        If there is one, but not as it was written; the message continues "its record ...".
    OSError
        If it can't be read.
    """
    if folder.is_symlink():
        raise ValueError("lies behind a symbolic link")
    try:
        text = read_small(folder / "record.json", MAX_RECORD_BYTES)
    except OSError as error:
        if error.errno == errno.EIO:  # others can be read
            raise ValueError("can't be read by the disk") from error
        raise
    if text is None and os.path.lexists(folder):
        raise ValueError("is missing")
    if text is None:
        return None
    record = Record.from_text(text)
    if record.entry.key != folder.name:
        raise ValueError(f"is that of {record.entry.key}")
    return record


def read_cost(folder: Path) -> tuple[int, float]:
    """Read what the size budget needs of a result, quickly: its bytes, and seconds it took.

    A record that can't be read is that of a result which is worth nothing.
    """
    try:
        body = json.loads(read_small(folder / "record.json", MAX_RECORD_BYTES) or "")["body"]
        size, seconds = int(body["bytes"]), float(body["record"].get("seconds", 0.0))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        size, seconds = -1, 0.0
    return (size, max(seconds, 0.0)) if size >= 0 else (folder_bytes(folder), 0.0)


def new_entry(
    key: str, arrays: Mapping[str, ArrayRecord], record: Mapping[str, Json], size: int
) -> Entry:
    """Make the entry that is published, its record as it will be read back from JSON."""
    plain = cast("dict[str, Json]", json.loads(canonical_json(dict(record))))
    digest = result_digest(arrays, plain.get("facts"))
    return Entry(key, digest, size, plain, array_digests(arrays))

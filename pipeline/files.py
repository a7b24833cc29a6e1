"""Content hashes of files, hashed once as long as a file stays as it is."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

import xxhash

from pipeline.code import Memo

_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class FileDigests:
    """Digests of files by content.

    Parameters
    ----------
    memo : Memo
        Remembers digests by path, size, times and inode, so that an unchanged file is not read
        again.
    """

    memo: Memo

    def digest(self, path: Path) -> str:
        """xxh3_128 of a file's bytes, 32 hexadecimal digits.

        Raises
        ------
        OSError
            If the file can't be read; IsADirectoryError for a folder.
        """
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        path.stat()
        known = self.memo.get(path)
        if isinstance(known, str):
            return known
        digest = hash_file(path)
        self.memo.put(path, digest)
        return digest


def hash_file(path: Path) -> str:
    """xxh3_128 of a file's bytes, read in blocks."""
    state = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            state.update(block)
    return state.hexdigest()

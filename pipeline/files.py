"""Content hashes of files, hashed once as long as a file stays as it is."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import xxhash

from pipeline.code import Memo

_BLOCK = 2**20

State: TypeAlias = tuple[int, int, int, int, int]
"""What tells a file from itself after it was written to, or replaced."""


def file_state(path: Path) -> State:
    """Look at a file's device, inode, size and times; raises `OSError` if it is gone."""
    status = path.stat()
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


class FileChangedError(Exception):
    """A file was written to between its hashing and the end of its reading."""

    def __init__(self, node: str, path: Path) -> None:
        super().__init__(f"{path} changed while it was read")
        self.node = node


def check_unchanged(node: str, states: Mapping[Path, State]) -> None:
    """Refuse what a node read of files under the key of what they held before."""
    for path, state in states.items():
        now = None
        with suppress(OSError):
            now = file_state(path)
        if now != state:
            raise FileChangedError(node, path)


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


def replace_text(path: Path, text: str) -> None:
    """Write a text file that appears whole or not at all; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)

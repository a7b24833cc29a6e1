"""The finished chunks of a result that is not whole yet, so that a killed run can be continued.

A draft's journal has one line a chunk, appended after the chunk was written. A line carries its
own checksum; one that was torn or changed is skipped. Nothing is forced to the platter: the
system keeps what a killed process wrote, and what a power failure tore has another digest.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cache.chunks import Cell, Grid
from cache.digest import seal, unseal
from cache.files import read_small, told

if TYPE_CHECKING:
    import numpy as np

MAX_JOURNAL_BYTES = 64 * 2**20


class ChunkLog(Protocol):
    """Remembers which chunks of one array are finished."""

    def earlier(self) -> dict[Cell, str]:
        """Chunks finished before, with the digests that they should have."""

    def add(self, cell: Cell, digest: str) -> None:
        """Note a chunk that was just written; safe from any thread."""


class Journal:
    """A file of finished chunks; it exists once the first one is added.

    Parameters
    ----------
    root : Path
        The cache folder, for error messages.
    path : Path
    """

    def __init__(self, root: Path, path: Path) -> None:
        self._root = root
        self._path = path
        self._mutex = threading.Lock()
        self._lines = _read_lines(path)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def of(self, name: str, dtype: np.dtype[Any], grid: Grid) -> ArrayJournal:
        """Give the part about one array; what is known of another shape or dtype is not."""
        array = {
            "name": name,
            "dtype": dtype.str,
            "shape": list(grid.shape),
            "chunks": list(grid.chunks),
        }
        return ArrayJournal(self, array)

    def finished(self, array: Mapping[str, Any]) -> dict[Cell, str]:
        """Chunks of an array that an earlier run finished; of a chunk's lines the last counts."""
        return {
            tuple(line["cell"]): str(line["digest"])
            for line in self._lines
            if line["array"] == array
        }

    def append(self, line: Mapping[str, Any]) -> None:
        """Add a line. It begins the line, so that what was torn before it stays by itself."""
        data = f"\n{seal(line)}".encode()
        with self._mutex, told(self._root), self._path.open("ab", buffering=0) as file:
            file.write(data)


class ArrayJournal:
    """The `ChunkLog` of one array, in a journal."""

    def __init__(self, journal: Journal, array: Mapping[str, Any]) -> None:
        self._journal = journal
        self._array = array

    def earlier(self) -> dict[Cell, str]:
        """Chunks finished before, with the digests that they should have."""
        return self._journal.finished(self._array)

    def add(self, cell: Cell, digest: str) -> None:
        """Note a chunk that was just written."""
        self._journal.append({"array": self._array, "cell": list(cell), "digest": digest})


def _read_lines(path: Path) -> list[dict[str, Any]]:
    """Lines that are as they were written."""
    text = None
    with suppress(OSError, ValueError):
        text = read_small(path, MAX_JOURNAL_BYTES)
    return [line for line in map(_read_line, (text or "").splitlines()) if line is not None]


def _read_line(text: str) -> dict[str, Any] | None:
    try:
        line = unseal(text)
        is_known = set(line) == {"array", "cell", "digest"}
        return line if is_known and all(type(i) is int for i in line["cell"]) else None
    except (ValueError, TypeError):
        return None

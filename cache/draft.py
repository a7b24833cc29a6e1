"""A result on its way into the disk store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cache.arrays import Block, DigestedArray
from cache.chunks import Grid, chunk_shape
from cache.drafts import JOURNAL
from cache.files import folder_bytes, remove_tree, told
from cache.gate import Gate
from cache.locks import OwnedFolder
from cache.record import ArrayRecord, Record, check_dtype, check_name, new_entry
from cache.resume import ChunkLog, Journal
from cache.store import Entry, Json, StoreFullError
from cache.zarr_chunks import ChunkFiles, ZarrChunks
from cache.zarr_format import GROUP_JSON

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


class DiskDraft:
    """A `Draft` in a folder of its own, moved to its home when it is whole.

    Nothing is forced to the platter: after a power failure the newest results may be missing or
    torn, which their digests tell, and computing them again costs less than an fsync a chunk.

    Parameters
    ----------
    key : str
        Content key.
    root : Path
        The cache folder, for error messages.
    owned : OwnedFolder
        On the same file system; may hold the finished chunks of an earlier draft.
    files : ChunkFiles
    install : callable
        Moves a folder to the key's home.
    """

    def __init__(
        self,
        key: str,
        root: Path,
        owned: OwnedFolder,
        files: ChunkFiles,
        install: Callable[[str, Path], None],
    ) -> None:
        self._key = key
        self._root = root
        self._owned = owned
        self._folder = owned.path
        self._files = files
        self._install = install
        self._gate = Gate(f"result {key}")
        self._journal = Journal(root, owned.path / JOURNAL)
        self._arrays: dict[str, DigestedArray] = {}
        self._sources: dict[str, ZarrChunks] = {}
        self._passing: set[str] = set()

    def new_array(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: DTypeLike,
        *,
        passing: bool = False,
        chunks: tuple[int, ...] | None = None,
    ) -> DigestedArray:
        """Make an array of the result; raises `ValueError` for a name or dtype not kept."""
        grid = Grid(tuple(map(int, shape)), chunk_shape(shape, chunks))
        if passing:
            self._passing.add(name)
        return self._add(name, grid, dtype, self._journal.of(name, check_dtype(dtype), grid))

    def put_array(self, name: str, values: Block, workers: int = 1) -> None:
        """Write a whole array that is in memory."""
        grid = Grid(values.shape, chunk_shape(values.shape))
        self._add(name, grid, values.dtype, None).fill(values, workers)

    def _add(self, name: str, grid: Grid, dtype: DTypeLike, log: ChunkLog | None) -> DigestedArray:
        if check_name(name) in self._arrays:
            raise ValueError(f"the array {name!r} exists already. Choose another name.")
        known = check_dtype(dtype)
        source = ZarrChunks(self._root, self._folder, name, grid, known, self._files)
        array = DigestedArray(self._key, name, grid, known, source, self._gate, log)
        with self._gate.passed():
            source.create(log.earlier() if log else ())
        self._sources[name] = source
        self._arrays[name] = array
        return array

    def publish(self, record: Mapping[str, Json]) -> Entry:
        """Make the result visible, all at once."""
        self._gate.check()
        self._gate.shut()
        for name in self._passing:
            del self._arrays[name], self._sources[name]
        arrays = {name: ArrayRecord.of(name, array) for name, array in self._arrays.items()}
        with told(self._root):
            self._tidy()
            (self._folder / "zarr.json").write_text(GROUP_JSON, "utf-8")
            entry = new_entry(self._key, arrays, record, folder_bytes(self._folder))
            metadata = {name: str(s.metadata_digest()) for name, s in self._sources.items()}
            text = Record(entry, arrays, metadata).to_text()
            (self._folder / "record.json").write_text(text, "utf-8")
            self._install(self._key, self._folder)
        return entry

    def _tidy(self) -> None:
        """Remove what an earlier draft left and this one did not take over."""
        for path in self._folder.iterdir():
            if path.name not in self._arrays:
                remove_tree(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gate.shut()
        if self._journal.path.exists() and not _is_full(error):
            self._owned.leave()
        else:
            self._owned.release()


def _is_full(error: BaseException | None) -> bool:
    """Whether an error was caused by a full disk: then what was begun is in the way."""
    while error is not None and not isinstance(error, StoreFullError):
        error = error.__cause__
    return error is not None

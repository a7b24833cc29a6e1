"""Arrays of a store: each chunk is digested when it is written and verified when it is read.

Where the chunks lie (in a zarr array's files, in memory) is a `ChunkSource`'s business.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from cache.chunks import Cell, Grid, Spans, common, extent, slices, spans_of
from cache.digest import chunk_digest
from cache.gate import Gate
from cache.resume import ChunkLog
from cache.store import DamagedError, Region
from cache.threads import for_each

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import DTypeLike, NDArray

Block: TypeAlias = "NDArray[Any]"

KEPT_BYTES = 64 * 2**20


class BadChunkError(Exception):
    """A chunk can't be read; the message says why, the array adds which one."""


class ChunkSource(Protocol):
    """Where an array's chunks lie."""

    def read(self, cell: Cell) -> Block:
        """Read a whole chunk; raises `BadChunkError`."""

    def write(self, cell: Cell, block: Block) -> None:
        """Write a whole chunk."""

    def check(self, cell: Cell) -> None:
        """Raise `BadChunkError` unless a chunk is there with its full size, unread."""


class RecentChunks:
    """Verified chunks that were read in part and will be wanted again by the tile next door.

    Safe from any thread. Holds at most `limit` bytes; the least recently used go first.
    """

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._bytes = 0
        self._chunks: OrderedDict[tuple[str, Cell], Block] = OrderedDict()
        self._mutex = threading.Lock()

    def get(self, name: str, cell: Cell) -> Block | None:
        """Look a chunk up; None if it is gone."""
        with self._mutex:
            block = self._chunks.get((name, cell))
            if block is not None:
                self._chunks.move_to_end((name, cell))
            return block

    def keep(self, name: str, cell: Cell, block: Block) -> None:
        """Keep a chunk for a while."""
        with self._mutex:
            if (name, cell) in self._chunks or block.nbytes > self._limit:
                return
            self._chunks[name, cell] = block
            self._bytes += block.nbytes
            while self._bytes > self._limit:
                self._bytes -= self._chunks.popitem(last=False)[1].nbytes


class VerifiedArray:
    """A `StoredArray`: reads whole chunks and holds each against its digest.

    Parameters
    ----------
    key, name : str
        Content key and array name, for the error message.
    grid : Grid
    dtype : dtype
    digests : mapping of cell to str
    source : ChunkSource
    recent : RecentChunks
        Shared by the arrays of one result.
    steady : callable, optional
        A ``with`` block in which the result stays what it is; raises `GoneError` if it is
        another already. What looks damaged is read in it once more.
    """

    def __init__(
        self,
        key: str,
        name: str,
        grid: Grid,
        dtype: DTypeLike,
        digests: Mapping[Cell, str],
        source: ChunkSource,
        recent: RecentChunks,
        steady: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        import numpy as np

        self._key = key
        self._name = name
        self._grid = grid
        self._dtype = np.dtype(dtype)
        self._digests = digests
        self._source = source
        self._recent = recent
        self._steady = steady

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape in elements."""
        return self._grid.shape

    @property
    def chunks(self) -> tuple[int, ...]:
        """Shape of a chunk in elements."""
        return self._grid.chunks

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements, little-endian."""
        return self._dtype

    def check_extent(self) -> None:
        """Raise `DamagedError` unless the last chunk is there: so far does the array reach.

        A shape that was made up should not lead anybody to set memory aside for it.
        """
        if self._grid.count:
            last = tuple(count - 1 for count in self._grid.counts)
            with self._named(last):
                self._source.check(last)

    def __getitem__(self, region: Region, /) -> Block:
        import numpy as np

        spans = spans_of(region, self.shape)
        cells = list(self._grid.touched(spans))
        if len(cells) == 1 and self._grid.spans(cells[0]) == spans:
            return self._read(cells[0])
        values = np.empty(extent(spans), self._dtype)
        for cell in cells:
            self._copy(cell, spans, values)
        return values

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Block:
        import numpy as np

        return np.asarray(self[()], dtype)

    def _copy(self, cell: Cell, spans: Spans, values: Block) -> None:
        chunk = self._grid.spans(cell)
        part = common(spans, chunk)
        block = self._recent.get(self._name, cell)
        if block is None:
            block = self._read(cell)
            if part != chunk:
                self._recent.keep(self._name, cell, block)
        values[slices(part, spans)] = block[slices(part, chunk)]

    def _read(self, cell: Cell) -> Block:
        expected = self._digest(cell)
        try:
            return self._verified(cell, expected)
        except DamagedError:
            with self._steady():
                return self._verified(cell, expected)

    def _verified(self, cell: Cell, expected: str) -> Block:
        with self._named(cell):
            block = self._source.read(cell)
            if chunk_digest(block) != expected:
                raise BadChunkError("its values are not those that were written")
        return block

    @contextmanager
    def _named(self, cell: Cell) -> Iterator[None]:
        """Say which chunk of what is bad."""
        try:
            yield
        except BadChunkError as error:
            place = ".".join(map(str, cell))
            where = f'cached result {self._key}: array "{self._name}", chunk {place}'
            raise DamagedError(self._key, f"{where}: {error}.") from error

    def _digest(self, cell: Cell) -> str:
        return self._digests[cell]


class DigestedArray(VerifiedArray):
    """A `DraftArray`: digests chunks as they are written, from any thread.

    Once somebody has asked `is_written`, chunks are noted in the log as well, so that a later run
    finds them.

    Parameters
    ----------
    key, name, grid, dtype, source
        As of a `VerifiedArray`.
    gate : Gate
    log : ChunkLog, optional
        Chunks of an earlier run, and a place to note ours for a later one.
    """

    def __init__(
        self,
        key: str,
        name: str,
        grid: Grid,
        dtype: DTypeLike,
        source: ChunkSource,
        gate: Gate,
        log: ChunkLog | None = None,
    ) -> None:
        self.digests: dict[Cell, str] = {}
        super().__init__(key, name, grid, dtype, self.digests, source, RecentChunks())
        self._gate = gate
        self._log = log
        self._earlier = log.earlier() if log else {}
        self._is_resumable = False
        self._begun: set[Cell] = set()
        self._mutex = threading.Lock()
        self._taking_over = threading.Lock()

    @property
    def grid(self) -> Grid:
        """Shape and chunks."""
        return self._grid

    def __setitem__(self, region: Region, block: Block, /) -> None:
        spans = spans_of(region, self.shape)
        self._check(spans, block)
        for cell in self._grid.touched(spans):
            with self._gate.passed():
                self._write(cell, block[slices(self._grid.spans(cell), spans)])

    def fill(self, values: Block, workers: int) -> None:
        """Write all of it, on `workers` threads."""

        def write(cell: Cell) -> None:
            spans = slices(self._grid.spans(cell))
            self[spans] = values[spans]

        for_each(write, self._grid.cells(), min(workers, self._grid.count))

    def is_written(self, region: Region) -> bool:
        """Whether a region is whole, chunks included that an earlier run left and that verify."""
        self._is_resumable = self._log is not None
        cells = self._grid.touched(spans_of(region, self.shape))
        with self._gate.passed(), self._taking_over:
            return all([cell in self.digests or self._take_over(cell) for cell in cells])

    def _take_over(self, cell: Cell) -> bool:
        digest = self._earlier.pop(cell, None)
        try:
            is_whole = digest is not None and chunk_digest(self._source.read(cell)) == digest
        except BadChunkError:
            return False
        if digest is not None and is_whole:
            self.digests.setdefault(cell, digest)
        return is_whole

    def _check(self, spans: Spans, block: Block) -> None:
        if not self._grid.is_whole(spans):
            raise ValueError(
                f'array "{self._name}": got the region {spans}. '
                f"Write whole chunks of {self.chunks}, each once."
            )
        if block.shape != extent(spans) or block.dtype != self._dtype:
            raise ValueError(
                f'array "{self._name}": got a block {block.shape} {block.dtype}. '
                f"The region takes {extent(spans)} {self._dtype}."
            )

    def _write(self, cell: Cell, part: Block) -> None:
        import numpy as np

        with self._mutex:
            if cell in self._begun:
                raise ValueError(
                    f'array "{self._name}": chunk {cell} was written before. Write each once.'
                )
            self._begun.add(cell)
        block = np.asarray(part, order="C")
        self._source.write(cell, block)
        digest = chunk_digest(block)
        self.digests[cell] = digest
        if self._log is not None and self._is_resumable:
            self._log.add(cell, digest)

    def _digest(self, cell: Cell) -> str:
        digest = self.digests.get(cell)
        if digest is None:
            raise ValueError(
                f'array "{self._name}": chunk {cell} has no values yet. Write it before reading.'
            )
        return digest

"""The reference store: the same contract as the disk store, in memory, for tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

from numpy.typing import DTypeLike

from cache.arrays import BadChunkError, Block, DigestedArray, RecentChunks, VerifiedArray
from cache.chunks import Cell, Grid, chunk_shape
from cache.gate import Gate
from cache.record import ArrayRecord, check_dtype, check_key, check_name, new_entry
from cache.store import Entry, GoneError, Json, StoredArray
from cache.verify import check_result


class MemoryChunks(dict[Cell, Block]):
    """A `ChunkSource` that holds copies."""

    def read(self, cell: Cell) -> Block:
        """Read a whole chunk."""
        self.check(cell)
        return self[cell].copy()

    def write(self, cell: Cell, block: Block) -> None:
        """Write a whole chunk."""
        self[cell] = block.copy()

    def check(self, cell: Cell) -> None:
        """Raise `BadChunkError` unless the chunk is there."""
        if cell not in self:
            raise BadChunkError("it is missing")


@dataclass(frozen=True, slots=True)
class _Result:
    entry: Entry
    arrays: Mapping[str, ArrayRecord]
    chunks: Mapping[str, MemoryChunks]


class MemoryLog(dict[Cell, str]):
    """A `ChunkLog` that is a dictionary."""

    def earlier(self) -> dict[Cell, str]:
        """Chunks finished before."""
        return dict(self)

    def add(self, cell: Cell, digest: str) -> None:
        """Note a chunk that was just written."""
        self[cell] = digest


_Unfinished: TypeAlias = dict[tuple[str, str, Grid], tuple[MemoryChunks, MemoryLog]]


class MemoryDraft:
    """A `Draft` in memory.

    Parameters
    ----------
    key : str
    unfinished : dict
        Arrays of an earlier draft.
    install, leave : callable
        Take what is published, and what can be continued.
    """

    def __init__(
        self,
        key: str,
        unfinished: _Unfinished,
        install: Callable[[str, _Result], None],
        leave: Callable[[str, _Unfinished], None],
    ) -> None:
        self._key = key
        self._unfinished = unfinished
        self._install = install
        self._leave = leave
        self._arrays: dict[str, DigestedArray] = {}
        self._chunks: dict[str, MemoryChunks] = {}
        self._passing: set[str] = set()
        self._gate = Gate(f"result {key}")

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
        if passing:
            self._passing.add(name)
        if check_name(name) in self._arrays:
            raise ValueError(f"the array {name!r} exists already. Choose another name.")
        grid = Grid(tuple(map(int, shape)), chunk_shape(shape, chunks))
        known = check_dtype(dtype)
        place = (name, known.str, grid)
        held, log = self._unfinished.setdefault(place, (MemoryChunks(), MemoryLog()))
        array = DigestedArray(self._key, name, grid, known, held, self._gate, log)
        self._arrays[name] = array
        self._chunks[name] = held
        return array

    def put_array(self, name: str, values: Block, workers: int = 1) -> None:
        """Write a whole array."""
        self.new_array(name, values.shape, values.dtype).fill(values, workers)

    def publish(self, record: Mapping[str, Json]) -> Entry:
        """Make the result visible, all at once."""
        self._gate.check()
        self._gate.shut()
        for name in self._passing:
            del self._arrays[name], self._chunks[name]
        arrays = {name: ArrayRecord.of(name, array) for name, array in self._arrays.items()}
        size = sum(block.nbytes for chunks in self._chunks.values() for block in chunks.values())
        entry = new_entry(self._key, arrays, record, size)
        self._install(self._key, _Result(entry, arrays, self._chunks))
        self._unfinished = {}
        return entry

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gate.shut()
        begun = {place: left for place, left in self._unfinished.items() if left[1]}
        if begun:
            self._leave(self._key, begun)


class MemoryStore:
    """A `Store` for one process."""

    def __init__(self) -> None:
        self._results: dict[str, _Result] = {}
        self._unfinished: dict[str, _Unfinished] = {}
        self._recipes: dict[str, str] = {}
        self._locks: dict[str, threading.Lock] = {}

    def find(self, key: str) -> Entry | None:
        """Look up the entry published under a content key."""
        result = self._results.get(check_key(key))
        return None if result is None else result.entry

    def open(self, key: str) -> Mapping[str, StoredArray]:
        """Open the arrays of a published result, each chunk verified when it is read."""
        result = self._results.get(check_key(key))
        if result is None:
            raise GoneError(key, f"result {key} is not in the store. Publish it first.")
        recent = RecentChunks()
        return {name: _array(key, name, result, recent) for name in result.arrays}

    def begin(self, key: str) -> MemoryDraft:
        """Start writing a result."""
        earlier = self._unfinished.pop(check_key(key), {})
        return MemoryDraft(key, earlier, self._results.__setitem__, self._unfinished.__setitem__)

    def link(self, recipe: str, key: str) -> None:
        """Let a recipe key point to a content key."""
        self._recipes[check_key(recipe)] = check_key(key)

    def resolve(self, recipe: str) -> str | None:
        """Look up the content key that a recipe key points to, if any."""
        return self._recipes.get(check_key(recipe))

    @contextmanager
    def lock(
        self,
        key: str,
        *,
        on_wait: Callable[[], None] | None = None,
        check: Callable[[], None] | None = None,
    ) -> Iterator[None]:
        """Hold a key against other threads."""
        lock = self._locks.setdefault(check_key(key), threading.Lock())
        if not lock.acquire(blocking=False):
            if on_wait is not None:
                on_wait()
            while not lock.acquire(timeout=0.02):
                if check is not None:
                    check()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """Do nothing if the result is there: what is in memory is never evicted."""
        self.open(key)
        yield

    def delete(self, key: str) -> None:
        """Remove a result; unknown keys are no error."""
        self._results.pop(check_key(key), None)

    def quarantine(self, key: str) -> None:
        """Put a damaged result aside."""
        self.delete(key)

    def entries(self) -> Iterator[Entry]:
        """List all published results."""
        yield from [result.entry for result in self._results.values()]

    def check(self) -> list[str]:
        """List everything that is not as it should be."""
        return [fault for key in self._results for fault in check_result(self, key)]


def _array(key: str, name: str, result: _Result, recent: RecentChunks) -> VerifiedArray:
    array = result.arrays[name]
    digests = dict(zip(array.grid.cells(), array.digests, strict=True))
    source = result.chunks[name]
    return VerifiedArray(key, name, array.grid, array.dtype, digests, source, recent)

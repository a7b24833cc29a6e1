from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from cache.arrays import BadChunkError, RecentChunks, VerifiedArray
from cache.chunks import Grid, slices
from cache.digest import chunk_digest
from cache.store import DamagedError

VALUES = np.arange(100.0).reshape(10, 10)
GRID = Grid((10, 10), (5, 5))


class CountingSource:
    """Chunks of `VALUES`; counts what is read."""

    def __init__(self):
        self.reads: Counter = Counter()

    def read(self, cell):
        self.reads[cell] += 1
        if cell == (9, 9):
            raise BadChunkError("it is gone")
        return VALUES[slices(GRID.spans(cell))].copy()


def stored(source, limit=1000) -> VerifiedArray:
    digests = {cell: chunk_digest(VALUES[slices(GRID.spans(cell))]) for cell in GRID.cells()}
    return VerifiedArray("k", "values", GRID, "f8", digests, source, RecentChunks(limit))


def test_a_chunk_read_in_part_is_read_and_verified_once():
    source = CountingSource()
    array = stored(source)
    for column in range(8):
        region = (slice(3, 7), slice(column, column + 2))
        assert np.array_equal(array[region], VALUES[region])
    assert source.reads == Counter(GRID.cells())


def test_chunks_read_whole_are_not_kept():
    source = CountingSource()
    array = stored(source)
    for _ in range(2):
        assert np.array_equal(array[()], VALUES)
    assert set(source.reads.values()) == {2}


def test_every_read_is_held_against_its_digest():
    class WrongSource(CountingSource):
        def read(self, cell):
            return super().read(cell) + (cell == (1, 0))

    array = stored(WrongSource())
    assert np.array_equal(array[:5, :], VALUES[:5])
    for region in [(slice(5, 10), slice(0, 5)), (slice(6, 7), slice(0, 1)), ()]:
        with pytest.raises(DamagedError, match=r"chunk 1\.0: its values"):
            array[region]


def test_recent_chunks_stay_within_their_limit():
    recent = RecentChunks(limit=1000)
    blocks = [np.full(50, n, np.float64) for n in range(4)]
    for n, block in enumerate(blocks[:2]):
        recent.keep("a", (n,), block)
    assert recent.get("a", (0,)) is blocks[0]
    recent.keep("a", (2,), blocks[2])
    assert [n for n in range(4) if recent.get("a", (n,)) is not None] == [0, 2]
    recent.keep("a", (3,), np.zeros(100))
    assert [n for n in range(4) if recent.get("a", (n,)) is not None] == [3]


def test_a_chunk_larger_than_the_limit_is_not_kept():
    recent = RecentChunks(limit=10)
    recent.keep("a", (0,), np.zeros(100))
    assert recent.get("a", (0,)) is None


def test_recent_chunks_of_different_arrays_are_kept_apart():
    recent = RecentChunks()
    recent.keep("a", (0,), np.zeros(1))
    assert recent.get("b", (0,)) is None

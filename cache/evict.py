"""The size budget: which results go when a cache folder grows too large.

A result is worth the seconds that it saves, per byte, times the chance that it is wanted again.
That chance falls as one over the time since its last use: what was used an hour ago is 24 times as
likely to be wanted as what was used a day ago, and so on any scale up to years. So among
results of one kind the least recently used go first, and a PSF, which took seconds for a
kilobyte, outlives any number of pictures.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cache.drafts import remove_draft, unfinished
from cache.files import folder_bytes, remove_tree
from cache.layout import Layout
from cache.locks import try_lock
from cache.record import is_key, read_cost
from cache.store import StoreError

# What was used within this time counts nearly alike: else the pictures just made would be worth
# more than any small result of last year, whose going makes no room.
YOUNG_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A result as the budget sees it.

    Attributes
    ----------
    key : str
    bytes : int
        Size on disk.
    seconds : float
        Time that it took to compute.
    last_used : float
        Seconds since 1970.
    """

    key: str
    bytes: int
    seconds: float
    last_used: float

    def worth(self, now: float) -> float:
        """Seconds that it saves a byte, by the chance that it is wanted again."""
        age = max(now - self.last_used, 0.0) + YOUNG_SECONDS
        return self.seconds / (max(self.bytes, 1) * age)


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What trimming did: how much it removed, and how much is left."""

    removed: int
    bytes: int
    left: int


@dataclass(frozen=True, slots=True)
class _Expendable:
    """Something that can go: its size, and how to remove it; that says whether it did."""

    bytes: int
    remove: Callable[[], bool]


class Budget:
    """Keeps a cache folder below a size.

    Everything counts but what is being written. What nobody would miss goes first: damaged
    results that were put aside, then drafts that were left, then results, the least worth first.

    Parameters
    ----------
    layout : Layout
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._costs: dict[tuple[str, int], tuple[int, float]] = {}

    def trim(self, limit: int, delete: Callable[[str], None], spare: str = "") -> Trimmed:
        """Remove what is least worth until no more than `limit` bytes are left, if that can be.

        Results that a live process holds stay, and so does the one to `spare`.

        Parameters
        ----------
        limit : int
        delete : callable
            Deletes a result by its key.
        spare : str
        """
        items = [*self._quarantined(), *self._drafts(), *self._results(delete, spare)]
        before = size = sum(item.bytes for item in items)
        removed = 0
        for item in items:
            if size > limit and item.remove():
                size -= item.bytes
                removed += 1
        return Trimmed(removed, before - size, size)

    def _quarantined(self) -> Iterator[_Expendable]:
        for path in sorted(self._layout.folder("quarantine").glob("*")):
            yield _Expendable(folder_bytes(path), partial(_remove, path))

    def _drafts(self) -> Iterator[_Expendable]:
        for draft in sorted(unfinished(self._layout), key=lambda draft: draft.last_used):
            yield _Expendable(draft.bytes, partial(remove_draft, self._layout, draft.key))

    def _results(self, delete: Callable[[str], None], spare: str) -> Iterator[_Expendable]:
        now = time.time()
        for result in sorted(self._kept(), key=lambda result: result.worth(now)):
            remove = _stay if result.key == spare else partial(self._evict, delete, result.key)
            yield _Expendable(result.bytes, remove)

    def _kept(self) -> Iterator[Kept]:
        for home in self._layout.listed("objects"):
            # What file managers leave in every folder that they show is no result.
            with suppress(FileNotFoundError, NotADirectoryError):
                status = os.lstat(f"{home}/record.json")
                if is_key(home.name):
                    size, seconds = self._cost(home, status.st_ino)
                    yield Kept(home.name, size + status.st_size, seconds, status.st_mtime)

    def _cost(self, home: Path, inode: int) -> tuple[int, float]:
        """Read a record once only: it is replaced, never changed."""
        place = (home.name, inode)
        if place not in self._costs:
            self._costs[place] = read_cost(home)
        return self._costs[place]

    def _evict(self, delete: Callable[[str], None], key: str) -> bool:
        try:
            lock = try_lock(self._layout.home(key) / "record.json", make=False)
        except OSError:
            return False
        if lock is None:  # in use
            return False
        with suppress(StoreError):  # another user's, who lets nobody remove it
            delete(key)
        lock.release()
        return not os.path.lexists(self._layout.home(key))


def _remove(path: Path) -> bool:
    remove_tree(path)
    return not os.path.lexists(path)


def _stay() -> bool:
    return False

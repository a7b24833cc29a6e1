"""A cache folder that can be read and not written, such as one on a share or a DVD."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from cache.disk import DiskStore
from cache.store import DamagedError, Draft, Entry, StoredArray, StoreError


class ReadOnlyStore:
    """A `Store` that finds results in one store and keeps those of this run in another.

    Parameters
    ----------
    below : DiskStore
        Is only read.
    above : DiskStore
        Takes what is published, and is asked first.
    """

    def __init__(self, below: DiskStore, above: DiskStore) -> None:
        self._below = below
        self._above = above
        self._hidden: set[str] = set()

    def find(self, key: str) -> Entry | None:
        """Look up the entry published under a content key."""
        return self._above.find(key) or (None if key in self._hidden else self._below.find(key))

    def open(self, key: str) -> Mapping[str, StoredArray]:
        """Open the arrays of a published result."""
        return self._of(key).open(key)

    def hold(self, key: str) -> AbstractContextManager[None]:
        """Keep a result from being evicted, as far as it can be locked."""
        return self._of(key).hold(key)

    def begin(self, key: str) -> Draft:
        """Start writing a result of this run."""
        return self._above.begin(key)

    def link(self, recipe: str, key: str) -> None:
        """Let a recipe key point to a content key, for this run."""
        self._above.link(recipe, key)

    def resolve(self, recipe: str) -> str | None:
        """Look up the content key that a recipe key points to, if any."""
        return self._above.resolve(recipe) or self._below.resolve(recipe)

    def lock(
        self,
        key: str,
        *,
        on_wait: Callable[[], None] | None = None,
        check: Callable[[], None] | None = None,
    ) -> AbstractContextManager[None]:
        """Hold a key against other threads of this run."""
        return self._above.lock(key, on_wait=on_wait, check=check)

    def delete(self, key: str) -> None:
        """Remove a result of this run, and see that of the folder no more."""
        self._hidden.add(key)
        self._above.delete(key)

    def quarantine(self, key: str) -> None:
        """Put a result of this run aside, and see that of the folder no more."""
        self._hidden.add(key)
        self._above.quarantine(key)

    def entries(self) -> Iterator[Entry]:
        """List all results that can be found."""
        yield from self._above.entries()
        for entry in self._below.entries():
            if entry.key not in self._hidden and self._above.find(entry.key) is None:
                yield entry

    def check(self) -> list[str]:
        """List everything that is not as it should be, in both."""
        return self._above.check() + self._below.check()

    def scratch(self) -> AbstractContextManager[DiskStore]:
        """Make a store that vanishes with the block."""
        return self._above.scratch()

    def sweep(self) -> None:
        """Leave what others left behind: it can't be removed."""

    def tidy(self) -> None:
        """Do nothing: what this run computes vanishes with it."""

    def _of(self, key: str) -> DiskStore:
        with suppress(DamagedError):
            if key not in self._hidden and self._above.find(key) is None:
                return self._below
        return self._above


@contextmanager
def passing_store() -> Iterator[DiskStore]:
    """Make a store among the system's temporary files that vanishes with the block.

    What killed processes of ours left there goes first.

    Raises
    ------
    StoreError
        If somebody else has taken the folder's name.
    """
    folder = Path(tempfile.gettempdir(), f"unblur-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise StoreError(f"{folder} is not ours. Remove it, or set TMPDIR to another folder.")
    with DiskStore(folder).scratch() as store:
        yield store

"""Results on disk: zarr v3 groups, published by renaming."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from cache.arrays import RecentChunks, VerifiedArray
from cache.draft import DiskDraft
from cache.drafts import claim_draft, useless_drafts
from cache.files import read_small, remove_tree, told, write_whole
from cache.layout import Layout
from cache.locks import OwnedFolder, acquire, sweep
from cache.moves import Moves
from cache.record import Record, check_key, is_key, read_record
from cache.store import DamagedError, Entry, StoredArray, StoreError
from cache.verify import check_folder
from cache.zarr_chunks import Storage, ZarrChunks, local_storage

KEPT_IN_QUARANTINE = 16


class DiskStore:
    """A `Store` in a folder, see `cache.layout`.

    Making one costs nothing; the folder is made when something is first written.

    Parameters
    ----------
    root : Path
    storage : Storage
        How zarr gets at the folders of results.
    """

    def __init__(self, root: Path, *, storage: Storage = local_storage) -> None:
        self._layout = Layout(Path(root).absolute())
        self._moves = Moves(self._layout)
        self._storage = storage
        self._workshop: OwnedFolder | None = None
        self._mutex = threading.Lock()

    @property
    def root(self) -> Path:
        """The cache folder."""
        return self._layout.root

    def find(self, key: str) -> Entry | None:
        """Look up the entry published under a content key; reads its record only."""
        record = self._record(key)
        return None if record is None else record.entry

    def open(self, key: str) -> Mapping[str, StoredArray]:
        """Open the arrays of a published result, each chunk verified when it is read."""
        record = self._record(key)
        if record is None:
            raise StoreError(f"result {key} is not in the cache {self.root}. Publish it first.")
        recent = RecentChunks()
        return {name: self._array(record, name, recent) for name in record.arrays}

    def begin(self, key: str) -> DiskDraft:
        """Start writing a result; finished chunks of an earlier draft are at hand."""
        self._layout.make()
        with told(self.root):
            owned = claim_draft(self._layout, key)
        return DiskDraft(key, self.root, owned, self._storage, self._moves.put_in)

    def link(self, recipe: str, key: str) -> None:
        """Let a recipe key point to a content key."""
        path, temporary = self._layout.recipe(recipe), self._spare()
        with told(self.root):
            write_whole(path, check_key(key), temporary)

    def resolve(self, recipe: str) -> str | None:
        """Look up the content key that a recipe key points to; None if that can't be read."""
        path = self._layout.recipe(recipe)
        try:
            key = read_small(path, 100)
        except (OSError, ValueError):
            return None
        return key if is_key(key) else None

    @contextmanager
    def lock(self, key: str, *, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold a key against other processes and threads."""
        self._layout.make()
        with told(self.root):
            lock = acquire(self._layout.lock(key), on_wait)
        try:
            yield
        finally:
            lock.remove()

    def touch(self, key: str) -> None:
        """Note that a result was used now, as far as the folder can be written."""
        with suppress(OSError):
            os.utime(self._layout.home(key) / "record.json")

    def last_used(self, key: str) -> float:
        """Tell when a result was last touched or published, seconds since 1970; 0 if unknown."""
        try:
            return (self._layout.home(key) / "record.json").stat().st_mtime
        except OSError:
            return 0.0

    def delete(self, key: str) -> None:
        """Remove a result; unknown keys are no error."""
        if os.path.lexists(self._layout.home(key)):
            removed = self._spare()
            with told(self.root):
                self._moves.take_out(key, removed)
            remove_tree(removed)

    def quarantine(self, key: str) -> None:
        """Put a damaged result aside; the oldest go when there are more than 16."""
        if not os.path.lexists(self._layout.home(key)):
            return
        folder = self._layout.folder("quarantine")
        with told(self.root):
            folder.mkdir(exist_ok=True)
            self._moves.take_out(key, folder / f"{time.time_ns():020}-{key}")
        for name in sorted(os.listdir(folder))[:-KEPT_IN_QUARANTINE]:
            remove_tree(folder / name)

    def entries(self) -> Iterator[Entry]:
        """List all published results whose record can be read."""
        for key in self._layout.keys():
            try:
                entry = self.find(key)
            except DamagedError:
                continue
            if entry is not None:
                yield entry

    def check(self) -> list[str]:
        """List everything that is not as it should be; reads every value."""
        return check_folder(self, self._layout)

    def sweep(self) -> None:
        """Remove what dead processes left behind; to be called before something runs."""
        if not self._layout.is_made():
            return
        with told(self.root):
            sweep(self._layout.folder("pending"))
            sweep(self._layout.folder("scratch"))
            useless_drafts(self._layout, remove=True)
            self._moves.settle_all()

    def clear(self) -> None:
        """Remove everything of ours and nothing else, the folder too if nothing else is in it.

        Raises
        ------
        StoreError
            If the folder is not a cache, or something can't be removed.
        """
        with self._mutex:
            if self._workshop is not None:
                self._workshop.release()
                self._workshop = None
        self._layout.clear()

    @contextmanager
    def scratch(self) -> Iterator[DiskStore]:
        """Make a store beside this one that vanishes with the block, or with this process."""
        self._layout.make()
        with told(self.root):
            folder = OwnedFolder.new(self._layout.folder("scratch"))
        try:
            yield DiskStore(folder.path, storage=self._storage)
        finally:
            folder.release()

    def _record(self, key: str) -> Record | None:
        """Read a record.

        While it is being replaced, a result is nowhere for a moment. So what looks missing or
        damaged is looked at once more while nothing moves.
        """
        with suppress(DamagedError):
            record = self._read(key)
            if record is not None or not self._layout.is_made():
                return record
        with self._moves.paused(key):
            return self._read(key)

    def _read(self, key: str) -> Record | None:
        home = self._layout.home(key)
        if not self._layout.is_made():
            return None
        try:
            with told(self.root):
                return read_record(home)
        except ValueError as error:
            raise DamagedError(key, f"cached result {key}: its record {error}.") from error

    def _array(self, record: Record, name: str, recent: RecentChunks) -> VerifiedArray:
        key, array = record.entry.key, record.arrays[name]
        source = ZarrChunks(
            self.root,
            self._layout.home(key),
            name,
            array.grid,
            self._storage,
            record.metadata.get(name),
        )
        digests = dict(zip(array.grid.cells(), array.digests, strict=True))
        return VerifiedArray(key, name, array.grid, array.dtype, digests, source, recent)

    def _spare(self) -> Path:
        """Name an unused path; what is there is removed when this process ends."""
        with self._mutex:
            if self._workshop is None:
                self._layout.make()
                with told(self.root):
                    self._workshop = OwnedFolder.new(self._layout.folder("pending"))
            return self._workshop.path / os.urandom(8).hex()

"""Results on disk: zarr v3 groups, published by renaming."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from cache.arrays import RecentChunks, VerifiedArray
from cache.digest import seal, unseal
from cache.draft import DiskDraft
from cache.drafts import Unfinished, claim_draft, unfinished, useless_drafts
from cache.evict import Budget, Trimmed
from cache.files import read_small, remove_tree, told, write_whole
from cache.layout import Layout
from cache.locks import Lock, OwnedFolder, acquire, held, sweep, wait_shared
from cache.moves import Moves
from cache.record import Record, check_key, is_key, read_record
from cache.store import DamagedError, Entry, GoneError, StoredArray, StoreError
from cache.verify import Verified, verify_folder
from cache.zarr_chunks import ChunkFiles, ZarrChunks

KEPT_IN_QUARANTINE = 16


class DiskStore:
    """A `Store` in a folder, see `cache.layout`.

    Making one costs nothing; the folder is made when something is first written.

    Parameters
    ----------
    root : Path
    max_size : int, optional
        Bytes that the folder may hold, but for what is being written or used.
    warn : callable
        Told, once, if more than that is in use.
    files : ChunkFiles, optional
        How the bytes of chunks get to files and back.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_size: int | None = None,
        warn: Callable[[str], None] = lambda _: None,
        files: ChunkFiles | None = None,
    ) -> None:
        self._layout = Layout(Path(root).absolute())
        self._moves = Moves(self._layout)
        self._budget = Budget(self._layout)
        self._max_size = max_size
        self._warn = warn
        self._is_over = False
        self._files = files or ChunkFiles()
        self._workshop: OwnedFolder | None = None
        self._mutex = threading.Lock()

    @property
    def root(self) -> Path:
        """The cache folder."""
        return self._layout.root

    def is_read_only(self) -> bool:
        """Whether the folder is a cache, and we may not write to it or to a folder in it."""
        return self.locked_folder() is not None

    def locked_folder(self) -> Path | None:
        """Name a folder of the cache that we may not write to, such as another user's."""
        folders = self._layout.folders() if self._layout.is_made() else ()
        return next((folder for folder in folders if not os.access(folder, os.W_OK)), None)

    def find(self, key: str) -> Entry | None:
        """Look up the entry published under a content key; reads its record only."""
        record = self._record(key)
        return None if record is None else record.entry

    def open(self, key: str) -> Mapping[str, StoredArray]:
        """Open the arrays of a published result, each chunk verified when it is read."""
        record = self._record(key)
        if record is None:
            raise self._gone(key)
        recent = RecentChunks()
        arrays = {name: self._array(record, name, recent) for name in record.arrays}
        for array in arrays.values():
            array.check_extent()
        return arrays

    def begin(self, key: str) -> DiskDraft:
        """Start writing a result; finished chunks of an earlier draft are at hand."""
        self._layout.make()
        with told(self.root):
            owned = claim_draft(self._layout, key)
        return DiskDraft(key, self.root, owned, self._files, self._install)

    def link(self, recipe: str, key: str) -> None:
        """Let a recipe key point to a content key."""
        path, temporary = self._layout.recipe(recipe), self._spare()
        with told(self.root):
            write_whole(path, seal([check_key(recipe), check_key(key)]), temporary)

    def resolve(self, recipe: str) -> str | None:
        """Look up the content key that a recipe key points to; None if that can't be read."""
        path = self._layout.recipe(recipe)
        try:
            wanted, key = unseal(read_small(path, 300) or "")
        except (OSError, ValueError, TypeError):
            return None
        return key if wanted == recipe and is_key(key) else None

    @contextmanager
    def lock(
        self,
        key: str,
        *,
        on_wait: Callable[[], None] | None = None,
        check: Callable[[], None] | None = None,
    ) -> Iterator[None]:
        """Hold a key against other processes and threads."""
        self._layout.make()
        with told(self.root):
            lock = acquire(self._layout.lock(key), on_wait, check)
        try:
            yield
        finally:
            lock.remove()
            self._layout.mark_again()

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """Keep a result from being evicted for the length of the block; it is used now."""
        lock = self._share(key)
        try:
            with suppress(OSError):
                os.utime(self._layout.home(key) / "record.json", follow_symlinks=False)
            yield
        finally:
            if lock is not None:
                lock.release()

    def unfinished(self) -> list[Unfinished]:
        """List the drafts that a later run can continue."""
        with told(self.root):
            return list(unfinished(self._layout))

    def last_used(self, key: str) -> float:
        """Tell when a result was last held or published, seconds since 1970; 0 if unknown."""
        try:
            return (self._layout.home(key) / "record.json").stat().st_mtime
        except OSError:
            return 0.0

    def delete(self, key: str) -> None:
        """Remove a result; unknown keys are no error."""
        if os.path.lexists(self._layout.home(key)):
            with told(self.root):
                leaving = OwnedFolder.reserve(self._layout.folder("pending"))
            try:
                with told(self.root):
                    self._moves.take_out(key, leaving.path)
            finally:
                leaving.release()

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
        for key in self._layout.keys() if self._layout.is_made() else ():
            try:
                entry = self.find(key)
            except DamagedError:
                continue
            if entry is not None:
                yield entry

    def check(self) -> list[str]:
        """List everything that is not as it should be; reads every value."""
        return self.verify().faults

    def verify(
        self, *, fix: bool = False, progress: Callable[[int, int], None] = lambda *_: None
    ) -> Verified:
        """Read every value and hold it against its record.

        Parameters
        ----------
        fix : bool
            Put damaged results aside, and remove recipes that can't be read.
        progress : callable
            Told bytes done and in all.
        """
        if self._layout.has_empty_mark():
            return Verified(faults=[f"{self.root / 'format'}: is empty"])
        if not self._layout.is_made():
            return Verified()
        if fix:
            self.sweep()
        return verify_folder(self, self._layout, progress, fix=fix)

    def sweep(self) -> None:
        """Remove what dead processes left behind; to be called before something runs."""
        if not self._layout.is_made():
            return
        with told(self.root):
            for name in ("pending", "scratch", "locks"):
                sweep(self._layout.folder(name))
            useless_drafts(self._layout, remove=True)
            self._moves.settle_all()

    def trim(self, limit: int) -> Trimmed:
        """Remove what is least worth until `limit` bytes are left; what is in use stays.

        Recipes whose result is gone go too.
        """
        if not self._layout.is_made():
            return Trimmed(0, 0, 0)
        with told(self.root), held(self._layout.trimming):
            trimmed = self._budget.trim(limit, self.delete)
            for path in self._layout.listed("recipes"):
                if is_key(path.name) and self._leads_nowhere(path.name):
                    remove_tree(path)
        return trimmed

    def _leads_nowhere(self, recipe: str) -> bool:
        key = self.resolve(recipe)
        try:
            return key is not None and not os.path.lexists(self._layout.home(key))
        except StoreError:
            return False

    def tidy(self) -> None:
        """Remove what only this run needed; trim if too much was left because it was in use."""
        self._leave_workshop()
        if self._is_over and self._max_size is not None:
            self._is_over = self.trim(self._max_size).left > self._max_size

    def clear(self) -> None:
        """Remove everything of ours and nothing else, the folder too if nothing else is in it.

        Raises
        ------
        StoreError
            If the folder is not a cache, or something can't be removed.
        """
        self._leave_workshop()
        self._layout.clear()

    @contextmanager
    def scratch(self) -> Iterator[DiskStore]:
        """Make a store beside this one that vanishes with the block, or with this process.

        Of a process that was killed it vanishes when the next one is made.
        """
        self._layout.make()
        with told(self.root):
            sweep(self._layout.folder("scratch"))
            folder = OwnedFolder.new(self._layout.folder("scratch"))
        try:
            yield DiskStore(folder.path, files=self._files)
        finally:
            folder.release()

    def _install(self, key: str, folder: Path) -> None:
        """Take a whole result in, and make room for it."""
        self._moves.put_in(key, folder)
        if self._max_size is not None:
            with suppress(OSError, StoreError), held(self._layout.trimming):
                left = self._budget.trim(self._max_size, self.delete, key).left
                self._warn_if_over(left, self._max_size)

    def _warn_if_over(self, left: int, max_size: int) -> None:
        if left > max_size and not self._is_over:
            self._is_over = True
            self._warn(
                f"cache folder {self.root}: what this run uses takes {left} bytes, more than "
                f"cache.max_size, {max_size}. It is used, then dropped. Raise max_size to keep it."
            )

    def _share(self, key: str) -> Lock | None:
        """Lock a result's record together with other users; None where nothing can be locked."""
        path = self._layout.home(key) / "record.json"
        # Looked up a second time if it is missing: it may be being replaced.
        if path.exists() or self._record(key) is not None:
            try:
                return wait_shared(path)
            except FileNotFoundError:
                raise self._gone(key) from None
            except OSError:
                return None
        raise self._gone(key)

    def _gone(self, key: str) -> GoneError:
        return GoneError(key, f"result {key} is not in the cache {self.root}. Publish it first.")

    @contextmanager
    def _steady(self, record: Record) -> Iterator[None]:
        """Let nothing move for the length of the block, in which a result is what it was."""
        key = record.entry.key
        with self._moves.paused(key):
            now = self._read(key)
            if now is None:
                raise self._gone(key)
            if now.entry.digest != record.entry.digest:
                raise GoneError(key, f"result {key} was replaced by another. Open it again.")
            yield

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
            array.dtype,
            self._files,
            record.metadata.get(name),
        )
        digests = dict(zip(array.grid.cells(), array.digests, strict=True))
        return VerifiedArray(
            key,
            name,
            array.grid,
            array.dtype,
            digests,
            source,
            recent,
            partial(self._steady, record),
        )

    def _leave_workshop(self) -> None:
        with self._mutex:
            if self._workshop is not None:
                self._workshop.release()
                self._workshop = None

    def _spare(self) -> Path:
        """Name an unused path; what is there is removed when this process ends."""
        with self._mutex:
            if self._workshop is None:
                self._layout.make()
                with told(self.root):
                    self._workshop = OwnedFolder.new(self._layout.folder("pending"))
            return self._workshop.path / os.urandom(8).hex()

"""Locks that the kernel frees when their holder dies, and folders that vanish with their owner."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from cache.files import remove_tree


def acquire(path: Path, on_wait: Callable[[], None] | None = None) -> FileLock:
    """Lock a file against other processes and threads; the caller releases it.

    Parameters
    ----------
    path : Path
        The lock file; made if need be, and left behind: stale ones are harmless.
    on_wait : callable, optional
        Called once if somebody else holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        if on_wait is not None:
            on_wait()
        lock.acquire()
    return lock


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a lock file for the length of the block."""
    lock = acquire(path)
    try:
        yield
    finally:
        lock.release()


class OwnedFolder:
    """A new folder with a name of its own, removed by `release` or when this process ends.

    A lock beside it, held for as long as the owner lives, tells `sweep` which are left over.
    """

    def __init__(self, parent: Path) -> None:
        self.path, lock = _claim(parent)
        self.path.mkdir()
        self._finalizer = weakref.finalize(self, _vanish, self.path, lock)

    def release(self) -> None:
        """Remove the folder; harmless when done twice."""
        self._finalizer()


def _claim(parent: Path) -> tuple[Path, FileLock]:
    # A sweep may unlink the lock file between its making and its locking: take another name.
    while True:
        folder = parent / os.urandom(8).hex()
        lock = acquire(_lock_of(folder))
        if _lock_of(folder).exists():
            return folder, lock
        lock.release()


def _vanish(folder: Path, lock: FileLock) -> None:
    remove_tree(folder)
    with suppress(OSError):
        _lock_of(folder).unlink()
    lock.release()


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def abandoned(parent: Path) -> Iterator[tuple[Path, FileLock]]:
    """Owned folders below `parent` whose owner is dead, each locked while it is looked at.

    Where nothing may be locked, as in a folder that is only read, there are none to be seen.
    """
    names = os.listdir(parent) if parent.is_dir() else []
    for name in sorted({name.removesuffix(".lock") for name in names}):
        lock = FileLock(_lock_of(parent / name), thread_local=False)
        with suppress(OSError):  # a Timeout is one
            lock.acquire(blocking=False)
        if lock.is_locked:
            try:
                yield parent / name, lock
            finally:
                lock.release()


def sweep(parent: Path) -> None:
    """Remove the owned folders below `parent` whose owner is dead."""
    for folder, lock in abandoned(parent):
        _vanish(folder, lock)

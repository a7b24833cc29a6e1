"""Locks that the kernel frees when their holder dies, and folders that vanish with their owner.

They are ``flock`` locks: of a file's inode, between open files, so they hold between threads of
one process as well as between processes, and between users who may only read the file. A lock
file is unlinked by its holder. Whoever waited for the unlinked one notices, since the path leads
to another inode by then or to none, and tries again.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cache.files import in_its_folder, remove_tree

_PAUSE = 0.02
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}


class Lock:
    """A lock that is held: of a lock file, or of any file that others lock too."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd: int | None = fd

    def release(self) -> None:
        """Let others have it; harmless when done twice."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def remove(self) -> None:
        """Unlink the lock file, as far as that is allowed, and release it."""
        if self._fd is not None:
            with suppress(OSError):
                self._path.unlink()
        self.release()


def try_lock(path: Path, *, shared: bool = False, make: bool = True) -> Lock | None:
    """Lock a file, or give None if somebody else holds it.

    Parameters
    ----------
    path : Path
    shared : bool
        Many may hold it at once as long as all of them share.
    make : bool
        Make the file if need be; else a missing one raises `FileNotFoundError`.

    Raises
    ------
    OSError
        If the file can't be opened, a symbolic link included, or locked.
    """
    while True:
        fd = _open(path, os.O_CREAT if make else 0)
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            is_current = _leads_to(path, fd)
        except BlockingIOError:
            os.close(fd)
            return None
        except OSError:
            os.close(fd)
            raise
        if is_current:
            return Lock(path, fd)
        os.close(fd)


def _open(path: Path, flags: int) -> int:
    flags |= os.O_NOFOLLOW | os.O_NONBLOCK  # neither a link nor a pipe can lead us astray
    try:
        return os.open(path, flags | os.O_RDWR, 0o666)
    except OSError as error:
        if error.errno not in _READ_ONLY:
            raise
        # Of another user's file. It will do, but for an exclusive lock over NFS.
        return os.open(path, flags | os.O_RDONLY, 0o666)


def _leads_to(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(fd))
    except FileNotFoundError:
        return False


def acquire(
    path: Path,
    on_wait: Callable[[], None] | None = None,
    check: Callable[[], None] | None = None,
) -> Lock:
    """Lock a lock file against other processes and threads; the caller removes it.

    Parameters
    ----------
    path : Path
    on_wait : callable, optional
        Called once if somebody else holds it.
    check : callable, optional
        Called many times a second while it waits; what it raises ends the waiting.
    """
    lock = _try_lock_there(path)
    if lock is None and on_wait is not None:
        on_wait()
    while lock is None:
        if check is not None:
            check()
        time.sleep(_PAUSE)
        lock = _try_lock_there(path)
    return lock


def _try_lock_there(path: Path) -> Lock | None:
    return in_its_folder(path, lambda: try_lock(path))


def wait_shared(path: Path) -> Lock:
    """Share a file's lock as soon as nobody holds it alone; it is not made."""
    while (lock := try_lock(path, shared=True, make=False)) is None:
        time.sleep(_PAUSE)
    return lock


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a lock file for the length of the block."""
    lock = acquire(path)
    try:
        yield
    finally:
        lock.remove()


class OwnedFolder:
    """A folder that is ours alone, removed by `release` or when this process ends.

    A lock beside it, held for as long as the owner lives, tells others which are left over.
    """

    def __init__(self, path: Path, lock: Lock) -> None:
        self.path = path
        self._lock = lock
        self._finalizer = weakref.finalize(self, _vanish, path, lock)

    @classmethod
    def new(cls, parent: Path) -> OwnedFolder:
        """Make an empty folder with a name of its own."""
        owned = cls.reserve(parent)
        owned.path.mkdir()
        return owned

    @classmethod
    def reserve(cls, parent: Path) -> OwnedFolder:
        """Take a name that a folder is to be moved to, which works on a full disk too."""
        path = parent / os.urandom(8).hex()
        return cls(path, acquire(_lock_of(path)))

    @classmethod
    def claim(cls, path: Path) -> OwnedFolder | None:
        """Take over a folder with all that is in it, or make it; None if it has an owner."""
        lock = _try_lock_there(_lock_of(path))
        if lock is None:
            return None
        owned = cls(path, lock)
        if path.is_symlink() or not path.is_dir():
            remove_tree(path)
            path.mkdir()
        return owned

    def release(self) -> None:
        """Remove the folder; harmless when done twice."""
        self._finalizer()

    def leave(self) -> None:
        """Leave the folder to whoever claims it next."""
        if self._finalizer.detach():
            self._lock.remove()


def _vanish(folder: Path, lock: Lock) -> None:
    remove_tree(folder)
    lock.remove()


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def abandoned(parent: Path) -> Iterator[tuple[Path, Lock]]:
    """Owned folders below `parent` whose owner is gone, each locked while it is looked at.

    Where nothing may be locked, as in a folder that is only read, there are none to be seen.
    """
    names = os.listdir(parent) if parent.is_dir() else []
    for name in sorted({name.removesuffix(".lock") for name in names}):
        lock = None
        with suppress(OSError):
            lock = try_lock(_lock_of(parent / name))
        if lock is not None:
            try:
                yield parent / name, lock
            finally:
                lock.remove()


def sweep(parent: Path) -> None:
    """Remove the owned folders below `parent` whose owner is gone."""
    for folder, _ in abandoned(parent):
        remove_tree(folder)

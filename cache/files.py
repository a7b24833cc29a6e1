"""Small helpers for files, and what the operating system's errors mean to the user."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from cache.store import StoreError, StoreFullError

T = TypeVar("T")

_MOST_TRIES = 10
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def told(root: Path) -> Iterator[None]:
    """Turn an `OSError` into a `StoreError` that names the cache folder and the way out."""
    try:
        yield
    except OSError as error:
        raise _store_error(root, error) from error


def _store_error(root: Path, error: OSError) -> StoreError:
    if error.errno in _FULL:
        return StoreFullError(
            f"cache folder {root}: no space left. Free some, or choose a folder on another disk."
        )
    if error.errno in _FORBIDDEN:
        return StoreError(
            f"cache folder {root}: {_forbidden_place(error) or root} can't be written "
            f"({error.strerror}). Make it writable, or choose another cache folder."
        )
    return StoreError(
        f"cache folder {root}: {error}. Check the disk, or choose another cache folder."
    )


def _forbidden_place(error: OSError) -> str | os.PathLike[str] | None:
    """Name what may not be written: of a move the new folder, unless that is open to us."""
    if error.filename2 is not None:
        target = Path(os.fsdecode(error.filename2)).parent
        if not os.access(target, os.W_OK):
            return target
    place: str | os.PathLike[str] | None = error.filename
    return place


def read_small(path: Path, limit: int) -> str | None:
    """Text of a plain file, None if there is none.

    Raises
    ------
    ValueError
        If it is not a plain file, is longer than `limit` bytes, or is not UTF-8.
    OSError
        If it can't be read.
    """
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("is not a plain file")
    if status.st_size > limit:
        raise ValueError(f"has {status.st_size} bytes, {limit} are allowed")
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None


def write_whole(path: Path, text: str, temporary: Path) -> None:
    """Write a file so that others see the old text or the new one, never a part.

    `temporary` is an unused path on the same file system.
    """
    try:
        temporary.write_text(text, "utf-8")
        in_its_folder(path, lambda: temporary.replace(path))
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def in_its_folder(path: Path, work: Callable[[], T]) -> T:
    """Make a path's folder and do something in it; again if others took it away meanwhile.

    Whoever clears a cache removes folders that are empty or whose results are to go.
    """
    for _ in range(_MOST_TRIES):
        # "Exists" is what pathlib says of a folder that went between its making and a look at it.
        with suppress(FileNotFoundError, FileExistsError):
            path.parent.mkdir(parents=True, exist_ok=True)
            return work()
    path.parent.mkdir(parents=True, exist_ok=True)
    return work()


def remove_tree(path: Path) -> None:
    """Remove a folder with all in it, or a file, as far as that is allowed.

    Links are removed, not followed.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def folder_bytes(folder: Path) -> int:
    """Sum of the sizes of all files below a folder."""
    return sum(
        (Path(parent) / name).lstat().st_size
        for parent, _, names in os.walk(folder)
        for name in names
    )

"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from threading import Event
from typing import BinaryIO
from uuid import uuid4

_BLOCK = 1 << 22
_PART = ".part"
# Seconds between two rounds; small files are made before the first.
_WRITE_EVERY = 0.1


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file under a temporary name beside `path`; take its place when all went well.

    Missing folders are made. On any failure the temporary file goes, and `path` stays as it was.

    Raises
    ------
    OSError
        With a message for the user if the folder can't be written or the disk is full.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder. Give the name of a file in it.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        with _new_part(path) as file:
            part = Path(file.name)
            try:
                with _written_along(file):
                    yield file
                file.flush()
                os.fsync(file.fileno())
                os.replace(part, path)
            finally:
                with suppress(OSError):
                    part.unlink(missing_ok=True)
    except OSError as error:
        raise _told(path, error) from error


@contextmanager
def _written_along(file: BinaryIO) -> Iterator[None]:
    """Have the disk write while the file is made, so that little is left to wait for in the end.

    Raises
    ------
    OSError
        What the disk said meanwhile, which it says but once.
    """
    from concurrent.futures import ThreadPoolExecutor

    made = Event()

    def write_along() -> None:
        while not made.wait(_WRITE_EVERY):
            os.fsync(file.fileno())

    with ThreadPoolExecutor(1) as background:
        written = background.submit(write_along)
        try:
            yield
        finally:
            made.set()
        written.result()


def _new_part(path: Path) -> BinaryIO:
    """Open a new file beside `path`, locked until it is closed, or we die."""
    while True:
        part = path.with_name(f".{path.name}.{uuid4().hex[:8]}{_PART}")
        file = part.open("xb")
        with suppress(OSError):  # some network folders can't lock; then nothing is swept either
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:  # else swept before it was locked
            return file
        file.close()


def _sweep(path: Path) -> None:
    """Remove what killed processes left beside `path`."""
    for part in path.parent.glob(f".{escape(path.name)}.*{_PART}"):
        with suppress(OSError), part.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()


def file_digest(path: Path) -> str:
    """Hash a file's bytes with xxh3_128; 32 hexadecimal digits."""
    from xxhash import xxh3_128

    digest = xxh3_128()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _told(path: Path, error: OSError) -> OSError:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return PermissionError(f"{path}: can't be written, no permission. Choose another folder.")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return NotADirectoryError(f"{path}: a file stands where a folder should. Choose another.")
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OSError(error.errno, f"{path}: the disk is full. Free some space.")
    return error

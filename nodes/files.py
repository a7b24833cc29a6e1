"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

_BLOCK = 1 << 22


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
    part = path.with_name(f".{path.name}.{uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise _told(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


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
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OSError(error.errno, f"{path}: the disk is full. Free some space.")
    return error

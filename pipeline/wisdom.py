"""A planner's wisdom kept in a file between runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from cache.digest import text_digest


@contextlib.contextmanager
def kept_wisdom(
    path: Path, load: Callable[[bytes], bool], dump: Callable[[], bytes]
) -> Iterator[None]:
    """Load wisdom before a run, and save it after one that learnt something.

    Two processes may do so at once: each adds what the file holds by then to its own. A file that
    can't be read or written, or was not written to its end, costs time, never a run.

    Parameters
    ----------
    path : Path
    load : callable
        Takes over wisdom; says False if it can't use it.
    dump : callable
        Gives all the wisdom there is, empty if none was needed.
    """
    known = _read(path)
    load(known)
    try:
        yield
    finally:
        if (learnt := dump()) and learnt != known:
            if (newer := _read(path)) != known:
                load(newer)
            _write(path, dump())


def _read(path: Path) -> bytes:
    """Read wisdom; nothing if a bit of it is not as written, since a planner may die of that."""
    try:
        digest, _, data = path.read_bytes().partition(b"\n")
    except OSError:
        return b""
    return data if digest == _digest(data) else b""


def _digest(data: bytes) -> bytes:
    return text_digest(data.decode("latin-1")).encode()


def _write(path: Path, data: bytes) -> None:
    # In place: a temporary file could be left behind, and the digest tells a torn one.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_digest(data) + b"\n" + data)

"""Facts about files, kept so that an unchanged file need not be read again.

An example is the hash of a photograph of 200 MB: with its memo a run starts in a millisecond.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias, cast

from cache.digest import seal, text_digest, unseal
from cache.files import read_small, write_whole
from cache.layout import Layout
from cache.store import Json, StoreError

MAX_MEMO_BYTES = 16 * 2**20
SETTLED_NS = 2_000_000_000

State: TypeAlias = tuple[int, int, int, int, int]


class FileMemo:
    """JSON facts by file, forgotten when the file's device, inode, size or times change.

    A file may be changed twice within one tick of the file system's clock (2 s on FAT), the
    second time without a trace. So nothing is kept of a file that was changed less than 2 s
    before it was looked at. `get` does the looking: call it before reading the file, `put`
    after, and a change in between is not missed.

    What can't be read or written is a miss, never an error.

    Parameters
    ----------
    root : Path
        The cache folder.
    purpose : str
        What the facts are; different purposes don't see each other's.
    """

    def __init__(self, root: Path, purpose: str = "content") -> None:
        self._layout = Layout(Path(root).absolute())
        self._folder = self._layout.folder("memo") / purpose
        self._seen: dict[str, State] = {}
        self._mutex = threading.Lock()

    def get(self, path: Path) -> Json:
        """Look up what was put for the file as it is now; None if nothing was."""
        name, looked = os.path.abspath(path), time.time_ns()
        try:
            state = _state(name)
        except OSError:
            return None
        with self._mutex:
            self._seen.pop(name, None)
            if _is_settled(state, looked):
                self._seen[name] = state
        return self._read(name, state)

    def put(self, path: Path, value: Json) -> None:
        """Keep a value for the file as the last `get` saw it."""
        name = os.path.abspath(path)
        with self._mutex:
            state = self._seen.get(name)
        if state is not None:
            body: Json = {"path": name, "state": list(state), "value": value}
            with suppress(OSError, StoreError):
                self._write(name, body)

    def _file(self, name: str) -> Path:
        digest = text_digest(name)
        return self._folder / digest[:2] / f"{digest}.json"

    def _read(self, name: str, state: State) -> Json:
        try:
            body = unseal(read_small(self._file(name), MAX_MEMO_BYTES) or "")
            fits = body["path"] == name and body["state"] == list(state)
            return cast("Json", body["value"]) if fits else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self, name: str, body: Json) -> None:
        self._layout.make()
        path = self._file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        # One temporary name for all: a kill leaves one file at most, and where two processes
        # write at once the checksum tells.
        write_whole(path, seal(body), path.with_suffix(".tmp"))


def _state(name: str) -> State:
    status = os.stat(name)
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def _is_settled(state: State, looked: int) -> bool:
    *_, mtime, ctime = state
    return looked - max(mtime, ctime) >= SETTLED_NS

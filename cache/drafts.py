"""Results that were begun and not published: which are worth to be continued, and for how long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cache.files import folder_bytes, remove_tree
from cache.layout import Layout
from cache.locks import OwnedFolder, abandoned
from cache.record import is_key

JOURNAL = "finished.jsonl"
KEPT_SECONDS = 7 * 86400


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A draft that nobody writes now.

    Attributes
    ----------
    key : str
        Content key of what it would have become.
    bytes : int
        Size on disk.
    last_used : float
        When it was last written to, seconds since 1970.
    """

    key: str
    bytes: int
    last_used: float


def claim_draft(layout: Layout, key: str) -> OwnedFolder:
    """Give a folder to write a result in, with the chunks that an earlier draft finished.

    Somebody else may be writing the same result; then it is an empty folder elsewhere.
    """
    claimed = OwnedFolder.claim(layout.draft(key))
    return claimed or OwnedFolder.new(layout.folder("pending"))


def unfinished(layout: Layout) -> Iterator[Unfinished]:
    """List the drafts that a later run can continue."""
    for folder, _ in abandoned(layout.folder("drafts")):
        if _is_of_use(layout, folder):
            last_used = (folder / JOURNAL).stat().st_mtime
            yield Unfinished(folder.name, folder_bytes(folder), last_used)


def useless_drafts(layout: Layout, *, remove: bool = False) -> list[Path]:
    """List, and remove if asked to, what nobody writes and nobody will continue.

    That is: what has no finished chunk noted, what was left a week ago, and what has been
    published by somebody else.
    """
    found = []
    for folder, _ in abandoned(layout.folder("drafts")):
        if not _is_of_use(layout, folder):
            found.append(folder)
            if remove:
                remove_tree(folder)
    return found


def remove_draft(layout: Layout, key: str) -> bool:
    """Remove a draft unless somebody writes it; tell whether it is gone."""
    owned = OwnedFolder.claim(layout.draft(key))
    if owned is not None:
        owned.release()
    return owned is not None


def _is_of_use(layout: Layout, folder: Path) -> bool:
    journal = folder / JOURNAL
    if not is_key(folder.name) or folder.is_symlink() or not journal.is_file():
        return False
    is_young = time.time() - journal.stat().st_mtime < KEPT_SECONDS
    return is_young and not layout.home(folder.name).exists()

"""Where things lie in a cache folder. The file system is the database: there is no index.

::

    <root>/CACHEDIR.TAG           tells backup programs to leave the folder out
    <root>/format                 version of this layout
    <root>/objects/ab/abcd.../    one zarr v3 group a result, and its record.json
    <root>/recipes/ab/abcd...     a content key
    <root>/locks/                 one file a key
    <root>/drafts/                results being written, or waiting to be continued, one a key
    <root>/pending/               what is on its way in or out; same file system as objects/
    <root>/scratch/               stores that vanish with their owner
    <root>/quarantine/            damaged results
    <root>/memo/                  facts about files, see `cache.memo`
    <root>/history/               what was run last, see `pipeline.history`

No symbolic link is followed below the root: whoever may write there could lead us elsewhere.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cache.files import in_its_folder, read_small, remove_tree, told
from cache.locks import OwnedFolder, abandoned, held, sweep
from cache.record import check_key, is_key
from cache.store import StoreError

FORMAT = "unblur cache 1\n"
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by unblur. May be deleted.\n"
_KEPT = ("objects", "recipes", "quarantine", "memo", "history")
_FOREIGN = ("objects", "recipes", "quarantine", "drafts", "pending", "scratch", "locks")
# Half a second in all.
_LOOKS, _BETWEEN_LOOKS = 10, 0.05
_HELD = ("drafts", "pending", "scratch", "locks")


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths inside a cache folder."""

    root: Path

    def folder(self, name: str) -> Path:
        """One of the folders drawn above; raises `StoreError` if a link stands in its place."""
        return _plain(self.root / name)

    def folders(self) -> list[Path]:
        """List the root and those of the folders drawn above that are there."""
        paths = [self.root / name for name in (*_KEPT, *_HELD)]
        made = [self.root, *(path for path in paths if path.is_dir())]
        return [*made, *self._two_digit_folders()]

    def _two_digit_folders(self) -> Iterator[Path]:
        for name in ("objects", "recipes"):
            for entry in _entries(self.folder(name)):
                if entry.is_dir(follow_symlinks=False):
                    yield Path(entry.path)

    def home(self, key: str) -> Path:
        """Folder of a published result."""
        return _plain(self.folder("objects") / check_key(key)[:2]) / key

    def aside(self, key: str) -> Path:
        """Where a result stands while it is being replaced."""
        return self.home(key).with_name(f"{key}.old")

    def draft(self, key: str) -> Path:
        """Folder of a result that is being written."""
        return self.folder("drafts") / check_key(key)

    def recipe(self, recipe: str) -> Path:
        """File that holds the content key of a recipe."""
        return _plain(self.folder("recipes") / check_key(recipe)[:2]) / recipe

    def lock(self, key: str) -> Path:
        """File that is locked while a result is being computed."""
        return self.folder("locks") / f"{check_key(key)}.lock"

    @property
    def moves(self) -> Path:
        """File that is locked while results are moved into or out of ``objects``."""
        return self.folder("locks") / "moves.lock"

    @property
    def trimming(self) -> Path:
        """File that is locked while somebody makes room."""
        return self.folder("locks") / "trimming.lock"

    def is_made(self) -> bool:
        """Whether this is a cache folder of our format.

        Raises
        ------
        StoreError
            If it is one of another format, a file, or can't be read.
        """
        path = self.root / "format"
        with told(self.root):
            try:
                text = read_small(path, 100)
            except ValueError as error:
                text = str(error)
        if text is None and os.path.lexists(self.root) and not self.root.is_dir():
            what = "a link that leads nowhere" if self.root.is_symlink() else "a file"
            raise StoreError(f"cache folder {self.root}: is {what}. Name a folder.")
        if text not in (None, "", FORMAT):
            raise StoreError(
                f"cache folder {self.root}: its format is {text!r}, this version reads "
                f"{FORMAT!r}. Delete the folder, or choose another cache folder."
            )
        return text == FORMAT

    def has_empty_mark(self) -> bool:
        """Whether there is a mark without a word in it, and nobody is writing it just now."""
        for _ in range(_LOOKS):
            if self.is_made() or not os.path.lexists(self.root / "format"):
                return False
            time.sleep(_BETWEEN_LOOKS)
        return True

    def make(self) -> None:
        """Make the folder and mark it as ours.

        Raises
        ------
        StoreError
            If the folder holds things that look like ours but are not, or can't be written.
        """
        for _ in range(_LOOKS):
            if self.is_made():
                return
            foreign = self._foreign()
            if not foreign:
                break
            # Asked again, since others may be making, or clearing, the same folder.
            time.sleep(_BETWEEN_LOOKS)
        else:
            raise StoreError(
                f"cache folder {self.root}: {foreign[0]!r} stands there already, and no mark of "
                "a cache. Choose an empty or a new folder."
            )
        self._mark()

    def mark_again(self) -> None:
        """Mark a cache again whose mark was deleted while a run was writing to it.

        Else what that run made anew would be taken for somebody else's from then on.
        """
        with suppress(OSError, StoreError):
            if not self.is_made() and self._foreign():
                self._mark()

    def _foreign(self) -> list[str]:
        return [name for name in _FOREIGN if os.path.lexists(self.root / name)]

    def _mark(self) -> None:
        with told(self.root):
            in_its_folder(self.root / "format", self._write_marks)

    def _write_marks(self) -> None:
        # Written in place: what a kill leaves is empty, counts as nothing, and is filled next.
        (self.root / "CACHEDIR.TAG").write_text(_TAG, "utf-8")
        (self.root / "format").write_text(FORMAT, "utf-8")

    def clear(self) -> None:
        """Remove everything of ours and nothing else; what live runs write now stays.

        Of a folder that is empty, or not there, there is nothing to remove.

        Raises
        ------
        StoreError
            If the folder is not a cache, or something can't be removed.
        """
        if not self.is_made():
            if not self.root.exists() or (self.root.is_dir() and not any(self.root.iterdir())):
                return
            raise StoreError(
                f"{self.root} is not a cache folder: it has no file 'format'. Name one that is."
            )
        for folder in [self.root / name for name in _HELD]:
            if folder.is_symlink():
                folder.unlink()
        for name in _KEPT:
            with told(self.root):
                leaving = OwnedFolder.reserve(self.folder("pending"))
            try:
                self._clear_folder(name, leaving.path)
            finally:
                leaving.release()
        for folder in [self.root / name for name in _HELD]:
            sweep(folder)
        with suppress(OSError):
            self._remove_if_unused()

    def _clear_folder(self, name: str, moved: Path) -> None:
        """Take a folder away as a whole, then remove it: live runs make it anew."""
        folder = self.root / name
        with told(self.root), held(self.moves), suppress(FileNotFoundError):
            folder.rename(moved)
        remove_tree(moved)
        if os.path.lexists(moved):
            with suppress(OSError):
                moved.rename(folder)
            raise StoreError(f"{folder} can't be removed. See whose it is, and what uses it.")

    def _remove_if_unused(self) -> None:
        for folder in [self.root / name for name in _HELD]:
            with suppress(FileNotFoundError):
                folder.rmdir()
        for name in ("CACHEDIR.TAG", "format"):
            (self.root / name).unlink(missing_ok=True)
            for temporary in self.root.glob(f"{name}.[0-9]*"):
                temporary.unlink()
        try:
            self.root.rmdir()
        except OSError:
            if self._foreign():  # of a run that has begun meanwhile: it keeps its cache
                self._mark()

    def keys(self, *, aside: bool = False) -> list[str]:
        """List the keys of all results; of those left standing aside, if asked for."""
        ending = ".old" if aside else ""
        names = (path.name for path in self.listed("objects") if path.name.endswith(ending))
        keys = (name.removesuffix(ending) for name in names)
        return sorted(key for key in keys if is_key(key))

    def listed(self, name: str) -> Iterator[Path]:
        """List what lies in the two-digit folders of ``objects`` or ``recipes``."""
        for folder in _entries(self.folder(name)):
            if folder.is_dir(follow_symlinks=False):
                yield from (Path(entry.path) for entry in _entries(Path(folder.path)))

    def links(self) -> list[Path]:
        """List symbolic links in place of the two-digit folders."""
        folders = (
            entry for name in ("objects", "recipes") for entry in _entries(self.folder(name))
        )
        return sorted(Path(entry.path) for entry in folders if entry.is_symlink())

    def leftovers(self) -> list[Path]:
        """List what dead processes left behind."""
        parents = (self.folder("pending"), self.folder("scratch"))
        return [folder for parent in parents for folder, _ in abandoned(parent)]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        return list(entries)
    return []


def _plain(path: Path) -> Path:
    if path.is_symlink():
        raise StoreError(f"{path} is a symbolic link, and a cache holds none. Remove it.")
    return path

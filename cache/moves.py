"""Results moved into ``objects`` and out of it: by renaming, one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cache.files import remove_tree
from cache.layout import Layout
from cache.locks import acquire, held


class Moves:
    """The moves of a cache folder.

    A folder can't be renamed over another one, so a result that is replaced steps aside first.
    A process killed between the two steps leaves the old result aside; whoever comes next
    settles that: the new result stays if it is there, else the old one goes back.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def put_in(self, key: str, folder: Path) -> None:
        """Move a folder to its home, in place of what is there."""
        home, aside = self._layout.home(key), self._layout.aside(key)
        with held(self._layout.moves):
            home.parent.mkdir(parents=True, exist_ok=True)
            self._settle(key)
            try:
                if os.path.lexists(home):
                    home.rename(aside)
                folder.rename(home)
            finally:
                self._settle(key)

    def take_out(self, key: str, target: Path) -> None:
        """Move a result elsewhere, if it is there."""
        with held(self._layout.moves), suppress(FileNotFoundError):
            self._settle(key)
            self._layout.home(key).rename(target)

    def settle_all(self) -> None:
        """Settle all replacements that killed processes left half done."""
        for key in self._layout.keys(aside=True):
            with held(self._layout.moves):
                self._settle(key)

    @contextmanager
    def paused(self, key: str) -> Iterator[None]:
        """Let nothing move, and settle the key, as far as the folder can be written."""
        try:
            lock = acquire(self._layout.moves)
        except OSError:
            yield
            return
        try:
            with suppress(OSError):
                self._settle(key)
            yield
        finally:
            lock.remove()

    def _settle(self, key: str) -> None:
        home, aside = self._layout.home(key), self._layout.aside(key)
        if os.path.lexists(home):
            remove_tree(aside)
        elif os.path.lexists(aside):
            aside.rename(home)

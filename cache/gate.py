"""A draft's door: many may write at once, and when it is shut nobody is left inside."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cache.store import StoreError


class Gate:
    """Lets writers through until it is shut.

    Without it a thread that is still writing while another's error ends the draft would make
    folders anew that are being removed.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._inside = 0
        self._is_shut = False
        self._changed = threading.Condition()

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Be inside for the length of the block; raises `StoreError` once it is shut."""
        with self._changed:
            self.check()
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def check(self) -> None:
        """Raise `StoreError` if it is shut."""
        if self._is_shut:
            raise StoreError(f"{self._what}: published or discarded before. Begin anew.")

    def shut(self) -> None:
        """Let nobody in any more and wait until all are out; harmless when done twice."""
        with self._changed:
            self._is_shut = True
            self._changed.wait_for(lambda: self._inside == 0)

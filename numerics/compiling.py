"""Tells when numba has to compile kernels: once after installing, which takes its time.

Machine code is kept in ``__pycache__`` beside the sources, or in the folder that the environment
variable ``NUMBA_CACHE_DIR`` names. It is made anew when a source file, numba or the processor
changes. Loading it takes 0.2 s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from numba.core import event

_MESSAGE = "compiling numerical kernels, once after installing: takes 10 s or so"


@contextmanager
def compiling_told(tell: Callable[[str], None]) -> Iterator[None]:
    """Call `tell` with a message when the first kernel of the block is compiled, if one is.

    Kernels that are loaded ready-made count for nothing.
    """
    listener = _Once(tell)
    event.register("numba:compile", listener)
    try:
        yield
    finally:
        event.unregister("numba:compile", listener)


class _Once(event.Listener):  # type: ignore[misc]
    """Passes the first event on."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tells = [tell]

    def on_start(self, _event: event.Event) -> None:
        # Compiling holds a lock of numba's: one thread at a time comes here.
        if self._tells:
            self._tells.pop()(_MESSAGE)

    def on_end(self, _event: event.Event) -> None:
        pass

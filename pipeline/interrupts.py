"""Ctrl-C and SIGTERM: a wish to stop in order, and, said again, at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""The exit code that tells it: 128 and the number of SIGINT, as shells have it."""

STOPS = (signal.SIGINT, signal.SIGTERM)


def leave(_number: int, _frame: FrameType | None) -> None:
    """End the process as it is; what it leaves behind goes at the next start."""
    os.write(2, b"interrupted\n")
    os._exit(INTERRUPTED)


def raise_once(_number: int, _frame: FrameType | None) -> None:
    """Raise `KeyboardInterrupt`; a second signal, while that is dealt with, ends the process."""
    set_handler(leave)
    raise KeyboardInterrupt


def set_handler(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Handle both signals so from now on."""
    for number in STOPS:
        signal.signal(number, handler)


@contextmanager
def stoppable(is_asked: Callable[[], bool], ask: Callable[[], None]) -> Iterator[None]:
    """Let a signal ask the run to stop, so that it ends in order; a second one ends it at once."""
    import threading

    def handle(number: int, frame: FrameType | None) -> None:
        if is_asked():
            again(number, frame)
        ask()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Of a process that is not ours alone only the run may be ended.
    is_ours = signal.getsignal(signal.SIGINT) is raise_once
    again = raise_once if is_ours else signal.default_int_handler
    before = {number: signal.signal(number, handle) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, leave if is_ours and is_asked() else handler)

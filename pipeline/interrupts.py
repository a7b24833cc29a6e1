"""Ctrl-C, taken as a wish to stop in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stoppable(is_asked: Callable[[], bool], ask: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C ask the run to stop, so that it ends in order; a second one ends it at once."""

    def handle(_number: int, _frame: Any) -> None:
        if is_asked():
            raise KeyboardInterrupt
        ask()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

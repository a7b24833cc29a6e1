"""The first steps of the ``unblur`` command: what interrupts them ends it without a traceback.

To import the command line takes a fifth of a second, in which Python would print one.
"""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    """Entry point of the ``unblur`` command."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    from pipeline import cli

    cli.main()


def _leave(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"interrupted\n")
    os._exit(130)  # nothing has begun that needs an end

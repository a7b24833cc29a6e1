"""The first steps of the ``unblur`` command: what interrupts them ends it without a traceback.

To import the command line takes a fifth of a second, in which Python would print one.
"""

from __future__ import annotations

from pipeline.interrupts import leave, set_handler


def main() -> None:
    """Entry point of the ``unblur`` command."""
    set_handler(leave)  # nothing has begun that needs an end
    from pipeline import cli

    cli.main()

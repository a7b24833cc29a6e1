"""What a command raises becomes one message and an exit code."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

import typer

from pipeline.interrupts import INTERRUPTED


def guard(app: typer.Typer, arguments: Sequence[str], *, debug: bool = False) -> int:
    """Run a command; give its exit code. With `debug`, the traceback is printed too."""
    try:
        code = app(list(arguments), prog_name="unblur", standalone_mode=False)
        if code == INTERRUPTED:  # typer makes it of a KeyboardInterrupt, without a word
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except (Exception, KeyboardInterrupt) as error:
        from pipeline import report

        message, code = _told(error)
        if debug:
            traceback.print_exception(error)
    if "--json" in arguments:
        report.print_json({"status": "failed", "error": message})
    report.print_error(message)
    return code


def _told(error: BaseException) -> tuple[str, int]:
    from cache.store import StoreError
    from pipeline.errors import CacheError, ConfigError, UnblurError

    if isinstance(error, UnblurError):
        return str(error), error.exit_code
    if isinstance(error, StoreError):
        return str(error), CacheError.exit_code
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "interrupted", INTERRUPTED
    if hasattr(error, "format_message"):  # typer's own: unknown options, missing arguments
        command = getattr(getattr(error, "ctx", None), "command_path", "unblur")
        if type(error).__name__ == "NoArgsIsHelpError":  # nothing is wrong but that all is missing
            return error.format_message(), ConfigError.exit_code
        message = error.format_message().rstrip(".")
        hint = f"See {command} --help."
        if message.startswith("No such command"):
            hint += " For one photograph: unblur deblur PHOTO -o OUT."
        stop = "" if message.endswith("?") else "."
        return f"unblur: {message}{stop} {hint}", ConfigError.exit_code
    return f"{type(error).__name__}: {error}. This is a bug; --debug shows where.", 1

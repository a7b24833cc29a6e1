"""Starts ``unblur`` again and again from one warm process: ``python launcher.py CONFIG``.

Imports and compiled kernels take seconds, a fork takes milliseconds; so hundreds of real
processes can be started, and killed, in a minute. Each request is a line of JSON on stdin, each
answer one on stdout::

    {"start": {"words": [...], "out": FILE, "err": FILE, "env": {...}, "trap": {...}}} -> pid
    {"poll": pid} -> null while it runs, then its exit code (minus the signal that killed it)

A trap makes the process fail at its n-th step of a kind below a folder. Python announces each
step to an audit hook before it is done, so nothing of ours need be replaced:

- ``steps``: ``change`` (whatever changes a folder or opens a file to write), ``create`` (what may
  find the disk full) or ``read``.
- ``named``: only steps on files of this name count, if it is given.
- ``do``: ``count`` the steps into a file, ``kill`` with SIGKILL, ``interrupt`` with SIGINT, or an
  ``errno`` to raise: at step `at` and, if it `stays`, at all after it.
- ``file_size``: RLIMIT_FSIZE, bytes that a file may have.
"""

from __future__ import annotations

import atexit
import faulthandler
import gc
import json
import os
import resource
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.utime", "os.link", "os.truncate"}
STOPS = {signal.SIGINT, signal.SIGTERM}
CREATES = {"os.mkdir", "os.rename", "os.link"}


class Trap:
    """An audit hook that counts steps below a folder, and acts at one of them."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._folder = plan["under"] + os.sep
        self._events = {"change": CHANGES, "create": CREATES, "read": set()}[plan["steps"]]
        self._mutex = threading.Lock()
        self.count = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if (event == "open" or event in self._events) and self._is_meant(event, arguments):
            with self._mutex:
                number = self.count
                self.count += 1
            at = self._plan.get("at", -1)
            if number == at or (self._plan.get("stays") and number > at >= 0):
                self._act(event, arguments)

    def _is_meant(self, event: str, arguments: tuple[Any, ...]) -> bool:
        path = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes | Path) else ""
        if not path.endswith(self._plan.get("named", "")):
            return False
        if event != "open":
            # Trees are removed by names relative to their folder.
            return not os.path.isabs(path) or path.startswith(self._folder)
        if not path.startswith(self._folder) or os.path.isdir(path):
            return False
        return self._is_opened_so(path, arguments[2])

    def _is_opened_so(self, path: str, flags: int) -> bool:
        if self._plan["steps"] == "read":
            # What it has just written itself, a process may expect to read.
            return not flags & (os.O_WRONLY | os.O_RDWR) and "/drafts/" not in path
        if self._plan["steps"] == "create":
            return bool(flags & os.O_TRUNC or (flags & os.O_CREAT and not os.path.exists(path)))
        return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))

    def _act(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._plan["do"] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._plan["do"] == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
            return
        number = self._plan["errno"]
        raise OSError(number, os.strerror(number), str(arguments[0]))


def main(config: str) -> None:
    """Get warm, then answer requests until stdin ends."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    devnull = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(devnull, stream)
    _warm_up(config)
    for line in requests:
        request = json.loads(line)
        if "start" in request:
            # A child can be interrupted once it is unblur, and not before.
            signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
            answer: int | None = os.fork()
            if answer == 0:
                answers.close()
                _be_unblur(request["start"])
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        else:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        print(json.dumps(answer), file=answers, flush=True)


def _warm_up(config: str) -> None:
    from pipeline.cli import guarded

    with tempfile.TemporaryDirectory() as folder:
        os.environ["UNBLUR_CACHE"] = folder
        output = os.path.join(folder, "out.tif")
        code = guarded(["run", config, "--json", "--set", f"result.path={output}"])
    if code:
        sys.exit(code)
    gc.collect()
    gc.freeze()


def _be_unblur(request: dict[str, Any]) -> None:
    from pipeline.cli import main

    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), stream)
    faulthandler.register(signal.SIGUSR1, file=sys.stderr)  # asks where it hangs
    os.environ.update(request.get("env", {}))
    plan = request.get("trap") or {}
    if "file_size" in plan:
        resource.setrlimit(resource.RLIMIT_FSIZE, (plan["file_size"], plan["file_size"]))
    trap = Trap(plan) if "steps" in plan else None
    if trap:
        sys.addaudithook(trap)
    sys.argv = ["unblur", *request["words"]]
    code: Any = 1
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        main()
    except SystemExit as error:
        code = error.code or 0
    except KeyboardInterrupt:
        code = 130
    finally:
        # As Python ends, but for taking all its modules apart: that takes most of the time.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        if trap and plan["do"] == "count":
            Path(plan["into"]).write_text(str(trap.count))
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])

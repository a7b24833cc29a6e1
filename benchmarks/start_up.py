"""What a command costs before it does anything: whole processes, from fork to exit.

Run ``python benchmarks/start_up.py``. The commands take turns, ten rounds of them, so that a busy
moment hits all alike; the fastest round tells most, and on a busy machine the processor time.
Every result of configs/demo.yaml is cached by then. What a deconvolve adds when it starts to
compute is measured inside of a process: the import of numba, and the loading of the kernels that
numba compiled and kept before.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONFIG = str(ROOT / "configs" / "demo.yaml")
ROUNDS = 10
LIMITS = {"unblur --help": 0.25, "unblur run, all cached": 0.4}
UNBLUR = "from pipeline.cli import main; main()"
# numba holds this lock of its own while it compiles a kernel or loads one.
KERNELS = f"""
import sys, time
began = time.perf_counter()
import numba
print(time.perf_counter() - began)
sys.path.insert(0, {str(ROOT / "benchmarks")!r})
import numpy as np
from numba.core import event
from _in_memory import MemoryContext
from nodes.deconvolve import Deconvolve
from pipeline.node import Value
picture = np.random.default_rng(0).random((300, 300, 3), np.float32)
inputs = {{"image": Value("image", {{"pixels": picture}}),
          "psf": Value("psf", {{"psf": np.full((3, 3), 1 / 9, np.float32)}})}}
with event.install_recorder("numba:compiler_lock") as locked:
    Deconvolve().run(Deconvolve.Params(), inputs, MemoryContext(1))
depth, seconds = 0, 0.0
for at, what in locked.buffer:
    depth += 1 if what.is_start else -1
    if depth == (1 if what.is_start else 0):
        seconds += -at if what.is_start else at
print(seconds)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = ["--cache", folder]
        commands = {
            "python -c pass": ["pass"],
            "python -c 'import numpy'": ["import numpy"],
            "unblur --help": [UNBLUR, "--help"],
            "unblur plan, all cached": [UNBLUR, "plan", CONFIG, *cache],
            "unblur run, all cached": [UNBLUR, "run", CONFIG, *cache],
        }
        run(commands["unblur run, all cached"])
        time.sleep(3)  # files changed less than two seconds ago are hashed each time
        for words in commands.values():
            run(words)
        rounds = [{name: timed(words) for name, words in commands.items()} for _ in range(ROUNDS)]
    kernels = [[float(word) for word in run([KERNELS]).split()] for _ in range(ROUNDS)]
    print(f"{'seconds':32}{'fastest':>9}{'median':>9}{'processor':>11}{'at most':>9}")
    for name in commands:
        walls, loads = zip(*(row[name] for row in rounds), strict=True)
        tell(name, walls, min(loads), LIMITS.get(name))
    tell("in a process: import numba", [row[0] for row in kernels])
    tell("in a process: load the kernels", [row[1] for row in kernels], limit=0.3)


def timed(words: list[str]) -> tuple[float, float]:
    """Time one process: by the clock, and what it used of a processor."""
    began, used = time.perf_counter(), processor()
    run(words)
    return time.perf_counter() - began, processor() - used


def processor() -> float:
    """Seconds of processor time of all processes that were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(words: list[str]) -> str:
    """Run Python on some code with arguments; give what it prints."""
    # Where byte code may not be kept, each run would compile the sources.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", *words]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def tell(
    name: str, walls: Sequence[float], used: float | None = None, limit: float | None = None
) -> None:
    """Print a line of the table."""
    cells = ("" if value is None else f"{value:.3f}" for value in (used, limit))
    last = "{:>11}{:>9}".format(*cells)
    print(f"{name:32}{min(walls):9.3f}{statistics.median(walls):9.3f}{last}".rstrip())


if __name__ == "__main__":
    main()

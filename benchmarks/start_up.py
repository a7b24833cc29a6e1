"""What a command costs before it does anything: whole processes, from fork to exit.

    python benchmarks/start_up.py

The commands take turns, ten rounds of them, so that a busy moment hits all alike; the fastest
round tells most. ``run`` is configs/demo.yaml with every result cached already. Loading the
numerical kernels is timed inside of a process: importing numba, then loading what it compiled
for a first tile before.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONFIG = str(ROOT / "configs" / "demo.yaml")
ROUNDS = 10
UNBLUR = "from pipeline.cli import main; main()"
LIMITS = {"unblur --help": 0.25, "unblur run, all cached": 0.4}


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
        seconds(commands["unblur run, all cached"])
        # Files changed less than two seconds ago are read again each time.
        time.sleep(3)
        for words in commands.values():
            seconds(words)
        rounds = [{name: seconds(words) for name, words in commands.items()} for _ in range(ROUNDS)]
    print(f"{'whole process, seconds':28}{'fastest':>9}{'median':>9}{'at most':>9}")
    for name in commands:
        times = [row[name] for row in rounds]
        limit = LIMITS.get(name, "")
        print(f"{name:28}{min(times):9.3f}{statistics.median(times):9.3f}{limit:>9}")


def seconds(words: list[str]) -> float:
    """Time one process."""
    # Without byte code beside the sources each run would compile them.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", *words],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

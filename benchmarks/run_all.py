"""Run the benchmarks beside this file and keep what they print: ``make bench``.

The tables go to the terminal and to ``benchmarks/results/*.md``, with the machine described. Those
that estimate many PSFs take a quarter of an hour each: ``python benchmarks/run_all.py --long``
runs them too.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LONG = ("blur_kinds.py", "camera.py", "colour_shakes.py", "lens_blur.py", "sample_window.py")


def main() -> int:
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    failed = 0
    for script in sorted(HERE.glob("*.py")):
        if script.name == Path(__file__).name or script.name.startswith("_"):
            continue
        if script.name in LONG and "--long" not in sys.argv:
            continue
        print(f"== {script.name}", flush=True)
        done = subprocess.run(
            [sys.executable, str(script)],
            cwd=HERE.parent,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        print(done.stdout, flush=True)
        text = f"# {script.stem}\n\n{describe_machine()}\n\n```\n{done.stdout}```\n"
        (results / f"{script.stem}.md").write_text(text)
        failed += done.returncode != 0
    return int(failed > 0)


def describe_machine() -> str:
    """Say on what the figures were measured, without naming the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{processor()}, {cores} cores, {platform.system()}, Python {platform.python_version()}"


def processor() -> str:
    """Name the processor as the kernel does."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


if __name__ == "__main__":
    sys.exit(main())

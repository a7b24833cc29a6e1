"""What the cache costs beside other caches: five nodes that pass 100 MB from one to the next.

Run ``python benchmarks/cache_overhead.py [rounds]``. Every figure is a whole process, from its
start to its end, the best of all rounds: by the clock, and the processor's time, which a busy
disk changes less. The same five functions run

- plain: without any cache; and plain + np.save, which writes what they give;
- under ``unblur run``, as node kinds of a third party: as it is, and uncached, which neither
  writes nor digests what they give, so that it tells what the cache itself costs;
- under joblib.Memory and under Hamilton (``pip install joblib apache-hamilton``), each where it
  is installed.

Cold starts with an empty cache; no-op runs the same again; tweak changes the fourth node, again
to another value, back to the first. Needs 3 GB of memory, and as much in the folder for
temporary files.
"""

from __future__ import annotations

import importlib.util
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOUCHED = 3 * 10**9
RUNS = {"cold": 3.0, "no-op": 3.0, "tweak": 3.5, "again": 3.6, "back": 3.0}
CONFIG = """\
version: 1
nodes:
  first: {kind: chain_make}
  second: {kind: chain_shift, inputs: {image: first}, amount: 1.0}
  third: {kind: chain_shift, inputs: {image: second}, amount: 2.0}
  fourth: {kind: chain_shift, inputs: {image: third}, amount: 3.0}
  fifth: {kind: chain_shift, inputs: {image: fourth}, amount: 4.0}
"""
Seconds = dict[str, tuple[float, float]]
"""By the clock, and of the processor."""


def main(rounds: int) -> None:
    tools: dict[str, Callable[[Path], Seconds]] = {
        "plain": _plain,
        "unblur": _unblur,
        "uncached": _uncached,
    }
    for name in ("joblib", "hamilton"):
        if importlib.util.find_spec(name):
            tools[name] = lambda folder, name=name: _peer(f"run_{name}", folder)
    best: dict[str, Seconds] = {name: {} for name in tools}
    for _ in range(rounds):
        for name, measure in tools.items():
            with tempfile.TemporaryDirectory() as folder:
                for run, seconds in measure(Path(folder)).items():
                    known = best[name].get(run, seconds)
                    best[name][run] = (min(known[0], seconds[0]), min(known[1], seconds[1]))
    _print(best, rounds)


def _plain(folder: Path) -> Seconds:
    return {
        "cold": _timed("run_plain", "3.0")[0],
        "saved": _timed("run_plain", "3.0", str(folder / "result"))[0],
    }


def _unblur(folder: Path) -> Seconds:
    figures: Seconds = {}
    for name, amount in RUNS.items():
        figures[name], told = _timed("run_unblur", *_command(folder, amount))
        megabytes = int(re.findall(r"rchar: (\d+)", told)[0]) / 1e6
        figures[f"{name} read"] = (megabytes, megabytes)
    return figures


def _uncached(folder: Path) -> Seconds:
    return {"cold": _timed("run_uncached", *_command(folder, RUNS["cold"]))[0]}


def _command(folder: Path, amount: float) -> tuple[str, ...]:
    config = folder / "chain.yaml"
    config.write_text(CONFIG)
    changed = f"fourth.amount={amount}"
    return "run", str(config), "--cache", str(folder / "cache"), "--json", "--set", changed


def _peer(module: str, folder: Path) -> Seconds:
    return {name: _timed(module, str(amount), str(folder))[0] for name, amount in RUNS.items()}


def _timed(module: str, *words: str) -> tuple[tuple[float, float], str]:
    # A virtual machine gets memory from its host when it is first touched, ten times as slowly
    # as later: whoever comes first would pay for all.
    subprocess.run([sys.executable, "-c", f"b'x' * {TOUCHED}"], check=True)
    path = os.pathsep.join([str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    began, worked = time.perf_counter(), _processor_seconds()
    done = subprocess.run(
        [sys.executable, "-m", f"_chain.{module}", *words],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = (time.perf_counter() - began, _processor_seconds() - worked)
    if done.returncode:
        sys.exit(done.stderr)
    return seconds, done.stderr


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _print(best: dict[str, Seconds], rounds: int) -> None:
    print(f"seconds of the whole process (of the processor), best of {rounds}")
    print(f"{'':<10}" + "".join(f"{run:>14}" for run in RUNS))
    for name, figures in best.items():
        cells = [_cell(*figures[run]) if run in figures else f"{'-':>14}" for run in RUNS]
        print(f"{name:<10}" + "".join(cells))
    ours, plain, saved = best["unblur"], best["plain"]["cold"], best["plain"]["saved"]
    reads = "".join(f"{ours[f'{run} read'][0]:11.0f} MB" for run in RUNS)
    print(f"{'read':<10}{reads}")
    print(f"plain, and np.save of its 500 MB: {_cell(*saved).strip()}")
    _share("cold beside that", ours["cold"], saved, 1.25)
    uncached = zip(best["uncached"]["cold"], saved, plain, strict=True)
    written = tuple(one + save - none for one, save, none in uncached)
    print(f"uncached, and the same writing: {_cell(*written).strip()}")
    _share("cold beside that", ours["cold"], written, 1.25)
    if "joblib" in best:
        _share("no-op beside joblib's", ours["no-op"], best["joblib"]["no-op"], 0.40)


def _cell(clock: float, processor: float) -> str:
    return f"{clock:7.2f} ({processor:.2f})"


def _share(what: str, ours: tuple[float, float], theirs: tuple[float, float], most: float) -> None:
    clock, processor = (one / other for one, other in zip(ours, theirs, strict=True))
    print(f"{what}: {clock:.2f} ({processor:.2f}), asked for: at most {most:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)

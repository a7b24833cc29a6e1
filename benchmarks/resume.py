"""A deconvolution that is killed half-way, and then run again.

36 Mpix of RGB, whole processes: one that runs to its end, one that is killed at half of that
one's time for the node, and the one that continues it. Prints the share of the whole time that
continuing took, and whether the pixels are the same.

    python benchmarks/resume.py [MPIX]
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from deconvolve_speed import side_of
from whole_command import write_picture

ROOT = Path(__file__).resolve().parent.parent
CONFIG = """
version: 1
nodes:
  photo: {kind: load, path: photo.tif}
  psf: {kind: make_psf, shape: shake, length: 17, seed: 2}
  sharp: {kind: deconvolve, inputs: {image: photo, psf: psf}}
"""
COMMAND = [sys.executable, "-c", "from pipeline.cli import main; main()"]


def main() -> None:
    side = side_of(float(sys.argv[1]) if len(sys.argv) > 1 else 36)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_picture(folder / "photo.tif", side)
        (folder / "run.yaml").write_text(CONFIG)
        finish(folder, "--until", "photo")
        finish(folder)  # compiles and plans
        whole = finish(folder, "--force", "sharp")
        seconds = whole["nodes"]["sharp"]["seconds"]
        digest = stored_digest(folder)
        clear_result(folder)
        kill_after(folder, seconds / 2)
        rest = finish(folder)
        same = "the same pixels" if stored_digest(folder) == digest else "OTHER PIXELS"
        print(f"{side} x {side} px: whole {seconds:.2f} s; killed at half of it, then")
        left = rest["nodes"]["sharp"]["seconds"]
        print(f"continued in {left:.2f} s, {left / seconds:.2f} of the whole: {same}")


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    """Start the command on the configuration."""
    environment = {
        **os.environ,
        "UNBLUR_CACHE": str(folder / "cache"),
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen(
        [*COMMAND, "run", "run.yaml", "--json", *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(folder: Path, *options: str) -> dict[str, Any]:
    """Run to the end; give the record."""
    told, errors = start(folder, *options).communicate()
    if not told:
        sys.exit(errors)
    record: dict[str, Any] = json.loads(told)
    return record


def kill_after(folder: Path, seconds: float) -> None:
    """Kill a run so many seconds after its deconvolution began."""
    process = start(folder)
    while not list((folder / "cache").glob("drafts/*/pixels")):
        time.sleep(0.005)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def stored_digest(folder: Path) -> str:
    """Digest of the deconvolved picture."""
    return str(stored(folder)["digest"])


def clear_result(folder: Path) -> None:
    """Take the deconvolved picture out of the cache."""
    from cache.disk import DiskStore

    DiskStore(folder / "cache").delete(stored(folder)["key"])


def stored(folder: Path) -> dict[str, Any]:
    """Find the deconvolved picture in the cache."""
    from cache.disk import DiskStore

    entries = DiskStore(folder / "cache").entries()
    entry = next(e for e in entries if e.record["kind"] == "deconvolve")
    return {"key": entry.key, "digest": entry.digest}


if __name__ == "__main__":
    main()

"""The whole command on a 16-bit TIFF: cold, PSF or all cached, with little memory, as a preview.

For each run, as a process of its own: seconds, those that load, estimate_psf, deconvolve and
export took, the most memory, and the seconds over those of the deconvolution's bare transforms.
Where ``rawtherapee-cli`` is installed, its Richardson-Lucy sharpening of the same file.

    python benchmarks/whole_command.py [MPIX]
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from _in_memory import linear_photographs
from deconvolve_speed import NOISE, PSF, bare_transforms, side_of

from numerics.blur import blur
from pipeline.resources import usable_cores

CONFIG = """
version: 1
nodes:
  photo: {kind: load, path: photo.tif}
  sample: {kind: crop, inputs: {image: photo}, size: 255}
  psf: {kind: estimate_psf, inputs: {image: sample}, size: 19}
  sharp: {kind: deconvolve, inputs: {image: photo, psf: psf}}
  result: {kind: export, inputs: {image: sharp}, path: sharp.tif, bit_depth: 16}
"""
RAWTHERAPEE = """
[Version]
AppVersion=5.9
Version=349
[Sharpening]
Enabled=true
Method=rld
DeconvRadius=1.5
DeconvAmount=100
DeconvDamping=0
DeconvIterations=30
"""
LITTLE = "600MiB"
NODES = ("photo", "psf", "sharp", "result", "sharp_preview")


def main() -> None:
    side = side_of(float(sys.argv[1]) if len(sys.argv) > 1 else 36)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_picture(folder / "photo.tif", side)
        (folder / "run.yaml").write_text(CONFIG)
        unblur(folder, "--until", "psf", "--set", "sample.size=127", cache="warm")  # compiles
        print(f"{side} x {side} px")
        titles = ("load", "psf", "deconvolve", "export", "peak MiB", "over bare FFTs")
        print(f"{'':<26}{'seconds':>9}{''.join(f'{title:>{len(title) + 3}}' for title in titles)}")
        tell("cold", unblur(folder))
        change_corner(folder / "photo.tif")
        tell("PSF cached", unblur(folder))
        tell("all cached", unblur(folder))
        tell("another priority", unblur(folder, "--set", "sharp.priority=0.2"))
        tell("preview", unblur(folder, command="preview"))
        another = unblur(folder, "--set", "sharp.priority=0.4", command="preview")
        tell("preview, another priority", another)
        change_corner(folder / "photo.tif")
        tell(f"PSF cached, --memory {LITTLE}", unblur(folder, "--memory", LITTLE))
        peer(folder)


def write_picture(path: Path, side: int) -> None:
    """Write a blurred, noisy picture of side x side: 16-bit RGB, sRGB-encoded."""
    part = linear_photographs(1024)
    part = blur(part, PSF) + np.random.default_rng(1).normal(0, NOISE, part.shape)
    light = np.clip(part, 0, 1)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    cell = np.round(encoded * 65535).astype(np.uint16)
    tiles = -(-side // cell.shape[0])
    with tifffile.TiffWriter(path, bigtiff=False) as writer:
        rows = (np.tile(cell[y % len(cell)], (tiles, 1))[:side] for y in range(side))
        writer.write(
            rows, shape=(side, side, 3), dtype=np.uint16, photometric="rgb", rowsperstrip=1
        )


def change_corner(path: Path) -> None:
    """Change one pixel far from the sample, so that all but the PSF has to be made again."""
    with tifffile.TiffFile(path) as tiff:
        offset = tiff.pages.first.dataoffsets[0]
    with path.open("r+b") as file:
        file.seek(offset)
        value = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([(value + 1) % 256]))
    time.sleep(2.1)  # files changed less than two seconds ago are hashed each time


def unblur(
    folder: Path, *options: str, cache: str = "cache", command: str = "run"
) -> dict[str, Any]:
    """Run the command; give its record, with the seconds of the whole process."""
    code = "from pipeline.cli import main; main()"
    words = [sys.executable, "-c", code, command, "run.yaml", "--json", *options]
    root = str(Path(__file__).resolve().parent.parent)
    environment = {**os.environ, "UNBLUR_CACHE": str(folder / cache), "PYTHONPATH": root}
    began = time.perf_counter()
    done = subprocess.run(
        words, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return {**json.loads(done.stdout), "whole": time.perf_counter() - began}


def tell(name: str, record: dict[str, Any]) -> None:
    """Print a row."""
    nodes = record["nodes"]
    shares = [nodes[name]["seconds"] for name in NODES if name in nodes]
    whole, peak = record["whole"], record["peak_memory_bytes"] / 2**20
    bare = bare_transforms(nodes["sharp"]["details"], usable_cores())
    print(
        f"{name:<26}{whole:9.2f}{shares[0]:7.2f}{shares[1]:6.2f}{shares[2]:13.2f}"
        f"{shares[3]:9.2f}{peak:11.0f}{whole / bare:17.2f}",
        flush=True,
    )


def peer(folder: Path) -> None:
    """Time RawTherapee on the same file."""
    command = shutil.which("rawtherapee-cli")
    if command is None:
        print("rawtherapee-cli is not installed")
        return
    (folder / "rl.pp3").write_text(RAWTHERAPEE)
    arguments = ["-o", "peer.tif", "-p", "rl.pp3", "-t", "-b16", "-Y", "-c", "photo.tif"]
    began = time.perf_counter()
    subprocess.run([command, *arguments], cwd=folder, check=True, capture_output=True)
    print(f"{'rawtherapee-cli, RL':<26}{time.perf_counter() - began:9.2f}")


if __name__ == "__main__":
    main()

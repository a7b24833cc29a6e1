"""Run configs/demo.yaml and show what it gained: ``make demo``.

Writes ``out/demo/before_after.png``: the shaken photograph, the recovered one, and between them
the PSF that was estimated.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "out" / "demo"
GAP = 8


def main() -> int:
    """Run the demo; give its exit code."""
    command = [str(Path(sys.executable).with_name("unblur")), "run", "configs/demo.yaml", "--json"]
    print("unblur run configs/demo.yaml", flush=True)
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return done.returncode
    record = json.loads(done.stdout)
    picture = join(
        *(imagecodecs.imread(OUT / f"{name}.png") for name in ("blurred", "psf", "sharp"))
    )
    imagecodecs.imwrite(OUT / "before_after.png", picture)
    tell(record)
    return 0


def join(blurred: NDArray[Any], psf: NDArray[Any], sharp: NDArray[Any]) -> NDArray[np.uint8]:
    """Put two pictures side by side, the PSF in the corner of the first."""
    height, width, channels = blurred.shape
    canvas = np.full((height, 2 * width + GAP, channels), 255, np.uint8)
    canvas[:, :width] = blurred
    canvas[:, width + GAP :] = sharp
    step = -(-4 * max(psf.shape[:2]) // height)  # a fourth of the picture at the most
    inset = psf.reshape(*psf.shape[:2], -1)[::step, ::step]
    canvas[height - inset.shape[0] :, : inset.shape[1]] = inset
    return canvas


def tell(record: dict[str, Any]) -> None:
    """Print what was gained, and where to look."""
    nodes = record["nodes"]
    before, after = (nodes[name]["details"] for name in ("before", "after"))
    computed = sum(node["status"] == "computed" for node in nodes.values())
    print(f"{computed} of {len(nodes)} nodes computed in {record['seconds']:.1f} s")
    print(f"PSNR {before['psnr']:.2f} dB blurred, {after['psnr']:.2f} dB sharp")
    print(f"SSIM {before['ssim']:.3f} blurred, {after['ssim']:.3f} sharp")
    print(f"gained: {after['psnr'] - before['psnr']:.2f} dB")
    print(f"before and after: {(OUT / 'before_after.png').relative_to(ROOT)}")
    if computed:
        print("Run it again: everything comes from the cache.")


if __name__ == "__main__":
    sys.exit(main())

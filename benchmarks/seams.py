"""Tiled against whole: whether a picture shows where its tiles meet.

One picture of colour photographs, noise 0.5 %, deconvolved once whole and once in tiles as the
node would cut them, had it a smaller largest tile. Prints, in full scale, the RMS and the
99.99th percentile of the difference, the change of PSNR, the mean step of the difference across
joints, and that step over the one between neighbours elsewhere.

    python benchmarks/seams.py
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from _in_memory import MemoryContext, linear_photographs
from numpy.typing import NDArray

from nodes.deconvolve import Deconvolve, settle_schedule
from nodes.tile_sweep import TileSweep
from numerics.blur import blur
from numerics.half_quadratic import Schedule, TileSolver
from numerics.light import Light
from numerics.make_psf import disc, gaussian, motion, shake
from numerics.otf import Blur
from numerics.tiles import Grid, plan_axis

NOISE = 0.005
SIDE = 1500
TILES = 3
PSFS = {
    "camera shake 19 px": shake(17, 2, 19),
    "camera shake 27 px": shake(25, 1, 27),
    "gaussian 1.5 px": gaussian(1.5),
    "disc 5 px": disc(5.0),
    "disc 14 px": disc(14.0),
    "line 31 px": motion(31, 20.0),
    "line 65 px": motion(65, 50.0),
}


def main() -> None:
    sharp = linear_photographs(SIDE)
    print(f"{SIDE} x {SIDE} px, {TILES} x {TILES} tiles")
    titles = (
        ("halo", 6),
        ("expected", 10),
        ("RMS", 10),
        ("99.99 %", 10),
        ("dPSNR", 8),
        ("step", 10),
    )
    print(f"{'psf':<20}{''.join(f'{title:>{width}}' for title, width in titles)}  ratio")
    for name, psf in PSFS.items():
        noise = np.random.default_rng(1).normal(0, NOISE, sharp.shape)
        blurred = (blur(sharp, psf) + noise).astype(np.float32)
        schedule, reach = settle_schedule(Deconvolve.Params(), Light(NOISE), psf)
        _, whole = solve(blurred, psf, schedule, reach.halo, 1)
        grid, tiled = solve(blurred, psf, schedule, reach.halo, TILES)
        difference = tiled - whole
        rms = float(np.sqrt(np.mean(difference**2)))
        most = float(np.quantile(np.abs(difference), 0.9999))
        change = psnr(tiled, sharp) - psnr(whole, sharp)
        step, ratio = joint_step(difference, grid)
        print(
            f"{name:<20}{reach.halo:6d}{reach.expected_error:10.1e}{rms:10.1e}{most:10.1e}{change:8.3f}"
            f"{step:10.1e}{ratio:7.2f}",
            flush=True,
        )


def solve(
    blurred: NDArray[np.float32],
    psf: NDArray[np.float32],
    schedule: Schedule,
    halo: int,
    tiles: int,
    units: Sequence[float] = (),
) -> tuple[Grid, NDArray[np.float32]]:
    """Deconvolve in so many tiles a side."""
    height, width, channels = blurred.shape
    grid = Grid(plan_axis(height, halo, tiles), plan_axis(width, halo, tiles))
    transformed = Blur(psf, grid.shape)
    context: Any = MemoryContext(2)
    result = context.new_array("pixels", blurred.shape, chunks=grid.chunks)
    solver = partial(TileSolver, transformed, channels, schedule)
    TileSweep(blurred, result, grid, solver, context, units=units).run()
    return grid, np.asarray(result)


def joint_step(difference: NDArray[np.float32], grid: Grid) -> tuple[float, float]:
    """Mean absolute step across the joints of the rows; over that elsewhere."""
    steps = np.abs(np.diff(difference, axis=0))
    joints = [span.core[0] - 1 for span in grid.rows.spans[1:]]
    across = float(steps[joints].mean())
    return across, across / float(np.delete(steps, joints, axis=0).mean())


def psnr(found: NDArray[np.float32], sharp: NDArray[np.float32]) -> float:
    """Peak signal-to-noise ratio, full scale 1."""
    return float(-10 * np.log10(np.mean((found - sharp) ** 2)))


if __name__ == "__main__":
    main()

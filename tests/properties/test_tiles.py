"""Tiled equals whole: no seams, on pictures of odd sizes and with lopsided psfs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import skimage.data

from nodes.deconvolve import Deconvolve, settle_schedule
from nodes.tile_sweep import TileSweep
from numerics.blur import blur
from numerics.half_quadratic import Blur, TileSolver
from numerics.make_psf import gaussian, shake
from numerics.reach import solver_reach
from numerics.tiles import Axis, Grid, plan_axis

NOISE = 0.005
CHUNK = 256
LOPSIDED = np.pad(shake(13, 4), ((4, 0), (0, 6)))
PSFS = {"shake 19": shake(19, 2), "gaussian 1.5": gaussian(1.5), "lopsided": LOPSIDED}


def solve(context: Any, blurred: np.ndarray, psf: np.ndarray, axes: tuple[Axis, Axis]) -> Any:
    grid = Grid(*axes)
    schedule = settle_schedule(Deconvolve.Params(), NOISE, psf)
    transformed = Blur(psf, grid.shape)
    context.chunk = CHUNK
    result = context.new_array("pixels", blurred.shape)
    TileSweep(blurred, result, grid, lambda: TileSolver(transformed, 3, schedule), context).run()
    return grid, result.values, solver_reach(psf, schedule).halo


@pytest.mark.parametrize("name", PSFS)
def test_tiled_equals_whole(context: Any, name: str) -> None:
    psf = PSFS[name]
    sharp = (skimage.data.retina()[300:1073, 250:1101] / 255.0) ** 2.2
    sharp[200:206, 300:303] = 1.0  # a highlight
    noise = np.random.default_rng(1).normal(0, NOISE, sharp.shape)
    blurred = (blur(sharp, psf) + noise).astype(np.float32)
    height, width, _ = blurred.shape
    whole_axes = (plan_axis(height, 1024, 192), plan_axis(width, 1024, 192))
    one, whole, halo = solve(context, blurred, psf, whole_axes)
    assert len(one.tiles) == 1
    tiled_axes = (
        plan_axis(height, CHUNK, halo, largest=CHUNK + 2 * halo + 60),
        plan_axis(width, CHUNK, halo, largest=CHUNK + 2 * halo + 60),
    )
    grid, tiled, _ = solve(context, blurred, psf, tiled_axes)
    assert len(grid.tiles) >= 6
    difference = tiled - whole
    assert np.sqrt(np.mean(difference**2)) < 1e-4
    assert np.abs(joint_steps(difference, grid)).mean() < 1e-4  # a fortieth of an 8-bit step


def joint_steps(difference: np.ndarray, grid: Grid) -> np.ndarray:
    """Steps of the difference across the joints of the rows."""
    joints = [span.core[0] - 1 for span in grid.rows.spans[1:]]
    return np.diff(difference, axis=0)[joints]

"""Tiled equals whole: no seams, on pictures of odd sizes and with lopsided psfs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import skimage.data

from nodes.deconvolve import Deconvolve, settle_schedule
from nodes.tile_sweep import TileSweep
from numerics.blur import blur
from numerics.half_quadratic import TileSolver
from numerics.light import Light
from numerics.make_psf import gaussian, shake
from numerics.otf import Blur
from numerics.tiles import Grid, plan_axis

NOISE = 0.005
LOPSIDED = np.pad(shake(13, 4), ((4, 0), (0, 6)))
PSFS = {"shake 19": shake(19, 2), "gaussian 1.5": gaussian(1.5), "lopsided": LOPSIDED}


def solve(
    context: Any,
    blurred: np.ndarray,
    psf: np.ndarray,
    quality: Any,
    tiles: int,
    levels: tuple[float, ...] = (),
    shares: tuple[float, ...] = (),
) -> Any:
    light = Light(NOISE, levels, shares=shares)
    schedule, reach = settle_schedule(Deconvolve.Params(quality=quality), light, psf)
    # The whole picture as one tile has more halo than it needs, so that it is right.
    halo = reach.halo if tiles > 1 else max(192, reach.halo)
    grid = Grid(*(plan_axis(size, halo, tiles) for size in blurred.shape[:2]))
    transformed = Blur(psf, grid.shape)
    result = context.new_array("pixels", blurred.shape, chunks=grid.chunks)
    solver = partial(TileSolver, transformed, 3, schedule)
    TileSweep(blurred, result, grid, solver, context, units=shares).run()
    return grid, result.values


@pytest.mark.parametrize("quality", ["fast", "normal", "clean"])
@pytest.mark.parametrize("name", PSFS)
def test_tiled_equals_whole(context: Any, name: str, quality: str) -> None:
    psf = PSFS[name]
    sharp = (skimage.data.retina()[300:1073, 250:1101] / 255.0) ** 2.2
    sharp[200:206, 300:303] = 1.0  # a highlight
    noise = np.random.default_rng(1).normal(0, NOISE, sharp.shape)
    blurred = (blur(sharp, psf) + noise).astype(np.float32)
    one, whole = solve(context, blurred, psf, quality, 1)
    assert len(one.tiles) == 1
    grid, tiled = solve(context, blurred, psf, quality, 3)
    assert len(grid.tiles) == 9
    difference = tiled - whole
    assert np.sqrt(np.mean(difference**2)) < 1e-4
    assert np.abs(joint_steps(difference, grid)).mean() < 1e-4  # a fortieth of an 8-bit step


@pytest.mark.parametrize(("name", "shares"), [("shake 19", ()), ("gaussian 1.5", (1.4, 0.8, 0.6))])
def test_tiled_equals_whole_where_highlights_are_clipped(
    context: Any, name: str, shares: tuple[float, ...]
) -> None:
    psf = PSFS[name]
    sharp = 1.6 * (skimage.data.retina()[300:1073, 250:1101] / 255.0) ** 2.2
    sharp[200:206, 300:303] = sharp[255:259, 402:407] = 20.0  # lights in joints
    noise = np.random.default_rng(1).normal(0, NOISE, sharp.shape)
    blurred = np.clip(blur(sharp, psf) + noise, 0, 1).astype(np.float32)
    levels = (1.0, 1.0, 1.0)
    _, whole = solve(context, blurred, psf, "normal", 1, levels, shares)
    grid, tiled = solve(context, blurred, psf, "normal", 3, levels, shares)
    difference = np.clip(tiled, 0, 1) - np.clip(whole, 0, 1)
    # Twice as much as above: beside lights that are 20 times as bright.
    assert np.sqrt(np.mean(difference**2)) < 2e-4
    assert np.abs(joint_steps(difference, grid)).mean() < 1e-4


def joint_steps(difference: np.ndarray, grid: Grid) -> np.ndarray:
    """Steps of the difference across the joints of the rows."""
    joints = [span.core[0] - 1 for span in grid.rows.spans[1:]]
    return np.diff(difference, axis=0)[joints]

"""Deconvolution of pictures whose highlights are clipped, with the true PSF.

Windows of colour photographs in linear light, made so bright that the brightest 3 % of all values
lie above white, or the brightest 10 % of red; and dark ones with 40 lights of 2 to 40 times white.
They are blurred, given noise of 0.5 % of full scale, and clipped as a sensor does. Last, pictures
that were clipped before they were blurred, whose brightest values only seem to be clipped: what is
lost where the data were right.

PSNR of what is seen, from black to white, whole and within 15 px of clipped light: of the blurred
picture; with the clipped data believed, which is the same method without the search for clipped
light; as unblur does it; and of scikit-image's Richardson-Lucy, 20 iterations. Seconds on one
thread, of all pictures of a kind, with the search and without.

    python benchmarks/clipped_light.py [fast|normal|clean]
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
from _photographs import load_window
from deconvolve_quality import channelwise, richardson_lucy
from numpy.typing import NDArray
from scipy import ndimage
from seams import solve

from nodes.deconvolve import Deconvolve, Quality, settle_schedule
from numerics.blur import blur
from numerics.light import Light
from numerics.make_psf import disc, gaussian, shake

Picture = NDArray[np.float32]

NOISE = 0.005
SIDE = 400
BORDER = 24
NEAR = 15
PSFS = {
    "camera shake 19 px": shake(17, 2, 19),
    "gaussian 1.5 px": gaussian(1.5),
    "disc 4 px": disc(4.0),
}
NAMES = ("astronaut", "chelsea", "coffee", "motorcycle", "rocket", "retina")
LIGHTS = 40
METHODS = ("blurred", "believed", "unblur", "RL, 20")


def main(quality: Quality) -> None:
    print(f"{quality}: PSNR whole / near clipped light")
    print(f"{'':<46}{'clipped':>8}" + "".join(f"{method:>16}" for method in METHODS))
    for kind, scenes in KINDS.items():
        report(kind, scenes, quality)


def report(
    kind: str, scenes: Callable[[], Iterator[tuple[str, Picture]]], quality: Quality
) -> None:
    """Print a row for each picture and psf, and one of means."""
    rows = []
    seconds: dict[str, float] = defaultdict(float)
    for name, scene in scenes():
        for psf_name, psf in PSFS.items():
            noise = np.random.default_rng(1).normal(0, NOISE, scene.shape)
            blurred = np.clip(blur(scene, psf) + noise, 0, 1).astype(np.float32)
            clipped = blurred >= 0.99
            near = ndimage.binary_dilation(clipped.any(axis=2), iterations=NEAR)
            row = []
            for method in METHODS:
                if method in ("believed", "unblur"):
                    deconvolve(method, blurred, psf, quality)  # plans are kept between runs
                began = time.perf_counter()
                found = deconvolve(method, blurred, psf, quality)
                seconds[method] += time.perf_counter() - began
                row.append((psnr(found, scene), psnr(found, scene, near)))
            rows.append(row)
            print_row(f"{kind}, {name}, {psf_name}", f"{clipped.mean():.1%}", row)
    print_row(f"{kind}: mean", "", np.mean(rows, axis=0).tolist())
    print(
        f"{seconds['unblur']:.1f} s, {seconds['believed']:.1f} s without the search\n", flush=True
    )


def print_row(name: str, clipped: str, row: list[Any]) -> None:
    """Print PSNRs, whole and near."""
    cells = "".join(f"{f'{whole:.2f} / {near:.2f}':>16}" for whole, near in row)
    print(f"{name:<46}{clipped:>8}{cells}", flush=True)


def deconvolve(method: str, blurred: Picture, psf: Picture, quality: Quality) -> NDArray[Any]:
    """Apply a method of `METHODS`."""
    if method == "blurred":
        return blurred
    if method.startswith("RL"):
        return channelwise(richardson_lucy(psf, 20))(blurred)
    levels = (1.0, 1.0, 1.0) if method == "unblur" else ()
    params = Deconvolve.Params(quality=quality)
    schedule, reach = settle_schedule(params, Light(NOISE, levels), psf)
    return solve(blurred, psf, schedule, reach.halo, 1)[1]


def overexposed(share: float = 0.03) -> Iterator[tuple[str, Picture]]:
    """Give windows whose brightest values lie above white."""
    for name in NAMES:
        window = load_window(name, SIDE)
        yield name, window / np.quantile(window, 1 - share)


def red() -> Iterator[tuple[str, Picture]]:
    """Give windows whose reddest places lie above white in red only."""
    for name in ("astronaut", "coffee"):
        window = load_window(name, SIDE).copy()
        window[..., 0] /= np.quantile(window[..., 0], 0.9)
        yield name, window


def lights() -> Iterator[tuple[str, Picture]]:
    """Give dark windows with lights."""
    for name in ("motorcycle", "camera"):
        window = 0.15 * load_window(name, SIDE)
        random = np.random.default_rng(3)
        for _ in range(LIGHTS):
            y, x = (random.integers(20, side - 20) for side in window.shape[:2])
            light = random.uniform(2, 40) * random.uniform(0.3, 1, 3)
            window[y - 1 : y + 2, x - 1 : x + 2] += light.astype(np.float32)
        yield name, window


def clipped_before() -> Iterator[tuple[str, Picture]]:
    """Give the overexposed windows, clipped before they are blurred."""
    for name, scene in overexposed():
        yield name, np.minimum(scene, np.float32(1))


def psnr(found: NDArray[Any], scene: Picture, where: NDArray[np.bool_] | None = None) -> float:
    """PSNR of what is seen, at some places of the inside."""
    inside = np.s_[BORDER:-BORDER, BORDER:-BORDER]
    difference = (np.clip(found, 0, 1) - np.clip(scene, 0, 1))[inside]
    chosen = difference if where is None else difference[where[inside]]
    return float(-10 * np.log10(np.mean(chosen**2)))


KINDS: dict[str, Callable[[], Iterator[tuple[str, Picture]]]] = {
    "overexposed": overexposed,
    "red": red,
    "lights": lights,
    "before": clipped_before,
}


if __name__ == "__main__":
    main(cast("Quality", (sys.argv[1:] or ["normal"])[0]))

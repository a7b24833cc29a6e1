"""Deconvolution with the true PSF, beside scikit-image's methods on the same picture.

1 Mpix of colour photographs in linear light, noise 0.5 % of full scale. PSNR over the whole
picture, without a border of 32 px, and of that border alone, where the picture was blurred with
what lay beyond it. "Borders known" is the limit for that: as much of the blurred scene around the
picture is at hand, deconvolved with it and cut off. Seconds of one run, after one that compiles and
plans. Total variation is unblur's own solver with p = 1, at the best of five weights.

    python benchmarks/deconvolve_quality.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import skimage.restoration
from _in_memory import MemoryContext, linear_photographs
from numpy.typing import NDArray
from seams import solve

from nodes.deconvolve import Deconvolve, settle_schedule
from numerics.blur import blur
from numerics.half_quadratic import growing_betas
from numerics.light import Light
from numerics.make_psf import gaussian, shake
from pipeline.node import Value

NOISE = 0.005
BORDER = 32
PSFS = {"camera shake 19 px": shake(17, 2, 19), "gaussian 1.5 px": gaussian(1.5)}
QUALITIES = ("fast", "normal", "clean")
ITERATIONS = (10, 20, 30)
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
# Photographs reach this far beyond the picture that is deconvolved: as far as inverse filters do.
BEYOND = 160


def main() -> None:
    scene = linear_photographs(1024 + 2 * BEYOND)
    inside = np.s_[BEYOND:-BEYOND, BEYOND:-BEYOND]
    sharp = scene[inside]
    for name, psf in PSFS.items():
        noise = np.random.default_rng(1).normal(0, NOISE, scene.shape)
        around = np.asarray(blur(scene, psf) + noise, np.float32)
        blurred = around[inside].copy()
        print(f"{name}, noise {NOISE:.1%}: PSNR whole, inside, border; seconds; one thread")
        report("blurred", lambda picture: picture, blurred, sharp)
        for quality in QUALITIES:
            report(f"unblur, {quality}", ours(psf, quality), blurred, sharp)
        for quality in QUALITIES:
            print_row(f"{quality}, borders known", ours(psf, quality)(around)[inside], sharp)
        for factor in FACTORS:
            report(f"total variation, x {factor}", total_variation(psf, factor), blurred, sharp)
        for count in ITERATIONS:
            report(
                f"richardson_lucy, {count}",
                channelwise(richardson_lucy(psf, count)),
                blurred,
                sharp,
            )
        report("unsupervised_wiener", channelwise(wiener(psf)), blurred, sharp)
        print()


def report(
    name: str,
    method: Callable[[NDArray[np.float32]], NDArray[Any]],
    blurred: NDArray[np.float32],
    sharp: NDArray[np.float32],
) -> None:
    """Run a method twice, time the second, and print a row."""
    method(blurred[:256, :256])
    if name.startswith("unblur"):
        method(blurred)  # plans for the tile's size are kept between runs
    began = time.perf_counter()
    found = method(blurred)
    print_row(name, found, sharp, time.perf_counter() - began)


def print_row(
    name: str, found: NDArray[Any], sharp: NDArray[np.float32], seconds: float | None = None
) -> None:
    inner = np.s_[BORDER:-BORDER, BORDER:-BORDER]
    rim = np.full(sharp.shape[:2], True)
    rim[inner] = False
    parts = (np.s_[:], inner, rim)
    figures = "".join(f"{psnr(found[part], sharp[part]):7.2f}" for part in parts)
    if seconds is not None:
        figures += f"{seconds:8.2f}"
    print(f"  {name:<22}{figures}", flush=True)


def ours(psf: NDArray[np.float32], quality: str) -> Callable[[Any], NDArray[Any]]:
    """Run the node on one worker."""

    def run(blurred: NDArray[np.float32]) -> NDArray[Any]:
        facts: Any = {"encoding": "linear", "bit_depth": 32}
        inputs = {
            "image": Value("image", {"pixels": blurred}, facts),
            "psf": Value("psf", {"psf": psf}),
        }
        params = Deconvolve.Params(quality=quality)  # type: ignore[arg-type]
        return np.asarray(Deconvolve().run(params, inputs, MemoryContext(1)).arrays["pixels"])

    return run


def total_variation(psf: NDArray[np.float32], factor: float) -> Callable[[Any], NDArray[Any]]:
    """Run the solver with p = 1, its weight so many times the node's own."""

    def run(blurred: NDArray[np.float32]) -> NDArray[Any]:
        schedule, reach = settle_schedule(Deconvolve.Params(), Light(NOISE), psf)
        changed = replace(
            schedule,
            exponent=1.0,
            fidelity=factor * schedule.fidelity,
            betas=growing_betas(2.2, 5.0, 600.0, 7),
            blocks=(),
        )
        return solve(blurred, psf, changed, reach.halo, 1)[1]

    return run


def channelwise(
    method: Callable[[NDArray[np.float32]], NDArray[Any]],
) -> Callable[[NDArray[np.float32]], NDArray[Any]]:
    """Apply a method of grey pictures to each channel."""
    return lambda picture: np.stack([method(picture[..., c]) for c in range(3)], axis=-1)


def richardson_lucy(psf: NDArray[np.float32], count: int) -> Callable[[Any], NDArray[Any]]:
    """scikit-image's Richardson-Lucy; values below 0 would break it, so they are clipped."""
    return lambda plane: skimage.restoration.richardson_lucy(
        np.maximum(plane, 1e-6), psf, num_iter=count, clip=False
    )


def wiener(psf: NDArray[np.float32]) -> Callable[[Any], NDArray[Any]]:
    """scikit-image's unsupervised Wiener filter, seeded."""
    return lambda plane: skimage.restoration.unsupervised_wiener(
        plane, psf, clip=False, rng=np.random.default_rng(1)
    )[0]


def psnr(found: NDArray[Any], sharp: NDArray[Any]) -> float:
    """Peak signal-to-noise ratio, full scale 1."""
    return float(-10 * np.log10(np.mean((found - sharp) ** 2)))


if __name__ == "__main__":
    main()

"""Deconvolution of blurred JPEGs with the true PSF.

Windows of 255 px of six colour photographs, blurred by three camera shakes, a gaussian and a disc,
given noise and saved as JPEG. Printed, for each quality, are mean and least gains of PSNR, in dB,
over the compressed picture: of unblur; of the same method if it goes by the noise of quiet places,
alike in all channels, as if JPEG had left no other; of scikit-image's Richardson-Lucy, the best of
5, 10 and 20 iterations; and of unblur on the picture before it was compressed.

    python benchmarks/jpeg.py [fast|normal|clean]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import cast

import numpy as np
from _photographs import compress, load_window
from deconvolve_quality import channelwise, richardson_lucy
from numpy.typing import NDArray
from seams import solve

from nodes.deconvolve import Deconvolve, Quality, settle_schedule
from numerics.blur import blur_valid
from numerics.light import Light
from numerics.make_psf import disc, gaussian, shake
from numerics.noise import estimate_noise

Picture = NDArray[np.float32]

SIDE = 255
BORDER = 20
NAMES = ("astronaut", "chelsea", "coffee", "motorcycle", "rocket", "retina")
PSFS = {
    "shake 13": shake(11, 3, 13),
    "shake 19": shake(17, 2, 19),
    "shake 27": shake(25, 1, 27),
    "gaussian 1.5": gaussian(1.5),
    "disc 3": disc(3.0),
}
LARGEST = 27
NOISES = (0.0, 0.005, 0.02)
# Quality and, as cameras do, whether the chroma has half the size.
SETTINGS = ((97, "444"), (92, "420"), (80, "420"))
ITERATIONS = (5, 10)
METHODS = ("unblur", "quiet places", "RL", "not compressed")


def main(quality: Quality) -> None:
    print(f"{quality}: gain over the compressed picture, dB, mean / least of 30")
    print(f"{'':<28}" + "".join(f"{method:>18}" for method in METHODS))
    for noise, (level, chroma) in product(NOISES, SETTINGS):
        gains = np.array(list(measure(noise, level, chroma, quality)))
        cells = zip(gains.mean(axis=0), gains.min(axis=0), strict=True)
        label = f"noise {noise:.1%}, JPEG {level} {chroma}"
        row = "".join(f"{f'{mean:.2f} / {least:.2f}':>18}" for mean, least in cells)
        print(f"{label:<28}{row}", flush=True)


def measure(noise: float, level: int, chroma: str, quality: Quality) -> Iterator[list[float]]:
    """Give the gains of each method, for one case after another."""
    for name, (psf_name, psf) in product(NAMES, PSFS.items()):
        margin = psf.shape[0] // 2
        around = load_window(name, SIDE + LARGEST - 1)
        spare = (LARGEST - 1) // 2
        wide = slice(spare - margin, spare + SIDE + margin)
        sharp = around[spare : spare + SIDE, spare : spare + SIDE]
        random = np.random.default_rng(len(name + psf_name))
        blurred = blur_valid(around[wide, wide], psf)
        noisy = (blurred + random.normal(0, noise, blurred.shape)).astype(np.float32)
        taken = compress(noisy, level, chroma)
        light = Light.measure([taken])
        of_quiet = float(np.sqrt(np.mean(estimate_noise([taken]) ** 2)))
        found = [
            deconvolve(taken, psf, light, quality),
            deconvolve(taken, psf, replace(light, noise=of_quiet, shares=()), quality),
            *(channelwise(richardson_lucy(psf, count))(taken) for count in ITERATIONS),
            deconvolve(noisy, psf, Light.measure([noisy]), quality),
        ]
        before = psnr(taken, sharp)
        unblur, quiet, *peers, limit = (psnr(picture, sharp) - before for picture in found)
        yield [unblur, quiet, max(peers), limit]


def deconvolve(picture: Picture, psf: Picture, light: Light, quality: Quality) -> Picture:
    """Apply unblur's method to what is known of a picture's light."""
    schedule, reach = settle_schedule(Deconvolve.Params(quality=quality), light, psf)
    return solve(picture, psf, schedule, reach.halo, 1, light.shares)[1]


def psnr(found: Picture, sharp: Picture) -> float:
    """PSNR of the inside, dB."""
    inside = np.s_[BORDER:-BORDER, BORDER:-BORDER]
    return float(-10 * np.log10(np.mean((found - sharp)[inside] ** 2)))


if __name__ == "__main__":
    main(cast("Quality", (sys.argv[1:] or ["normal"])[0]))

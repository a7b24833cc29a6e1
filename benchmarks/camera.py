"""Deconvolution and PSF estimation on pictures as cameras take them.

Windows of 255 px of six colour photographs, blurred by a camera shake, a gaussian and a disc, seen
by a sensor through a mosaic, with noise that grows with the light, and demosaiced in two ways (see
`_sensor`). Noise is that of green at medium gray; where light is white it is twice as much, in red
and blue more. Printed are mean and least gains of PSNR, in dB, over the picture taken: of unblur
with the true PSF; of the same method if it goes by the noise of quiet places, alike in all
channels, as if that were white; of scikit-image's Richardson-Lucy with the true PSF, the best of 5
and 10 iterations; and of unblur with the PSF that it estimates. Then, how many blurred pictures
were left alone, how many sharp ones were not, and what these gained: demosaicing softens by itself.
With ``--jpeg`` all were saved as JPEG of that quality before, chroma at half size.

    python benchmarks/camera.py [fast|normal|clean] [--jpeg 92] [--windows astronaut,coffee]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
from _in_memory import MemoryContext
from _photographs import compress, load_window
from _sensor import Way, take
from deconvolve_quality import channelwise, richardson_lucy
from jpeg import NAMES, deconvolve
from numpy.typing import NDArray

from nodes.estimate_psf import EstimatePsf
from numerics.blur import blur
from numerics.light import Light
from numerics.make_psf import disc, gaussian, shake
from numerics.metrics import find_shift, move, psnr
from numerics.noise import estimate_noise
from numerics.sample import EstimateError
from pipeline.node import Value

Picture = NDArray[np.float32]

SIDE = 255
BORDER = 20
MARGIN = 24
PSFS = {"shake 15": shake(13, 2, 15), "gaussian 1.5": gaussian(1.5), "disc 3": disc(3.0)}
NOISES = (0.003, 0.01, 0.02)
WAYS: tuple[Way, ...] = ("bilinear", "malvar")
ITERATIONS = (5, 10)
SIZE = 25
METHODS = ("unblur", "quiet places", "RL", "estimated")


def main() -> None:
    options = parse_options()
    print(f"{options.quality}: gain over the picture taken, dB, mean / least")
    print(f"{'':<28}" + "".join(f"{method:>18}" for method in METHODS))
    missed, of_sharp = 0, []
    for noise, way in product(NOISES, WAYS):
        gains = []
        for name, (psf_name, psf) in product(options.windows, PSFS.items()):
            taken, sharp = photograph(name, psf, noise, way, options.jpeg)
            found = estimate(taken)
            missed += found is None
            gains.append(list(measure(taken, sharp, psf, found, options.quality)))
            if options.all:
                print(f"  {name} {psf_name}", np.round(gains[-1], 2), flush=True)
        for name in options.windows:
            taken, sharp = photograph(name, None, noise, way, options.jpeg)
            if (found := estimate(taken)) is not None:
                light = Light.measure([taken])
                result = deconvolve(taken, found, light, options.quality)
                of_sharp.append(judge(result, sharp) - judge(taken, sharp))
        table = np.array(gains)
        cells = zip(table.mean(axis=0), table.min(axis=0), strict=True)
        row = "".join(f"{f'{mean:.2f} / {least:.2f}':>18}" for mean, least in cells)
        print(f"{f'noise {noise:.1%}, {way}':<28}{row}", flush=True)
    count = len(NOISES) * len(WAYS) * len(options.windows)
    print(f"blurred pictures left alone: {missed} of {count * len(PSFS)}")
    print(f"sharp pictures sharpened: {len(of_sharp)} of {count}", end="")
    print(f", gain {np.mean(of_sharp):.2f} / {min(of_sharp):.2f}" if of_sharp else "")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("quality", nargs="?", default="normal")
    parser.add_argument("--windows", type=lambda names: names.split(","), default=list(NAMES))
    parser.add_argument("--jpeg", type=int, help="quality, 1 to 100; not compressed by default")
    parser.add_argument("--all", action="store_true", help="print every case")
    return parser.parse_args()


def photograph(
    name: str, psf: Picture | None, noise: float, way: Way, jpeg: int | None
) -> tuple[Picture, Picture]:
    """Give a window as the camera took it, and as it was before the blur."""
    around = load_window(name, SIDE + 2 * MARGIN)
    blurred = around if psf is None else blur(around, psf)
    taken = take(blurred, noise, way, seed=len(name))
    inside = np.s_[MARGIN:-MARGIN, MARGIN:-MARGIN]
    taken = np.ascontiguousarray(taken[inside])
    return taken if jpeg is None else compress(taken, jpeg, "420"), around[inside]


def measure(
    taken: Picture, sharp: Picture, psf: Picture, found: Picture | None, quality: str
) -> Iterator[float]:
    light = Light.measure([taken])
    of_quiet = float(np.sqrt(np.mean(estimate_noise([taken]) ** 2)))
    before = judge(taken, sharp)
    yield judge(deconvolve(taken, psf, light, quality), sharp) - before  # type: ignore[arg-type]
    believed = replace(light, noise=of_quiet, shares=())
    yield judge(deconvolve(taken, psf, believed, quality), sharp) - before  # type: ignore[arg-type]
    peers = (channelwise(richardson_lucy(psf, count))(taken) for count in ITERATIONS)
    yield max(judge(peer, sharp) - before for peer in peers)
    if found is None:
        yield 0.0
    else:
        yield judge(deconvolve(taken, found, light, quality), sharp) - before  # type: ignore[arg-type]


def estimate(taken: Picture) -> Picture | None:
    """Estimate the PSF as the node does; None if it leaves the picture alone."""
    image = Value("image", {"pixels": taken}, {"encoding": "linear", "bit_depth": 32})
    try:
        found = EstimatePsf().run(EstimatePsf.Params(size=SIZE), {"image": image}, MemoryContext(1))
    except EstimateError:
        return None
    if found.details["result"] != "estimated":
        return None
    return np.asarray(found.arrays["psf"])


def judge(picture: Picture, sharp: Picture) -> float:
    """PSNR of the inside at the best shift, dB: estimated PSFs tell no place."""
    shift = find_shift(picture.mean(axis=2), sharp.mean(axis=2))
    inside = np.s_[BORDER:-BORDER, BORDER:-BORDER]
    return psnr(move(picture, shift)[inside], sharp[inside])


if __name__ == "__main__":
    main()

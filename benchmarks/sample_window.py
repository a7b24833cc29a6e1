"""Where ``center: auto`` looks, and how long it takes.

Quality: photographs of scikit-image's wheel, 192 px of each put into surroundings that tell
nothing (flat, noise, stripes, burnt out, dark); how often the window chosen lies on the
photograph, beside one chosen by the variance of the light, and one by the mean power of its slope.
Use: whole photographs, shaken, noise 0.5 %; the PSF estimated on the window chosen, on the middle
one and on one anywhere: its correlation with the true one at the best shift, 1 is perfect. (The
photographs are small, with their subject in the middle.)
Speed: a picture of 36 Mpix in memory, in seconds.

    python benchmarks/sample_window.py
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import skimage.data
from _in_memory import MemoryContext, linear_photographs
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from nodes.crop import Crop
from nodes.estimate_psf import EstimatePsf
from nodes.image import Image
from numerics.blur import blur
from numerics.make_psf import shake
from numerics.sample_window import block_side, choose_window, measure_blocks

SIDE = 128
PART = 192
SAMPLE = 191
SHAPE = (1024, 1024)
Picture = NDArray[np.float32]


def main() -> None:
    print_found()
    if "--no-psf" not in sys.argv:
        print_psfs()
    print_speed()


def photographs() -> Iterator[tuple[str, Picture]]:
    for name in ("astronaut", "coffee", "chelsea", "rocket"):
        yield name, ((getattr(skimage.data, name)() / 255.0) ** 2.2).astype(np.float32)


def print_found() -> None:
    print(f"{'surroundings':<14}{'auto':>8}{'variance':>10}{'slope':>8}   of 12 windows found")
    ways: dict[str, Callable[[Picture], tuple[int, int]]] = {
        "auto": by_information,
        "variance": by_variance,
        "slope": by_slope,
    }
    for around in ("flat", "noise 3 %", "noise 10 %", "stripes", "burnt out", "dark"):
        found = dict.fromkeys(ways, 0)
        for trial, (_, photo) in enumerate(list(photographs()) * 3):
            picture, place = hidden(photo, around, trial)
            for name, way in ways.items():
                found[name] += is_on(way(picture), place)
        print(f"{around:<14}{found['auto']:8d}{found['variance']:10d}{found['slope']:8d}")


def hidden(photo: Picture, around: str, seed: int) -> tuple[Picture, tuple[int, int]]:
    """Put a part of a photograph somewhere into surroundings; where its middle lies, (y, x)."""
    random = np.random.default_rng(seed)
    shape = (*SHAPE, 3)
    level = random.uniform(0.2, 0.6)
    if around == "stripes":
        turn = random.uniform(0, np.pi)
        rows, columns = np.indices(SHAPE)
        wave = np.sin((np.cos(turn) * columns + np.sin(turn) * rows) / 4)
        picture = np.repeat((0.4 + 0.3 * wave)[:, :, None], 3, axis=2)
    elif around in ("burnt out", "dark"):
        tiled = np.tile(photo[:256, :256], (4, 4, 1))
        picture = np.minimum(tiled * 4, 1.0) if around == "burnt out" else tiled * 0.005
    else:
        deviation = {"flat": 0.0, "noise 3 %": 0.03, "noise 10 %": 0.1}[around]
        picture = level + deviation * random.standard_normal(shape)
    top, left = (random.integers(0, n - PART) for n in SHAPE)
    start = tuple((n - PART) // 2 for n in photo.shape[:2])
    part = photo[start[0] : start[0] + PART, start[1] : start[1] + PART]
    picture[top : top + PART, left : left + PART] = part
    if around in ("burnt out", "dark", "stripes"):
        picture = picture + 0.004 * random.standard_normal(shape)
    return np.clip(picture, 0, 1).astype(np.float32), (top + PART // 2, left + PART // 2)


def is_on(middle: tuple[int, int], place: tuple[int, int]) -> bool:
    return all(abs(a - b) <= PART // 2 for a, b in zip(middle, place, strict=True))


def by_information(picture: Picture) -> tuple[int, int]:
    side = block_side((SIDE, SIDE))
    window = choose_window(measure_blocks(picture, side), side, SHAPE, (SIDE, SIDE))
    return window.top + SIDE // 2, window.left + SIDE // 2


def by_variance(picture: Picture) -> tuple[int, int]:
    light = picture.mean(axis=2, dtype=np.float64)
    return highest(window_means(light**2) - window_means(light) ** 2)


def by_slope(picture: Picture) -> tuple[int, int]:
    light = picture.mean(axis=2, dtype=np.float64)
    down, along = np.gradient(light)
    return highest(window_means(down**2 + along**2))


def window_means(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over all windows of SIDE that begin at multiples of 32."""
    sums = np.pad(plane.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    tall = sums[SIDE::32] - sums[:-SIDE:32]
    return (tall[:, SIDE::32] - tall[:, :-SIDE:32]) / SIDE**2


def highest(means: NDArray[np.float64]) -> tuple[int, int]:
    row, column = np.unravel_index(int(np.argmax(means)), means.shape)
    return int(row) * 32 + SIDE // 2, int(column) * 32 + SIDE // 2


def print_psfs() -> None:
    print(f"\n{'photograph':<14}{'auto':>8}{'middle':>8}{'random':>8}   likeness of the PSF")
    context: Any = MemoryContext(1)
    sums = np.zeros(3)
    for seed, (name, photo) in enumerate(photographs()):
        psf = shake(13, seed)
        random = np.random.default_rng(seed)
        noisy = blur(photo, psf) + 0.005 * random.standard_normal(photo.shape)
        image = Image(noisy.astype(np.float32))
        height, width = (n - SAMPLE for n in photo.shape[:2])
        anywhere = [int(random.integers(n)) + SAMPLE // 2 for n in (width, height)]
        likeness = []
        for center in ("auto", None, anywhere):
            params = Crop.Params.model_validate({"center": center, "size": SAMPLE})
            sample = Crop().run(params, {"image": image.value()}, context)
            found = EstimatePsf().run(EstimatePsf.Params(size=19), {"image": sample}, context)
            likeness.append(similarity(found.arrays["psf"][:, :], psf))
        sums += likeness
        print(f"{name:<14}{''.join(f'{value:8.3f}' for value in likeness)}", flush=True)
    print(f"{'mean':<14}{''.join(f'{value / 4:8.3f}' for value in sums)}")


def similarity(found: NDArray[Any], psf: NDArray[Any]) -> float:
    """Largest normalised correlation of two PSFs over all shifts."""
    correlation = fftconvolve(found, psf[::-1, ::-1])
    return float(correlation.max() / np.sqrt((found**2).sum() * (psf**2).sum()))


def print_speed() -> None:
    part = linear_photographs(1024)
    picture = np.tile(part, (5, 8, 1))[:4912, :7360]
    for workers in (1, 2):
        context: Any = MemoryContext(workers)
        params = Crop.Params(center="auto")
        began, used = time.perf_counter(), time.process_time()
        value = Crop().run(params, {"image": Image(picture).value()}, context)
        seconds, cpu = time.perf_counter() - began, time.process_time() - used
        print(
            f"\n36 Mpix, {workers} threads: {seconds:.2f} s ({cpu:.2f} s of processor time), "
            f"center {value.details['center']}"
        )


if __name__ == "__main__":
    main()

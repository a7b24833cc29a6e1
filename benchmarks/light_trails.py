"""Blind PSF estimation at night, on trails of small lights.

Windows of 300 px of scikit-image's photographs, an eighth as bright as they are, get 25 lights of
1 to 4 px on a side, are shaken, given noise of 0.5 % of full scale and clipped as a sensor does.
Printed are gains of PSNR over the blurred picture, in dB, of what is seen (from black to white) at
the best shift: by the PSF that the node finds, with all its defaults but the size, and by the true
one; how it was found; its confidence. Then the same scenes without a shake, where no trails may be
found.

    python benchmarks/light_trails.py [fast|normal|clean]
"""

from __future__ import annotations

import sys
from typing import cast

import numpy as np
from _in_memory import MemoryContext
from _photographs import load_window
from numpy.typing import NDArray

from nodes.deconvolve import Deconvolve, Quality
from nodes.estimate_psf import EstimatePsf
from numerics.blur import blur
from numerics.channel_mix import mix_channels
from numerics.light_trails import find_trails
from numerics.make_psf import shake
from numerics.metrics import find_shift, move, psnr
from numerics.sample import EstimateError
from pipeline.node import Value

Picture = NDArray[np.float32]

SIDE, SPARE, BORDER = 300, 20, 24
NAMES = ("astronaut", "chelsea", "coffee", "motorcycle", "rocket", "retina", "camera", "fur")
SHAKES = {"13 px": shake(11, 3, 13), "19 px": shake(17, 2, 19), "27 px": shake(25, 1, 27)}
SIZE = 31
DARKNESS = 8
LIGHTS, LARGEST_LIGHT = 25, 4
POWERS = (0.8, 30.0)
NOISE = 0.005
LARGEST_LOSS = -0.2


def main(quality: Quality) -> None:
    print(f"{quality}\n{'':<24}{'found':>8}{'known':>8}   by")
    gains = []
    for number, name in enumerate(NAMES):
        scene = night(name, number)
        for shake_name, psf in SHAKES.items():
            taken = photograph(blur(scene, psf), number)
            sharp = inner(scene)
            value, by = find(taken)
            before = seen(taken, sharp)
            found = seen(deconvolve(taken, value, quality), sharp) - before
            known = seen(deconvolve(taken, Value("psf", {"psf": psf}), quality), sharp) - before
            gains.append((found, known))
            print(f"{name + ', ' + shake_name:<24}{found:8.2f}{known:8.2f}   {by}", flush=True)
    found, known = np.mean(gains, axis=0)
    losses = sum(gain < LARGEST_LOSS for gain, _ in gains)
    print(f"mean {found:.2f} dB of {known:.2f}, {found / known:.0%}; worse than before: {losses}")
    sharp_ones = [photograph(night(name, number), number) for number, name in enumerate(NAMES)]
    seen_in = sum(find_trails(*strongest(taken)) is not None for taken in sharp_ones)
    print(f"trails found in sharp ones: {seen_in} of {len(sharp_ones)}")


def night(name: str, seed: int) -> Picture:
    """Make a dark scene with small lights, some of them far brighter than white."""
    scene = load_window(name, SIDE + 2 * SPARE) / DARKNESS
    scene = np.repeat(scene, 3, axis=2) if scene.shape[2] == 1 else scene.copy()
    random = np.random.default_rng(seed)
    for _ in range(LIGHTS):
        y, x = random.integers(LARGEST_LIGHT, scene.shape[0] - 2 * LARGEST_LIGHT, 2)
        side = random.integers(1, LARGEST_LIGHT + 1)
        power = 3 * np.exp(random.uniform(*np.log(POWERS))) * random.uniform(0.4, 1, 3)
        scene[y : y + side, x : x + side] += (power / side**2).astype(np.float32)
    return scene


def photograph(scene: Picture, seed: int) -> Picture:
    """Cut what lies beyond the picture, add noise, clip."""
    inside = inner(scene)
    noise = np.random.default_rng(seed).normal(0, NOISE, inside.shape)
    return np.clip(inside + noise, 0, 1).astype(np.float32)


def inner(scene: Picture) -> Picture:
    return scene[SPARE:-SPARE, SPARE:-SPARE]


def find(taken: Picture) -> tuple[Value, str]:
    """Estimate the PSF, and tell how; a point where the node refuses."""
    image = Value("image", {"pixels": taken})
    try:
        value = EstimatePsf().run(EstimatePsf.Params(size=SIZE), {"image": image}, MemoryContext(1))
    except EstimateError as error:
        point = np.ones((1, 1), np.float32)
        return Value("psf", {"psf": point}), f"refused: {str(error).partition(':')[0]}"
    details = value.details
    by = details["start"] if details["result"] == "estimated" else details["result"]
    return value, f"{by}, {details['kind']}, sure {details['confidence']:.2f}"


def strongest(taken: Picture) -> tuple[Picture, NDArray[np.bool_]]:
    mixes = mix_channels(taken)
    return mixes.planes[0], mixes.known


def deconvolve(taken: Picture, psf: Value, quality: Quality) -> Picture:
    inputs = {"image": Value("image", {"pixels": taken}, {"encoding": "linear"}), "psf": psf}
    result = Deconvolve().run(Deconvolve.Params(quality=quality), inputs, MemoryContext(1))
    return np.asarray(result.arrays["pixels"])


def seen(picture: Picture, sharp: Picture) -> float:
    """PSNR of what is seen, at the best shift."""
    picture, sharp = np.clip(picture, 0, 1), np.clip(sharp, 0, 1)
    shift = find_shift(picture.mean(axis=2), sharp.mean(axis=2))
    inside = np.s_[BORDER:-BORDER, BORDER:-BORDER]
    return psnr(move(picture, shift)[inside], sharp[inside])


if __name__ == "__main__":
    main(cast("Quality", (sys.argv[1:] or ["normal"])[0]))

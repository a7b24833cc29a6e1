"""What JPEG's rounding adds to a picture: whether, how strong it is, and its power spectrum.

JPEG rounds the cosine transform of 8 x 8 blocks. Where a picture is flat this takes its noise away;
where it is not, it adds noise of its own, which no quiet part of the picture shows. The finest
waves of the blocks are rounded most, mostly to nothing: of eight ways to cut a picture into blocks
one has less of them than the others. Neighbouring blocks are rounded apart from each other, so that
steps are left between them: they tell how strong that noise is, and without JPEG there are none.

References
----------
Wallace, The JPEG still picture compression standard, Communications of the ACM 34, 1991.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.noise import coarse_noise, estimate_noise

Plane = NDArray[np.float32]
Picture = NDArray[np.float32]
Vector = NDArray[np.float64]

_BLOCK = 8
# Of blurred detail hardly anything is left in third differences.
_ORDER = 3
# Of a row of blocks so many places are away from the steps, which the difference sees thrice.
_INSIDE = _BLOCK - _ORDER
# The strongest edges say nothing of the steps.
_EDGES = 98
# By chance a place has so much more than the others.
_CHANCE = 1.15
# On eleven photographs under strong blur, quality 75 to 90: power at 0.35 cycles per pixel over
# that of the steps, and how it falls off; more along rows and columns. The same within a third.
_AT, _LEVEL, _SLOPE = 0.35, 0.031, 2.18
_CROSS, _NARROW_CROSS = 0.65, 0.32
# Blocks hold no slower waves.
_SLOWEST = 1 / _BLOCK
# The finest wave of a block, and the share of all places in which it is so weak that the picture's
# own detail does not hide what rounding did.
_FINEST = np.cos(np.pi / _BLOCK * (np.arange(_BLOCK) + 0.5) * (_BLOCK - 1)).astype(np.float32)
_WEAKEST = 0.3
# Fewer pixels on a side hold too few blocks.
_SMALLEST = 32
# Power that float32 leaves of a flat place, and what is taken for the least, as a share of the
# weakest, where rounding left nothing at all.
_FLAT, _LEAST = 1e-12, 1e-3
# By how much the least must lie below the next, times the root of the number of places along an
# axis at which blocks may begin: twice what there is on pictures that were not compressed. Patterns
# of 2 or 4 px, as sensors leave, have several that are least.
_SIGNIFICANT = 2.5
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
# Of noise, the finest waves of which were rounded away, so much more is left at half size. Where
# there is more yet, that is texture.
_MOST_AT_HALF_SIZE = 2.5
# Cameras demosaic before they compress: at a quarter of the size, where that leaves all of the
# noise, there may be so much more again.
_MOST_AT_QUARTER_SIZE = 1.5
# Root mean square of the noise over that of the steps. On six photographs with five blurs, quality
# 80 to 92, chroma whole or halved: best for the picture within a factor of 1.5.
_NOISE_OF_STEPS = 0.5


def is_compressed(samples: Sequence[Picture]) -> bool:
    """Tell whether JPEG rounded away fine waves of a picture, wherever its grid lies.

    Parameters
    ----------
    samples : sequence of (h, w, channel) float32
        Linear light, best of 128 px and more. Parts of one picture, whole blocks apart.

    Returns
    -------
    bool
        False, too, where noise is so strong that rounding hardly changed it, and if a sample is
        smaller than 32 px. True, too, for pictures that were enlarged by 8/7 or 8/5, whose noise
        lacks the finest waves as well.
    """
    if min(min(sample.shape[:2]) for sample in samples) < _SMALLEST:
        return False
    planes = [_luma(sample) for sample in samples]
    gap = np.mean([_gap_along(planes, axis) for axis in (0, 1)])
    count = sum(plane.size for plane in planes) / _BLOCK
    return bool(gap > 1 + _SIGNIFICANT / np.sqrt(count))


def _luma(sample: Picture) -> Plane:
    """Give what JPEG stores in whole, nearly: files are written by curves like the square root."""
    coded = np.sqrt(np.maximum(sample, 0))
    return coded @ _LUMINANCE if coded.shape[2] == _LUMINANCE.size else coded.mean(axis=2)


def _gap_along(planes: Sequence[Plane], axis: int) -> float:
    """Power of the finest waves of the blocks that have next to least of them, over the least."""
    rows = [np.moveaxis(plane, axis, 0) for plane in planes]
    power = [
        sum(factor * row[n : len(row) - _BLOCK + 1 + n] for n, factor in enumerate(_FINEST)) ** 2
        for row in rows
    ]
    seen = np.concatenate([part[part > _FLAT] for part in power])
    if seen.size == 0:
        return 1.0
    weakest = np.quantile(seen, _WEAKEST)
    power = [np.minimum(part, weakest) for part in power]
    places = [np.mean([part[first::_BLOCK].mean() for part in power]) for first in range(_BLOCK)]
    least, second, *_ = np.sort(places)
    return float(second / max(least, _LEAST * weakest))


def jpeg_deviation(samples: Sequence[Picture]) -> Vector:
    """Estimate the standard deviation of what is wrong in each channel of a compressed picture.

    It has two parts, of which the larger counts: the noise of the picture's coarse waves, and what
    rounding added, told by the steps between blocks.

    Parameters
    ----------
    samples : sequence of (h, w, channel) float32
        As of `is_compressed`.

    Returns
    -------
    (channel,) float64
        In the unit of the pixels.
    """
    steps = [
        block_steps([sample[..., channel] for sample in samples])
        for channel in range(samples[0].shape[2])
    ]
    most = _MOST_AT_QUARTER_SIZE * noise_before_rounding(samples)
    coarse = np.minimum(coarse_noise(samples, halvings=2), most)
    noise = np.maximum(estimate_noise(samples), coarse)
    return np.maximum(noise, _NOISE_OF_STEPS * np.sqrt(steps))


def noise_before_rounding(samples: Sequence[Picture]) -> Vector:
    """Estimate the noise that each channel had before JPEG rounded away its finest waves.

    At half size, where white noise has half its standard deviation, it is there still.

    Parameters
    ----------
    samples : sequence of (h, w, channel) float32
        Linear light, 36 px or more on a side to count.

    Returns
    -------
    (channel,) float64
        Standard deviation, in the unit of the pixels.
    """
    return np.minimum(coarse_noise(samples), _MOST_AT_HALF_SIZE * estimate_noise(samples))


def block_steps(samples: Sequence[Plane]) -> float:
    """Measure the power of the steps between JPEG's blocks, wherever their grid lies.

    Parameters
    ----------
    samples : sequence of (h, w) float32
        Linear light, sides of 32 px or more. Parts of one picture, whole blocks apart.

    Returns
    -------
    float
        Mean square of the third difference that is there and not inside of blocks, of both
        directions; 0 for pictures that were not compressed.
    """
    return 2 * min(_steps_along(samples, axis) for axis in (0, 1))


def _steps_along(samples: Sequence[Plane], axis: int) -> float:
    places = np.sort(np.mean([_roughness(sample, axis) for sample in samples], axis=0))
    return max(0.0, float(places[-1] - _CHANCE * np.median(places[:_INSIDE])))


def _roughness(sample: Plane, axis: int) -> list[float]:
    """Mean square of the third difference, by the place in a block."""
    power = np.diff(sample, _ORDER, axis=axis) ** 2
    power = np.minimum(power, np.percentile(power, _EDGES))
    profile = power.mean(axis=1 - axis)
    return [float(profile[first::_BLOCK].mean()) for first in range(_BLOCK)]


def jpeg_spectrum(frequency: NDArray[Any], angle: NDArray[Any]) -> Vector:
    """Tell the power density of JPEG's noise for steps of power 1.

    Parameters
    ----------
    frequency : (n,) float64
        Cycles per pixel.
    angle : (n,) float64
        Radians; rows and columns lie at multiples of a right angle.

    Returns
    -------
    (n,) float64
    """
    fall = -_SLOPE * np.log(np.maximum(frequency, _SLOWEST) / _AT)
    cross = _CROSS * np.cos(4 * angle) + _NARROW_CROSS * np.cos(8 * angle)
    return np.asarray(_LEVEL * np.exp(fall + cross))

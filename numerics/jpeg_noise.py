"""What JPEG's rounding adds to a sample: how strong it is, and its power spectrum.

JPEG rounds the cosine transform of 8 x 8 blocks. Where a picture is flat this takes its noise away;
where it is not, it adds noise of its own, which no quiet part of the picture shows. Neighbouring
blocks are rounded apart from each other, so that steps are left between them: they tell how strong
that noise is, and without JPEG there are none.

References
----------
Wallace, The JPEG still picture compression standard, Communications of the ACM 34, 1991.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
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


def block_steps(sample: Plane) -> float:
    """Measure the power of the steps between JPEG's blocks, wherever their grid lies.

    Parameters
    ----------
    sample : (H, W) float32
        Linear light, sides of 32 px or more.

    Returns
    -------
    float
        Mean square of the third difference that is there and not inside of blocks, of both
        directions; 0 for pictures that were not compressed.
    """
    return 2 * min(_steps_along(sample, axis) for axis in (0, 1))


def _steps_along(sample: Plane, axis: int) -> float:
    power = np.diff(sample, _ORDER, axis=axis) ** 2
    power = np.minimum(power, np.percentile(power, _EDGES))
    profile = power.mean(axis=1 - axis)
    places = np.sort([profile[first::_BLOCK].mean() for first in range(_BLOCK)])
    return max(0.0, float(places[-1] - _CHANCE * np.median(places[:_INSIDE])))


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

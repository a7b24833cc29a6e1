"""Does the light of a sample reach further than a few pixels? Noise, however processed, does not.

Noise that a camera smoothed, or JPEG rounded in blocks, has a spectrum that falls, and steps that
look like edges. But it is apart from block to block, where photographs, textures too, go on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Plane = NDArray[np.float32]

LEAST_COHERENCE = 0.1
"""Noise stays below, photographs above: the least of 43 windows had 0.24, gravel."""

_BLOCK = 8
# Shades, which blur does not change, are taken off: blocks.
_SHADES = 2.0
# Too few blocks agree by chance.
_FEWEST_BLOCKS = 100


def measure_coherence(plane: Plane) -> float:
    """Correlate the means of neighbouring blocks of 8 px, shades taken off.

    Parameters
    ----------
    plane : (H, W) float32

    Returns
    -------
    float
        Of rows and columns the better correlation, -1 to 1, of all places of the grid the least:
        where JPEG's own blocks lie on the grid, what it did inside of them is averaged out. 1 for
        samples too small to tell, 0 for those without any light.
    """
    if (min(plane.shape) // _BLOCK - 1) ** 2 < _FEWEST_BLOCKS:
        return 1.0
    corner = _BLOCK // 2
    means = ndimage.uniform_filter(plane, _BLOCK)[corner : -corner + 1, corner : -corner + 1]
    places = [(down, right) for down in range(_BLOCK) for right in range(_BLOCK)]
    return min(_correlate(means[down::_BLOCK, right::_BLOCK]) for down, right in places)


def _correlate(means: Plane) -> float:
    reach = round(3 * _SHADES)
    wide = np.pad(means, reach, mode="reflect", reflect_type="odd")  # shades go on at borders
    shades = ndimage.gaussian_filter(wide, _SHADES)[reach:-reach, reach:-reach]
    rough = means - shades
    power = float(np.mean(rough**2))
    if power == 0:
        return 0.0
    pairs = (rough[1:] * rough[:-1]).mean(), (rough[:, 1:] * rough[:, :-1]).mean()
    return float(max(pairs)) / power

"""How large a blur is: how much room its PSF takes.

In more room than a PSF needs, a climb can go astray, and ends in something that fills all of it.
So smaller rooms are tried too, unless most of the largest stays empty. The power spectrum tells
which of the climbs' ends explain about as much as any. The largest room among them is believed if
its PSF does not fill it; where all are filled, nothing speaks for more than the smallest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from numerics.climb import Start, build_levels, climb, climb_cost
from numerics.grain import Grain
from numerics.psf_cleaning import psf_extent
from numerics.pyramid import STEP, scaled_psf_size
from numerics.sample import Mask, largest_size, prepare_sample, shrink_sample
from numerics.whittle import measure_spectrum, spectral_costs
from numerics.work import Check, Progress, Work

Plane = NDArray[np.float32]
Psf = NDArray[np.float32]

LARGEST_SIZE = 65
"""Largest PSF that is looked for, pixels."""

# Rooms on the shrunken sample, where a climb takes a fifth of the time; the largest one first.
_SIZES = (45, 33, 25, 17)
# A PSF that takes at most this share of its room has been given enough, one whose extent comes as
# close to it as that, pixels, fills it.
_ROOMY, _CLOSE = 0.7, 2
# Differences of the logarithm of the spectral cost that mean nothing.
_AS_GOOD = 0.15
# Pixels beyond the extent that such a climb finds; even, as sizes are odd.
_SPARE = 8


def find_size(
    blurred: Plane,
    start: Start,
    *,
    known: Mask | None = None,
    grain: Grain | None = None,
    progress: Progress | None = None,
    check: Check | None = None,
) -> int:
    """Find a size for the PSF of a sample, up to 65 px and half of the sample.

    Parameters
    ----------
    blurred : (H, W) float32
        Linear light of any range; sides of at least 32 px.
    start : Start
        Climbed from on the sample shrunk by ``sqrt(1/2)``.
    known : (H, W) bool, optional
        False for pixels to leave out since the light was clipped there.
    grain : str, optional
        See `prepare_sample`.
    progress, check : callable, optional

    Returns
    -------
    int
        Odd side, pixels; a little more than the PSF takes.

    Raises
    ------
    EstimateError
        As `prepare_sample` does.
    """
    largest = min(LARGEST_SIZE, largest_size(min(blurred.shape)))
    sample = shrink_sample(prepare_sample(blurred, largest, known, grain), STEP)
    most = min(_SIZES[0], largest_size(min(sample.plane.shape)))
    sizes = [most, *(size for size in _SIZES if size < most)]
    pyramids = [build_levels(sample, size) for size in sizes]
    efforts = [climb_cost(levels, start) for levels in pyramids]
    work = Work(sum(efforts), progress, check)
    psfs: list[Psf] = []
    for levels in pyramids:
        psfs.append(climb(levels, start, sample.noise, work))
        if psf_extent(psfs[0]) <= _ROOMY * most:
            break
    work.advance(sum(efforts[len(psfs) :]))
    spectrum = measure_spectrum(sample.plane, sample.noise, sample.known)
    believed = _choose(psfs, sizes, np.log(spectral_costs(spectrum, psfs)))
    return min(largest, scaled_psf_size(psf_extent(believed), 1 / STEP) + _SPARE)


def _choose(psfs: Sequence[Psf], rooms: Sequence[int], costs: NDArray[np.float64]) -> Psf:
    """Choose a PSF among those that climbs in several rooms ended in, the largest room first."""
    as_good = np.flatnonzero(costs <= costs.min() + _AS_GOOD).tolist()
    unfilled = [i for i in as_good if psf_extent(psfs[i]) < rooms[i] - _CLOSE]
    return psfs[unfilled[0] if unfilled else as_good[-1]]

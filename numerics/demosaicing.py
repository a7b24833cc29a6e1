"""Noise of pictures whose colours a sensor saw one at a pixel: whether, and how strong it is.

Such a sensor sees red, green or blue at each pixel of a mosaic that repeats itself every 2 px.
Demosaicing fills in what is missing from the neighbours: what was seen keeps its noise, what was
filled in has less, and of other frequencies. So the finest waves, by which noise is measured
elsewhere, show a fraction of it, while it is there in full where photographs are blurred. Its
power, which differs with the place in the mosaic, betrays it: its spectrum has a peak at two pixels
a wave, which nothing else in photographs leaves.

References
----------
Gallagher & Chen, Image authentication by detecting traces of demosaicing, CVPR 2008: the peak that
the power of interpolated pixels leaves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from numerics.noise import coarse_noise, second_differences

Picture = NDArray[np.float32]
Vector = NDArray[np.float64]

# Of all places those that are weakest count, and no place for more than the strongest of them: the
# noise is what most of them hold.
_WEAKEST = 0.5
# Around two pixels a wave, cycles per pixel: pictures that were straightened since have a mosaic
# that is a little larger here, a little smaller there. Beside it is what there is by chance.
_NEAR, _AROUND = 0.03, 0.09
# The highest of n peaks of noise that has no period is ln n - 0.3 times what is around, on average.
_BY_CHANCE = -0.3
# What is higher, of the mean over some samples, times the root of their number. Of 660 samples that
# were not demosaiced none had more than 7.3; of 90 pictures under five ways to demosaic, noise 0.3
# to 3 %, none less than 15, and enlarged by 1 % since then nine in ten of them more than 9.
_SIGNIFICANT = 9.0
# Power that float32 leaves of a flat place.
_FLAT = 1e-14
# Fewer pixels on a side hold too few mosaics.
_SMALLEST = 64
# Noise that is as harmful as white noise of a deviation, over that at half size, where it still
# falls with frequency. On six photographs under a shake and a disc, three ways to demosaic and 0.3
# to 3 % of noise, pictures were on average 0.2 to 0.5 dB below those with the best factor for each.
_AS_WHITE = 2.0


def is_demosaiced(samples: Sequence[Picture]) -> bool:
    """Tell whether the noise of a picture repeats the mosaic of a sensor.

    Parameters
    ----------
    samples : sequence of (h, w, channel) float32
        Linear light, best of 128 px and more. Parts of one picture.

    Returns
    -------
    bool
        False, too, where the picture was scaled by more than some percent or compressed since,
        and if a sample is smaller than 64 px.
    """
    if min(min(sample.shape[:2]) for sample in samples) < _SMALLEST:
        return False
    peak = np.mean([_highest_peak(sample) for sample in samples])
    return bool(peak > _BY_CHANCE + _SIGNIFICANT / np.sqrt(len(samples)))


def _highest_peak(sample: Picture) -> float:
    """Height of the peak that noise repeating itself every 2 px leaves in some channel.

    In units of what there is around it, beyond the logarithm of how many peaks there are.
    """
    height, width, channels = sample.shape
    near, around = (
        [round(share * (side - 2)) for side in (height, width)] for share in (_NEAR, _AROUND)
    )
    highest, count = 0.0, 3 * channels * (2 * near[0] + 1) * (2 * near[1] + 1)
    for channel in range(channels):
        spectrum = _spectrum_of_power(np.ascontiguousarray(sample[..., channel]))
        for down, along in ((0, 1), (1, 0), (1, 1)):
            centre = down * (height - 2) // 2, along * (width - 2) // 2
            chance = np.median(_cut(spectrum, centre, around)) / np.log(2)
            if chance > 0:
                highest = max(highest, float(_cut(spectrum, centre, near).max() / chance))
    return highest - float(np.log(count))


def _spectrum_of_power(plane: NDArray[np.float32]) -> Vector:
    """Power spectrum of where a plane has how much power of finest waves."""
    power = second_differences(plane) ** 2
    seen = power[power > _FLAT]
    if seen.size == 0:
        return np.zeros_like(power, np.float64)
    capped = np.minimum(power, np.quantile(seen, _WEAKEST))
    window = np.outer(*(np.hanning(side) for side in power.shape))
    return np.asarray(np.abs(np.fft.fft2((capped - capped.mean()) * window)) ** 2)


def _cut(spectrum: Vector, centre: tuple[int, int], reach: Sequence[int]) -> Vector:
    rows, columns = (
        np.arange(middle - far, middle + far + 1) % side
        for middle, far, side in zip(centre, reach, spectrum.shape, strict=True)
    )
    return np.asarray(spectrum[np.ix_(rows, columns)])


def demosaiced_deviation(samples: Sequence[Picture]) -> Vector:
    """Estimate the noise in each channel of a demosaiced picture.

    Parameters
    ----------
    samples : sequence of (h, w, channel) float32
        As of `is_demosaiced`.

    Returns
    -------
    (channel,) float64
        Standard deviation of white noise that does as much harm, in the unit of the pixels.
    """
    return _AS_WHITE * coarse_noise(samples)

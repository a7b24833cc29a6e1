"""Noise of pictures whose colours a sensor saw one at a pixel: whether, and how strong it is.

Such a sensor sees red, green or blue at each pixel of a mosaic that repeats itself every 2 px.
Demosaicing fills in what is missing from the neighbours: what was seen keeps its noise, what was
filled in has less, and of other frequencies. So the finest waves, by which noise is measured
elsewhere, show a fraction of it, while it is there in full where photographs are blurred. Its
power, which differs with the place in the mosaic, betrays it: nothing else in photographs repeats
itself every 2 px.

References
----------
Popescu & Farid, Exposing digital forgeries in color filter array interpolated images, IEEE Trans.
Signal Processing 53(10), 2005: demosaicing found by its traces.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from numerics.noise import coarse_noise, second_differences

Picture = NDArray[np.float32]
Vector = NDArray[np.float64]

_PERIOD = 2
# Of all places those that are weakest count, and no place for more than the strongest of them: the
# noise is what most of them hold.
_WEAKEST = 0.5
# By how much the strongest place of the mosaic exceeds the weakest, times the root of the number
# of mosaics. Of 1,700 planes that were not demosaiced none had more than 3.1; of 90 pictures under
# five ways to demosaic, noise 0.3 to 3 %, none less than 7 in its clearest channel.
_SIGNIFICANT = 4.5
# Power that float32 leaves of a flat place, and what is taken for the least, as a share of the
# weakest places' strongest.
_FLAT, _LEAST = 1e-14, 1e-3
# Fewer pixels on a side hold too few mosaics.
_SMALLEST = 32
# Noise that is as harmful as white noise of a deviation, over that at half size, where it still
# falls with frequency. On six photographs under a shake and a disc, three ways to demosaic and 0.3
# to 3 % of noise, pictures were on average 0.2 to 0.5 dB below those with the best factor for each.
_AS_WHITE = 2.0


def is_demosaiced(samples: Sequence[Picture]) -> bool:
    """Tell whether the noise of a picture repeats the mosaic of a sensor.

    Parameters
    ----------
    samples : sequence of (h, w, channel) float32
        Linear light, best of 128 px and more. Parts of one picture, whole mosaics of 2 px apart.

    Returns
    -------
    bool
        False, too, where the picture was turned, scaled or compressed since, and if a sample is
        smaller than 32 px.
    """
    if min(min(sample.shape[:2]) for sample in samples) < _SMALLEST:
        return False
    channels = range(samples[0].shape[-1])
    spread = max(_spread([sample[..., channel] for sample in samples]) for channel in channels)
    count = sum(sample[..., 0].size for sample in samples) / _PERIOD**2
    return bool(spread > 1 + _SIGNIFICANT / np.sqrt(count))


def _spread(planes: Sequence[NDArray[np.float32]]) -> float:
    """Power at the strongest place of the mosaic over that at the weakest."""
    powers = [second_differences(plane) ** 2 for plane in planes]
    seen = np.concatenate([power[power > _FLAT] for power in powers])
    if seen.size == 0:
        return 1.0
    weakest = np.quantile(seen, _WEAKEST)
    capped = [np.minimum(power, weakest) for power in powers]
    places = [
        np.mean([power[top::_PERIOD, left::_PERIOD].mean() for power in capped])
        for top in range(_PERIOD)
        for left in range(_PERIOD)
    ]
    return float(max(places) / max(min(places), _LEAST * weakest))


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

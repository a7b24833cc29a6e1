"""One plane of a colour sample: the mixes of its channels in which edges stand out most.

A blur that all channels share is sought on one plane. Their mean has the least noise; but in many
photographs one channel shows edges best, and in a few hardly any other does. Noise that is alike in
all channels is alike in all mixes with weights of one norm: of these, the first principal component
of the channels' derivatives has the strongest edges [1]_.

References
----------
.. [1] Di Zenzo, A note on the gradient of a multi-image, Computer Vision, Graphics, and Image
       Processing 33(1), 1986: the same over each pixel's surroundings.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numerics.sample import Mask

# Derivatives of a gaussian: edges show in them, and of white noise hardly a hundredth.
_SIGMA = 1.5
# As far as clipped light shows in that.
_NEAR_CLIPPED = np.ones((9, 9), bool)


def mix_channels(sample: NDArray[np.float32], known: Mask) -> tuple[NDArray[np.float32], ...]:
    """Weigh and add up the channels of a sample, so that edges stand out from noise, and evenly.

    Parameters
    ----------
    sample : (H, W, channel) float32
        Linear light.
    known : (H, W) bool
        False where the light was clipped; such pixels have no say in the weights.

    Returns
    -------
    tuple of (H, W) float32
        Linear light in the unit of `sample`: first the mix with the strongest edges, whose weights
        are not negative and sum to 1; then, of several channels, their mean.
    """
    strongest = np.asarray(sample @ _weights(sample, known), np.float32)
    return (strongest, sample.mean(axis=2)) if sample.shape[2] > 1 else (strongest,)


def _weights(sample: NDArray[np.float32], known: Mask) -> NDArray[np.float32]:
    counts = ndimage.binary_erosion(known, _NEAR_CLIPPED, border_value=1)
    slopes = [_differentiate(sample, order)[counts] for order in ((1, 0, 0), (0, 1, 0))]
    power = np.asarray(sum(np.tensordot(slope, slope, (0, 0)) for slope in slopes))
    if not 0 < power.trace() < np.inf:  # flat, or not finite: none stands out
        return np.full(len(power), 1 / len(power), np.float32)
    strongest = np.linalg.eigh(power)[1][:, -1]
    # Where some edges are dark in one channel and bright in another, a difference of channels would
    # show them best, and noise and clipped light even better.
    weights = np.maximum(strongest * np.sign(strongest[np.abs(strongest).argmax()]), 0)
    return np.asarray(weights / weights.sum(), np.float32)


def _differentiate(sample: NDArray[np.float32], order: tuple[int, int, int]) -> NDArray[np.float64]:
    slopes: NDArray[np.float64] = ndimage.gaussian_filter(
        np.asarray(sample, np.float64), (_SIGMA, _SIGMA, 0), order
    )
    return slopes

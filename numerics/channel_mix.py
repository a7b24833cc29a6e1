"""Planes of a colour sample: the mixes of its channels in which edges stand out most.

A blur that all channels share is sought on one plane. Their mean has the least noise; but in many
photographs one channel shows edges best, and in a few hardly any other does. Noise that is alike in
all channels is alike in all mixes with weights of one norm: of these, the first principal component
of the channels' derivatives has the strongest edges [1]_. Where some channels of a JPEG, or of a
demosaiced picture, have clearly more noise than others, they count in units of it; in other
pictures what differs may be the texture of a sharp picture. Channels that are clipped where others
are not are left out: one edge that was clipped is worth more than the noise of a whole channel.

References
----------
.. [1] Di Zenzo, A note on the gradient of a multi-image, Computer Vision, Graphics, and Image
       Processing 33(1), 1986: the same over each pixel's surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numerics.clipping import MOST_CLIPPED, Mask, find_clipped
from numerics.grain import Grain, channel_noise, find_grain

Plane = NDArray[np.float32]

# Derivatives of a gaussian: edges show in them, and of white noise hardly a hundredth.
_SIGMA = 1.5
# Share of the sample that a channel may cost. Where red was clipped in 5 to 20 %, PSFs of the other
# two were 2 to 7 dB better.
_MOST_LOST = 0.01
# Of full scale; and the ratio of noises of which the smaller is clearly the smaller.
_LEAST_NOISE, _UNLIKE = 3e-3, 1.4
# As far as clipped light shows in derivatives.
_NEAR_CLIPPED = np.ones((9, 9), bool)


@dataclass(frozen=True, slots=True, eq=False)
class Mixes:
    """A colour sample as planes, and what of it is known.

    Attributes
    ----------
    planes : tuple of (H, W) float32
        Linear light in the unit of the sample: first the mix with the strongest edges, whose
        weights are not negative and sum to 1; then, of several channels, their mean, in which
        those that have clearly more noise count less, unless it is white.
    known : (H, W) bool
        False where a channel that was used is clipped.
    used : tuple of int
        The channels; those that are clipped where others are not are not among them.
    grain : str
        What became of the noise: see `find_grain`.
    """

    planes: tuple[Plane, ...]
    known: Mask
    used: tuple[int, ...]
    grain: Grain


def mix_channels(sample: NDArray[np.float32]) -> Mixes:
    """Weigh and add up the channels of a sample so that edges stand out from noise.

    Parameters
    ----------
    sample : (H, W, channel) float32
        Linear light, 1 is white.
    """
    used, known = _choose_channels(find_clipped(sample))
    channels = sample[..., used]
    # Whoever looks at planes that are not finite will tell.
    grain = find_grain([sample]) if np.isfinite(sample).all() else "white"
    shares = _noise_shares(sample, used, grain)
    strongest = _weights(channels / shares, known) / shares
    mixed = np.asarray(channels @ (strongest / strongest.sum()), np.float32)
    if len(used) == 1:
        return Mixes((mixed,), known, tuple(used), grain)
    mean = (channels / shares).mean(axis=2) / np.float32(np.mean(1 / shares))
    return Mixes((mixed, mean), known, tuple(used), grain)


def _noise_shares(
    sample: NDArray[np.float32], used: list[int], grain: Grain
) -> NDArray[np.float32]:
    """Give the noise of some channels over the least; 1 where it is nearly alike, or white."""
    if len(used) == 1 or grain == "white":
        return np.ones(len(used), np.float32)
    noise = np.maximum(channel_noise([sample], grain), _LEAST_NOISE)[used]
    shares = noise / noise.min()
    return np.asarray(shares if shares.max() > _UNLIKE else np.ones_like(shares), np.float32)


def _choose_channels(clipped: NDArray[np.bool_]) -> tuple[list[int], Mask]:
    """Take the channel that is clipped least, and those that are clipped at hardly more places."""
    least, *rest = np.argsort(clipped.mean(axis=(0, 1)), kind="stable").tolist()
    known = ~clipped[..., least]
    if known.mean() < 1 - MOST_CLIPPED:  # white paper is no highlight
        return sorted([least, *rest]), np.full_like(known, True)
    used = [least]
    for channel in rest:
        left = known & ~clipped[..., channel]
        if known.mean() - left.mean() <= _MOST_LOST:
            known = left
            used.append(channel)
    return sorted(used), known


def _weights(sample: NDArray[np.float32], known: Mask) -> NDArray[np.float32]:
    alike = np.full(sample.shape[2], 1 / sample.shape[2], np.float32)
    if not np.isfinite(sample).all():  # whoever looks at the plane will tell
        return alike
    counts = ndimage.binary_erosion(known, _NEAR_CLIPPED, border_value=1)
    slopes = [_differentiate(sample, order)[counts] for order in ((1, 0, 0), (0, 1, 0))]
    power = np.asarray(sum(np.tensordot(slope, slope, (0, 0)) for slope in slopes))
    if power.trace() == 0:
        return alike
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

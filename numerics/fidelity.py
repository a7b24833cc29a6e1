"""How much weight the data deserve in a deconvolution, beside what is known of photographs.

By the theory it is one over the variance of the noise, whatever the blur. In practice a prior that
is right on average takes noise for edges where the inverse of the blur amplifies noise at all
frequencies alike, as that of a camera shake does, and blurs edges where it amplifies few, as that
of a lens does. So the weight falls with the light that a blur leaves to its frequencies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from numerics.otf import Blur

# Zeros of an otf must not rule the mean of its logarithm; less than this is as good as nothing.
_DARK = 1e-3
_GRID = 256


@dataclass(frozen=True, slots=True)
class FidelityRule:
    """``factor * noise^of_noise * transparency^of_transparency``.

    The powers were fitted, for one way to deconvolve, on 14 psfs (camera shakes of 9 to 25 px,
    gaussians of 0.7 to 2.5, discs of 1.5 to 5, lines of 9 and 21) at 0.3, 1 and 2 % of noise on
    three photographs: it was on average 0.05 dB below the best weight for each psf and noise,
    0.3 dB at most; one weight for all psfs was 0.3 dB below, 0.8 to 1.2 dB at most.
    """

    factor: float
    of_noise: float
    of_transparency: float

    def fidelity(self, psf: NDArray[np.float32], noise: float) -> float:
        """Weight of the data term for a psf and noise of a standard deviation, of full scale."""
        return float(self.factor * noise**self.of_noise * transparency(psf) ** self.of_transparency)


def transparency(psf: NDArray[np.float32]) -> float:
    """Geometric mean, over all frequencies, of the power that a psf lets through: 0 to 1.

    Parameters
    ----------
    psf : (h, w) or (h, w, channel) float32
    """
    side = max(_GRID, *psf.shape[:2])
    blur = Blur(psf, (side, side))
    power = np.log(blur.power[..., blur.frequencies] + _DARK)
    # A half-spectrum stands for both halves: all columns but the outer ones count twice.
    return float(np.exp(np.concatenate([power, power[..., 1:-1]], axis=-1).mean()))

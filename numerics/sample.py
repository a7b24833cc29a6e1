"""Is a sample fit to estimate a PSF on? Check it, and bring it to a common contrast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

_LEAST_SIDE = 32
# The range of the pictures that the estimator's settings were found on.
_RANGE = 0.75
# Pure noise spans 6.2 of its standard deviations between these percentiles.
_RANGE_PERCENTILES = (0.1, 99.9)
_LEAST_RANGE = 8.0


class EstimateError(ValueError):
    """The sample does not allow to estimate a PSF."""


def least_side(size: int) -> int:
    """Smallest side of a sample on which a PSF of `size` px can be estimated, pixels."""
    return max(_LEAST_SIDE, 2 * size)


def normalise_sample(blurred: Plane, size: int) -> Plane:
    """Check a sample and scale it so that its light spans 0.75, highlights aside.

    Parameters
    ----------
    blurred : (H, W) float32
        Linear light of any range.
    size : int
        Odd side of the PSF that shall be estimated, pixels, 3 or more.

    Returns
    -------
    (H, W) float32

    Raises
    ------
    EstimateError
        If `size` is even or below 3, or the sample too small for it, not finite, flat, or
        nothing but noise.
    """
    _check_size(blurred, size)
    if not np.all(np.isfinite(blurred)):
        raise EstimateError("the sample holds NaN or infinite values. Choose another window.")
    low, high = np.percentile(blurred, _RANGE_PERCENTILES)
    if high - low <= _LEAST_RANGE * _fine_noise(blurred):
        raise EstimateError(
            f"nothing to measure the blur on: the sample is flat (from {low:.4g} to {high:.4g}). "
            "Choose a window with edges."
        )
    return np.asarray(blurred * np.float32(_RANGE / (high - low)), np.float32)


def _check_size(blurred: Plane, size: int) -> None:
    if size < 3 or size % 2 == 0:
        raise EstimateError(f"size of the PSF is {size} px. Use an odd size of 3 or more.")
    least = least_side(size)
    height, width = blurred.shape
    if min(height, width) < least:
        raise EstimateError(
            f"the sample is {width} x {height} px, too small for a PSF of {size} px. "
            f"Use {least} px or more on each side, or a smaller size."
        )


def _fine_noise(plane: Plane) -> float:
    """Estimate the standard deviation of noise from mixed second differences."""
    fine = np.diff(np.diff(plane, 2, axis=0), 2, axis=1)
    return float(np.median(np.abs(fine))) / 0.6745 / 6

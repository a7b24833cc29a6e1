"""Is a sample fit to estimate a PSF on? Check it, and bring it to a common contrast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numerics.coherence import LEAST_COHERENCE, measure_coherence
from numerics.grain import Grain, find_grain
from numerics.jpeg_noise import noise_before_rounding
from numerics.noise import coarse_noise, estimate_noise
from numerics.pyramid import shrink_plane

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

_LEAST_SIDE = 32
_SMALLEST_SIZE = 3
# The range of the pictures that the estimator's settings were found on.
_RANGE = 0.75
_RANGE_PERCENTILES = (0.1, 99.9)
# Structure is what a fine gaussian leaves and a coarse one does not. White noise of deviation 1
# has 0.18 of it, and 2.8 of that at this percentile; smooth shades have almost none.
_FINE, _COARSE = 1.5, 6.0
_STRONGEST = 99.5
_NOISE_STRUCTURE = 0.18 * 2.8
_LEAST_STRUCTURE = 2.0
# Of a sample's contrast, shades and JPEG's blocks in them have up to 0.033 of it, photographs under
# a gaussian of 3 px 0.07 and more.
_LEAST_CONTRAST = 0.04
# A pixel of a coarser scale is known if so much of it is.
_KNOWN_SHARE = 0.95


class EstimateError(ValueError):
    """The sample does not allow to estimate a PSF."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What a PSF is estimated on.

    Attributes
    ----------
    plane : (H, W) float32
        Linear light that spans about 0.75, highlights aside.
    known : (H, W) bool
        False where the light was clipped.
    noise : float
        Standard deviation, in the unit of `plane`.
    grain : str
        What became of the noise: see `find_grain`.
    """

    plane: Plane
    known: Mask
    noise: float
    grain: Grain = "white"


def least_side(size: int) -> int:
    """Smallest side of a sample on which a PSF of `size` px can be estimated, pixels."""
    return max(_LEAST_SIDE, 2 * size)


def largest_size(side: int) -> int:
    """Largest odd size of a PSF, at least 3, that a sample of `side` pixels allows."""
    return max(3, (side // 2 - 1) // 2 * 2 + 1)


def prepare_sample(
    blurred: Plane, size: int, known: Mask | None = None, grain: Grain | None = None
) -> Sample:
    """Check a sample, measure its noise, and scale it so that its light spans 0.75.

    Parameters
    ----------
    blurred : (H, W) float32
        Linear light of any range.
    size : int
        Odd side of the PSF that shall be estimated, pixels, 3 or more.
    known : (H, W) bool, optional
        False where the light was clipped; all known if not given.
    grain : str, optional
        What `find_grain` found on all channels; by default it is looked for on the plane, which
        shows less of it.

    Returns
    -------
    Sample

    Raises
    ------
    EstimateError
        If `size` is even or below 3, or the sample too small for it, not finite, flat, without
        edges, or nothing but noise.
    """
    _check_size(blurred, size)
    if not np.all(np.isfinite(blurred)):
        raise EstimateError("the sample holds NaN or infinite values. Choose another window.")
    low, high = np.percentile(blurred, _RANGE_PERCENTILES)
    grain = find_grain([blurred[..., None]]) if grain is None else grain
    noise = _measure_noise(blurred, grain)
    _check_structure(blurred, float(high - low), noise)
    scale = np.float32(_RANGE / (high - low))
    known = np.full(blurred.shape, True) if known is None else known
    return Sample(np.asarray(blurred * scale, np.float32), known, float(noise * scale), grain)


def is_fit(blurred: Plane, grain: Grain | None = None) -> bool:
    """Whether a blur can be looked for on a plane, of whatever size; see `prepare_sample`."""
    try:
        prepare_sample(blurred, _SMALLEST_SIZE, grain=grain)
    except EstimateError:
        return False
    return True


def shrink_sample(sample: Sample, scale: float) -> Sample:
    """Shrink a sample by a factor in (0, 1]; its noise falls by that factor."""
    known = shrink_plane(sample.known.astype(np.float32), scale) > _KNOWN_SHARE
    return Sample(shrink_plane(sample.plane, scale), known, sample.noise * scale)


def _measure_noise(blurred: Plane, grain: Grain) -> float:
    samples = [blurred[..., None]]
    (noise,) = estimate_noise(samples)
    if grain == "compressed":
        # What rounding added by itself follows the picture's edges and says little of these places.
        noise = max(noise, *noise_before_rounding(samples))
    elif grain == "demosaiced":
        noise = max(noise, *coarse_noise(samples))
    return float(noise) or _fine_noise(blurred)


def _check_structure(blurred: Plane, contrast: float, noise: float) -> None:
    fine, coarse = (ndimage.gaussian_filter(blurred, sigma) for sigma in (_FINE, _COARSE))
    # Near its border the continuation of a shade is no shade.
    inside = slice(int(2 * _COARSE), -int(2 * _COARSE))
    structure = float(np.percentile(np.abs(fine - coarse)[inside, inside], _STRONGEST))
    least = max(_LEAST_STRUCTURE * _NOISE_STRUCTURE * noise, _LEAST_CONTRAST * contrast)
    if structure <= least:
        raise EstimateError(
            f"nothing to measure the blur on: the sample has no edges (contrast {structure:.2g} "
            f"where {least:.2g} is noise or shading). Choose a window with edges."
        )
    coherence = measure_coherence(blurred)
    if coherence < LEAST_COHERENCE:
        raise EstimateError(
            f"nothing to measure the blur on: the sample is noise (its blocks of 8 px "
            f"correlate by {coherence:.2f} with their neighbours). Choose a window with edges."
        )


def _check_size(blurred: Plane, size: int) -> None:
    if size < _SMALLEST_SIZE or size % 2 == 0:
        raise EstimateError(f"size of the PSF is {size} px. Use an odd size of 3 or more.")
    least = least_side(size)
    height, width = blurred.shape
    if min(height, width) < least:
        smaller = ", or a smaller size" if least > _LEAST_SIDE else ""
        raise EstimateError(
            f"the sample is {width} x {height} px, too small for a PSF of {size} px. "
            f"Use {least} px or more on each side{smaller}."
        )


def _fine_noise(plane: Plane) -> float:
    """Estimate the standard deviation of noise from mixed second differences."""
    fine = np.diff(np.diff(plane, 2, axis=0), 2, axis=1)
    return float(np.median(np.abs(fine))) / 0.6745 / 6

"""A pyramid of scales: which ones, and how pictures and PSFs get from one to the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numerics.psf import normalise

Plane = NDArray[np.float32]
Psf = NDArray[np.float32]

STEP = 0.5**0.5
"""Each scale over the next finer one."""

SMALLEST_PSF = 3
SMALLEST_PLANE = 20


def pyramid_scales(psf_size: int, side: int) -> list[float]:
    """Scales from the one at which the PSF spans about 3 px up to 1, coarse to fine.

    Parameters
    ----------
    psf_size : int
        Odd side of the PSF at scale 1, pixels.
    side : int
        Of the plane, pixels: no scale at which it would be below 20 px.
    """
    smallest = max(SMALLEST_PSF / psf_size, min(1, SMALLEST_PLANE / side))
    levels = round(np.log(smallest) / np.log(STEP))
    return [STEP**level for level in range(levels, -1, -1)]


def scaled_psf_size(psf_size: int, scale: float) -> int:
    """Odd size, at least 3, nearest to that of a PSF of `psf_size` at `scale`."""
    return max(SMALLEST_PSF, 2 * round((psf_size * scale - 1) / 2) + 1)


def shrink_plane(plane: Plane, scale: float) -> Plane:
    """Shrink a plane: a gaussian against aliasing, then linear interpolation.

    Parameters
    ----------
    plane : (H, W) float32
    scale : float
        In (0, 1]; the gaussian's sigma is ``0.5 sqrt(1 / scale^2 - 1)`` px.

    Returns
    -------
    (round(scale H), round(scale W)) float32
        Borders are continued by their outermost pixels.
    """
    if scale == 1:
        return plane
    soft = ndimage.gaussian_filter(plane, 0.5 * np.sqrt(scale**-2 - 1), mode="nearest")
    sides = [max(1, round(side * scale)) for side in plane.shape]
    rows, columns = (
        (np.arange(side) + 0.5) * (full / side) - 0.5
        for side, full in zip(sides, plane.shape, strict=True)
    )
    grid = np.meshgrid(rows, columns, indexing="ij")
    return np.asarray(ndimage.map_coordinates(soft, grid, order=1, mode="nearest"), np.float32)


def first_psf(size: int) -> Psf:
    """Make a PSF to begin with: half its light at the centre, half at the left neighbour."""
    psf = np.zeros((size, size), np.float32)
    psf[size // 2, size // 2 - 1 : size // 2 + 1] = 0.5
    return psf


def enlarge_psf(psf: Psf, size: int, factor: float = 1 / STEP) -> Psf:
    """Bring a PSF to a finer scale: cubic interpolation around the centre, clipped, normalised.

    Parameters
    ----------
    psf : (h, h) float32
    size : int
        Odd side of the result; what lies beyond it is lost, what is missing is 0.
    factor : float
        By how much distances grow.

    Returns
    -------
    (size, size) float32
    """
    steps = (np.arange(size) - size // 2) / factor + psf.shape[0] // 2
    grid = np.meshgrid(steps, steps, indexing="ij")
    return normalise(ndimage.map_coordinates(psf, grid, order=3, mode="constant"))

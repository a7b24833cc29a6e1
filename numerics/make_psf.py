"""Point spread functions from formulas: gaussian, disc, motion, camera shake, Airy; centring.

All return float32 planes of odd sides that sum to 1, centred at ``size // 2``. A size that is not
given is chosen large enough to hold the light; one that is given cuts off what lies beyond.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.psf import PsfError, normalise

_FIRST_ZERO = 3.8317059702075125  # of the Bessel function J1
_SHAKE_POINTS = 2048
_SHAKE_MEMORY = 0.995  # correlation of a hand's velocity from one point to the next
_SAMPLES = 64  # per pixel, where a formula is integrated over pixels by midpoints


def gaussian(sigma: float, size: int | None = None) -> NDArray[np.float32]:
    """Make a gaussian, integrated over each pixel.

    Parameters
    ----------
    sigma : float
        Standard deviation, pixels, > 0.
    size : int, optional
        Odd side, pixels; by default out to 4 sigma.

    Returns
    -------
    (size, size) float32
    """
    size = _odd(size, 4.0 * sigma)
    edges = (np.arange(size + 1) - size / 2) / (sigma * math.sqrt(2.0))
    profile = np.diff([math.erf(edge) for edge in edges])
    return normalise(np.outer(profile, profile))


def disc(radius: float, size: int | None = None) -> NDArray[np.float32]:
    """Make the disc of a defocused lens: each pixel holds the area that the circle covers.

    Parameters
    ----------
    radius : float
        Pixels, > 0, fractions count.
    size : int, optional
        Odd side, pixels; by default the smallest that holds the circle.

    Returns
    -------
    (size, size) float32
    """
    size = _odd(size, radius - 0.5)
    lines = _midpoints(size)
    half_chords = np.sqrt(np.maximum(radius**2 - lines**2, 0.0))
    edges = np.arange(size + 1) - size / 2
    # The length of each chord left of each pixel edge; differences are lengths inside pixels.
    lengths = np.diff(np.clip(edges, -half_chords[:, None], half_chords[:, None]), axis=1)
    return normalise(lengths.reshape(size, _SAMPLES, size).sum(axis=1))


def motion(length: float, angle: float, size: int | None = None) -> NDArray[np.float32]:
    """Make a straight, even movement, antialiased by sharing each point among four pixels.

    Parameters
    ----------
    length : float
        Of the path, pixels, > 0.
    angle : float
        Degrees, counter-clockwise as seen on the screen; 0 is along x.
    size : int, optional
        Odd side, pixels; by default the smallest that holds the line.

    Returns
    -------
    (size, size) float32
    """
    radians = math.radians(angle)
    along_x, along_y = math.cos(radians), -math.sin(radians)
    reach = length / 2 * max(abs(along_x), abs(along_y))
    size = _odd(size, reach)
    count = max(1, math.ceil(length * _SAMPLES))
    path = ((np.arange(count) + 0.5) / count - 0.5) * length
    return normalise(_splat(path * along_x + size // 2, path * along_y + size // 2, size))


def shake(length: float, seed: int, size: int | None = None) -> NDArray[np.float32]:
    """Make the path of an unsteady hand: a random walk of velocities that fade slowly.

    Parameters
    ----------
    length : float
        Longer side of the rectangle that the path fills, pixels, > 0.
    seed : int
        Each gives another path, the same on all machines.
    size : int, optional
        Odd side, pixels; by default the smallest that holds the path around its centroid.

    Returns
    -------
    (size, size) float32
    """
    pushes = np.random.Generator(np.random.PCG64(seed)).standard_normal((2, _SHAKE_POINTS))
    velocity = np.zeros(2)
    path = np.empty_like(pushes)
    for point in range(_SHAKE_POINTS):
        velocity = _SHAKE_MEMORY * velocity + pushes[:, point]
        path[:, point] = velocity
    path = np.cumsum(path, axis=1)
    path *= length / np.ptp(path, axis=1).max()
    path -= path.mean(axis=1, keepdims=True)
    size = _odd(size, float(np.abs(path).max()))
    return normalise(_splat(path[0] + size // 2, path[1] + size // 2, size))


def airy(radius: float, size: int | None = None) -> NDArray[np.float32]:
    """Make the diffraction pattern of a round aperture.

    Parameters
    ----------
    radius : float
        Of the first dark ring, pixels, > 0: ``1.22 * wavelength * f_number / pixel_pitch``.
    size : int, optional
        Odd side, pixels; by default out to the fourth dark ring, which holds 95 % of the light.

    Returns
    -------
    (size, size) float32
    """
    from scipy.special import j1

    size = _odd(size, 3.5 * radius)
    samples = 8
    line = (np.arange(size * samples) + 0.5) / samples - size / 2
    v = np.maximum(np.hypot(line, line[:, None]) * (_FIRST_ZERO / radius), 1e-9)
    intensity = (2.0 * j1(v) / v) ** 2
    return normalise(intensity.reshape(size, samples, size, samples).sum(axis=(1, 3)))


def centre(psf: NDArray[Any]) -> NDArray[Any]:
    """Move a psf's centroid to the middle by whole pixels; nothing is lost, the rim may grow.

    Empty rows and columns around it are cut as far as both sides allow.

    Parameters
    ----------
    psf : (h, w) or (h, w, channel)
        Any sides, >= 0, not all zero. Channels are moved together.

    Returns
    -------
    (odd, odd) or (odd, odd, channel)

    Raises
    ------
    PsfError
        If no value is positive.
    """
    plane = psf.reshape(*psf.shape[:2], -1).sum(axis=2, dtype=np.float64)
    if not plane.sum() > 0:
        raise PsfError("psf has no positive value. It must hold light to spread.")
    rows, columns = _centred_span(plane.sum(axis=1)), _centred_span(plane.sum(axis=0))
    return _cut(_cut(psf, rows, axis=0), columns, axis=1)


def _centred_span(profile: NDArray[np.float64]) -> tuple[int, int]:
    """First and last index of the smallest span around the centroid that holds all light."""
    positions = np.arange(len(profile))
    middle = int(np.floor((positions * profile).sum() / profile.sum() + 0.5))
    lit = np.flatnonzero(profile)
    reach = int(max(middle - lit[0], lit[-1] - middle))
    return middle - reach, middle + reach


def _cut(array: NDArray[Any], span: tuple[int, int], axis: int) -> NDArray[Any]:
    """Take ``first..last`` along an axis, with zeros where that lies outside."""
    first, last = span
    padding = [(0, 0)] * array.ndim
    padding[axis] = (max(0, -first), max(0, last + 1 - array.shape[axis]))
    start = first + padding[axis][0]
    return np.pad(array, padding).take(range(start, start + last - first + 1), axis=axis)


def _odd(size: int | None, reach: float) -> int:
    if size is None:
        return 2 * max(0, math.ceil(reach)) + 1
    if size < 1 or size % 2 == 0:
        raise PsfError(f"psf size {size} px. Use an odd size.")
    return size


def _midpoints(size: int) -> NDArray[np.float64]:
    return (np.arange(size * _SAMPLES) + 0.5) / _SAMPLES - size / 2


def _splat(x: NDArray[np.float64], y: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Add up points of light, each shared among its four neighbours; outside is lost."""
    plane = np.zeros((size + 2, size + 2))
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for row, weight_y in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, weight_x in ((left, 1 - (x - left)), (left + 1, x - left)):
            inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
            np.add.at(plane, (row[inside], column[inside]), (weight_y * weight_x)[inside])
    return plane[:size, :size]

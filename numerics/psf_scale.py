"""Make a PSF smaller or larger, for pictures that are shown at another size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.psf import PsfError, check_psf, normalise

_BISECTIONS = 50
_MOST_STRETCH, _CLOSE_STRETCH = 1.5, 1e-3
_CLOSE = 1e-9  # pixels off the centroid, and light that need not be kept


def scale_psf(psf: NDArray[Any], factor: float) -> NDArray[np.float32]:
    """Scale a PSF by exact area integration.

    Each pixel is a square of even light. Scaled about the centre, it gives each new pixel the
    light that falls on it. The new grid is shifted by less than half a pixel, so that the
    centroid lies at exactly `factor` times its old place; a picture does not move. Second moments
    grow with the square of `factor`, plus about ``(1 + factor**2) / 12``, and at most twice that,
    for the two pixels.

    Parameters
    ----------
    psf : (h, w) or (h, w, channel) float32
        Odd sides, sums to 1. Channels are scaled alike: colour fringes keep their width.
    factor : float
        Width of the new picture over that of the old, > 0. At 1 nothing changes.

    Returns
    -------
    (h', w') or (h', w', channel) float32
        Odd sides that hold all the light; each channel sums to 1.

    Raises
    ------
    PsfError
        If `psf` is no PSF, or `factor` not a positive number.
    """
    check_psf(psf)
    if not (math.isfinite(factor) and factor > 0):
        raise PsfError(f"psf scaled by {factor}. Use a factor above 0.")
    plane = psf.reshape(*psf.shape[:2], -1).mean(axis=2, dtype=np.float64)
    rows, columns = (_shares(plane.sum(axis=axis), factor) for axis in (1, 0))
    return normalise(np.einsum("ij,jk...,lk->il...", rows, psf.astype(np.float64), columns))


def _shares(profile: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Share of each old pixel's light that each new one gets, (new, old), along an axis.

    Where bright pixels happen to lie near the edges of new ones, all that is rounded goes one way:
    the old pixels are then drawn a little together, or apart, until the second moment is right.
    """
    least = factor**2 * _variance(profile)
    most = least + (1 + factor**2) / 6  # twice the two pixels' own
    shares = _place(profile, factor, 1.0)
    found = _variance(shares @ profile)
    if least <= found <= most:
        return shares
    is_wide = found > most
    near, far = 1.0, 1 / _MOST_STRETCH if is_wide else _MOST_STRETCH
    while abs(far - near) > _CLOSE_STRETCH:
        stretch = (near + far) / 2
        found = _variance(_place(profile, factor, stretch) @ profile)
        if found > most if is_wide else found < least:
            near = stretch
        else:
            far = stretch
    return _place(profile, factor, far)


def _place(profile: NDArray[np.float64], factor: float, stretch: float) -> NDArray[np.float64]:
    """Lay the new pixels such that the centroid is where it belongs: shares, (new, old)."""
    wanted = factor * _centroid(profile)
    size = 2 * math.ceil(len(profile) * factor * stretch / 2) + 1
    low, high = -0.5, 0.5  # the centroid rises with the shift; at these ends it is beyond
    # What an off-centre psf is stretched by moves its centroid too.
    drift = (stretch - 1) * wanted
    for _ in range(_BISECTIONS):
        shift = (low + high) / 2
        shares = _overlaps(len(profile), size, factor * stretch, shift - drift)
        excess = _centroid(shares @ profile) - wanted
        if abs(excess) < _CLOSE:
            break
        low, high = (low, shift) if excess > 0 else (shift, high)
    light = shares @ profile
    return shares[1:-1] if size > 1 and max(light[0], light[-1]) < _CLOSE else shares


def _centroid(profile: NDArray[np.float64]) -> float:
    return float(profile @ (np.arange(len(profile)) - len(profile) // 2))


def _variance(profile: NDArray[np.float64]) -> float:
    off = np.arange(len(profile)) - len(profile) // 2 - _centroid(profile)
    return float(profile @ off**2)


def _overlaps(old: int, new: int, factor: float, shift: float) -> NDArray[np.float64]:
    """Length that old pixel and new pixel share, over the length of the old one, scaled."""
    old_edges = (np.arange(old + 1) - old / 2) * factor + shift
    new_edges = np.arange(new + 1)[:, None] - new / 2
    first = np.maximum(old_edges[:-1], new_edges[:-1])
    last = np.minimum(old_edges[1:], new_edges[1:])
    shares: NDArray[np.float64] = np.maximum(last - first, 0.0) / factor
    return shares

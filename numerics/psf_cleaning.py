"""Clean an estimated PSF: drop faint pixels and specks, bring its centroid to the middle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numerics.psf import normalise

Psf = NDArray[np.float32]

_EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


def clean_psf(psf: NDArray[Any], *, faintest: float = 0.05, speck: float = 0.1) -> Psf:
    """Keep what is bright and connected.

    Parameters
    ----------
    psf : (h, w) float
        Not necessarily normalised.
    faintest : float
        Pixels below this share of the brightest become 0.
    speck : float
        Groups of neighbouring pixels (8 neighbours) with less than this share of the light go
        too; the group with most light always stays.

    Returns
    -------
    (h, w) float32
        Sums to 1.

    Raises
    ------
    PsfError
        If `psf` has no positive value.
    """
    bright = normalise(np.where(psf >= faintest * psf.max(), psf, 0))
    groups, count = ndimage.label(bright, _EIGHT_NEIGHBOURS)
    light = ndimage.sum_labels(bright, groups, np.arange(1, count + 1))
    keep = np.concatenate([[False], light >= min(speck, light.max())])
    return normalise(bright * keep[groups])


def psf_reach(psf: Psf, *, without: float = 0.0) -> int:
    """Largest distance, along an axis, from the middle to a pixel with light.

    Pixels farther out may hold the share `without` of all light, 0 to 1.
    """
    down, right = (np.abs(np.arange(n) - n // 2) for n in psf.shape)
    light = np.bincount(np.maximum(down[:, None], right).ravel(), psf.ravel())
    beyond = np.append(light[::-1].cumsum()[::-1][1:], 0.0)
    return int(np.argmax(beyond <= without * light.sum()))


def psf_extent(psf: Psf, *, without: float = 0.0) -> int:
    """Odd side of the smallest centred square with light, but for the share `without`, pixels."""
    return 2 * psf_reach(psf, without=without) + 1


def centring_shift(psf: Psf) -> tuple[int, int]:
    """Whole pixels (down, right) that bring the centroid to the middle of the psf."""
    height, width = psf.shape
    row, column = ndimage.center_of_mass(psf)
    return round(height // 2 - row), round(width // 2 - column)


def shift_psf(psf: Psf, shift: tuple[int, int]) -> Psf:
    """Move a psf by whole pixels (down, right); light that leaves it is lost, the rest scaled.

    Parameters
    ----------
    psf : (h, w) float32
    shift : pair of int
        Smaller than the sides.

    Returns
    -------
    (h, w) float32
        Sums to 1.
    """
    moved = np.asarray(ndimage.shift(psf, shift, order=0, mode="constant"))
    return normalise(moved)

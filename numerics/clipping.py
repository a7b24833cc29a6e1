"""Clipped light: where a channel is as bright as its sensor, or its file, can tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

# A sensor clips all that is brighter at one value; noise and profiles spread it a little.
_CLIPPED_SHARE = 0.99
_WHITE = 0.9
# Clipped light piles up there: so many times as many pixels as in as wide a range below. The tops
# of blurred highlights don't.
_PILED_UP = 2.0
# Of some parts, that tell where light is clipped in others. Less may be a few bright pixels.
_SEEN = 1e-3

MOST_CLIPPED = 0.2
"""Share of a sample: more than that is no highlight but the paper of a page."""


def find_levels(parts: Sequence[NDArray[np.float32]], white: float = np.inf) -> NDArray[np.float32]:
    """Find the value at which each channel of a picture is clipped.

    Parameters
    ----------
    parts : sequence of (H, W, channel) float32
        Of one picture, one or more. Linear light, 1 is white.
    white : float, optional
        Taken for the level where these parts hardly show clipped light, but others may: if nothing
        is brighter.

    Returns
    -------
    (channel,) float32
        Otherwise infinite for a channel that stays well below white, or in which light does not
        pile up at its brightest value.
    """
    brightest = np.max([part.max(axis=(0, 1)) for part in parts], axis=0)
    at_top, about = (
        np.sum([np.sum(part >= share * brightest, axis=(0, 1)) for part in parts], axis=0)
        for share in (_CLIPPED_SHARE, _CLIPPED_SHARE**2)
    )
    is_clipped = (brightest >= _WHITE) & (at_top > _PILED_UP * (about - at_top))
    if np.isfinite(white):
        is_clipped &= at_top > _SEEN * sum(part[..., 0].size for part in parts)
    otherwise = np.where(brightest <= clipped_range(white)[1], white, np.inf)
    return np.where(is_clipped, brightest, otherwise).astype(np.float32)


def find_clipped(pixels: NDArray[np.float32]) -> Mask:
    """Tell where the channels of a picture are clipped, see `find_levels`.

    Parameters
    ----------
    pixels : (H, W, channel) float32
        Linear light, 1 is white.

    Returns
    -------
    (H, W, channel) bool
    """
    return np.asarray(pixels >= _CLIPPED_SHARE * find_levels([pixels]))


def clipped_range(level: float) -> tuple[float, float]:
    """Give the least and the greatest value that is clipped at a level.

    What is brighter is not: where light does not pile up, a level is just a value that it passes.
    """
    return _CLIPPED_SHARE * level, level / _CLIPPED_SHARE


def find_unclipped(pixels: NDArray[np.float32]) -> Mask:
    """Tell where no channel of a picture is clipped.

    Parameters
    ----------
    pixels : (H, W, channel) float32
        Linear light, 1 is white.

    Returns
    -------
    (H, W) bool
        All true if a fifth of the picture or more is as bright as it gets.
    """
    clipped = np.any(find_clipped(pixels), axis=2)
    return np.full_like(clipped, True) if clipped.mean() > MOST_CLIPPED else ~clipped

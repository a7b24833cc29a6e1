"""Blur a picture with a point spread function, and the adjoint of doing so.

A picture shows nothing of what lies beyond its edge. Here the outermost pixels are repeated
outwards (edge replication), so the result has the picture's size and flat regions stay flat.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.fft import irfft2, next_fast_size, rfft2
from numerics.psf import PsfError, check_psf, psf_to_otf


def blur(picture: NDArray[Any], psf: NDArray[Any]) -> NDArray[Any]:
    """Blur a picture; its size is kept, its edges are replicated outwards.

    Parameters
    ----------
    picture : (H, W, channel) float32 or float64
    psf : (h, w) or (h, w, channel)
        Odd sides, sum 1; one plane serves all channels.

    Returns
    -------
    (H, W, channel)
        In `picture`'s dtype.

    Raises
    ------
    PsfError
        If `psf` is none.
    """
    return blur_valid(pad_edges(picture, psf_margin(psf)), psf)


def blur_adjoint(picture: NDArray[Any], psf: NDArray[Any]) -> NDArray[Any]:
    """Apply the adjoint of `blur`: ``<blur(x), y> == <x, blur_adjoint(y)>``."""
    margin = psf_margin(psf)
    grown = np.pad(picture, (*_both((2 * margin[0], 2 * margin[1])), (0, 0)))
    return fold_edges(blur_valid(grown, psf[::-1, ::-1]), margin)


def blur_valid(picture: NDArray[Any], psf: NDArray[Any]) -> NDArray[Any]:
    """Blur a picture and keep only what no edge touched.

    Parameters
    ----------
    picture : (H, W, channel) float32 or float64
    psf : (h, w) or (h, w, channel)

    Returns
    -------
    (H - h + 1, W - w + 1, channel)

    Raises
    ------
    PsfError
        If `psf` is none, is larger than the picture, or has other channels.
    """
    height, width, channels = picture.shape
    planes = _planes(psf, channels).astype(picture.dtype)
    margin_y, margin_x = psf_margin(psf)
    shape = (next_fast_size(height), next_fast_size(width))
    result = np.empty((height - 2 * margin_y, width - 2 * margin_x, channels), picture.dtype)
    canvas = np.zeros(shape, picture.dtype)
    for channel in range(channels):
        canvas[:height, :width] = picture[:, :, channel]
        otf = psf_to_otf(planes[:, :, channel], shape)
        blurred = irfft2(rfft2(canvas) * otf, shape)
        result[:, :, channel] = blurred[margin_y : height - margin_y, margin_x : width - margin_x]
    return result


def psf_margin(psf: NDArray[Any]) -> tuple[int, int]:
    """How far a psf reaches from its centre, rows and columns."""
    return psf.shape[0] // 2, psf.shape[1] // 2


def pad_edges(picture: NDArray[Any], margin: tuple[int, int]) -> NDArray[Any]:
    """Repeat the outermost pixels outwards by `margin` rows and columns."""
    return np.pad(picture, (*_both(margin), (0, 0)), mode="edge")


def fold_edges(grown: NDArray[Any], margin: tuple[int, int]) -> NDArray[Any]:
    """Apply the adjoint of `pad_edges`: what lies in the margin is added to the edge."""
    picture = grown
    for axis, reach in enumerate(margin):
        moved = np.moveaxis(picture, axis, 0)
        inner = moved[reach : len(moved) - reach].copy()
        inner[0] += moved[:reach].sum(axis=0)
        inner[-1] += moved[len(moved) - reach :].sum(axis=0)
        picture = np.moveaxis(inner, 0, axis)
    return picture


def _planes(psf: NDArray[Any], channels: int) -> NDArray[Any]:
    """Give each channel its plane of the psf."""
    check_psf(psf)
    planes = psf.reshape(*psf.shape[:2], -1)
    if planes.shape[2] not in (1, channels):
        raise PsfError(
            f"psf has {planes.shape[2]} channels, the picture {channels}. "
            "Use a psf of one channel, or one for each of the picture's."
        )
    return np.broadcast_to(planes, (*psf.shape[:2], channels))


def _both(margin: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    return (margin[0], margin[0]), (margin[1], margin[1])

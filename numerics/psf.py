"""Point spread functions (PSF): check, normalise, centre, transform.

A psf here is a real array of odd sides that sums to 1, its centre at ``size // 2``. An otf is
the complex half-spectrum of the psf shifted so that its centre is at the origin.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.fft import rfft2


class PsfError(ValueError):
    """The array is no point spread function."""


def check_psf(psf: NDArray[Any]) -> None:
    """Raise `PsfError` unless `psf` is (h, w) or (h, w, channel), odd, finite, >= 0, sum 1."""
    if psf.ndim not in (2, 3):
        raise PsfError(f"psf has {psf.ndim} axes. Use (height, width) or (height, width, channel).")
    height, width = psf.shape[:2]
    if height % 2 == 0 or width % 2 == 0:
        raise PsfError(f"psf is {width} x {height} px. Use odd sides.")
    if not np.all(np.isfinite(psf)) or psf.min() < 0:
        raise PsfError("psf has negative or non-finite values. Clip it at 0 first.")
    total = psf.sum(axis=(0, 1), dtype=np.float64)
    if not np.allclose(total, 1.0, atol=1e-4):
        raise PsfError(f"psf sums to {total}. Normalise it to 1 first.")


def normalise(psf: NDArray[Any]) -> NDArray[np.float32]:
    """Clip at 0 and scale each channel to sum 1.

    Raises
    ------
    PsfError
        If a channel has no positive value.
    """
    clipped = np.maximum(np.asarray(psf, np.float64), 0.0)
    total = clipped.sum(axis=(0, 1), keepdims=True)
    if not np.all(np.isfinite(total)) or np.any(total <= 0):
        raise PsfError("psf has no positive value. It must hold light to spread.")
    normalised: NDArray[np.float32] = (clipped / total).astype(np.float32)
    return normalised


def resized(psf: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Cut off or add around a psf what makes its sides `size` px; its centre stays the centre.

    Parameters
    ----------
    psf : (h, w) or (h, w, channel) float32
        Odd sides.
    size : int
        Odd, pixels.

    Returns
    -------
    (size, size) or (size, size, channel) float32
        Sums to less than 1 where light was cut off.
    """
    room = [(max(0, (size - side) // 2),) * 2 for side in psf.shape[:2]]
    padded = np.pad(psf, [*room, *[(0, 0)] * (psf.ndim - 2)])
    top, left = ((side - size) // 2 for side in padded.shape[:2])
    return padded[top : top + size, left : left + size]


def psf_to_otf(psf: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    """Transform a psf to the half-spectrum that blurs planes of `shape`, circularly.

    Parameters
    ----------
    psf : (h, w) float32 or float64
        Centre at ``(h // 2, w // 2)``; no larger than `shape`.
    shape : (H, W)

    Returns
    -------
    (H, W // 2 + 1) complex64 or complex128

    Raises
    ------
    PsfError
        If the psf is larger than `shape`.
    """
    return rfft2(lay_at_origin(psf, shape))


def lay_at_origin(psf: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    """Lay a psf on a periodic plane of `shape`, its centre at the origin; see `psf_to_otf`."""
    height, width = psf.shape
    if height > shape[0] or width > shape[1]:
        raise PsfError(
            f"psf of {width} x {height} px on a picture of {shape[1]} x {shape[0]} px. "
            "Use a smaller psf or a larger picture."
        )
    padded = np.zeros(shape, psf.dtype)
    padded[:height, :width] = psf
    return np.roll(padded, (-(height // 2), -(width // 2)), axis=(0, 1))

"""First differences of a plane, their adjoint, their power spectrum; borders wrap."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""(H, W): one channel, linear light."""

Field = NDArray[np.float32]
"""(2, H, W): one value a direction, first down the rows (y), then along them (x)."""


def gradient(plane: Plane) -> Field:
    """Forward differences, ``plane[i + 1] - plane[i]``, down and along the rows.

    Parameters
    ----------
    plane : (H, W) float32

    Returns
    -------
    (2, H, W) float32
    """
    field = np.empty((2, *plane.shape), plane.dtype)
    np.subtract(plane[1:], plane[:-1], out=field[0, :-1])
    np.subtract(plane[0], plane[-1], out=field[0, -1])
    np.subtract(plane[:, 1:], plane[:, :-1], out=field[1, :, :-1])
    np.subtract(plane[:, 0], plane[:, -1], out=field[1, :, -1])
    return field


def gradient_adjoint(field: Field) -> Plane:
    """Adjoint of `gradient`: minus the divergence by backward differences.

    Parameters
    ----------
    field : (2, H, W) float32

    Returns
    -------
    (H, W) float32
    """
    down, along = field
    plane: Plane = -down - along
    plane[1:] += down[:-1]
    plane[0] += down[-1]
    plane[:, 1:] += along[:, :-1]
    plane[:, 0] += along[:, -1]
    return plane


@lru_cache(maxsize=8)
def gradient_response(shape: tuple[int, int]) -> NDArray[np.complex64]:
    """Give what `gradient` multiplies half-spectra with.

    Parameters
    ----------
    shape : (H, W)
        Of the plane.

    Returns
    -------
    (2, H, W // 2 + 1) complex64
        Shared between calls: read-only.
    """
    height, width = shape
    down = np.exp(2j * np.pi * np.fft.fftfreq(height)) - 1
    along = np.exp(2j * np.pi * np.fft.rfftfreq(width)) - 1
    response = np.stack(np.broadcast_arrays(down[:, None], along)).astype(np.complex64)
    response.flags.writeable = False
    return response


@lru_cache(maxsize=32)
def gradient_power(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Power ``|D|^2`` of `gradient`, summed over both directions, on the half-spectrum.

    Parameters
    ----------
    shape : (H, W)
        Of the plane.

    Returns
    -------
    (H, W // 2 + 1) float32
        0 at frequency 0, at most 8. Shared between calls: read-only.
    """
    height, width = shape
    down = 2 - 2 * np.cos(2 * np.pi * np.fft.fftfreq(height))
    along = 2 - 2 * np.cos(2 * np.pi * np.fft.rfftfreq(width))
    power: NDArray[np.float32] = (down[:, None] + along).astype(np.float32)
    power.flags.writeable = False
    return power

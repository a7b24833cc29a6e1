"""A canvas: a sample amid a margin, so that it can be blurred and transformed circularly.

What the margin holds is unknown. It begins as a smooth continuation of the sample, and solvers
either leave it out of their data term (`Canvas.valid`) or predict it from their latent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numerics.fft import irfft2, next_fast_size, rfft2
from numerics.psf import psf_to_otf

Plane = NDArray[np.float32]

# From the whole margin down to a pixel or two: each width mends what the last left too smooth.
_FILL_SIGMAS = (24.0, 12.0, 6.0, 3.0, 1.5)


@dataclass(frozen=True, eq=False)
class Canvas:
    """A sample amid a margin.

    Attributes
    ----------
    plane : (H, W) float32
        The sample, and around it the smooth continuation that `fill` made.
    valid : (H, W) bool
        Where the sample is, and known.
    window : pair of slices
        The same as a region: ``plane[window]`` is the sample.
    """

    plane: Plane
    valid: NDArray[np.bool_]
    window: tuple[slice, slice]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the canvas."""
        height, width = self.plane.shape
        return height, width

    @cached_property
    def inner(self) -> NDArray[np.bool_]:
        """Where differences of valid pixels are valid: `valid` without its rim of one pixel."""
        return np.asarray(ndimage.binary_erosion(self.valid, np.ones((3, 3), bool)))


def lay_out(sample: Plane, margin: int, known: NDArray[np.bool_] | None = None) -> Canvas:
    """Put a sample in the middle of a canvas whose sides suit the Fourier transform.

    Parameters
    ----------
    sample : (h, w) float32
    margin : int
        Least number of pixels to add along each axis, both ends together: the size of the PSF.
    known : (h, w) bool, optional
        False for pixels of the sample that tell no more than the margin does: clipped ones. They
        keep their values, but are not valid. All are known if not given.

    Returns
    -------
    Canvas
    """
    sides = [next_fast_size(n + margin) for n in sample.shape]
    offsets = [(side - n) // 2 for side, n in zip(sides, sample.shape, strict=True)]
    rows, columns = (slice(o, o + n) for o, n in zip(offsets, sample.shape, strict=True))
    valid = np.zeros(sides, bool)
    valid[rows, columns] = True
    plane = np.zeros(sides, np.float32)
    plane[rows, columns] = sample
    plane = fill(plane, valid)
    if known is not None:
        valid[rows, columns] = known
    return Canvas(plane, valid, (rows, columns))


def blur_circular(planes: NDArray[np.float32], psf: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blur planes with a PSF; borders wrap, which the margin of a canvas makes harmless.

    Parameters
    ----------
    planes : (..., H, W) float32
    psf : (h, w) float32
        Odd-sized, no larger than the planes.

    Returns
    -------
    (..., H, W) float32
    """
    shape = (planes.shape[-2], planes.shape[-1])
    return irfft2(rfft2(planes) * psf_to_otf(psf, shape), shape)


def fill(plane: Plane, valid: NDArray[np.bool_]) -> Plane:
    """Continue a plane smoothly, and circularly, to where it is not valid.

    Normalised convolution with gaussians from wide to narrow; each is trusted as far as it
    sees valid pixels, and the wider one before it elsewhere.

    Parameters
    ----------
    plane : (H, W) float32
    valid : (H, W) bool
        At least one pixel of it.

    Returns
    -------
    (H, W) float32
        `plane` unchanged where `valid`.
    """
    known = np.where(valid, plane, 0)
    filled = np.full_like(known, plane[valid].mean())
    spectra = rfft2(np.stack([known, valid.astype(np.float32)]))
    for sigma in _FILL_SIGMAS:
        gaussian = gaussian_response(plane.shape, sigma)
        light, weight = irfft2(spectra * gaussian, filled.shape)
        filled += (light - weight * filled) / np.maximum(weight, np.float32(0.5))
    return np.where(valid, plane, filled)


def gaussian_response(shape: tuple[int, ...], sigma: float) -> NDArray[np.float32]:
    """Half-spectrum (H, W // 2 + 1) of a gaussian of sum 1; real, since it is symmetric."""
    height, width = shape
    square = np.fft.fftfreq(height)[:, None] ** 2 + np.fft.rfftfreq(width) ** 2
    return np.exp(-2 * (np.pi * sigma) ** 2 * square).astype(np.float32)

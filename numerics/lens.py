"""A PSF for each channel: what a lens blurs differently, and shifts, from colour to colour.

A channel alone can't tell a shifted PSF from a shifted picture. The channels of one picture can:
their latents have the same edges, so what these are shifted by belongs to the PSFs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numerics.canvas import lay_out
from numerics.families import Fit, refit
from numerics.grain import Grain
from numerics.metrics import find_shift
from numerics.noise import quiet_noise
from numerics.psf import normalise, resized
from numerics.sample import Mask, prepare_sample
from numerics.sparse_cg import deconvolve_sparse
from numerics.variational import refine_psf, refinement_cost
from numerics.whittle import measure_spectrum
from numerics.work import Check, Work

Plane = NDArray[np.float32]
Psf = NDArray[np.float32]

# Lateral colour of real lenses stays below this, pixels.
_FARTHEST_SHIFT = 6


def adapt_to_channels(
    sample: NDArray[np.float32],
    shared: Psf | Fit,
    *,
    known: Mask | None = None,
    grain: Grain | None = None,
    check: Check | None = None,
) -> NDArray[np.float32]:
    """Adapt a blur that the channels share to each of them, and find what they are shifted by.

    Parameters
    ----------
    sample : (H, W, channel) float32
        Linear light.
    shared : (size, size) float32 or Fit
        Found on a mix of the channels: a PSF of free form, or a family, which is kept.
    known : (H, W) bool, optional
        False for pixels to leave out since the light was clipped there.
    grain : str, optional
        See `prepare_sample`.
    check : callable, optional
        Called several times a second; may raise to stop the work.

    Returns
    -------
    (side, side, channel) float32
        Deconvolving each channel with its own lays them onto each other. As large as all take,
        and room for the shifts.

    Raises
    ------
    EstimateError
        If a channel does not allow to estimate a PSF.
    """
    channels = np.moveaxis(sample, 2, 0)
    if isinstance(shared, Fit):
        psfs = [_refit(channel, shared, known, grain, check).psf for channel in channels]
    else:
        psfs = [_refine(channel, shared, known, grain, check) for channel in channels]
    size = max(max(psf.shape) for psf in psfs)
    return _lay_onto_each_other(channels, [resized(psf, size) for psf in psfs], known)


def _refit(
    channel: Plane, fit: Fit, known: Mask | None, grain: Grain | None, check: Check | None
) -> Fit:
    if check is not None:
        check()
    sample = prepare_sample(channel, 3, known, grain)
    plane = sample.plane
    spectrum = measure_spectrum(plane, quiet_noise(plane), sample.known, grain=sample.grain)
    return refit(spectrum, fit)


def _lay_onto_each_other(
    channels: NDArray[np.float32], psfs: Sequence[Psf], known: Mask | None
) -> NDArray[np.float32]:
    """Give each PSF the shift of its channel, in a frame that has room for them."""
    latents = [deconvolve_sparse(*each, known=known) for each in zip(channels, psfs, strict=True)]
    middle = len(latents) // 2
    shifts = [_find_shift(latent, latents[middle]) for latent in latents]
    mean = np.mean(shifts, axis=0)
    room = int(np.ceil(np.abs(shifts - mean).max()))
    psfs = [np.pad(psf, room) for psf in psfs]
    moved = [_move(each, shift - mean) for each, shift in zip(psfs, shifts, strict=True)]
    return np.stack(moved, axis=2)


def _refine(
    channel: Plane, psf: Psf, known: Mask | None, grain: Grain | None, check: Check | None
) -> Psf:
    sample = prepare_sample(channel, psf.shape[0], known, grain)
    canvas = lay_out(sample.plane, psf.shape[0], sample.known)
    return refine_psf(canvas, psf, sample.noise, Work(refinement_cost(canvas), None, check))


def _find_shift(latent: Plane, reference: Plane) -> NDArray[np.float64]:
    """Pixels (down, right) by which a latent lies off the reference.

    Edges of different colours differ in height and sign; their magnitudes don't in place.
    """
    edges = [_edge_magnitude(plane) for plane in (latent, reference)]
    right, down = find_shift(*edges, reach=_FARTHEST_SHIFT)
    return np.array([-down, -right])


def _edge_magnitude(plane: Plane) -> Plane:
    magnitude = ndimage.gaussian_gradient_magnitude(plane, 1.0)
    return np.asarray(magnitude / magnitude.std(), np.float32)


def _move(psf: Psf, shift: NDArray[np.float64]) -> Psf:
    return normalise(ndimage.shift(psf, shift, order=3, mode="constant"))

"""A latent of few strong edges: deconvolution with an L0 prior on the gradient.

It is no faithful picture but what a PSF can be measured against: flat areas and the edges
that matter.

References
----------
Xu, Zheng & Jia, Unnatural L0 sparse representation for natural image deblurring, CVPR 2013.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from numerics.derivatives import gradient_power
from numerics.fft import batch_transforms, rfft2
from numerics.laplacian import keep_edges
from numerics.psf import psf_to_otf

Plane = NDArray[np.float32]

# Where half-quadratic splitting stops: its auxiliary gradient is then the latent's own.
_LARGEST_COUPLING = 1e5
# As in shrinkage: fastmath for vector instructions, on values that are finite.
_kernel = numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")


def latent_of_edges(blurred: Plane, psf: NDArray[np.float32], edge_cost: float) -> Plane:
    """Deconvolve, paying the same for every pixel that has any gradient at all.

    Minimises ``|psf (*) latent - blurred|^2 + edge_cost * #{pixels with a gradient}`` by
    half-quadratic splitting with a coupling (beta) that doubles each step.

    Parameters
    ----------
    blurred : (H, W) float32
        Linear light, about 0..1; borders wrap.
    psf : (h, w) float32
    edge_cost : float
        > 0, lambda in the paper; the smallest first squared gradient kept is 1/2.

    Returns
    -------
    (H, W) float32
    """
    otf = psf_to_otf(psf, blurred.shape)
    matched = np.conj(otf) * rfft2(blurred)
    power = np.abs(otf) ** 2
    roughness = gradient_power(blurred.shape)
    transforms = batch_transforms(blurred.shape, np.float32)
    transforms.planes[...] = blurred
    coupling = 2 * edge_cost
    while coupling < _LARGEST_COUPLING:
        keep_edges(transforms.planes, edge_cost / coupling)
        transforms.forward()
        _divide(transforms.spectrum, matched, power, roughness, coupling, transforms.scale)
        transforms.inverse()
        coupling *= 2
    return transforms.planes.copy()


@_kernel  # type: ignore[untyped-decorator]
def _divide(
    spectrum: Any, matched: Any, power: Any, roughness: Any, coupling: Any, scale: Any
) -> None:
    """Turn the spectrum of edges into that of the latent, scaled."""
    height, width = spectrum.shape
    tied, scaled = np.float32(coupling), np.float32(scale)
    for y in range(height):
        line, blurred, response, rough = spectrum[y], matched[y], power[y], roughness[y]
        for x in range(width):
            share = scaled / (response[x] + tied * rough[x])
            line[x] = (blurred[x] + tied * line[x]) * share

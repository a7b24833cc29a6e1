"""A latent of few strong edges: deconvolution with an L0 prior on the gradient.

It is no faithful picture but what a PSF can be measured against: flat areas and the edges
that matter.

References
----------
Xu, Zheng & Jia, Unnatural L0 sparse representation for natural image deblurring, CVPR 2013.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from numerics.derivatives import gradient_power
from numerics.fft import irfft2, rfft2
from numerics.laplacian import laplacian_of_edges
from numerics.psf import psf_to_otf

Plane = NDArray[np.float32]

# Where half-quadratic splitting stops: its auxiliary gradient is then the latent's own.
_LARGEST_COUPLING = 1e5


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
    latent, coupling = blurred, 2 * edge_cost
    while coupling < _LARGEST_COUPLING:
        edges = laplacian_of_edges(latent, edge_cost / coupling)
        wanted = matched + np.float32(coupling) * rfft2(edges)
        # Divided by real numbers, complex ones take three times as long as multiplied.
        wanted *= np.reciprocal(power + np.float32(coupling) * roughness)
        latent = irfft2(wanted, blurred.shape)
        coupling *= 2
    return latent

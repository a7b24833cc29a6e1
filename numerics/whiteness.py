"""Is a residual white? Its autocovariance at small lags tells what deconvolution left over.

References
----------
Almeida & Figueiredo, Parameter estimation for blind and non-blind deblurring using residual
whiteness measures, IEEE Trans. Image Processing 22(7), 2013.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from numerics.fft import irfft2, rfft2


def residual_whiteness(residual: NDArray[np.float32], reach: int = 4) -> float:
    """Whiteness of a residual: 0 for white noise, below 0 for all else.

    Minus the weighted mean of the squared normalised autocovariance at lags up to `reach`;
    lag 0 is left out and small lags weigh most (a gaussian of sigma ``reach / 2``).

    Parameters
    ----------
    residual : (H, W) float32
        ``blurred - latent (*) psf`` on valid pixels; its mean and variance don't matter.
    reach : int
        Largest lag, pixels; below half the smaller side.

    Returns
    -------
    float
        In [-1, 0]. White noise gives about ``-1 / (H W)``; a constant gives 0.
    """
    covariance = _autocovariance(residual)
    if covariance[0, 0] <= 0:
        return 0.0
    lags = np.arange(-reach, reach + 1)
    near = covariance[np.ix_(lags, lags)] / covariance[0, 0]
    square = lags[:, None] ** 2 + lags**2
    weight = np.where(square > 0, np.exp(-2 * square / reach**2), 0)
    return -float(np.sum(weight * near**2) / weight.sum())


def _autocovariance(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    """Circular autocovariance; the wrapped pairs are few at small lags."""
    centred = plane.astype(np.float64) - plane.mean(dtype=np.float64)
    height, width = plane.shape
    return irfft2(np.abs(rfft2(centred)) ** 2 + 0j, (height, width))

"""Let all parts of a sample have their say in its PSF, not the few strongest edges alone.

What a latent of edges gets wrong is in proportion to the edges: least squares would heed the
strongest, often a few long ones that tell nothing of the PSF along them, and forget the others.
Weights that fall as the contrast around grows let weak edges of other directions count too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from numerics.canvas import Canvas, gaussian_response
from numerics.derivatives import gradient
from numerics.fft import irfft2, rfft2

Plane = NDArray[np.float32]

# Of the mean power of derivatives: what counts as faint everywhere, lest noise be raised.
_FAINT = 0.2
# Share of the gaussian that the sample has to fill; farther out weights become those of faint
# parts.
_LEAST_SEEN = 0.05


def even_weights(canvas: Canvas, sigma: float) -> Plane:
    """Weigh each pixel's derivatives against the contrast around it.

    Parameters
    ----------
    canvas : Canvas
    sigma : float
        Of the gaussian that tells what is around, pixels. The size of the PSF: weights have to be
        smooth against it, for a weighted latent to blur to a weighted sample.

    Returns
    -------
    (H, W) float32
        Factors of derivatives, > 0, about 1 on average contrast and smooth; borders wrap.
    """
    known = canvas.inner
    power = np.sum(gradient(canvas.plane) ** 2, axis=0) * known
    planes = np.stack([power, known.astype(np.float32)])
    response = gaussian_response(canvas.shape, sigma)
    around, seen = irfft2(rfft2(planes) * response, canvas.shape)
    around = np.maximum(around, 0) / np.maximum(seen, np.float32(_LEAST_SEEN))
    total = float(power.sum())
    if total <= 0:
        return np.ones_like(power)
    mean = total / np.count_nonzero(known)
    return np.asarray(np.reciprocal(np.sqrt(around / mean + _FAINT)), np.float32)

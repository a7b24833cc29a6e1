"""How sparse a picture's gradient is, whatever its contrast and size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def normalised_sparsity(plane: NDArray[np.float32]) -> float:
    """Sum of gradients over the root of the sum of their squares; sharp pictures have less.

    Blur spreads gradients, which lowers their squares more than their sum; so do ringing and
    noise. The measure compares latents of one sample under different PSFs.

    Parameters
    ----------
    plane : (H, W) float32
        Borders are not wrapped: differences between neighbours within the plane only.

    Returns
    -------
    float
        In (0, 1]: 1 if all differences have one magnitude, and for a plane without any.

    References
    ----------
    Krishnan, Tay & Fergus, Blind deconvolution using a normalized sparsity measure, CVPR 2011.
    """
    steps = np.concatenate([np.diff(plane, axis=axis).ravel() for axis in (0, 1)])
    energy = float(np.sum(steps**2, dtype=np.float64))
    if energy == 0:
        return 1.0
    return float(np.sum(np.abs(steps), dtype=np.float64) / np.sqrt(energy * steps.size))

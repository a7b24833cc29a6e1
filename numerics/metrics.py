"""How alike two pictures are: PSNR, SSIM, and the shift between them.

Blind deconvolution can't tell a shifted PSF with a shifted picture from the original pair, so a
result is compared after moving it onto the reference by a fraction of a pixel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shift = tuple[float, float]

_FINEST_ERROR = 1e-12


def psnr(image: NDArray[Any], reference: NDArray[Any]) -> float:
    """Peak signal-to-noise ratio of two arrays of one shape, dB; the peak is 1."""
    return psnr_of(mean_square_error(image, reference))


def psnr_of(error: float) -> float:
    """Turn a mean square error into dB below a peak of 1; equal pictures are given 120 dB."""
    return -10.0 * math.log10(max(error, _FINEST_ERROR))


def mean_square_error(image: NDArray[Any], reference: NDArray[Any]) -> float:
    """Mean of the squared differences, summed in float64."""
    difference = image.astype(np.float64) - reference
    return float(np.mean(difference * difference))


def ssim_map(image: NDArray[Any], reference: NDArray[Any]) -> NDArray[Any]:
    """Structural similarity at each pixel and channel, gaussian window of 11 px.

    Parameters
    ----------
    image, reference : (H, W, channel) float32 or float64
        At least 11 pixels a side; full scale is 0..1. At the edges the window is mirrored.

    Returns
    -------
    (H, W, channel)

    References
    ----------
    .. [1] Wang, Bovik, Sheikh & Simoncelli, Image quality assessment, 2004.
    """
    from skimage.metrics import structural_similarity

    similarity: NDArray[Any] = structural_similarity(
        image,
        reference,
        data_range=1.0,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )[1]
    return similarity


def find_shift(image: NDArray[Any], reference: NDArray[Any], *, reach: int = 16) -> Shift:
    """Find how far to move an image so that it lies on the reference.

    Phase correlation gives whole pixels, least squares on the gradient (Lucas & Kanade 1981) the
    fraction.

    Parameters
    ----------
    image, reference : (H, W) float32 or float64
        Of one shape.
    reach : int
        The largest shift that is looked for, pixels; also a quarter of the shorter side at most.

    Returns
    -------
    (dx, dy)
        Pixels to the right and down, for `move`. (0, 0) where nothing lowers the error.
    """
    reach = min(reach, min(image.shape) // 4)
    if reach < 1 or not image.any():
        return 0.0, 0.0
    shift = _whole_shift(image, reference, reach)
    candidates = [(0.0, 0.0), shift, _refine(image, reference, shift, reach)]
    return min(candidates, key=lambda each: _error_at(image, reference, each, reach))


def move(image: NDArray[Any], shift: Shift) -> NDArray[Any]:
    """Move an image by cubic splines; what comes in at the edge repeats the outermost pixels.

    Parameters
    ----------
    image : (H, W) or (H, W, channel) float32 or float64
    shift : (dx, dy)
        Pixels to the right and down.

    Returns
    -------
    As `image`; `image` itself where the shift is (0, 0).
    """
    from scipy.ndimage import shift as spline_shift

    if shift == (0.0, 0.0):
        return image
    by = (shift[1], shift[0], 0.0)[: image.ndim]
    moved: NDArray[Any] = spline_shift(image, by, order=3, mode="nearest")
    return moved


def _whole_shift(image: NDArray[Any], reference: NDArray[Any], reach: int) -> Shift:
    from scipy.fft import irfft2, rfft2

    window = np.outer(np.hanning(image.shape[0]), np.hanning(image.shape[1]))
    first = rfft2((image - image.mean()) * window)
    second = rfft2((reference - reference.mean()) * window)
    cross = second * np.conj(first)
    # The square root keeps some weight on strong frequencies: a blurred image has only noise
    # at the high ones, and full whitening would listen to that.
    correlation = irfft2(cross / np.sqrt(np.abs(cross) + 1e-12), image.shape)
    near = np.roll(correlation, (reach, reach), axis=(0, 1))[: 2 * reach + 1, : 2 * reach + 1]
    row, column = np.unravel_index(int(near.argmax()), near.shape)
    return float(column - reach), float(row - reach)


def _refine(
    image: NDArray[Any], reference: NDArray[Any], shift: Shift, reach: int, steps: int = 4
) -> Shift:
    dx, dy = shift
    for _ in range(steps):
        moved = _inner(move(image, (dx, dy)), reach)
        down, right = np.gradient(moved)
        slopes = np.stack([right.ravel(), down.ravel()])
        normal = slopes @ slopes.T + 1e-12 * np.eye(2)
        step = np.linalg.solve(normal, slopes @ (moved - _inner(reference, reach)).ravel())
        dx, dy = dx + float(step[0]), dy + float(step[1])
    if max(abs(dx - shift[0]), abs(dy - shift[1])) > 1.5:
        return shift  # it ran away: the pictures have too little in common
    return dx, dy


def _error_at(image: NDArray[Any], reference: NDArray[Any], shift: Shift, reach: int) -> float:
    return mean_square_error(_inner(move(image, shift), reach), _inner(reference, reach))


def _inner(plane: NDArray[Any], margin: int) -> NDArray[Any]:
    return plane[margin:-margin, margin:-margin]

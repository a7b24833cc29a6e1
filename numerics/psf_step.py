"""The PSF that leads from one picture to another, by regularized least squares.

The normal matrix of ``|picture (*) psf - target|^2`` is block-Toeplitz: its entries are the
picture's autocorrelation. One Fourier transform gives it whole, and a PSF is small enough to
solve it directly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from numerics.fft import irfft2, rfft2


@dataclass(frozen=True, slots=True, eq=False)
class NormalEquations:
    """``matrix @ psf.ravel() == target`` for the PSF of least squares.

    Attributes
    ----------
    matrix : (size^2, size^2) float64
        Symmetric; positive definite once a ridge has been added.
    target : (size^2,) float64
    size : int
        Odd side of the PSF.
    """

    matrix: NDArray[np.float64]
    target: NDArray[np.float64]
    size: int


def normal_equations(
    sharp: NDArray[np.float32], blurred: NDArray[np.float32], size: int, ridge: float
) -> NormalEquations:
    """Set up ``sum |sharp (*) psf - blurred|^2 + ridge |psf|^2``, summed over all planes.

    Parameters
    ----------
    sharp, blurred : (n, H, W) float32
        Such as the two derivatives of a picture. Borders wrap; sides at least ``2 size - 1``.
    size : int
        Odd side of the PSF.
    ridge : float
        >= 0, in the units of the sum of squares.
    """
    sharp_spectra, blurred_spectra = rfft2(sharp), rfft2(blurred)
    shape = (sharp.shape[-2], sharp.shape[-1])
    own = irfft2(np.sum(np.abs(sharp_spectra) ** 2, axis=0) + 0j, shape)
    cross = irfft2(np.sum(np.conj(sharp_spectra) * blurred_spectra, axis=0), shape)
    matrix = _toeplitz(_lags(own, size - 1), size)
    matrix[np.diag_indices_from(matrix)] += ridge
    target = _lags(cross, size // 2).ravel()
    return NormalEquations(matrix, target, size)


def _lags(correlation: NDArray[np.float32], reach: int) -> NDArray[np.float64]:
    """Lags from -reach to reach along both axes, lag 0 in the middle."""
    lags = np.arange(-reach, reach + 1)
    return np.asarray(correlation[np.ix_(lags, lags)], np.float64)


def _toeplitz(lags: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Matrix whose entry for PSF pixels p and q is the correlation at lag p - q."""
    windows = np.lib.stride_tricks.sliding_window_view(lags, (size, size))
    matrix: NDArray[np.float64] = windows[:, :, ::-1, ::-1].reshape(size**2, size**2)
    return matrix


def solve_clipped(equations: NormalEquations) -> NDArray[np.float64]:
    """Solve by Cholesky decomposition and clip what is negative.

    Returns
    -------
    (size, size) float64
        Not normalised.
    """
    solution: NDArray[np.float64] = linalg.solve(equations.matrix, equations.target, assume_a="pos")
    return np.maximum(solution, 0).reshape(equations.size, equations.size)


def solve_non_negative(equations: NormalEquations, rounds: int = 40) -> NDArray[np.float64]:
    """Solve under the constraint ``psf >= 0``, by block principal pivoting.

    Guess which pixels are 0, solve for the rest, and exchange all that break the optimality
    conditions; where that does not make progress, exchange one at a time.

    Parameters
    ----------
    equations : NormalEquations
    rounds : int
        At most so many solutions of the equations; few cases need 15.

    Returns
    -------
    (size, size) float64
        Not normalised. Clipped if `rounds` ran out.

    References
    ----------
    Kim & Park, Fast nonnegative matrix factorization: an active-set-like method and
    comparisons, SIAM J. Sci. Comput. 33(6), 2011.
    """
    matrix, target = equations.matrix, equations.target
    free = np.ones(target.size, bool)
    fewest, patience = target.size + 1, 3
    for _ in range(rounds):
        solution, slope = _solve_free(matrix, target, free)
        wrong = np.where(free, solution < 0, slope < -_slope_tolerance(target))
        count = int(np.count_nonzero(wrong))
        if count == 0:
            break
        if count < fewest:
            fewest, patience = count, 3
        elif patience > 0:
            patience -= 1
        else:
            wrong[: np.flatnonzero(wrong)[-1]] = False
        free ^= wrong
    return np.maximum(solution, 0).reshape(equations.size, equations.size)


def _slope_tolerance(target: NDArray[np.float64]) -> float:
    return 1e-9 * float(np.abs(target).max())


def _solve_free(
    matrix: NDArray[np.float64], target: NDArray[np.float64], free: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solution with all but the `free` unknowns at 0, and the slope of the objective there."""
    solution = np.zeros_like(target)
    chosen = np.flatnonzero(free)
    if chosen.size:
        solution[chosen] = linalg.solve(
            matrix[np.ix_(chosen, chosen)], target[chosen], assume_a="pos"
        )
    return solution, matrix @ solution - target

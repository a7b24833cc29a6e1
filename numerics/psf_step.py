"""The PSF that leads from one picture to another, by regularized least squares.

The normal matrix of ``|picture (*) psf - target|^2`` is block-Toeplitz: its entries are the
picture's autocorrelation. One Fourier transform gives it whole, and a PSF is small enough to
solve it directly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from numerics.fft import irfft2, rfft2

Spectra = NDArray[np.complex64]

# Of pivoting: relative to the largest target, and exchanges without progress before it is careful.
_SLOPE_TOLERANCE = 1e-9
_PATIENCE = 3


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
    shape = (sharp.shape[-2], sharp.shape[-1])
    return spectral_equations(rfft2(sharp), rfft2(blurred), shape, size, ridge)


def spectral_equations(
    sharp: Spectra,
    blurred: Spectra,
    shape: tuple[int, int],
    size: int,
    ridge: float,
    deviation: Spectra | None = None,
) -> NormalEquations:
    """Set up the same from spectra.

    Parameters
    ----------
    sharp, blurred : (n, H, W // 2 + 1) complex64
        Half-spectra of planes as `normal_equations` takes them.
    shape : (H, W)
    size, ridge : as there
    deviation : (n, H, W // 2 + 1) complex64, optional
        How `sharp` may be wrong: a sample of it, whose blur ``|deviation (*) psf|^2`` adds to the
        sum.
    """
    power = _power(sharp)
    if deviation is not None:
        power += _power(deviation)
    own = irfft2(power + 0j, shape)
    cross = irfft2(np.sum(np.conj(sharp) * blurred, axis=0), shape)
    matrix = _toeplitz(_lags(own, size - 1), size)
    matrix[np.diag_indices_from(matrix)] += ridge
    target = _lags(cross, size // 2).ravel()
    return NormalEquations(matrix, target, size)


def _power(spectra: Spectra) -> NDArray[np.float32]:
    """Squared magnitudes, summed over all planes."""
    return np.asarray(np.sum(np.abs(spectra) ** 2, axis=0))


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
    solution = _solve(equations.matrix, equations.target)
    return np.maximum(solution, 0).reshape(equations.size, equations.size)


def solve_non_negative(
    equations: NormalEquations, guess: NDArray[Any], rounds: int = 60
) -> NDArray[np.float64]:
    """Solve under the constraint ``psf >= 0``, by block principal pivoting.

    Guess which pixels are 0, solve for the rest, and exchange all that break the optimality
    conditions; where that makes no progress, exchange one at a time.

    Parameters
    ----------
    equations : NormalEquations
    guess : (size, size)
        Its pixels above 0 are the first to be solved for. A good guess is quick; the solution
        does not depend on it.
    rounds : int
        At most so many exchanges; few cases need 20.

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
    tolerance = _SLOPE_TOLERANCE * float(np.abs(target).max())
    free = guess.ravel() > 0
    fewest, patience = target.size + 1, _PATIENCE
    for _ in range(rounds):
        solution = _solve_free(matrix, target, free)
        slope = matrix @ solution - target
        wrong = np.where(free, solution < 0, slope < -tolerance)
        count = int(np.count_nonzero(wrong))
        if count == 0:
            break
        if count < fewest:
            fewest, patience = count, _PATIENCE
        elif patience > 0:
            patience -= 1
        else:
            wrong[: np.flatnonzero(wrong)[-1]] = False
        free ^= wrong
    return np.maximum(solution, 0).reshape(equations.size, equations.size)


def _solve_free(
    matrix: NDArray[np.float64], target: NDArray[np.float64], free: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Solve with all but the `free` unknowns held at 0."""
    solution = np.zeros_like(target)
    chosen = np.flatnonzero(free)
    if chosen.size:
        solution[chosen] = _solve(matrix[np.ix_(chosen, chosen)], target[chosen])
    return solution


def _solve(matrix: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    factor = linalg.cho_factor(matrix, lower=True, check_finite=False)
    return np.asarray(linalg.cho_solve(factor, target, check_finite=False))

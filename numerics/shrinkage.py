"""Shrinkage: the proximal map of ``|d|^p``, and one sweep from a picture to shrunken gradients.

The map takes a gradient d of length m to ``argmin |w|^p + beta/2 |w - d|^2``. Its answer is
``w = s d``: s is 0 up to a threshold T(beta), and above it a function of ``u = T / m`` alone.
For p = 1 that function is ``1 - u`` (soft thresholding); for p < 1 it solves
``s = 1 - q u^(2-p) s^(p-1)``. A polynomial in u meets it to 3e-4 and costs a few
multiplications where a table would cost a gather and the closed form several roots.

References
----------
.. [1] Krishnan & Fergus, Fast image deconvolution using hyper-Laplacian priors, NIPS 2009.
.. [2] Zuo et al., A generalized iterated shrinkage algorithm for non-convex sparse coding,
       ICCV 2013: the threshold for any p.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from numerics.fft import Planes

ANY_LIGHT = float(np.finfo(np.float32).min)
"""A darkest light below all others."""

_DEGREE = 6
_NEWTON_STEPS = 20

# fastmath lets the loops become vector instructions; the values in them are finite.
_kernel = numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")


def shrink(magnitude: NDArray[Any], beta: float, p: float) -> NDArray[np.float64]:
    """Proximal map of ``|.|^p`` to machine precision: the measure for the fast path.

    Parameters
    ----------
    magnitude : array, >= 0
    beta : float, > 0
        Weight of the quadratic ``beta/2 (w - magnitude)^2``.
    p : float in (0, 1]
    """
    length = np.asarray(magnitude, np.float64)
    limit = threshold(beta, p)
    return np.where(length > limit, length * _factor(limit / np.maximum(length, limit), p), 0.0)


def threshold(beta: float, p: float) -> float:
    """Length of the longest gradient that shrinks to nothing."""
    if p == 1:
        return 1.0 / beta
    smallest_left = (2.0 * (1.0 - p) / beta) ** (1.0 / (2.0 - p))
    return float(smallest_left + p / beta * smallest_left ** (p - 1.0))


def _factor(u: NDArray[np.float64], p: float) -> NDArray[np.float64]:
    """Larger root of ``s + q u^(2-p) s^(p-1) = 1``, by Newton steps from above."""
    if p == 1:
        return 1.0 - u
    s_at_threshold = 2.0 * (1.0 - p) / (2.0 - p)
    q = (1.0 - s_at_threshold) * s_at_threshold ** (1.0 - p) * u ** (2.0 - p)
    s = np.ones_like(u)
    for _ in range(_NEWTON_STEPS):
        s -= (s + q * s ** (p - 1.0) - 1.0) / (1.0 + (p - 1.0) * q * s ** (p - 2.0))
    return s


@lru_cache
def factor_coefficients(p: float) -> tuple[float, ...]:
    """Coefficients ``c1 ... c6`` of the factor ``1 + c1 u + ... + c6 u^6`` for u in 0..1."""
    if p == 1:
        return (-1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    u = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, 1001))
    powers = u[:, None] ** np.arange(1, _DEGREE + 1)
    return tuple(np.linalg.lstsq(powers, _factor(u, p) - 1.0)[0].tolist())


class Lines(NamedTuple):
    """Scratch of `shrink_gradients`: a few rows that stay in the processor's cache."""

    here: Planes
    above: Planes
    first: Planes
    factor: Planes

    @classmethod
    def allocate(cls, channels: int, width: int) -> Lines:
        """Make room for planes of (channels, any height, width)."""
        wrapped, plain = (channels, width + 2), (channels, width)
        return cls(*(np.empty(shape, np.float32) for shape in (wrapped, plain, plain, width + 1)))


def shrink_gradients(
    planes: Planes,
    beta: float,
    p: float,
    lines: Lines | None = None,
    *,
    darkest: float = ANY_LIGHT,
) -> None:
    """Replace planes x by ``D^T shrink(D x)``, all channels shrunk together, in one sweep.

    D takes first differences to the right and downwards, wrapping at the borders. The length of
    a gradient is taken over both directions and all channels: edges that one channel has alone
    are noise more often than colour.

    Parameters
    ----------
    planes : (channel, H, W) float32
        Overwritten. Values must be finite.
    beta, p : float
        See `shrink`.
    lines : Lines, optional
        Scratch to be used again.
    darkest : float, optional
        What of x is below is taken for that.
    """
    if lines is None:
        lines = Lines.allocate(planes.shape[0], planes.shape[2])
    coefficients = tuple(np.float32(c) for c in factor_coefficients(p))
    limit = np.float32(threshold(beta, p))
    _sweep(planes, limit, coefficients, np.float32(darkest), *lines)


@_kernel  # type: ignore[untyped-decorator]
def _sweep(
    x: Any,
    limit: Any,
    coefficients: Any,
    darkest: Any,
    here: Any,
    above: Any,
    first: Any,
    f: Any,
) -> None:
    """Walk down the rows: `here` keeps a row that is overwritten, `above` the flow out of it.

    `f` holds squared lengths, then shrink factors; its cell 0 is that of the last column.
    """
    channels, height, width = x.shape
    for c in range(channels):
        _clear(above[c])
        _copy(x[c, 0], first[c])
    for row in range(height):
        _clear(f)
        for c in range(channels):
            below = x[c, row + 1] if row + 1 < height else first[c]
            _copy_wrapped(x[c, row], darkest, here[c])
            _add_squares(here[c], below, darkest, f)
        _squares_to_factors(f, limit, coefficients)
        f[0] = f[width]
        for c in range(channels):
            below = x[c, row + 1] if row + 1 < height else first[c]
            _diverge(here[c], below, darkest, f, above[c], x[c, row])
    for c in range(channels):
        for i in range(width):
            x[c, 0, i] += above[c, i]


# Each loop is a function of its own with few arrays: LLVM vectorizes only what it can prove, or
# check with a handful of comparisons, to be free of overlaps. Loops, too, where slices could be
# assigned or shapes changed: numba takes seconds to compile those.
@_kernel  # type: ignore[untyped-decorator]
def _clear(line: Any) -> None:
    for i in range(line.size):
        line[i] = np.float32(0.0)


@_kernel  # type: ignore[untyped-decorator]
def _copy(line: Any, other: Any) -> None:
    for i in range(line.size):
        other[i] = line[i]


@_kernel  # type: ignore[untyped-decorator]
def _copy_wrapped(line: Any, darkest: Any, here: Any) -> None:
    here[0] = max(line[line.size - 1], darkest)
    here[line.size + 1] = max(line[0], darkest)
    for i in range(line.size):
        here[i + 1] = max(line[i], darkest)


@_kernel  # type: ignore[untyped-decorator]
def _add_squares(here: Any, below: Any, darkest: Any, f: Any) -> None:
    for i in range(below.size):
        right = here[i + 2] - here[i + 1]
        down = max(below[i], darkest) - here[i + 1]
        f[i + 1] += right * right + down * down


@_kernel  # type: ignore[untyped-decorator]
def _squares_to_factors(f: Any, limit: Any, coefficients: Any) -> None:
    c1, c2, c3, c4, c5, c6 = coefficients
    one, none = np.float32(1.0), np.float32(0.0)
    square_limit = limit * limit
    for i in range(f.size):
        u = limit / np.sqrt(max(f[i], square_limit))
        s = one + u * (c1 + u * (c2 + u * (c3 + u * (c4 + u * (c5 + u * c6)))))
        f[i] = s if f[i] > square_limit else none


@_kernel  # type: ignore[untyped-decorator]
def _diverge(here: Any, below: Any, darkest: Any, f: Any, above: Any, out: Any) -> None:
    for i in range(out.size):
        down = f[i + 1] * (max(below[i], darkest) - here[i + 1])
        right = f[i + 1] * (here[i + 2] - here[i + 1])
        left = f[i] * (here[i + 1] - here[i])
        out[i] = left - right + above[i] - down
        above[i] = down

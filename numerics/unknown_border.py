"""What lies beyond the border of a picture, found while it is deconvolved.

Light from outside was blurred into the picture, and light from inside out of it. The outside of
the blurred picture y is therefore no data: the data term shall know the inside only [1]_. With the
shrunk gradients of a step fixed, the latent picture x is linear in y, and the outside u that
agrees with what x makes of it solves

    M (1 - H) M u = M k * x,    H = lambda |K|^2 / (lambda |K|^2 + beta |D|^2),

M keeping the outside only. That is symmetric and positive, so conjugate gradients [2]_ solve it,
from the last step's u on, at one pair of transforms an iteration.

References
----------
.. [1] Almeida & Figueiredo, Deconvolving images with unknown boundaries using the alternating
       direction method of multipliers, IEEE Trans. Image Processing 22(8), 2013.
.. [2] Shewchuk, An introduction to the conjugate gradient method without the agonizing pain, 1994.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from numerics.fft import Planes, PlaneTransforms, Spectrum

# As in shrinkage: fastmath for vector instructions, on values that are finite.
_kernel = numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")


class Inside(NamedTuple):
    """Which samples of a tile's planes lie inside of the picture: starts and stops."""

    rows: tuple[int, int]
    columns: tuple[int, int]

    def is_all(self, shape: tuple[int, ...]) -> bool:
        """Whether planes of a shape (..., H, W) have no outside."""
        return self == ((0, shape[-2]), (0, shape[-1]))


class Filter(NamedTuple):
    """What a step does to the spectrum of one channel.

    Attributes
    ----------
    conjugate : (H, W // 2 + 1) complex64
        Conjugate of the otf K.
    power : (H, W // 2 + 1) float32
        Its squared modulus.
    rows, columns : (H,), (W // 2 + 1,) float32
        Squared modulus of D, which is the sum of the two.
    weight : float32
        lambda / beta.
    """

    conjugate: Spectrum
    power: NDArray[np.float32]
    rows: NDArray[np.float32]
    columns: NDArray[np.float32]
    weight: np.float32


class UnknownBorder:
    """Finds the outside of one tile after another, in buffers of its own.

    Parameters
    ----------
    transforms : PlaneTransforms
        The solver's.
    """

    def __init__(self, transforms: PlaneTransforms) -> None:
        plane, spectrum = transforms.planes[0], transforms.spectrum
        self._transforms = transforms
        self._blurred: Planes = np.empty_like(transforms.planes)
        self._residual, self._direction = np.empty_like(plane), np.empty_like(plane)
        self._latent, self._change = np.empty_like(spectrum), np.empty_like(spectrum)
        self._inside = Inside((0, 0), (0, 0))

    @staticmethod
    def bytes_needed(channels: int, shape: tuple[int, int]) -> int:
        """Bytes of its own buffers."""
        height, width = shape
        return 4 * (channels + 2) * height * width + 2 * 8 * height * (width // 2 + 1)

    def load(self, inside: Inside) -> None:
        """Take over the blurred planes, whose outside is the first guess."""
        self._blurred[...] = self._transforms.planes
        self._inside = inside

    def correct(self, channel: int, step: Filter, target: Spectrum, iterations: int) -> None:
        """Move the outside of one plane towards the solution.

        Parameters
        ----------
        channel : int
        step : Filter
        target : (H, W // 2 + 1) complex64
            conj(K) Y, changed along with y. The spectrum of the transforms holds X, normalised,
            and holds what becomes of it afterwards; the plane is overwritten.
        iterations : int
            Each costs a pair of transforms; half a pair comes on top.
        """
        transforms, spectrum = self._transforms, self._transforms.spectrum
        plane, scale = transforms.planes[channel], np.float32(transforms.scale)
        self._latent[...] = spectrum
        _blur_spectrum(spectrum, step.conjugate)
        transforms.inverse(channel)
        error = _start(
            plane, self._blurred[channel], self._residual, self._direction, *self._inside
        )
        for _ in range(iterations):
            # Nothing left, or less than can be told from rounding.
            if not error > np.finfo(np.float32).tiny:
                break
            error = self._iterate(channel, step, target, scale, error)
        spectrum[...] = self._latent

    def _iterate(
        self, channel: int, step: Filter, target: Spectrum, scale: np.float32, error: float
    ) -> float:
        """Take one step along the direction; give the squared residual that is left."""
        transforms, spectrum = self._transforms, self._transforms.spectrum
        plane, direction = transforms.planes[channel], self._direction
        plane[...] = direction
        transforms.forward(channel)
        self._change[...] = spectrum
        _filter_spectrum(spectrum, *step[1:], scale)
        transforms.inverse(channel)
        length = np.float32(error / _apply(plane, direction, *self._inside))
        left: float = _advance(self._blurred[channel], self._residual, direction, plane, length)
        _move_spectra(self._latent, target, self._change, *step, length, scale)
        _turn(direction, self._residual, np.float32(left / error))
        return left


@_kernel  # type: ignore[untyped-decorator]
def _blur_spectrum(spectrum: Any, conjugate: Any) -> None:
    for y in range(spectrum.shape[0]):
        for x in range(spectrum.shape[1]):
            spectrum[y, x] *= np.conj(conjugate[y, x])


@_kernel  # type: ignore[untyped-decorator]
def _start(
    explained: Any, blurred: Any, residual: Any, direction: Any, rows: Any, columns: Any
) -> float:
    """Begin with the residual M (k * x - y) as direction; give its square."""
    total = 0.0
    for y in range(explained.shape[0]):
        known = rows[0] <= y < rows[1]
        for x in range(explained.shape[1]):
            missing = explained[y, x] - blurred[y, x]
            if known and columns[0] <= x < columns[1]:
                missing = np.float32(0.0)
            residual[y, x] = missing
            direction[y, x] = missing
            total += missing * missing
    return total


@_kernel  # type: ignore[untyped-decorator]
def _filter_spectrum(
    spectrum: Any, power: Any, rows: Any, columns: Any, weight: Any, scale: Any
) -> None:
    """Multiply by H, normalised."""
    for y in range(spectrum.shape[0]):
        for x in range(spectrum.shape[1]):
            known = weight * power[y, x]
            spectrum[y, x] *= scale * known / (known + (rows[y] + columns[x]))


@_kernel  # type: ignore[untyped-decorator]
def _apply(filtered: Any, direction: Any, rows: Any, columns: Any) -> float:
    """Turn H d into M (1 - H) d; give its product with d."""
    total = 0.0
    for y in range(filtered.shape[0]):
        known = rows[0] <= y < rows[1]
        for x in range(filtered.shape[1]):
            applied = direction[y, x] - filtered[y, x]
            if known and columns[0] <= x < columns[1]:
                applied = np.float32(0.0)
            filtered[y, x] = applied
            total += applied * direction[y, x]
    return total


@_kernel  # type: ignore[untyped-decorator]
def _advance(blurred: Any, residual: Any, direction: Any, applied: Any, length: Any) -> float:
    """Move y along the direction; give the square of the residual that is left."""
    total = 0.0
    for y in range(blurred.shape[0]):
        for x in range(blurred.shape[1]):
            blurred[y, x] += length * direction[y, x]
            missing = residual[y, x] - length * applied[y, x]
            residual[y, x] = missing
            total += missing * missing
    return total


@_kernel  # type: ignore[untyped-decorator]
def _move_spectra(
    latent: Any,
    target: Any,
    change: Any,
    conjugate: Any,
    power: Any,
    rows: Any,
    columns: Any,
    weight: Any,
    length: Any,
    scale: Any,
) -> None:
    """Let conj(K) Y and X follow y."""
    for y in range(latent.shape[0]):
        for x in range(latent.shape[1]):
            blurred = length * conjugate[y, x] * change[y, x]
            share = scale * weight / (weight * power[y, x] + (rows[y] + columns[x]))
            target[y, x] += blurred
            latent[y, x] += share * blurred


@_kernel  # type: ignore[untyped-decorator]
def _turn(direction: Any, residual: Any, kept: Any) -> None:
    for y in range(direction.shape[0]):
        for x in range(direction.shape[1]):
            direction[y, x] = residual[y, x] + kept * direction[y, x]

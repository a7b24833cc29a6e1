"""What lies beyond the border of a picture, guessed and corrected while it is deconvolved.

Light from outside was blurred into the picture, and light from inside out of it. The outside of
the blurred picture y is therefore no data: it starts as a guess, and is moved towards what the
latent picture x found so far makes of it,

    y <- y + r (k * x - y)    outside of the picture,

over-relaxed steps towards the solution whose data term knows the inside only [1]_.

References
----------
.. [1] Almeida & Figueiredo, Deconvolving images with unknown boundaries using the alternating
       direction method of multipliers, IEEE Trans. Image Processing 22(8), 2013.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from numerics.fft import Planes, PlaneTransforms, Spectrum

# As in shrinkage: fastmath for vector instructions, on values that are finite.
_kernel = numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")

# r. Few steps are taken, so that a factor beyond 2 does not diverge, and gets further.
_RELAXATION = np.float32(3.0)


class Inside(NamedTuple):
    """Which samples of a tile's planes lie inside of the picture: starts and stops."""

    rows: tuple[int, int]
    columns: tuple[int, int]

    def is_all(self, shape: tuple[int, ...]) -> bool:
        """Whether planes of a shape (..., H, W) have no outside."""
        return self == ((0, shape[-2]), (0, shape[-1]))


class UnknownBorder:
    """Corrects the outside of one tile after another, in buffers of its own.

    Parameters
    ----------
    transforms : PlaneTransforms
        The solver's.
    """

    def __init__(self, transforms: PlaneTransforms) -> None:
        self._transforms = transforms
        self._blurred: Planes = np.empty_like(transforms.planes)
        self._latent: Spectrum = np.empty_like(transforms.spectrum)
        self._inside = Inside((0, 0), (0, 0))

    @staticmethod
    def bytes_needed(channels: int, shape: tuple[int, int]) -> int:
        """Bytes of its own buffers."""
        return PlaneTransforms.bytes_needed(channels, shape)

    def load(self, inside: Inside) -> None:
        """Take over the blurred planes, whose outside is the first guess."""
        self._blurred[...] = self._transforms.planes
        self._inside = inside

    def correct(self, channel: int, conjugate: Spectrum, target: Spectrum) -> None:
        """Correct the outside of one plane once, at the cost of a pair of transforms.

        Parameters
        ----------
        channel : int
        conjugate : (H, W // 2 + 1) complex64
            Conjugate of the otf K.
        target : (H, W // 2 + 1) complex64
            conj(K) Y, changed along with y. The spectrum of the transforms holds X, normalised,
            and holds it again afterwards; the plane is overwritten.
        """
        transforms, blurred = self._transforms, self._blurred[channel]
        plane, spectrum = transforms.planes[channel], transforms.spectrum
        self._latent[...] = spectrum
        _blur_spectrum(spectrum, conjugate)
        transforms.inverse(channel)
        _move_outside(plane, blurred, self._inside.rows, self._inside.columns)
        transforms.forward(channel)
        _add_blurred(target, spectrum, conjugate)
        spectrum[...] = self._latent


@_kernel  # type: ignore[untyped-decorator]
def _blur_spectrum(spectrum: Any, conjugate: Any) -> None:
    for y in range(spectrum.shape[0]):
        for x in range(spectrum.shape[1]):
            spectrum[y, x] *= np.conj(conjugate[y, x])


@_kernel  # type: ignore[untyped-decorator]
def _add_blurred(target: Any, spectrum: Any, conjugate: Any) -> None:
    for y in range(spectrum.shape[0]):
        for x in range(spectrum.shape[1]):
            target[y, x] += conjugate[y, x] * spectrum[y, x]


@_kernel  # type: ignore[untyped-decorator]
def _move_outside(explained: Any, blurred: Any, rows: Any, columns: Any) -> None:
    """Turn k * x into the change of y, which is none inside, and change y."""
    for y in range(explained.shape[0]):
        known = rows[0] <= y < rows[1]
        for x in range(explained.shape[1]):
            if known and columns[0] <= x < columns[1]:
                explained[y, x] = np.float32(0.0)
            else:
                change = _RELAXATION * (explained[y, x] - blurred[y, x])
                explained[y, x] = change
                blurred[y, x] += change

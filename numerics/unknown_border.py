"""What lies beyond the border of a picture, found while it is deconvolved.

Light from outside was blurred into the picture, and light from inside out of it. The outside of
the blurred picture y is therefore no data: the data term shall know the inside only [1]_. With the
shrunk gradients of a step fixed, the latent picture x is linear in y, and the outside u that
agrees with what x makes of it solves

    M (1 - H) M u = M k * x,    H = lambda |K|^2 / (lambda |K|^2 + beta |D|^2),

M keeping the outside only. That is symmetric and positive, so conjugate gradients [2]_ solve it,
from the last step's u on. They are preconditioned by the inverse that 1 - H would have if there
were no M, softened where that is large: smooth light far out would take dozens of iterations.

H reaches no further than a tile's halo, and the outside is a band along a border, as wide as
that. So the transforms of an iteration need the band and as much beside it, not the whole tile.
Where a tile reaches out along both axes, one band is solved after the other.

References
----------
.. [1] Almeida & Figueiredo, Deconvolving images with unknown boundaries using the alternating
       direction method of multipliers, IEEE Trans. Image Processing 22(8), 2013.
.. [2] Shewchuk, An introduction to the conjugate gradient method without the agonizing pain, 1994.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from numerics.conjugate_gradients import conjugate_gradients
from numerics.fft import PlaneTransforms, Spectrum
from numerics.otf import Blur, Filter
from numerics.tiles import fast_side

# As in shrinkage: fastmath for vector instructions, on values that are finite.
_kernel = numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")


# Of the preconditioner. With less, what lines of 31 px and more leave unknown grows without limit;
# with more, shakes take more iterations.
_SOFTENED = np.float32(0.05)
# Bands that conjugate gradients hold at a time.
_SCRATCH = 8

StepOf: TypeAlias = Callable[[Blur, int], Filter]


class Inside(NamedTuple):
    """Which samples of a tile's planes lie inside of the picture: starts and stops."""

    rows: tuple[int, int]
    columns: tuple[int, int]

    def bands(self, shape: tuple[int, int]) -> tuple[Band, ...]:
        """Give the parts of planes (..., H, W) that lie outside, one an axis."""
        spans = (self.rows, self.columns)
        bands = (Band(axis, *spans[axis], shape[axis]) for axis in range(2))
        return tuple(band for band in bands if band.width)


class Band(NamedTuple):
    """The samples of an axis that lie outside of the picture.

    As planes are periodic, those after its end and those before its start lie side by side.

    Attributes
    ----------
    axis : 0 or 1
    start, stop : int
        Span of the picture.
    side : int
        Samples of the axis.
    """

    axis: int
    start: int
    stop: int
    side: int

    @property
    def width(self) -> int:
        """Samples outside."""
        return self.side - (self.stop - self.start)

    @property
    def padded(self) -> int:
        """Samples that a transform needs, so that none outside feels the wrap."""
        return min(fast_side(self.width + max(self.start, self.side - self.stop)), self.side)

    def shape(self, tile: tuple[int, int]) -> tuple[int, int]:
        """Shape of planes of the band and what is needed beside it."""
        return (self.padded, tile[1]) if self.axis == 0 else (tile[0], self.padded)

    def cut(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """Copy the band out of a plane: (width, samples of the other axis)."""
        lines = self.lines(plane)
        return np.concatenate((lines[self.stop :], lines[: self.start]))

    def paste(self, values: NDArray[np.float32], plane: NDArray[np.float32]) -> None:
        """Put a band into a plane."""
        lines, after = self.lines(plane), self.side - self.stop
        lines[self.stop :] = values[:after]
        lines[: self.start] = values[after:]

    def lines(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """View a plane so that the band's axis comes first."""
        return plane if self.axis == 0 else plane.T


class UnknownBorder:
    """Finds the outside of one tile after another, in buffers of its own.

    Parameters
    ----------
    blur : Blur
    transforms : PlaneTransforms
        The solver's.
    """

    def __init__(self, blur: Blur, transforms: PlaneTransforms) -> None:
        self._blur = blur
        self._transforms = transforms
        self._blurred = np.empty_like(transforms.planes)
        self._latent = np.empty_like(transforms.spectrum)
        self._of_band: dict[tuple[int, int], PlaneTransforms] = {}
        self._bands: tuple[Band, ...] = ()

    @staticmethod
    def bytes_needed(channels: int, shape: tuple[int, int], insides: Iterable[Inside]) -> int:
        """Most bytes of its own buffers for tiles with these insides."""
        height, width = shape
        bands = {band for inside in insides for band in inside.bands(shape)}
        transforms = {band.shape(shape) for band in bands}
        lines = max((band.width * shape[1 - band.axis] for band in bands), default=0)
        return (
            4 * channels * height * width
            + 8 * height * (width // 2 + 1)
            + sum(PlaneTransforms.bytes_needed(1, band) for band in transforms)
            + 4 * _SCRATCH * lines
        )

    def load(self, inside: Inside) -> None:
        """Take over the outside of the blurred planes, which is the first guess."""
        self._bands = inside.bands(self._blur.shape)
        self._blurred[...] = self._transforms.planes

    def correct(self, channel: int, step_of: StepOf, target: Spectrum, iterations: int) -> None:
        """Move the outside of one plane towards the solution.

        Parameters
        ----------
        channel : int
        step_of : callable
            Gives what the step does to a channel of a blur.
        target : (H, W // 2 + 1) complex64
            conj(K) Y, changed along with y. The spectrum of the transforms holds X, normalised,
            and holds what becomes of it afterwards; the plane is overwritten.
        iterations : int
            Each costs two pairs of transforms of a band; a whole pair comes on top for each band.
        """
        transforms, spectrum = self._transforms, self._transforms.spectrum
        plane, scale = transforms.planes[channel], np.float32(transforms.scale)
        step = step_of(self._blur, channel)
        blurred = self._blurred[channel]
        for band in self._bands:
            _keep_and_blur(spectrum, self._latent, step.conjugate)
            transforms.inverse(channel)
            outside = band.cut(blurred)
            change = self._solve(band, channel, step_of, band.cut(plane) - outside, iterations)
            band.paste(outside + change, blurred)
            plane[...] = 0
            band.paste(change, plane)
            transforms.forward(channel)
            _follow(spectrum, self._latent, target, *step, scale)

    def _solve(
        self,
        band: Band,
        channel: int,
        step_of: StepOf,
        missing: NDArray[np.float32],
        iterations: int,
    ) -> NDArray[np.float32]:
        """Find what the band lacks, itself and through what x makes of that."""
        blur = self._blur.of_shape(band.shape(self._blur.shape))
        step = step_of(blur, channel)
        if blur.shape not in self._of_band:
            self._of_band[blur.shape] = PlaneTransforms(1, blur.shape)
        transforms = self._of_band[blur.shape]
        lines = band.lines(transforms.planes[0])

        def filtered(outside: NDArray[np.float32], kernel: Any) -> NDArray[np.float32]:
            lines[: band.width] = outside
            lines[band.width :] = 0
            transforms.forward(0)
            kernel(transforms.spectrum, *step[1:], np.float32(transforms.scale))
            transforms.inverse(0)
            return lines[: band.width]

        return conjugate_gradients(
            lambda outside: outside - filtered(outside, _filter_spectrum),
            missing,
            None,
            iterations,
            lambda outside: filtered(outside, _precondition_spectrum).copy(),
        )


@_kernel  # type: ignore[untyped-decorator]
def _keep_and_blur(spectrum: Any, kept: Any, conjugate: Any) -> None:
    for y in range(spectrum.shape[0]):
        for x in range(spectrum.shape[1]):
            kept[y, x] = spectrum[y, x]
            spectrum[y, x] *= np.conj(conjugate[y, x])


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
def _precondition_spectrum(
    spectrum: Any, power: Any, rows: Any, columns: Any, weight: Any, scale: Any
) -> None:
    """Multiply by 1 / (1 - H + _SOFTENED), normalised."""
    for y in range(spectrum.shape[0]):
        for x in range(spectrum.shape[1]):
            roughness = rows[y] + columns[x]
            total = weight * power[y, x] + roughness
            spectrum[y, x] *= scale * total / (roughness + _SOFTENED * total)


@_kernel  # type: ignore[untyped-decorator]
def _follow(
    spectrum: Any,
    latent: Any,
    target: Any,
    conjugate: Any,
    power: Any,
    rows: Any,
    columns: Any,
    weight: Any,
    scale: Any,
) -> None:
    """Turn the change of Y into X, which follows it, as conj(K) Y does."""
    for y in range(spectrum.shape[0]):
        for x in range(spectrum.shape[1]):
            blurred = conjugate[y, x] * spectrum[y, x]
            share = scale * weight / (weight * power[y, x] + (rows[y] + columns[x]))
            target[y, x] += blurred
            spectrum[y, x] = latent[y, x] + share * blurred

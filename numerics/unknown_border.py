"""What lies beyond the border of a picture, found while it is deconvolved.

Light from outside was blurred into the picture, and light from inside out of it. The outside of
the blurred picture y is therefore no data: the data term shall know the inside only [1]_. With the
shrunk gradients of a step fixed, the latent picture x is linear in y, and the outside u that
agrees with what x makes of it solves

    M (1 - H) M u = M k * x,    H = lambda |K|^2 / (lambda |K|^2 + beta |D|^2),

M keeping the outside only. That is symmetric and positive, so conjugate gradients [2]_ solve it,
from the last step's u on.

Mostly, H reaches no further than a tile's halo, and of the outside a band along the border counts,
as wide as that. So the transforms of an iteration need the band and as much beside it, not the
whole tile; and tiles see the same of the outside, however far their transforms reach beyond it.
Bands are solved beside each other, corners twice, of which one solution counts [3]_; what they make
of each other waits for the next correction. The preconditioner is the inverse that 1 - H would have
without M, softened where that is large: smooth light far out would take dozens of iterations.

References
----------
.. [1] Almeida & Figueiredo, Deconvolving images with unknown boundaries using the alternating
       direction method of multipliers, IEEE Trans. Image Processing 22(8), 2013.
.. [2] Shewchuk, An introduction to the conjugate gradient method without the agonizing pain, 1994.
.. [3] Cai & Sarkis, A restricted additive Schwarz preconditioner for general sparse linear systems,
       SIAM J. Scientific Computing 21(2), 1999.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from numerics.conjugate_gradients import conjugate_gradients
from numerics.fft import PlaneTransforms, Spectrum
from numerics.otf import Blur, Filter
from numerics.outside import Inside, Region

# As in shrinkage: fastmath for vector instructions, on values that are finite.
_kernel = numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")


# Of the preconditioner. With less, the result depends more on what else lies around the tile; with
# more, shakes take more iterations.
_SOFTENED = np.float32(0.15)
# Copies of a region that conjugate gradients hold at a time.
_SCRATCH = 8

StepOf: TypeAlias = Callable[[Blur, int], Filter]


@dataclass(frozen=True, slots=True)
class Correction:
    """When and how what lies beyond the border is sought.

    Attributes
    ----------
    steps : tuple of int
        Steps of the schedule, from 0, after which it is.
    iterations : int
        Of conjugate gradients, each time.
    width : int, optional
        Pixels of the bands along the border in which it is sought, preconditioned; what lies
        further out stays as it is. That takes less time and comes nearer, but must not be done
        where the filter of a step reaches further than that: it can diverge. None: all at once.
    """

    steps: tuple[int, ...] = ()
    iterations: int = 1
    width: int | None = None

    @property
    def is_banded(self) -> bool:
        """Whether band by band."""
        return self.width is not None

    def transform_pairs(self, inside: Inside, shape: tuple[int, int]) -> float:
        """Pairs of transforms a channel that one takes; those of bands by their share of a tile."""
        regions = inside.regions(shape, self.width)
        each = sum(math.prod(region.shape) for region in regions)
        return bool(regions) + (1 + self.is_banded) * self.iterations * each / math.prod(shape)


NO_CORRECTION = Correction()


class UnknownBorder:
    """Finds the outside of one tile after another, in buffers of its own.

    Parameters
    ----------
    blur : Blur
    transforms : PlaneTransforms
        The solver's.
    correction : Correction
    """

    def __init__(self, blur: Blur, transforms: PlaneTransforms, correction: Correction) -> None:
        self._blur = blur
        self._transforms = transforms
        self._correction = correction
        self._blurred = np.empty_like(transforms.planes)
        self._latent = np.empty_like(transforms.spectrum)
        self._of_region: dict[tuple[int, int], PlaneTransforms] = {}
        self._regions: tuple[Region, ...] = ()

    @staticmethod
    def bytes_needed(
        channels: int, shape: tuple[int, int], insides: Iterable[Inside], correction: Correction
    ) -> int:
        """Most bytes of its own buffers for tiles with these insides."""
        shapes = region_shapes(shape, insides, correction)
        own = sum(PlaneTransforms.bytes_needed(1, region) for region in shapes)
        largest = max(map(math.prod, shapes), default=0)
        # The blurred planes and a spectrum take as much as transforms of them.
        kept = PlaneTransforms.bytes_needed(channels, shape)
        return kept + own + 4 * _SCRATCH * largest

    def load(self, inside: Inside) -> None:
        """Take over the blurred planes, whose outside is the first guess."""
        self._regions = inside.regions(self._blur.shape, self._correction.width)
        self._blurred[...] = self._transforms.planes

    def correct(self, channel: int, step_of: StepOf, target: Spectrum) -> None:
        """Move the outside of one plane towards the solution.

        Parameters
        ----------
        channel : int
        step_of : callable
            Gives what the step does to a channel of a blur.
        target : (H, half_width(W)) complex64
            conj(K) Y, changed along with y. The spectrum of the transforms holds X, normalised,
            and holds what becomes of it afterwards; the plane is overwritten.
        """
        transforms, spectrum = self._transforms, self._transforms.spectrum
        plane, scale = transforms.planes[channel], np.float32(transforms.scale)
        step = step_of(self._blur, channel)
        _keep_and_blur(spectrum, self._latent, step.conjugate)
        transforms.inverse(channel)
        blurred = self._blurred[channel]
        lacking = [region.cut(plane) - region.cut(blurred) for region in self._regions]
        plane[...] = 0
        for region, missing in zip(self._regions, lacking, strict=True):
            change = self._solve(region, channel, step_of, missing)
            region.add(change, plane)
            region.add(change, blurred)
        transforms.forward(channel)
        _follow(spectrum, self._latent, target, *step, scale)

    def _solve(
        self, region: Region, channel: int, step_of: StepOf, missing: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Find what a region lacks, itself and through what x makes of that."""
        blur = self._blur.of_shape(region.shape)
        step = step_of(blur, channel)
        if blur.shape not in self._of_region:
            self._of_region[blur.shape] = PlaneTransforms(1, blur.shape)
        transforms = self._of_region[blur.shape]
        plane, scale = transforms.planes[0], np.float32(transforms.scale)

        def filtered(outside: NDArray[np.float32], kernel: Any) -> NDArray[np.float32]:
            region.embed(outside, plane)
            transforms.forward(0)
            kernel(transforms.spectrum, *step[1:], scale)
            transforms.inverse(0)
            return region.extract(plane)

        def apply(outside: NDArray[np.float32]) -> NDArray[np.float32]:
            explained = filtered(outside, _filter_spectrum)
            return np.subtract(outside, explained, out=explained)

        return conjugate_gradients(
            apply,
            missing,
            None,
            self._correction.iterations,
            (lambda outside: filtered(outside, _precondition_spectrum))
            if self._correction.is_banded
            else None,
        )


def region_shapes(
    shape: tuple[int, int], insides: Iterable[Inside], correction: Correction
) -> set[tuple[int, int]]:
    """Find the shapes that corrections of tiles with these insides need a psf for."""
    if not correction.steps:
        return set()
    found = (inside.regions(shape, correction.width) for inside in insides)
    return {region.shape for regions in found for region in regions}


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

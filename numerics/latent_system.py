"""Systems of equations for a latent picture that was blurred, solved by conjugate gradients.

Their matrix is ``K^H A K + B + floor``: K is a blur, diagonal in frequencies, A and B are local in
pixels. So a step takes two pairs of transforms, one for each. Vectors are half-spectra, in which
the preconditioner is diagonal; what happens to them between the transforms takes one pass before
and two after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from numerics.fft import batch_transforms

Plane = NDArray[np.float32]
Planes = NDArray[np.float32]
Spectrum = NDArray[np.complex64]
Spectra = NDArray[np.complex64]
Energies = NDArray[np.float64]

# As in shrinkage: fastmath for vector instructions, on values that are finite.
_kernel = numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")


@dataclass(frozen=True, slots=True, eq=False)
class LatentSystem:
    """The matrix of such a system, and how to come near its inverse.

    Attributes
    ----------
    shape : (H, W)
        Of the latents.
    blur : (H, W // 2 + 1) complex64
        K.
    weigh : callable
        Called with ``(2 n, H, W)`` float32: n blurred latents to replace by what A makes of them,
        and the latents themselves, for B.
    conditioner : (H, W // 2 + 1) float32
        Above 0; about the inverse of the whole matrix.
    floor : float
        Added to the matrix's diagonal.
    """

    shape: tuple[int, int]
    blur: Spectrum
    weigh: Callable[[Planes], None]
    conditioner: Plane
    floor: float = 0.0

    def solve(
        self, target: Spectra, start: Spectra, steps: int, *, tolerance: float = 0.0
    ) -> Spectra:
        """Go some steps of conjugate gradients towards the latents.

        Parameters
        ----------
        target, start : (n, H, W // 2 + 1) complex64
            Each spectrum is a system of its own.
        steps : int
            At most.
        tolerance : float, optional
            No further steps once what is left of every target, as long as the conditioner measures
            it, is no longer than this share of the target. By default all steps are gone.

        Returns
        -------
        (n, H, W // 2 + 1) complex64
        """
        between = batch_transforms((2 * len(target), *self.shape), np.float32)
        spread = between.spectrum
        scale, floor = np.float32(between.scale), np.float32(self.floor)
        solution, residual = np.zeros_like(target), target.copy()
        direction, image = start.copy(), np.empty_like(target)
        is_even = self.shape[1] % 2 == 0
        enough = tolerance**2 * _energies(target, self.conditioner, is_even)
        # The first step, of length 1, leads to the start.
        energy, ratio = np.zeros(len(target)), np.ones(len(target))
        for step in range(steps + 1):
            left = residual if step else solution
            _turn(direction, left, self.conditioner, ratio, self.blur, spread)
            between.inverse()
            self.weigh(between.planes)
            between.forward()
            curvature = _gather(spread, self.blur, direction, scale, floor, is_even, image)
            length = _ratio(energy, curvature) if step else ratio
            last = energy
            _advance(solution, residual, direction, image, length)
            energy = _energies(residual, self.conditioner, is_even)
            if np.all(energy <= enough):
                break
            ratio = _ratio(energy, last)
        return solution


def _ratio(over: Energies, under: Energies) -> Energies:
    """Divide, giving 0 where a latent is found already and nothing is left to divide by."""
    return np.divide(over, under, out=np.zeros_like(over), where=under > 0)


@_kernel  # type: ignore[untyped-decorator]
def _turn(
    direction: Any, residual: Any, conditioner: Any, ratio: Any, blur: Any, spread: Any
) -> None:
    """Turn the direction towards what is left; spread it, blurred and not, for the transforms."""
    count, height, width = direction.shape
    for n in range(count):
        kept = np.float32(ratio[n])
        for y in range(height):
            line, left, weight = direction[n, y], residual[n, y], conditioner[y]
            response, blurred, plain = blur[y], spread[n, y], spread[count + n, y]
            for x in range(width):
                value = kept * line[x] + weight[x] * left[x]
                line[x] = value
                plain[x] = value
                blurred[x] = value * response[x]


@_kernel  # type: ignore[untyped-decorator]
def _gather(
    spread: Any, blur: Any, direction: Any, scale: Any, floor: Any, is_even: Any, image: Any
) -> Any:
    """Collect what the matrix makes of the direction; give the inner product of both."""
    count, height, width = direction.shape
    products = np.zeros(count)
    for n in range(count):
        for y in range(height):
            line, out, response = direction[n, y], image[n, y], blur[y]
            blurred, plain = spread[n, y], spread[count + n, y]
            total = np.float32(0)
            for x in range(width):
                back = blurred[x] * response[x].conjugate() + plain[x]
                out[x] = scale * back + floor * line[x]
                total += _dot(out[x], line[x])
            products[n] += 2 * total - _dot(out[0], line[0])
            if is_even:
                products[n] -= _dot(out[width - 1], line[width - 1])
    return products


@_kernel  # type: ignore[untyped-decorator]
def _advance(solution: Any, residual: Any, direction: Any, image: Any, length: Any) -> None:
    """Go along the direction."""
    count, height, width = direction.shape
    for n in range(count):
        step = np.float32(length[n])
        for y in range(height):
            line, left = direction[n, y], residual[n, y]
            found, matrix = solution[n, y], image[n, y]
            for x in range(width):
                found[x] += step * line[x]
                left[x] -= step * matrix[x]


@_kernel  # type: ignore[untyped-decorator]
def _energies(spectra: Any, weights: Any, is_even: Any) -> Any:
    """Weighted sums of squares."""
    count, height, width = spectra.shape
    energies = np.zeros(count)
    for n in range(count):
        for y in range(height):
            line, weight = spectra[n, y], weights[y]
            total = np.float32(0)
            for x in range(width):
                total += weight[x] * _dot(line[x], line[x])
            energies[n] += 2 * total - weight[0] * _dot(line[0], line[0])
            if is_even:
                energies[n] -= weight[width - 1] * _dot(line[width - 1], line[width - 1])
    return energies


@_kernel  # type: ignore[untyped-decorator]
def _dot(a: Any, b: Any) -> Any:
    """Inner product of two complex numbers, taken for vectors.

    In sums over half-spectra, columns count twice that have a mirror image in the half left out:
    all but the first one and, at even widths, the last one.
    """
    return a.real * b.real + a.imag * b.imag

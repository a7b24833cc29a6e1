"""The power spectrum of a blurred photograph as a model with few parameters, and their fit.

``A(angle) f^-slope |otf|^2``, waves over the octaves, and a floor of noise, in bins of frequency
and direction; see `numerics.whittle`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from numerics.jpeg_noise import jpeg_spectrum

Vector = NDArray[np.float64]

SOFTNESS = 0.3
"""Standard deviation of the blur that sharp photographs have by nature, as a rule, pixels."""

SECTORS = 16
"""Sectors of direction, modulo 180 degrees."""

LOWEST, RING = 0.03, 1 / 128
"""Where the rings of frequency begin, and how wide they are, cycles per pixel."""

RINGS = int((0.6 - LOWEST) / RING)
"""Rings of frequency: to 0.6 cycles per pixel, in the corners of the spectrum."""

_SLOPE, _SLOPE_DEVIATION = 2.4, 0.3
_HARMONICS = 3
_HARMONIC_DEVIATION = 0.5
# Real spectra leave the power law: in waves over the logarithm of frequency, from a whole one over
# the range on, each half a wave shorter than the last; and by directions that change from low to
# high frequencies. What is as smooth as that tells nothing of a blur.
_WAVES = 4
_WAVE_DEVIATION = 0.1
_TURNS = 2
_TURN_DEVIATION = 0.5
# The noise is measured where it is least: elsewhere there can be much more.
_LESS_NOISE_DEVIATION, _MORE_NOISE_DEVIATION = 0.3, 1.5
_JPEG_DEVIATION = 0.4
_ITERATIONS = 15
_LONGEST_STEP = 2.0
_CONVERGED = 3e-3
# Signals below this logarithm are none.
_FAR = -80.0


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Rings of frequency cut into sectors of direction; direction counts modulo 180 degrees.

    Attributes
    ----------
    area : (n,) float64
        Cycles per pixel, squared.
    basis : (n, q) float32
        Derivatives of the logarithm of the model's signal by its parameters, the floor's left out.
    products : (n, q * (q + 1) / 2) float32
        Of each two columns of `basis`.
    jpeg : (n,) float64
        See `jpeg_spectrum`.
    frequency : (n,) float64
        Of their middles, cycles per pixel.
    """

    area: Vector
    basis: NDArray[np.float32]
    products: NDArray[np.float32]
    jpeg: Vector
    frequency: Vector


@lru_cache(maxsize=1)
def make_bins() -> Bins:
    """Lay out the bins, from low frequencies to high, all sectors of a ring together."""
    rings = np.arange(RINGS)
    frequency = np.repeat(LOWEST + RING * (rings + 0.5), SECTORS)
    angle = np.tile((np.arange(SECTORS) + 0.5) * np.pi / SECTORS, rings.size)
    octaves = np.log(frequency)
    place = np.pi * (octaves - octaves[0]) / (octaves[-1] - octaves[0])
    harmonics = [f(2 * j * angle) for j in range(1, _HARMONICS + 1) for f in (np.cos, np.sin)]
    waves = [np.cos(j * place) for j in range(2, 2 + _WAVES)]
    turns = [(place / np.pi - 0.5) * harmonic for harmonic in harmonics[:_TURNS]]
    softness = -((2 * np.pi * frequency) ** 2)
    parts = [np.ones_like(frequency), -octaves, softness, *harmonics, *waves, *turns]
    basis = np.stack(parts, axis=1).astype(np.float32)
    rows, columns = _pairs(basis.shape[1])
    products = basis[:, rows] * basis[:, columns]
    area = frequency * RING * np.pi / SECTORS
    return Bins(area, basis, products, jpeg_spectrum(frequency, angle), frequency)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The model of n bins, linear in its parameters but for the last two, which are the floor's.

    Attributes
    ----------
    bins : Bins
    weights : (n,) float32
        Inverse variances of `target`; 0 for bins that hold nothing.
    target : (n,) float32
        Logarithm of the power that was measured.
    noises : (2, n) float32
        Power densities of white noise and of JPEG's as expected; the floor's parameters are
        logarithms of how much more there is.
    softness_deviation : float
        Standard deviation of the square of the natural softness, square pixels, > 0.
    """

    bins: Bins
    weights: NDArray[np.float32]
    target: NDArray[np.float32]
    noises: NDArray[np.float32]
    softness_deviation: float

    def fit(
        self, fixed: NDArray[np.float32], start: NDArray[np.float64] | None = None
    ) -> tuple[Vector, NDArray[np.float64]]:
        """Fit the parameters by Gauss and Newton's method.

        Parameters
        ----------
        fixed : (m, n) float32
            Logarithm of the power that the parameters don't change, in m cases.
        start : (m, q) float64, optional
            Parameters to begin with, as those of cases that are nearly the same.

        Returns
        -------
        costs : (m,) float64
            Sum of squared deviations, weighted, with those of the parameters from what is usual.
        parameters : (m, q) float64
        """
        parameters = self._begin(fixed) if start is None else start.copy()
        moving = np.arange(len(fixed))
        for _ in range(_ITERATIONS):
            normal, right = self._linearise(parameters[moving], fixed[moving])
            step = np.linalg.solve(normal, right[..., None])[..., 0]
            parameters[moving] += np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
            moving = moving[np.abs(step).max(axis=1) >= _CONVERGED]
            if moving.size == 0:
                break
        residual, _, _ = self._compare(parameters, fixed)
        apart = (parameters - _expected()) ** 2 * self._precision(parameters)
        return residual**2 @ self.weights + apart.sum(axis=1), parameters

    def _begin(self, fixed: NDArray[np.float32]) -> NDArray[np.float64]:
        """Begin with what is usual, the level such that the lowest frequencies fit."""
        low = np.flatnonzero(self.weights)[: 2 * SECTORS]
        expected = self.bins.basis[low] @ _expected()[:-2] + fixed[:, low]
        parameters = np.tile(_expected(), (len(fixed), 1))
        parameters[:, 0] = (self.target[low] - expected).mean(axis=1)
        return parameters

    def _compare(
        self, parameters: NDArray[np.float64], fixed: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Residual of the logarithm of power, and shares of the model: signal (m, n), noises."""
        signal = parameters[:, :-2].astype(np.float32) @ self.bins.basis.T + fixed
        noises = np.exp(parameters[:, -2:, None]).astype(np.float32) * self.noises
        faint = np.exp(-np.maximum(signal, np.float32(_FAR)))
        whole = 1 + noises.sum(axis=1) * faint
        residual = self.target - signal - np.log(whole)
        return residual, 1 / whole, noises * (faint / whole)[:, None]

    def _linearise(
        self, parameters: NDArray[np.float64], fixed: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Set up the normal equations (m, q, q) and (m, q) of a step of Gauss and Newton."""
        residual, share, noises = self._compare(parameters, fixed)
        precision = self._precision(parameters)
        basis, products = self.bins.basis, self.bins.products
        rows, columns = _pairs(basis.shape[1])
        weighted = self.weights * share
        of_noises = self.weights * noises
        normal = np.empty((*precision.shape, precision.shape[1]))
        normal[:, rows, columns] = normal[:, columns, rows] = weighted * share @ products
        normal[:, -2:, :-2] = (of_noises * share[:, None]) @ basis
        normal[:, :-2, -2:] = normal[:, -2:, :-2].transpose(0, 2, 1)
        normal[:, -2:, -2:] = of_noises @ noises.transpose(0, 2, 1)
        right = precision * (_expected() - parameters)
        right[:, :-2] += weighted * residual @ basis
        right[:, -2:] += (of_noises @ residual[..., None])[..., 0]
        return normal + precision[:, :, None] * np.eye(precision.shape[1]), right

    def _precision(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Inverse variances (m, q) of the parameters around what is expected."""
        deviations = [
            np.inf,
            _SLOPE_DEVIATION,
            self.softness_deviation,
            *[_HARMONIC_DEVIATION] * (2 * _HARMONICS),
            *[_WAVE_DEVIATION] * _WAVES,
            *[_TURN_DEVIATION] * _TURNS,
            _LESS_NOISE_DEVIATION,
            _JPEG_DEVIATION,
        ]
        precision = np.tile(1 / np.square(deviations), (len(parameters), 1))
        precision[parameters[:, -2] > 0, -2] = 1 / _MORE_NOISE_DEVIATION**2
        return precision


@lru_cache(maxsize=1)
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of a symmetric matrix from its diagonal up."""
    return np.triu_indices(count)


def _expected() -> Vector:
    unchanged = [0.0] * (2 * _HARMONICS + _WAVES + _TURNS + 2)
    return np.array([0.0, _SLOPE, SOFTNESS**2, *unchanged])

"""How well a PSF explains the power spectrum of a sample.

After Whittle's likelihood, on logarithms averaged over bins.

Sharp photographs have power ``A(angle) f^-slope``, more or less; blur multiplies it by
``|otf|^2``, noise adds a floor. What the best such model leaves unexplained is the cost of a PSF,
comparable among PSFs of all kinds on one sample. Phases, and with them the mirror image of a PSF,
have no part in it.

References
----------
Whittle, Estimation and information in stationary time series, Arkiv for Matematik 2, 1953.
Field, Relations between the statistics of natural images and the response properties of cortical
cells, JOSA A 4, 1987 (the power law).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numerics.fft import next_fast_size, rfft2

Plane = NDArray[np.float32]
Vector = NDArray[np.float64]

POINT: NDArray[np.float32] = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], np.float32)
"""The PSF of no blur."""

SOFTNESS = 0.3
"""Standard deviation of the blur that sharp photographs have by nature, pixels."""

_LOWEST, _HIGHEST = 0.03, 0.6
_RING = 1 / 128
_SECTORS = 16
# Of the mean of four periodograms: how far the mean of its logarithm lies below the logarithm of
# its mean, and the variance of that over the number of frequencies averaged, as measured on noise.
_LOG_BIAS = 0.1302
_LOG_VARIANCE = 1.1
# Norm of the odd taper of a pair.
_ODD = 6**0.5
# Variance of the model itself: what real spectra have of bumps, however many pixels they fill.
# Noise is plainer: the share of the signal counts.
_MODEL_VARIANCE = 0.04
_LEAST_VARIANCE = 0.003
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
_NOISE_DEVIATION = 0.3
_NOISE_FACTOR = 1.05
_SMALLEST_NOISE = 3e-4
_ITERATIONS = 15
_LONGEST_STEP = 2.0
_CONVERGED = 3e-3
# Signals fainter than the floor by this factor's logarithm count as this far below it.
_FAR = 60.0
_DARKEST = 1e-12
_OTF_SIDE = 192
# The window fades as a gaussian does towards pixels to leave out: its deviation, pixels, and where
# it ends in deviations. Anything steeper or more compact leaks light into high frequencies, and
# into the zeros of wide blurs. The narrower one is for samples of which it leaves too little.
_FADES, _FADE_REACH = (5.0, 3.0), 3.0
_ENOUGH_LEFT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """The power spectrum of a sample in bins of frequency and direction.

    Attributes
    ----------
    bins : Bins
        What lies where.
    log_power : (n,) float64
        Logarithm of the power density of each bin; white noise of deviation s has ``2 ln s``.
    weights : (n,) float64
        Inverse variance of `log_power`; 0 for bins that hold nothing.
    log_noise : float
        Where the floor is expected.
    """

    bins: Bins
    log_power: Vector
    weights: Vector
    log_noise: float

    @property
    def size(self) -> int:
        """Number of bins that count: what a perfect model costs, about."""
        return int(np.count_nonzero(self.weights))

    def dimmed(self, noise: float) -> Spectrum:
        """Expect the spectrum under further noise: what lies deep below it is lost."""
        floor = 2 * np.log(noise)
        return replace(
            self,
            log_power=np.logaddexp(self.log_power, floor),
            log_noise=float(np.logaddexp(self.log_noise, floor)),
        )

    def signal_share(self) -> float:
        """Share of all frequencies at which the sample has twice the power of its noise."""
        clear = self.log_power > self.log_noise + np.log(2)
        seen = self.weights > 0
        return float(self.bins.area[clear & seen].sum() / self.bins.area[seen].sum())


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Rings of frequency cut into sectors of direction; direction counts modulo 180 degrees.

    Attributes
    ----------
    area : (n,) float64
        Cycles per pixel, squared.
    basis : (n, q) float32
        Derivatives of the logarithm of the model's signal by its parameters but the floor.
    products : (n, q * (q + 1) / 2) float32
        Of each two columns of `basis`.
    softness : (n,) float64
        Logarithm of the power that natural softness leaves.
    """

    area: Vector
    basis: NDArray[np.float32]
    products: NDArray[np.float32]
    softness: Vector


def measure_spectrum(sample: Plane, noise: float, valid: NDArray[np.bool_]) -> Spectrum:
    """Measure the power spectrum of a sample under a smooth window.

    Parameters
    ----------
    sample : (H, W) float32
        Linear light, about 0..1.
    noise : float
        Standard deviation of its noise.
    valid : (H, W) bool
        False where the light was clipped: the window fades out before it.

    Returns
    -------
    Spectrum
    """
    tapers = _tapers(sample.shape) * _fade(valid)
    shape = (next_fast_size(sample.shape[0]), next_fast_size(sample.shape[1]))
    power = np.zeros((shape[0], shape[1] // 2 + 1))
    for taper in tapers:
        mean = (sample * taper**2).sum() / (taper**2).sum()
        power += _periodogram((sample - mean) * taper, shape) / (taper**2).sum() / len(tapers)
    index = _index(shape)
    # Padding and tapers make neighbours alike, pixels left out make them more so.
    kept = (tapers[0] ** 2).sum() / (_tapers(sample.shape)[0] ** 2).sum()
    counts = _sums(index) * (kept * sample.size / (shape[0] * shape[1]))
    # Where there is no noise a blur leaves what rounding does, which the model knows nothing of.
    power += _SMALLEST_NOISE**2
    log_power = _mean(index, np.log(power)) + _LOG_BIAS
    log_noise = float(np.log((_NOISE_FACTOR * noise) ** 2 + _SMALLEST_NOISE**2))
    signal = np.clip(1 - np.exp(log_noise - log_power), 0, 1)
    variance = _LOG_VARIANCE / np.maximum(counts, 1e-9) + _MODEL_VARIANCE * signal**2
    weights = np.where(counts >= 1, 1 / (variance + _LEAST_VARIANCE), 0.0)
    return Spectrum(_bins(), log_power, weights, log_noise)


def _periodogram(plane: Plane, shape: tuple[int, int]) -> NDArray[np.float64]:
    padded = np.zeros(shape, np.float32)
    padded[: plane.shape[0], : plane.shape[1]] = plane
    power: NDArray[np.float64] = np.abs(rfft2(padded)).astype(np.float64) ** 2
    return power


def spectral_costs(spectrum: Spectrum, psfs: Sequence[NDArray[np.float32]]) -> Vector:
    """Tell how much of a sample's spectrum each PSF leaves unexplained.

    Parameters
    ----------
    spectrum : Spectrum
    psfs : sequence of (h, w) float32
        Odd-sized, sum 1, up to 191 px on a side.

    Returns
    -------
    (n,) float64
        Sum of squared deviations, weighted, with those of the parameters from what is usual.
    """
    return fit_powers(spectrum, np.stack([otf_power(psf) for psf in psfs]))


def spectral_cost(spectrum: Spectrum, psf: NDArray[np.float32]) -> float:
    """Tell how much of a sample's spectrum one PSF leaves unexplained: see `spectral_costs`."""
    return float(spectral_costs(spectrum, [psf])[0])


def otf_power(psf: NDArray[np.float32]) -> Vector:
    """Average the squared magnitude of a PSF's otf over the bins: (n,) float64."""
    padded = np.zeros((_OTF_SIDE, _OTF_SIDE), np.float32)
    padded[: psf.shape[0], : psf.shape[1]] = psf
    index = _index((_OTF_SIDE, _OTF_SIDE))
    return _mean(index, np.abs(rfft2(padded)) ** 2)


def fit_powers(spectrum: Spectrum, powers: NDArray[np.float64]) -> Vector:
    """Fit the model to a spectrum by Gauss-Newton, once for each row of `powers`.

    Parameters
    ----------
    spectrum : Spectrum
    powers : (m, n) float64
        `otf_power` of m PSFs.

    Returns
    -------
    (m,) float64
        `spectral_costs`.
    """
    problem = _Problem(
        spectrum.bins,
        spectrum.weights.astype(np.float32),
        spectrum.log_power.astype(np.float32),
        _expected(spectrum),
        _precision(),
    )
    fixed = spectrum.bins.softness + np.log(powers + _DARKEST)
    return problem.solve(fixed.astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """The model of n bins, linear in its q parameters but for the floor, which is the last."""

    bins: Bins
    weights: NDArray[np.float32]
    target: NDArray[np.float32]
    expected: Vector
    precision: Vector

    def solve(self, fixed: NDArray[np.float32]) -> Vector:
        """Return the cost for each row (m, n) of what the parameters don't change."""
        parameters = self._begin(fixed)
        for _ in range(_ITERATIONS):
            normal, right = self._linearise(parameters, fixed)
            step = np.linalg.solve(normal, right[..., None])[..., 0]
            parameters += np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
            if np.abs(step).max() < _CONVERGED:
                break
        residual, _ = self._compare(parameters, fixed)
        apart = parameters - self.expected
        costs: Vector = residual**2 @ self.weights + apart**2 @ self.precision
        return costs

    def _begin(self, fixed: NDArray[np.float32]) -> NDArray[np.float64]:
        """Begin with what is usual, the level such that the lowest frequencies fit."""
        low = np.flatnonzero(self.weights)[: 2 * _SECTORS]
        expected = self.bins.basis[low] @ self.expected[:-1] + fixed[:, low]
        parameters = np.tile(self.expected, (len(fixed), 1))
        parameters[:, 0] = (self.target[low] - expected).mean(axis=1)
        return parameters

    def _compare(
        self, parameters: NDArray[np.float64], fixed: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Residual of the logarithm of power, and share of the signal in the model: (m, n)."""
        signal = parameters[:, :-1].astype(np.float32) @ self.bins.basis.T + fixed
        floor = parameters[:, -1:].astype(np.float32)
        share = 1 / (1 + np.exp(np.minimum(floor - signal, np.float32(_FAR))))
        residual = self.target - signal + np.log(share)
        return residual.astype(np.float32, copy=False), share.astype(np.float32, copy=False)

    def _linearise(
        self, parameters: NDArray[np.float64], fixed: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Set up the normal equations (m, q, q) and (m, q) of a step of Gauss and Newton."""
        residual, share = self._compare(parameters, fixed)
        basis, products = self.bins.basis, self.bins.products
        rows, columns = _pairs(basis.shape[1])
        weighted = self.weights * share
        rest = 1 - share
        normal = np.empty((len(share), *self.precision.shape * 2))
        normal[:, rows, columns] = normal[:, columns, rows] = weighted * share @ products
        normal[:, :-1, -1] = normal[:, -1, :-1] = weighted * rest @ basis
        normal[:, -1, -1] = rest**2 @ self.weights
        right = self.precision * (self.expected - parameters)
        right[:, :-1] += weighted * residual @ basis
        right[:, -1] += rest * residual @ self.weights
        return normal + np.diag(self.precision), right


@lru_cache(maxsize=1)
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of a symmetric matrix from its diagonal up."""
    return np.triu_indices(count)


def _expected(spectrum: Spectrum) -> Vector:
    return np.array([0.0, _SLOPE, *[0.0] * (2 * _HARMONICS + _WAVES + _TURNS), spectrum.log_noise])


def _precision() -> Vector:
    deviations = [
        _SLOPE_DEVIATION,
        *[_HARMONIC_DEVIATION] * (2 * _HARMONICS),
        *[_WAVE_DEVIATION] * _WAVES,
        *[_TURN_DEVIATION] * _TURNS,
        _NOISE_DEVIATION,
    ]
    return np.array([0.0, *(1 / np.square(deviations))])


def _tapers(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Four orthogonal windows (4, H, W) that vanish smoothly at the borders."""
    sides = []
    for n in shape:
        phase = np.pi * (np.arange(n) + 0.5) / n
        hann = np.sin(phase) ** 2
        sides.append((hann, _ODD * hann * np.cos(phase)))
    return np.stack([np.outer(down, along) for down in sides[0] for along in sides[1]]).astype(
        np.float32
    )


def _fade(valid: NDArray[np.bool_]) -> Plane:
    """1, and smoothly down to 0 towards pixels that are not valid."""
    if valid.all():
        return np.ones(valid.shape, np.float32)
    for deviation in _FADES:
        reach = round(_FADE_REACH * deviation)
        far = ndimage.minimum_filter(valid.astype(np.float32), 2 * reach + 1)
        window = ndimage.gaussian_filter(far, deviation, truncate=_FADE_REACH)
        if window.mean() > _ENOUGH_LEFT:
            break
    return np.asarray(window, np.float32)


@lru_cache(maxsize=4)
def _index(shape: tuple[int, int]) -> NDArray[np.intp]:
    """Bin of each frequency of a half-spectrum; the last one takes what is out of range."""
    down = np.fft.fftfreq(shape[0])[:, None]
    along = np.fft.rfftfreq(shape[1])
    ring = np.floor((np.hypot(down, along) - _LOWEST) / _RING)
    sector = np.floor(np.mod(np.arctan2(down, along), np.pi) / np.pi * _SECTORS)
    rings = _ring_count()
    inside = (ring >= 0) & (ring < rings)
    index = np.where(inside, ring * _SECTORS + np.minimum(sector, _SECTORS - 1), rings * _SECTORS)
    return index.astype(np.intp).ravel()


def _ring_count() -> int:
    return int((_HIGHEST - _LOWEST) / _RING)


def _sums(index: NDArray[np.intp], values: NDArray[np.float64] | None = None) -> Vector:
    weights = None if values is None else values.ravel()
    count = _ring_count() * _SECTORS
    return np.bincount(index, weights, minlength=count + 1)[:count].astype(np.float64)


def _mean(index: NDArray[np.intp], values: NDArray[np.float64]) -> Vector:
    return _sums(index, values) / np.maximum(_sums(index), 1)


@lru_cache(maxsize=1)
def _bins() -> Bins:
    rings = np.arange(_ring_count())
    frequency = np.repeat(_LOWEST + _RING * (rings + 0.5), _SECTORS)
    angle = np.tile((np.arange(_SECTORS) + 0.5) * np.pi / _SECTORS, rings.size)
    octaves = np.log(frequency)
    place = np.pi * (octaves - octaves[0]) / (octaves[-1] - octaves[0])
    harmonics = [f(2 * j * angle) for j in range(1, _HARMONICS + 1) for f in (np.cos, np.sin)]
    waves = [np.cos(j * place) for j in range(2, 2 + _WAVES)]
    turns = [(place / np.pi - 0.5) * harmonic for harmonic in harmonics[:_TURNS]]
    parts = [np.ones_like(frequency), -octaves, *harmonics, *waves, *turns]
    basis = np.stack(parts, axis=1).astype(np.float32)
    rows, columns = _pairs(basis.shape[1])
    products = basis[:, rows] * basis[:, columns]
    softness = -((2 * np.pi * frequency * SOFTNESS) ** 2)
    return Bins(frequency * _RING * np.pi / _SECTORS, basis, products, softness)

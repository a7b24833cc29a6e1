"""How well a PSF explains the power spectrum of a sample.

After Whittle's likelihood, on logarithms averaged over bins.

Sharp photographs have power ``A(angle) f^-slope``, more or less; blur multiplies it by
``|otf|^2``, noise adds a floor, flat but for JPEG's. What the best such model leaves unexplained is
the cost of a PSF, comparable among PSFs of all kinds on one sample. Phases, and with them the
mirror image of a PSF, have no part in it.

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
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numerics.fft import next_fast_size, rfft2
from numerics.grain import Grain
from numerics.jpeg_noise import block_steps
from numerics.noise import quiet_noise
from numerics.spectral_model import LOWEST, RING, RINGS, SECTORS, Bins, Model, make_bins

Plane = NDArray[np.float32]
Vector = NDArray[np.float64]

POINT: NDArray[np.float32] = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], np.float32)
"""The PSF of no blur."""

# Of the mean of four periodograms: how far the mean of its logarithm lies below the logarithm of
# its mean, and the variance of that over the number of frequencies averaged, as measured on noise.
_LOG_BIAS = 0.1302
_LOG_VARIANCE = 1.1
# Norm of the odd taper of a pair.
_ODD = 6**0.5
# Variance of the model itself: what real spectra have of bumps, however many pixels they fill.
# Noise is plainer: the share of the signal counts.
_MODEL_VARIANCE = 0.04
# JPEG's noise is modelled more roughly, and where it takes a blur's faint rest away it leaves less.
_JPEG_VARIANCE = 0.2
_LEAST_VARIANCE = 0.003
# Deviations of the square of natural softness, square pixels: as good as none, and what leaves room
# for photographs that are soft by 1 px.
_USUAL_SOFTNESS, _UNUSUAL_SOFTNESS = 1e-3, 0.25
_NOISE_FACTOR = 1.05
_SMALLEST_NOISE = 3e-4
_DARKEST = 1e-12
_OTF_SIDE = 192
# Pixels after which a sensor's mosaic repeats itself, and the finest waves that so many show.
_MOSAIC, _FINEST_OF_MOSAIC = 2, 0.25
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
        Inverse variance of `log_power`; 0 for bins that hold nothing, or too fine waves.
    white, jpeg : float
        Power density of white noise that is expected, where it is least, and the power of JPEG's
        steps, see `block_steps`.
    softness_deviation : float
        How far the square of the picture's natural softness may lie off what is usual.
    """

    bins: Bins
    log_power: Vector
    weights: Vector
    white: float
    jpeg: float
    softness_deviation: float = _USUAL_SOFTNESS

    @property
    def size(self) -> int:
        """Number of bins that count: what a perfect model costs, about."""
        return int(np.count_nonzero(self.weights))

    def dimmed(self, noise: float) -> Spectrum:
        """Expect the spectrum under further noise: what lies deep below it is lost."""
        return replace(
            self,
            log_power=np.logaddexp(self.log_power, 2 * np.log(noise)),
            white=self.white + noise**2,
        )

    def softened(self) -> Spectrum:
        """Allow for pictures that are soft, or were sharpened, beside the blur that is tried.

        For blurs other than gaussians: those take softness in. Discs and lines on soft pictures
        would be taken for gaussians else.
        """
        return replace(self, softness_deviation=_UNUSUAL_SOFTNESS)

    def noises(self) -> NDArray[np.float64]:
        """Power densities of white noise and JPEG's that are expected in the bins: (2, n)."""
        return np.stack([np.full_like(self.bins.jpeg, self.white), self.jpeg * self.bins.jpeg])

    def signal_share(self) -> float:
        """Share of all frequencies at which the sample has twice the power of its noise."""
        seen = self.weights > 0
        return float(self.bins.area[self._is_clear()].sum() / self.bins.area[seen].sum())

    def signal_size(self) -> int:
        """Count the bins in which the sample has twice the power of its noise, at least 1."""
        return max(1, int(np.count_nonzero(self._is_clear())))

    def _is_clear(self) -> NDArray[np.bool_]:
        floor: Vector = self.noises().sum(axis=0)
        return np.asarray((self.log_power > np.log(2 * floor)) & (self.weights > 0))


def measure_spectrum(
    sample: Plane,
    noise: float,
    valid: NDArray[np.bool_],
    finest: float = np.inf,
    grain: Grain = "white",
) -> Spectrum:
    """Measure the power spectrum of a sample under a smooth window.

    Parameters
    ----------
    sample : (H, W) float32
        Linear light, about 0..1.
    noise : float
        Standard deviation of its noise.
    valid : (H, W) bool
        False where the light was clipped: the window fades out before it.
    finest : float, optional
        Cycles per pixel; finer waves don't count.
    grain : str, optional
        What `find_grain` found. Demosaicing smooths noise: its spectrum falls off as if it were a
        blurred picture, each way to demosaic its own. So of a demosaiced sample only waves up to
        0.25 cycles per pixel count, and the noise is measured where they are.

    Returns
    -------
    Spectrum
    """
    if grain == "demosaiced":
        return _measure_mosaic(sample, valid)
    return _measure([sample], valid, noise, finest, block_steps([sample]))


def _measure_mosaic(sample: Plane, valid: NDArray[np.bool_]) -> Spectrum:
    """Measure the spectrum of a demosaiced sample.

    Every other pixel of every other row has seen another place of the sensor than its neighbours:
    of these pixels alone the noise is white again. There are four such pictures in one; the finer
    waves of a sharp one fold back into theirs.
    """
    height, width = (side // _MOSAIC * _MOSAIC for side in sample.shape)
    places = [(top, left) for top in range(_MOSAIC) for left in range(_MOSAIC)]
    parts = [
        np.ascontiguousarray(sample[top:height:_MOSAIC, left:width:_MOSAIC]) for top, left in places
    ]
    seen = np.all([valid[top:height:_MOSAIC, left:width:_MOSAIC] for top, left in places], axis=0)
    noise = float(np.sqrt(np.mean([quiet_noise(part) ** 2 for part in parts])))
    return _measure(parts, seen, noise, _FINEST_OF_MOSAIC, jpeg=0.0, step=_MOSAIC)


def _measure(
    parts: Sequence[Plane],
    valid: NDArray[np.bool_],
    noise: float,
    finest: float,
    jpeg: float,
    step: int = 1,
) -> Spectrum:
    """Measure the mean spectrum of parts of one shape, whose pixels lie `step` px apart."""
    tapers = _tapers(valid.shape) * _fade(valid)
    shape = (next_fast_size(valid.shape[0]), next_fast_size(valid.shape[1]))
    power = np.zeros((shape[0], shape[1] // 2 + 1))
    for sample, taper in product(parts, tapers):
        mean = (sample * taper**2).sum() / (taper**2).sum()
        share = 1 / (len(tapers) * len(parts))
        power += _periodogram((sample - mean) * taper, shape) / (taper**2).sum() * share
    index = _index(shape, step)
    # Padding and tapers make neighbours alike, pixels left out make them more so.
    kept = (tapers[0] ** 2).sum() / (_tapers(valid.shape)[0] ** 2).sum()
    counts = _sums(index) * (kept * valid.size / (shape[0] * shape[1]))
    # Where there is no noise a blur leaves what rounding does, which the model knows nothing of.
    power += _SMALLEST_NOISE**2
    log_power = _mean(index, np.log(power)) + _LOG_BIAS
    white = (_NOISE_FACTOR * noise) ** 2 + _SMALLEST_NOISE**2
    signal = np.clip(1 - white * np.exp(-log_power), 0, 1)
    coarse = np.minimum(jpeg * make_bins().jpeg * np.exp(-log_power), 1)
    model_variance = _MODEL_VARIANCE * signal**2 + _JPEG_VARIANCE * coarse**2
    variance = _LOG_VARIANCE / np.maximum(counts, 1e-9) + model_variance
    counted = (counts >= 1) & (make_bins().frequency <= finest)
    weights = np.where(counted, 1 / (variance + _LEAST_VARIANCE), 0.0)
    return Spectrum(make_bins(), log_power, weights, white, jpeg)


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
    return _model(spectrum).fit(_log_powers(psfs))[0]


def spectral_cost(spectrum: Spectrum, psf: NDArray[np.float32]) -> float:
    """Tell how much of a sample's spectrum one PSF leaves unexplained: see `spectral_costs`."""
    return float(spectral_costs(spectrum, [psf])[0])


class SlidingCost:
    """`spectral_cost` of one PSF after another, each nearly the same as the last.

    Each fit begins where the last one ended, which takes fewer steps.

    Parameters
    ----------
    spectrum : Spectrum
    """

    def __init__(self, spectrum: Spectrum) -> None:
        self._model = _model(spectrum)
        self._last: NDArray[np.float64] | None = None

    def __call__(self, psf: NDArray[np.float32]) -> float:
        """Tell the cost of the next PSF (h, w)."""
        costs, self._last = self._model.fit(_log_powers([psf]), self._last)
        return float(costs[0])


def otf_power(psf: NDArray[np.float32]) -> Vector:
    """Average the squared magnitude of a PSF's otf over the bins: (n,) float64."""
    padded = np.zeros((_OTF_SIDE, _OTF_SIDE), np.float32)
    padded[: psf.shape[0], : psf.shape[1]] = psf
    index = _index((_OTF_SIDE, _OTF_SIDE))
    return _mean(index, np.abs(rfft2(padded)) ** 2)


def raise_floor(spectrum: Spectrum, psf: NDArray[np.float32]) -> Spectrum:
    """Expect the noise that a PSF leaves room for, where that is more."""
    _, parameters = _model(spectrum).fit(_log_powers([psf]))
    white, jpeg = np.exp(np.maximum(parameters[0, -2:], 0))
    return replace(spectrum, white=spectrum.white * white, jpeg=spectrum.jpeg * jpeg)


def _model(spectrum: Spectrum) -> Model:
    return Model(
        spectrum.bins,
        spectrum.weights.astype(np.float32),
        spectrum.log_power.astype(np.float32),
        spectrum.noises().astype(np.float32),
        spectrum.softness_deviation,
    )


def _log_powers(psfs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    powers = np.stack([otf_power(psf) for psf in psfs])
    return np.log(powers + _DARKEST).astype(np.float32)


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
def _index(shape: tuple[int, int], step: int = 1) -> NDArray[np.intp]:
    """Bin of each frequency of a half-spectrum; the last one takes what is out of range.

    `step` is the distance of the samples that were transformed, pixels.
    """
    down = np.fft.fftfreq(shape[0], step)[:, None]
    along = np.fft.rfftfreq(shape[1], step)
    ring = np.floor((np.hypot(down, along) - LOWEST) / RING)
    sector = np.floor(np.mod(np.arctan2(down, along), np.pi) / np.pi * SECTORS)
    rings = RINGS
    inside = (ring >= 0) & (ring < rings)
    index = np.where(inside, ring * SECTORS + np.minimum(sector, SECTORS - 1), rings * SECTORS)
    return index.astype(np.intp).ravel()


def _sums(index: NDArray[np.intp], values: NDArray[np.float64] | None = None) -> Vector:
    weights = None if values is None else values.ravel()
    count = RINGS * SECTORS
    return np.bincount(index, weights, minlength=count + 1)[:count].astype(np.float64)


def _mean(index: NDArray[np.intp], values: NDArray[np.float64]) -> Vector:
    return _sums(index, values) / np.maximum(_sums(index), 1)

"""Light trails: what a shaken camera makes of small lights at night.

Each trail is the PSF, drawn by a light. Where most bright things of a dark sample have one form, it
is read from them; alternating between a picture of edges and its PSF, which everything else needs,
fails there: what is sharp about such a sample are the trails themselves.

Lights are no points. The smallest of them has the most compact trail, and of the PSFs that would
draw it, by a point or by larger lights, that one is taken which explains the spectrum best: what
other trails, and edges, have of fine waves would not be there under a wider PSF.

References
----------
Hu, Cho, Wang & Yang, Deblurring low-light images with light streaks, CVPR 2014.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from numerics.consensus import mean_psf, similarity
from numerics.fft import next_fast_size
from numerics.noise import quiet_noise
from numerics.psf import normalise, resized
from numerics.psf_cleaning import centring_shift, clean_psf, psf_extent, shift_psf
from numerics.psf_step import normal_equations, solve_non_negative
from numerics.sample import Mask
from numerics.whittle import Spectrum, measure_spectrum, spectral_costs

Plane = NDArray[np.float32]
Psf = NDArray[np.float32]

_LARGEST = 65
# What lies behind lights: the median over so many blocks of so many pixels on a side.
_BLOCK, _BLOCKS = 4, 7
# A deviation over the median of what lies off, as of noise.
_OF_MEDIAN = 1.4826
# Of full scale: black that is clipped has none.
_LEAST_DEVIATION = 5e-4
# Of the deviation of what is no light: where a trail ends, and its brightest pixel at least.
_FAINTEST, _BRIGHTEST = 3.0, 25.0
# Standard deviation of the gaussian that keeps noise from looking like a light, pixels.
_SMOOTHING = 0.7
# Trails that are looked at, the brightest ones, and those that must be alike.
_MOST, _FEWEST = 24, 4
# Trails are alike from here on, and as many of them must be; each must be as like another on
# average. Lamps of a sharp picture, and galaxies, are not.
_ALIKE, _LEAST_SHARE, _LEAST_LIKENESS = 0.8, 0.7, 0.95
# Trails of the smallest lights, whose mean is less noisy than each.
_SMALLEST, _SAME = 3, 0.95
# Of a trail's pixels: with more of them clipped its form is lost.
_MOST_CLIPPED = 0.05
# Similarity to a gaussian of the same extent, from where on it may be a lamp itself.
_COMPACT = 0.82
# Windows of a house and letters are alike, too, but as bright all over: the share of the light on
# pixels this bright, of the brightest one.
_FLAT, _EVENLY_LIT = 0.6, 0.7
# Variance along each axis, square pixels, that a point is given.
_PIXEL = 0.01
# Sides of the lights that may have drawn it, pixels, besides a point; and the weight of the squared
# PSF, whose light is 1, that keeps what such lights swallow from growing.
_LIGHTS, _RIDGE = (2, 3, 4), 1e-4
# What is left of the background in a PSF: of the brightest pixel, and of the sum.
_DUST, _SPECK = 0.03, 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Trails:
    """The PSF that light trails draw.

    Attributes
    ----------
    psf : (size, size) float32
        Odd-sized, sums to 1, its centroid near the middle.
    alike, seen : int
        Trails of one form, and all that were looked at.
    likeness : float
        Mean similarity of those of one form to the one that is most like each, 0 to 1.
    """

    psf: Psf
    alike: int
    seen: int
    likeness: float

    @property
    def confidence(self) -> float:
        """How far to trust the PSF, 0 to 1."""
        return self.likeness * self.alike / self.seen


@dataclass(frozen=True, slots=True, eq=False)
class _Trail:
    """One trail in the middle of a square, its light summing to 1, and what share is clipped."""

    form: Psf
    clipped: float


def find_trails(sample: Plane, known: Mask) -> Trails | None:
    """Find the form that most light trails of a sample have.

    Parameters
    ----------
    sample : (H, W) float32
        Linear light, sides of 32 px or more.
    known : (H, W) bool
        False where light is clipped.

    Returns
    -------
    Trails or None
        None if there are too few trails, or too few of one form, or if that may be the form of
        lamps, windows or letters: compact, or evenly lit. Lines and discs are told by the spectrum.
    """
    if not np.isfinite(sample).all():
        return None
    trails = list(_trails(sample, known))
    if len(trails) < _FEWEST:
        return None
    likeness = np.array([[similarity(a.form, b.form) for b in trails] for a in trails])
    alike = _alike(likeness)
    nearest = float(np.sort(likeness[np.ix_(alike, alike)], axis=1)[:, -2:].min(axis=1).mean())
    is_enough = len(alike) >= max(_FEWEST, _LEAST_SHARE * len(trails))
    if not is_enough or nearest < _LEAST_LIKENESS:
        return None
    whole = [number for number in alike if trails[number].clipped < _MOST_CLIPPED]
    if not whole:
        return None
    smallest = sorted(whole, key=lambda number: -float(np.linalg.norm(trails[number].form)))
    same = [n for n in smallest[:_SMALLEST] if likeness[smallest[0], n] >= _SAME]
    drawn = mean_psf([trails[number].form for number in same])
    spectrum = measure_spectrum(sample, quiet_noise(sample), known)
    psf = _without_light(clean_psf(drawn, faintest=_DUST, speck=_SPECK), spectrum)
    is_lamp = similarity(psf, _gaussian_like(psf)) > _COMPACT
    if is_lamp or psf[psf > _FLAT * psf.max()].sum() > _EVENLY_LIT:
        return None
    return Trails(psf, len(alike), len(trails), nearest)


def _without_light(trail: Psf, spectrum: Spectrum) -> Psf:
    """Find the PSF by which some light drew a trail."""
    trail = _fitted(trail)
    psfs = [trail, *(_drawn_by(side, trail) for side in _LIGHTS)]
    return psfs[int(spectral_costs(spectrum, psfs).argmin())]


def _drawn_by(side: int, trail: Psf) -> Psf:
    """Find the PSF by which a square light of that side would draw a trail."""
    size = trail.shape[0] + 2
    canvas = next_fast_size(2 * size)
    light, drawn = np.zeros((2, 1, canvas, canvas), np.float32)
    light[0, :side, :side] = 1 / side**2
    drawn[0, : trail.shape[0], : trail.shape[0]] = trail
    # The middle of the trail comes to lie on that of the light.
    shift = (side - 1) // 2 - trail.shape[0] // 2
    drawn = np.roll(drawn, (shift, shift), (1, 2))
    equations = normal_equations(light, drawn, size, _RIDGE)
    return _fitted(normalise(solve_non_negative(equations, np.pad(trail, 1))))


def _fitted(psf: Psf) -> Psf:
    """Centre a PSF, and cut it to what it takes and a rim of a pixel."""
    psf = shift_psf(psf, centring_shift(psf))
    return resized(psf, min(_LARGEST, psf_extent(psf) + 2))


def _alike(likeness: NDArray[np.float64]) -> list[int]:
    """Choose the most trails that are alike from one to the next: those of larger lights are wider.

    The PSF itself may be unlike the widest of them.
    """
    _, group = connected_components(csr_array(likeness > _ALIKE), directed=False)
    return np.flatnonzero(group == np.bincount(group).argmax()).tolist()


def _trails(sample: Plane, known: Mask) -> Iterator[_Trail]:
    """Cut out what is bright and lies apart, the brightest first."""
    light = sample - _background(sample)
    deviation = _OF_MEDIAN * float(np.median(np.abs(light - np.median(light))))
    deviation = max(deviation, _LEAST_DEVIATION)
    smooth = ndimage.gaussian_filter(light, _SMOOTHING)
    label, count = ndimage.label(
        ndimage.binary_dilation(smooth > _FAINTEST * deviation), np.ones((3, 3))
    )
    boxes = ndimage.find_objects(label)
    peaks = np.atleast_1d(ndimage.maximum(smooth, label, np.arange(1, count + 1)))
    bright = np.flatnonzero(peaks > _BRIGHTEST * deviation)
    found = 0
    for number in bright[np.argsort(-peaks[bright], kind="stable")].tolist():
        box = boxes[number]
        is_cut = any(s.start == 0 or s.stop == n for s, n in zip(box, sample.shape, strict=True))
        if is_cut or max(s.stop - s.start for s in box) > _LARGEST:
            continue
        inside = label[box] == number + 1
        form = np.where(inside, np.maximum(light[box], 0), 0).astype(np.float32)
        yield _Trail(_square(form / form.sum()), float(np.mean(~known[box][inside])))
        found += 1
        if found == _MOST:
            return


def _background(sample: Plane) -> Plane:
    """Light without what is small and bright."""
    coarse = ndimage.uniform_filter(sample, _BLOCK)[_BLOCK // 2 :: _BLOCK, _BLOCK // 2 :: _BLOCK]
    coarse = ndimage.median_filter(coarse, _BLOCKS)
    factors = [side / few for side, few in zip(sample.shape, coarse.shape, strict=True)]
    fine = ndimage.zoom(coarse, factors, order=1, mode="nearest", grid_mode=True)
    return np.asarray(fine, np.float32)


def _square(form: Psf) -> Psf:
    """Put a form into the middle of a square that has room for the largest PSF."""
    rows, columns = form.shape
    square = np.zeros((_LARGEST, _LARGEST), np.float32)
    top, left = (_LARGEST - rows) // 2, (_LARGEST - columns) // 2
    square[top : top + rows, left : left + columns] = form
    return square


def _gaussian_like(psf: Psf) -> Psf:
    """Give the gaussian that has the centroid and the moments of a PSF."""
    places = np.indices(psf.shape).reshape(2, -1).astype(np.float64)
    places -= np.average(places, axis=1, weights=psf.ravel())[:, None]
    moments = np.cov(places, aweights=psf.ravel(), bias=True) + _PIXEL * np.eye(2)
    distance = np.sum(places * np.linalg.solve(moments, places), axis=0)
    gaussian = np.exp(-distance / 2).reshape(psf.shape)
    return np.asarray(gaussian / gaussian.sum(), np.float32)

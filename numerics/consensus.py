"""What several PSFs of one sample have in common: how alike they are, and their mean.

PSFs that different starts end in differ by chance where the sample says little; what they share is
its say.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from numerics.fft import irfft2, rfft2
from numerics.psf import normalise, resized

Psf = NDArray[np.float32]

# Shifts are found in steps of a quarter of a pixel.
_FINENESS = 4
# Mean similarity of PSFs that belong together, and that of those that don't.
_ALIKE, _UNLIKE = 0.5, 0.7
# Of the similarity to the one in the middle, as weight: a start that went astray has next to none.
_LOYALTY = 6


def similarity(a: Psf, b: Psf) -> float:
    """Largest normalised cross-correlation of two PSFs of one size over all whole shifts."""
    peak = _correlation(a, b, 1).max()
    return float(peak / (np.linalg.norm(a) * np.linalg.norm(b)))


def agreement(psf: Psf, others: Sequence[Psf], weights: NDArray[np.float64]) -> float:
    """Weighted mean similarity of a PSF to others of its size, 0 to 1."""
    return float(np.average([similarity(psf, other) for other in others], weights=weights))


def is_unlike(psf: Psf, others: Sequence[Psf]) -> bool:
    """Whether a PSF is like none of others, which may be of another size; without any it is not."""
    if not others:
        return False
    size = max(psf.shape[0], others[0].shape[0])
    return all(similarity(resized(psf, size), resized(other, size)) < _UNLIKE for other in others)


def are_of_their_own(candidates: Sequence[Psf], family: Psf) -> bool:
    """Whether the last candidate is like those that it was made of, and none like a family's PSF.

    Spectra can't tell a shake from a blur with a formula of the same power. Starts that see phases
    come close to the blur with the formula where that is the truth.

    Parameters
    ----------
    candidates : sequence of (size, size) float32
        As `Estimate.candidates`. One alone agrees with nobody.
    family : (side, side) float32
    """
    *starts, found = candidates
    if not starts or not is_unlike(family, candidates):
        return False
    return agreement(found, starts, np.ones(len(starts))) > _ALIKE


def mean_psf(psfs: Sequence[Psf], trust: NDArray[np.float64] | None = None) -> Psf:
    """Average PSFs, each moved onto the one that is most like all others, and weighted by likeness.

    Parameters
    ----------
    psfs : sequence of (size, size) float32
        At least one.
    trust : (n,) float64, optional
        Above 0: what else speaks for each, in the search for the middle and as a weight. The same
        for all if not given.

    Returns
    -------
    (size, size) float32
        Sums to 1.
    """
    trust = np.ones(len(psfs)) if trust is None else trust
    likeness = [sum(t * similarity(a, b) for b, t in zip(psfs, trust, strict=True)) for a in psfs]
    middle = psfs[int(np.argmax(likeness))]
    weights = [t * similarity(middle, b) ** _LOYALTY for b, t in zip(psfs, trust, strict=True)]
    return normalise(np.average([_move_onto(middle, psf) for psf in psfs], axis=0, weights=weights))


def _move_onto(reference: Psf, psf: Psf) -> NDArray[np.float64]:
    """Move a PSF by what makes it most like another; light that leaves it is lost."""
    correlation = _correlation(reference, psf, _FINENESS)
    peak = np.unravel_index(int(correlation.argmax()), correlation.shape)
    side = correlation.shape[0]
    shift = [((int(at) + side // 2) % side - side // 2) / _FINENESS for at in peak]
    return np.asarray(ndimage.shift(psf.astype(np.float64), shift, order=1, mode="constant"))


def _correlation(a: Psf, b: Psf, fineness: int) -> NDArray[np.float32]:
    """Cross-correlation at shifts in steps of ``1 / fineness`` px, from 0 on, wrapping."""
    size = a.shape[0]
    side = 2 * size
    first, second = rfft2(np.pad(np.stack([a, b]), ((0, 0), (0, size), (0, size))))
    cross = first * np.conj(second)
    finer = np.zeros((side * fineness, side * fineness // 2 + 1), np.complex64)
    rows = np.fft.fftfreq(side, 1 / side).astype(int)
    finer[rows, : cross.shape[1]] = cross
    return irfft2(finer, (side * fineness, side * fineness)) * np.float32(fineness**2)

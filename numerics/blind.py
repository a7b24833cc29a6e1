"""Blind estimation of a PSF: what blur lies on a sample, found from the sample alone.

The path of a sample::

    normalise -> pyramid -> climb it from each start -> score -> refine the best -> score

Different starts end in different PSFs; taken is the one under which the sample deconvolves to
the sparsest gradient. The refined PSF has to win by the same measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from numerics.blur import blur_valid
from numerics.canvas import lay_out
from numerics.climb import Level, Start, build_levels, climb, climb_cost, improve
from numerics.fft import irfft2, rfft2
from numerics.sample import least_side, normalise_sample
from numerics.sparse_cg import deconvolve_sparse
from numerics.sparsity import normalised_sparsity
from numerics.variational import refine_psf, refinement_cost
from numerics.whiteness import residual_whiteness
from numerics.work import Check, Progress, Work

Plane = NDArray[np.float32]
Psf = NDArray[np.float32]

STARTS = (
    Start("plain", edge_cost=4e-3, ridge=2),
    Start("non-negative", edge_cost=4e-3, ridge=5, non_negative=True),
    Start("few edges", edge_cost=8e-3, ridge=2),
)

AUTO_SIZES = (15, 31)

# Where a climb from the top ends: weak edges too.
_CHANNEL_START = Start("channel", edge_cost=2e-4, ridge=2)
# In iterations of a climb times pixels, as measured.
_ASSESS_COST = 8


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A PSF found on a sample, and what speaks for it.

    Attributes
    ----------
    psf : (size, size) float32
        Sums to 1, its centroid near the middle.
    origin : str
        Name of the start that led to it, and whether it was refined.
    score : float
        Normalised sparsity of the deconvolved sample; lower is sharper.
    whiteness : float
        Of the deconvolution's residual, 0 (white) down to -1.
    agreement : float
        Smallest similarity (0..1) among the PSFs of all starts; below 0.75 the sample is
        ambiguous. 1 for a single start.
    """

    psf: Psf
    origin: str
    score: float
    whiteness: float
    agreement: float


def estimate_psf(
    blurred: Plane,
    size: int,
    *,
    starts: Sequence[Start] = STARTS,
    border: int | None = None,
    progress: Progress | None = None,
    check: Check | None = None,
) -> Estimate:
    """Estimate the PSF that blurred a sample.

    Parameters
    ----------
    blurred : (H, W) float32
        Linear light of any range; sides of at least 32 px and twice `size`.
    size : int
        Odd side of the PSF, pixels, 3 or more; best up to twice the blur. Much larger ones
        leave room for PSFs that the sample has no say in.
    starts : sequence of Start
        Tried in turn; each takes about a fourth of the time.
    border : int, optional
        Pixels left out of the score on each side; half of `size` if not given. Scores compare
        only where it is the same.
    progress : callable, optional
        Called with (done, total) as the work goes on.
    check : callable, optional
        Called several times a second; may raise to stop the work.

    Returns
    -------
    Estimate

    Raises
    ------
    EstimateError
        If the sample is too small, flat, nothing but noise, or not finite.
    """
    sample = normalise_sample(blurred, size)
    levels = build_levels(sample, size)
    finest = levels[-1].canvas
    assess_cost = (len(starts) + 1) * _ASSESS_COST * sample.size
    cost = len(starts) * climb_cost(levels) + refinement_cost(finest) + assess_cost
    work = Work(cost, progress, check)
    judge = _Judge(sample, size // 2 if border is None else border, work)
    found = [judge.assess(climb(levels, start, work), start.name) for start in starts]
    best = min(found, key=_score)
    refined = judge.assess(refine_psf(finest, best.psf, work), f"{best.origin}, refined")
    best = min(best, refined, key=_score)
    return replace(best, agreement=_agreement([estimate.psf for estimate in found]))


def estimate_psf_and_size(
    blurred: Plane,
    sizes: Sequence[int] = AUTO_SIZES,
    *,
    progress: Progress | None = None,
    check: Check | None = None,
) -> Estimate:
    """Estimate the PSF at several sizes and take the one of the best score.

    Parameters
    ----------
    blurred : (H, W) float32
    sizes : sequence of int
        Odd, rising. Those too large for the sample are left out, but never the first.
    progress, check : callable, optional

    Returns
    -------
    Estimate
        The side of its PSF is the size found.

    Raises
    ------
    EstimateError
        As `estimate_psf` does.
    """
    usable = [sizes[0], *(size for size in sizes[1:] if min(blurred.shape) >= least_side(size))]
    pixels = np.cumsum([0, *(size**2 for size in usable)])
    estimates = [
        estimate_psf(
            blurred,
            size,
            border=usable[-1] // 2,
            progress=_part(progress, done / pixels[-1], (done + size**2) / pixels[-1]),
            check=check,
        )
        for size, done in zip(usable, pixels, strict=False)
    ]
    return min(estimates, key=_score)


def adapt_psf(blurred: Plane, psf: Psf, *, check: Check | None = None) -> Psf:
    """Adapt a PSF to another channel of the sample that it was estimated on.

    A few iterations at full scale. The centroid is free to move, so that what the channels are
    shifted against each other is not lost.

    Parameters
    ----------
    blurred : (H, W) float32
        The channel.
    psf : (size, size) float32
        To begin with.
    check : callable, optional

    Returns
    -------
    (size, size) float32

    Raises
    ------
    EstimateError
        As `estimate_psf` does.
    """
    size = psf.shape[0]
    level = Level(lay_out(normalise_sample(blurred, size), size), size)
    start = _CHANNEL_START
    work = Work(level.cost, None, check)
    return improve(level, psf, start, start.edge_cost, work, recentre=False)[0]


def _part(progress: Progress | None, begin: float, end: float) -> Progress | None:
    """Let a part of the work report itself as a share of the whole."""
    if progress is None:
        return None
    return lambda done, total: progress(begin + (end - begin) * done / total, 1.0)


def _score(estimate: Estimate) -> float:
    return estimate.score


@dataclass(frozen=True, slots=True, eq=False)
class _Judge:
    """Deconvolves one sample with every PSF, and looks at it away from the borders."""

    sample: Plane
    border: int
    work: Work

    def assess(self, psf: Psf, origin: str) -> Estimate:
        """Tell how sharp the sample gets, and how white what the PSF leaves unexplained is."""
        latent = deconvolve_sparse(self.sample, psf)
        explained = blur_valid(latent[..., None], psf)[..., 0]
        residual = _inside(self.sample, psf.shape[0] // 2) - explained
        score = normalised_sparsity(_inside(latent, self.border))
        self.work.advance(_ASSESS_COST * self.sample.size)
        return Estimate(psf, origin, score, residual_whiteness(residual), agreement=1.0)


def _inside(plane: Plane, border: int) -> Plane:
    return plane[border:-border, border:-border]


def _agreement(psfs: Sequence[Psf]) -> float:
    return min((_similarity(a, b) for a, b in combinations(psfs, 2)), default=1.0)


def _similarity(a: Psf, b: Psf) -> float:
    """Largest normalised cross-correlation of two PSFs of one size over all whole shifts."""
    side = 2 * a.shape[0]
    first, second = rfft2(np.pad(np.stack([a, b]), ((0, 0), (0, a.shape[0]), (0, a.shape[0]))))
    peak = irfft2(first * np.conj(second), (side, side)).max()
    return float(peak / (np.linalg.norm(a) * np.linalg.norm(b)))

"""Blind estimation of a PSF: what blur lies on a sample, found from the sample alone.

The path of a sample::

    normalise -> pyramid -> climb it from each start -> score -> refine the best -> score

Different starts end in different PSFs; taken is the one under which the sample deconvolves to
the sparsest gradient. The refined PSF has to win by the same measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from numerics.canvas import blur, lay_out
from numerics.climb import Start, build_levels, climb, climb_cost
from numerics.fft import irfft2, rfft2
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

_LEAST_SIDE = 32
# In iterations of a climb times pixels, as measured.
_ASSESS_COST = 8
# Pure noise spans 6.2 of its standard deviations between these percentiles.
_RANGE_PERCENTILES = (0.1, 99.9)
_LEAST_RANGE = 8.0
# What the starts' settings were found on.
_RANGE = 0.75


class EstimateError(ValueError):
    """The sample does not allow to estimate a PSF."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A PSF found on a sample, and what speaks for it.

    Attributes
    ----------
    psf : (size, size) float32
        Sums to 1, its centroid within half a pixel of the middle.
    start : str
        What led to it.
    score : float
        Normalised sparsity of the deconvolved sample; lower is sharper.
    whiteness : float
        Of the deconvolution's residual, 0 (white) down to -1.
    agreement : float
        Smallest similarity (0..1) among the PSFs of all starts; below 0.75 the sample is
        ambiguous. 1 for a single start.
    """

    psf: Psf
    start: str
    score: float
    whiteness: float
    agreement: float


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    psf: Psf
    origin: str
    score: float
    whiteness: float


def estimate_psf(
    blurred: Plane,
    size: int,
    *,
    starts: Sequence[Start] = STARTS,
    progress: Progress | None = None,
    check: Check | None = None,
) -> Estimate:
    """Estimate the PSF that blurred a sample.

    Parameters
    ----------
    blurred : (H, W) float32
        Linear light of any range; sides of at least 32 px and twice `size`.
    size : int
        Odd side of the PSF, pixels, 3 or more; larger than the blur does little harm.
    starts : sequence of Start
        Tried in turn; one is about three times as fast as three.
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
    sample = _normalise(blurred, size)
    levels = build_levels(sample, size)
    finest = levels[-1].canvas
    assess_cost = (len(starts) + 1) * _ASSESS_COST * sample.size
    cost = len(starts) * climb_cost(levels) + refinement_cost(finest) + assess_cost
    work = Work(cost, progress, check)
    found = [_assess(sample, climb(levels, start, work), start.name, work) for start in starts]
    best = min(found, key=lambda candidate: candidate.score)
    refined = _assess(sample, refine_psf(finest, best.psf, work), f"{best.origin}, refined", work)
    best = min(best, refined, key=lambda candidate: candidate.score)
    agreement = _agreement([candidate.psf for candidate in found])
    return Estimate(best.psf, best.origin, best.score, best.whiteness, agreement)


def _normalise(blurred: Plane, size: int) -> Plane:
    """Check a sample and scale it to a set range, so that the starts' settings fit its contrast."""
    if size < 3 or size % 2 == 0:
        raise EstimateError(f"size of the PSF is {size} px. Use an odd size of 3 or more.")
    least = max(_LEAST_SIDE, 2 * size)
    height, width = blurred.shape
    if min(height, width) < least:
        raise EstimateError(
            f"the sample is {width} x {height} px, too small for a PSF of {size} px. "
            f"Use {least} px or more on each side, or a smaller size."
        )
    if not np.all(np.isfinite(blurred)):
        raise EstimateError("the sample holds NaN or infinite values. Choose another window.")
    low, high = np.percentile(blurred, _RANGE_PERCENTILES)
    if high - low <= _LEAST_RANGE * _fine_noise(blurred):
        raise EstimateError(
            f"nothing to measure the blur on: the sample is flat (from {low:.4g} to {high:.4g}). "
            "Choose a window with edges."
        )
    return np.asarray(blurred * np.float32(_RANGE / (high - low)), np.float32)


def _fine_noise(plane: Plane) -> float:
    """Estimate the standard deviation of noise from mixed second differences."""
    fine = np.diff(np.diff(plane, 2, axis=0), 2, axis=1)
    return float(np.median(np.abs(fine))) / 0.6745 / 6


def _assess(sample: Plane, psf: Psf, origin: str, work: Work) -> _Candidate:
    """Deconvolve the sample with a PSF and judge the result, away from the borders."""
    latent = deconvolve_sparse(sample, psf)
    canvas = lay_out(latent, psf.shape[0])
    residual = sample - blur(canvas.plane, psf)[canvas.window]
    work.advance(_ASSESS_COST * sample.size)
    rim = psf.shape[0] // 2
    inside = (slice(rim, -rim), slice(rim, -rim))
    return _Candidate(
        psf=psf,
        origin=origin,
        score=normalised_sparsity(latent[inside]),
        whiteness=residual_whiteness(residual[inside]),
    )


def _agreement(psfs: Sequence[Psf]) -> float:
    return min((_similarity(a, b) for a, b in combinations(psfs, 2)), default=1.0)


def _similarity(a: Psf, b: Psf) -> float:
    """Largest normalised cross-correlation of two PSFs of one size over all whole shifts."""
    side = 2 * a.shape[0]
    first, second = rfft2(np.pad(np.stack([a, b]), ((0, 0), (0, a.shape[0]), (0, a.shape[0]))))
    peak = irfft2(first * np.conj(second), (side, side)).max()
    return float(peak / (np.linalg.norm(a) * np.linalg.norm(b)))

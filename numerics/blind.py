"""Blind estimation of a PSF: what blur lies on a sample, found from the sample alone.

The path of a sample::

    prepare -> pyramid -> climb it from each start -> mean of all -> refine it -> assess it
                                ^-- from further ones, if they disagree --'

Different starts end in different PSFs. No score of spectrum, sparsity and whiteness that was tried
tells the best of them as reliably as their mean comes close to it. The spectrum tells those that
went astray: they have no weight in the mean.

Now and then all starts go astray together, and agree. Hardly more than another rounding makes them
find their way; so starts see different mixes of a sample's channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from math import ceil

import numpy as np
from numpy.typing import NDArray

from numerics.blur import blur_valid
from numerics.blur_size import find_size
from numerics.climb import Level, Start, build_levels, climb, climb_cost
from numerics.consensus import agreement, mean_psf
from numerics.grain import Grain
from numerics.psf import normalise, resized
from numerics.psf_cleaning import centring_shift, clean_psf, psf_extent, psf_reach, shift_psf
from numerics.sample import Mask, Sample, prepare_sample
from numerics.sparse_cg import deconvolve_sparse
from numerics.sparsity import normalised_sparsity
from numerics.variational import LEAST_MISFIT, refine_psf, refinement_cost
from numerics.whiteness import residual_whiteness
from numerics.whittle import Spectrum, measure_spectrum, spectral_costs
from numerics.work import Check, Progress, Work

Plane = NDArray[np.float32]
Psf = NDArray[np.float32]

STARTS = (
    Start("fewer edges", edge_cost=2.8e-4, ridge=2),
    Start("many edges, refined", edge_cost=1.4e-4, ridge=2, refined=True),
    Start(
        "non-negative, refined",
        edge_cost=1.4e-4,
        ridge_share=4e-3,
        non_negative=True,
        refined=True,
    ),
)
"""Starts of the estimation. The first two are best on samples of many edges, the last on others."""

FURTHER_STARTS = (
    Start("fewest edges", edge_cost=5.6e-4, ridge=2),
    Start("more edges, refined", edge_cost=0.7e-4, ridge=2, refined=True),
    Start("most edges, refined", edge_cost=0.35e-4, ridge=2, refined=True),
)
"""Where the others disagree, most of them went astray; now and then one of these does not."""

# Mean similarity of the starts' mean to them, below which they disagree: on Levin's pictures it is
# 0.95 and more.
_AT_ONE = 0.93
# Of the time, what finding the size takes.
_SIZING_SHARE = 0.2
# Differences of the logarithm of the spectral cost by which a start is trusted e times less. Those
# that went astray lie 0.3 and more above the best.
_MISFIT_SPREAD = 0.1
# Room that the mean needs: a share of the reach of all but a little of its light, and pixels.
_ROOM, _ROOM_SPARE, _FAINT = 1.15, 1, 0.005
# The refinement gets more, where faint tails show that the climbs lost. Less light than this share
# beyond what was needed is no tail but dust.
_SPACIOUS, _TAIL = 2.0, 0.03
_DUST, _SPECK = 0.02, 0.05
# Where what a PSF leaves over is not white, the blur differs from place to place, and refinement,
# which counts on one blur, would go too far: it has to forgive more, in proportion, up to a limit.
_WHITE, _MOST_FORGIVING = 0.004, 5.0
# Agreement of the starts, and what share of the possible gain such estimates reach, about.
_TRUST = (
    (0.4, 0.55, 0.65, 0.7, 0.82, 0.88, 0.92, 0.95, 0.98),
    (0.0, 0.05, 0.1, 0.25, 0.5, 0.68, 0.75, 0.85, 0.95),
)
# Of residuals: photographs with a blur that is nearly the same everywhere have less than this.
_WHITE_ENOUGH = 0.04
# Of the logarithm of the normalised sparsity, which differs by a few percent only, against that of
# the spectral cost; with less, PSFs full of dust that fits the spectrum win.
_SPARSITY_WEIGHT = 8.0
# How much a residual that is not white counts against a PSF.
_WHITENESS_WEIGHT = 10.0
# Enough to compare PSFs.
_ASSESS_STEPS = 16
# In iterations of a climb times pixels, as measured.
_ASSESS_COST = 5


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A PSF found on a sample, and what speaks for it.

    Attributes
    ----------
    psf : (size, size) float32
        Sums to 1, its centroid near the middle.
    origin : str
        How it was made of those that the starts led to.
    misfit : float
        Logarithm of the spectral cost: what the PSF leaves unexplained of the power spectrum.
    sparsity : float
        Logarithm of the normalised sparsity of the deconvolved sample.
    whiteness : float
        Of the deconvolution's residual, 0 (white) down to -1.
    agreement : float
        Mean similarity (0..1) of the PSF to those of the starts. Starts that explain the spectrum
        worse than others count less.
    candidates : tuple of (size, size) float32
        The PSFs of all starts, and `psf`.
    """

    psf: Psf
    origin: str
    misfit: float
    sparsity: float
    whiteness: float
    agreement: float
    candidates: tuple[Psf, ...] = ()

    @property
    def score(self) -> float:
        """How badly the PSF suits the sample; compares PSFs of one sample, lower is better."""
        return self.misfit + _SPARSITY_WEIGHT * self.sparsity - _WHITENESS_WEIGHT * self.whiteness

    @property
    def confidence(self) -> float:
        """How far to trust the PSF, 0 to 1."""
        trust = float(np.interp(self.agreement, *_TRUST))
        return trust * float(np.exp(min(0.0, self.whiteness + _WHITE_ENOUGH) / _WHITE_ENOUGH))

    @property
    def extent(self) -> int:
        """Odd side of the smallest centred square that holds the PSF, pixels."""
        return psf_extent(self.psf)

    @property
    def rim_light(self) -> float:
        """Share of the light on the outermost pixels, where a PSF that is cut off piles it up."""
        rim = self.psf.copy()
        rim[1:-1, 1:-1] = 0
        return float(rim.sum())


def estimate_psf(
    blurred: Plane,
    size: int,
    *,
    others: Sequence[Plane] = (),
    known: Mask | None = None,
    grain: Grain | None = None,
    starts: Sequence[Start] = STARTS,
    further: Sequence[Start] = FURTHER_STARTS,
    progress: Progress | None = None,
    check: Check | None = None,
    workers: int = 1,
) -> Estimate:
    """Estimate the PSF that blurred a sample.

    Parameters
    ----------
    blurred : (H, W) float32
        Linear light of any range; sides of at least 32 px and twice `size`.
    size : int
        Odd side of the PSF, pixels, 3 or more.
    others : sequence of (H, W) float32
        The sample in other mixes of its channels. Starts see all mixes in turn.
    known : (H, W) bool, optional
        False for pixels to leave out since the light was clipped there.
    grain : str, optional
        What `find_grain` found on all channels; by default it is looked for on each plane.
    starts : sequence of Start
        Climbed from in turn.
    further : sequence of Start
        Climbed from as well if the others disagree.
    progress : callable, optional
        Called with (done, total) as the work goes on.
    check : callable, optional
        Called several times a second; may raise to stop the work.
    workers : int, optional
        Threads that climb at a time; the estimate does not depend on it. With more than one,
        `progress` and `check` are called from them, one at a time.

    Returns
    -------
    Estimate

    Raises
    ------
    EstimateError
        If the sample is too small, flat, without edges, nothing but noise, or not finite.
    """
    views = [_View.of(plane, size, known, grain) for plane in (blurred, *others)]
    sample, levels = views[0].sample, views[0].levels
    finest = levels[-1].canvas
    climbing = sum(climb_cost(levels, start) for start in (*starts, *further))
    assessing = 2 * _ASSESS_COST * sample.plane.size
    work = Work(climbing + refinement_cost(finest, settle=True) + assessing, progress, check)
    judge = _Judge.of(sample, size // 2, work)
    turns = cycle(views)

    def climb_from(starts: Sequence[Start]) -> list[Psf]:
        climbs = [partial(next(turns).climb, start, work) for start in starts]
        return [_pad(psf, size) for psf in _call_all(climbs, workers)]

    climbed = climb_from(starts)
    trust = judge.trust(climbed)
    mean = mean_psf(climbed, trust)
    if agreement(mean, climbed, np.ones(len(climbed))) < _AT_ONE:
        climbed += climb_from(further)
        trust = judge.trust(climbed)
        mean = mean_psf(climbed, trust)
    else:
        work.advance(sum(climb_cost(levels, start) for start in further))
    misfit = LEAST_MISFIT * _forgiveness(judge.assess(mean, "mean").whiteness)
    mean = _centre(mean)
    spacious = normalise(_cut(mean, _room(mean, _SPACIOUS)))
    refined = refine_psf(finest, spacious, sample.noise, work, misfit=misfit, settle=True)
    refined = _pad(_without_dust(refined, _room(mean, _ROOM)), size)
    found = judge.assess(refined, "all starts, refined")
    agreed = agreement(found.psf, climbed, np.sqrt(trust))
    return replace(found, agreement=agreed, candidates=(*climbed, refined))


def estimate_psf_and_size(
    blurred: Plane,
    *,
    others: Sequence[Plane] = (),
    known: Mask | None = None,
    grain: Grain | None = None,
    progress: Progress | None = None,
    check: Check | None = None,
    workers: int = 1,
) -> Estimate:
    """Estimate the PSF and how large it is, up to 65 px and half of the sample.

    See `numerics.blur_size`.

    Parameters
    ----------
    blurred : (H, W) float32
    others : sequence of (H, W) float32
    known : (H, W) bool, optional
    grain : str, optional
    progress, check : callable, optional
    workers : int, optional

    Returns
    -------
    Estimate
        The side of its PSF is the size found.

    Raises
    ------
    EstimateError
        As `estimate_psf` does.
    """
    sizing = _part(progress, 0, _SIZING_SHARE)
    size = find_size(blurred, STARTS[0], known=known, grain=grain, progress=sizing, check=check)
    rest = _part(progress, _SIZING_SHARE, 1)
    found = estimate_psf(
        blurred,
        size,
        others=others,
        known=known,
        grain=grain,
        progress=rest,
        check=check,
        workers=workers,
    )
    spare = (size - min(size, found.extent + 2)) // 2
    return replace(found, psf=found.psf[spare : size - spare, spare : size - spare])


def _call_all(climbs: Sequence[Callable[[], Psf]], workers: int) -> list[Psf]:
    if workers == 1:
        return [climb() for climb in climbs]
    with ThreadPoolExecutor(workers) as pool:
        return [future.result() for future in [pool.submit(climb) for climb in climbs]]


def _part(progress: Progress | None, begin: float, end: float) -> Progress | None:
    """Let a part of the work report itself as a share of the whole."""
    if progress is None:
        return None
    return lambda done, total: progress(begin + (end - begin) * done / total, 1.0)


def _forgiveness(whiteness: float) -> float:
    return min(max(1.0, -whiteness / _WHITE), _MOST_FORGIVING)


def _centre(psf: Psf) -> Psf:
    """Clean a PSF of dust and bring its centroid to the middle."""
    psf = clean_psf(psf, faintest=_DUST, speck=_SPECK)
    return shift_psf(psf, centring_shift(psf))


def _room(psf: Psf, share: float) -> int:
    """Half side of a square that leaves a PSF some room, as a share of its reach, pixels."""
    return ceil(share * psf_reach(psf, without=_FAINT) + _ROOM_SPARE)


def _cut(psf: Psf, reach: int) -> Psf:
    return resized(psf, min(psf.shape[0], 2 * reach + 1))


def _without_dust(psf: Psf, reach: int) -> Psf:
    """Cut a PSF to a reach, unless a tail goes on beyond it."""
    inside = _cut(psf, reach)
    return psf if inside.sum() < 1 - _TAIL else normalise(inside)


def _pad(psf: Psf, size: int) -> Psf:
    return np.pad(psf, (size - psf.shape[0]) // 2)


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """One plane of a sample, and its pyramid."""

    sample: Sample
    levels: Sequence[Level]

    @classmethod
    def of(cls, plane: Plane, size: int, known: Mask | None, grain: Grain | None) -> _View:
        sample = prepare_sample(plane, size, known, grain)
        return cls(sample, build_levels(sample, size))

    def climb(self, start: Start, work: Work) -> Psf:
        return climb(self.levels, start, self.sample.noise, work)


@dataclass(frozen=True, slots=True, eq=False)
class _Judge:
    """Deconvolves one sample with every PSF, and looks at it away from the borders."""

    sample: Sample
    spectrum: Spectrum
    border: int
    work: Work

    @classmethod
    def of(cls, sample: Sample, border: int, work: Work) -> _Judge:
        spectrum = measure_spectrum(sample.plane, sample.noise, sample.known, grain=sample.grain)
        return cls(sample, spectrum, border, work)

    def trust(self, psfs: Sequence[Psf]) -> NDArray[np.float64]:
        """Weigh PSFs by how much of the spectrum they explain; 1 for the best."""
        misfits = np.log(spectral_costs(self.spectrum, psfs))
        return np.asarray(np.exp((misfits.min() - misfits) / _MISFIT_SPREAD), np.float64)

    def assess(self, psf: Psf, origin: str) -> Estimate:
        """Tell how well a PSF explains the sample, and how white what it leaves over is."""
        plane = self.sample.plane
        latent = deconvolve_sparse(plane, psf, known=self.sample.known, steps=_ASSESS_STEPS)
        explained = blur_valid(latent[..., None], psf)[..., 0]
        residual = _inside(plane, psf.shape[0] // 2) - explained
        sparsity = np.log(normalised_sparsity(_inside(latent, self.border)))
        misfit = np.log(spectral_costs(self.spectrum, [psf])[0])
        self.work.advance(_ASSESS_COST * plane.size)
        whiteness = residual_whiteness(residual)
        return Estimate(psf, origin, float(misfit), float(sparsity), whiteness, agreement=1.0)


def _inside(plane: Plane, border: int) -> Plane:
    return plane[border:-border, border:-border]

"""What blur lies on a sample, of whatever kind: the looks and the estimator of free form joined.

::

    look at spectrum and edges -> estimate a free form, if that can matter -> decide

Where light trails of a dark sample draw the PSF, there is nothing to estimate or decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from numerics.blind import Estimate, estimate_psf, estimate_psf_and_size
from numerics.climb import STRONG_NOISE
from numerics.consensus import is_unlike
from numerics.grain import Grain
from numerics.kind import Kind, Name, decide
from numerics.light_trails import Trails, find_trails
from numerics.look import Look, look_at
from numerics.psf_cleaning import psf_extent
from numerics.sample import Mask, is_fit
from numerics.work import Check, Progress

Plane = NDArray[np.float32]
Psf = NDArray[np.float32]

# Share of the light that may be dust, far out.
_FAINT = 0.01
# Where a free form explains so much more of the spectrum than the kind chosen, as an advantage that
# would do if edges were wide, spectrum and edges contradict each other. Where none of the free
# forms is like the blur chosen, spectrum and phases do.
_CONTRADICTION = 0.6
_CONFIDENCE_IF_CONTRADICTED = 0.3
# Bins of the spectrum above the noise that tell a free form. With fewer, starts agree on PSFs that
# fit what little shows of the sample, and are wrong elsewhere. Of demosaiced pictures, whose finer
# waves are left out, there are fewer.
_ENOUGH_BINS, _ENOUGH_OF_MOSAIC = 500, 200


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """The blur found on a sample.

    Attributes
    ----------
    kind : Kind
        What it is, and why.
    estimate : Estimate or None
        Of free form; None where it could not have mattered.
    trails : Trails or None
        Where light trails drew the PSF.
    """

    kind: Kind
    estimate: Estimate | None
    trails: Trails | None = None

    @property
    def extent(self) -> int:
        """Odd side of the smallest centred square with all but 1 % of the PSF's light, pixels."""
        return psf_extent(self.kind.psf, without=_FAINT)

    @property
    def rim_light(self) -> float:
        """Share of the light on the outermost pixels of a free form, see `Estimate`; else 0."""
        if self.kind.name != "free" or self.estimate is None:
            return 0.0
        return self.estimate.rim_light


def find_blur(
    blurred: Plane,
    size: int | None = None,
    *,
    family: Name | None = None,
    others: Sequence[Plane] = (),
    known: Mask | None = None,
    grain: Grain | None = None,
    progress: Progress | None = None,
    check: Check | None = None,
    workers: int = 1,
) -> Finding:
    """Find out what blur lies on a sample.

    Parameters
    ----------
    blurred : (H, W) float32
        Linear light of any range; sides of at least 32 px and twice `size`.
    size : int, optional
        Odd side of a PSF of free form, pixels, 3 or more; by default what the blur takes, up to 65.
        Blurs with a formula take what they take.
    family : str, optional
        Take it for granted that the blur is of this kind; by default it is decided.
    others : sequence of (H, W) float32
        The sample in other mixes of its channels, for those that estimate a free form.
    known : (H, W) bool, optional
        False for pixels to leave out since the light was clipped there.
    grain : str, optional
        What `find_grain` found on all channels; by default it is looked for on each plane.
    progress : callable, optional
        Called with (done, total) as the work goes on.
    check : callable, optional
        Called several times a second; may raise to stop the work.
    workers : int, optional
        Threads that may be used; the finding does not depend on it. With more than one, `progress`
        and `check` are called from them, one at a time.

    Returns
    -------
    Finding

    Raises
    ------
    EstimateError
        If the sample is too small, flat, without edges, nothing but noise, or not finite.
    """
    known = np.full(blurred.shape, True) if known is None else known
    if family in (None, "free") and (trails := find_trails(blurred, known)):
        return Finding(_drawn(trails), None, trails)
    blurred, *others = _fit_planes([blurred, *others], grain)
    look = look_at(blurred, valid=known, grain=grain)
    if check is not None:
        check()
    estimate = None
    if family == "free" or (family is None and not look.is_settled):
        find = estimate_psf_and_size if size is None else partial(estimate_psf, size=size)
        estimate = find(
            blurred,
            others=others,
            known=known,
            grain=grain,
            progress=progress,
            check=check,
            workers=workers,
        )
    kind = decide(look, estimate.candidates if estimate else (), family=family)
    if kind.name == "free" and estimate is not None:
        # The estimator's own choice rests on more than the spectrum, by which kinds compare.
        confidence = estimate.confidence * _share_that_shows(look)
        kind = replace(kind, psf=estimate.psf, confidence=confidence)
    elif family is None and _is_contradicted(look, kind, estimate):
        kind = replace(kind, confidence=min(kind.confidence, _CONFIDENCE_IF_CONTRADICTED))
    return Finding(kind, estimate)


def _drawn(trails: Trails) -> Kind:
    nothing = float("nan")
    return Kind("free", trails.psf, None, {}, nothing, nothing, trails.confidence)


def _fit_planes(planes: list[Plane], grain: Grain | None) -> list[Plane]:
    """Leave out mixes in which the edges vanish; the first, which tells why, if they do in all."""
    return [plane for plane in planes if is_fit(plane, grain)] or planes[:1]


def _share_that_shows(look: Look) -> float:
    """How far to believe starts that agree, 0 to 1: they can agree on a PSF of the noise."""
    by_noise = 1 / (1 + (look.noise / STRONG_NOISE) ** 4)
    enough = _ENOUGH_OF_MOSAIC if look.grain == "demosaiced" else _ENOUGH_BINS
    return by_noise * min(1.0, look.signal_size / enough)


def _is_contradicted(look: Look, kind: Kind, estimate: Estimate | None) -> bool:
    """Whether a free form was not chosen though spectrum or phases speak for it."""
    if estimate is None:
        return False
    if look.advantage(kind.costs["free"], kind.costs[kind.name]) > _CONTRADICTION:
        return True
    if kind.name == "none" or look.is_marked:
        return False
    return is_unlike(kind.psf, estimate.candidates)

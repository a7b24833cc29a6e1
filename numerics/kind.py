"""Kind of blur on a sample, if there is any.

Spectrum and edges answer (see `look`), and for shakes the PSFs of free form that were estimated
from the sample: what a spectrum can't tell apart, phases can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from numerics.consensus import are_of_their_own, is_unlike
from numerics.families import Fit
from numerics.look import DIRECTED, ROUND, Look, look_at, needed_advantage
from numerics.sample import EstimateError
from numerics.whittle import POINT, spectral_cost, spectral_costs

Plane = NDArray[np.float32]
Psf = NDArray[np.float32]
Name = Literal["none", "gaussian", "astigmatic", "disc", "line", "free"]

# What a free form has to explain more of the spectrum than the best family, for each bin above the
# noise; the more, the sharper the edges are.
_FREE_ADVANTAGE, _FREE_UNSEEN_ADVANTAGE, _FREE_SHARP_ADVANTAGE = 0.6, 0.9, 2.5
# This much is enough on blurred samples where the free form is unlike the family's: if that were
# the blur, estimates would come close to it.
_FREE_UNLIKE_ADVANTAGE = 0.45
# A spectrum that a free form explains nearly as well leaves phases to decide. Shakes that double
# edges keep them sharp: there they decide if it explains more, as it hardly does of sharp pictures.
_NEARLY = -0.5
# As an advantage, too: rounding changes as much of a free form.
_AS_MUCH = 0.05
# Choices this far from the next best, as an advantage and in logarithms of widths, are wrong once
# in four times.
_ADVANTAGE_MARGIN, _WIDTH_MARGIN = 0.1, 0.06
# Of a logarithm's argument: spectra of points give a width of 0.
_LEAST_BLUNTNESS = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """The kind of blur on a sample, and why.

    Attributes
    ----------
    name : str
        none, gaussian, astigmatic, disc, line or free.
    psf : (h, w) float32
        Odd-sized, sums to 1; a single point for none.
    fit : Fit or None
        The family's; None for none and free.
    costs : dict of str to float
        Of what was tried: how much of the spectrum each leaves unexplained, see
        `spectral_costs`; `none` is that of a point.
    edge_width, spectral_width : float
        By the two looks, pixels; NaN where there were too few edges, or no look was taken.
    confidence : float
        How clear the choice was, 0 to 1; 0.5 where another kind explains the sample as well.
    """

    name: Name
    psf: Psf
    fit: Fit | None
    costs: dict[str, float]
    edge_width: float
    spectral_width: float
    confidence: float

    @property
    def parameters(self) -> dict[str, float]:
        """`Fit.parameters`; empty for none and free."""
        return {} if self.fit is None else self.fit.parameters


def find_kind(
    sample: Plane,
    candidates: Sequence[Psf] = (),
    *,
    family: Name | None = None,
    valid: NDArray[np.bool_] | None = None,
) -> Kind:
    """Tell what kind of blur lies on a sample, and how large it is.

    Parameters
    ----------
    sample : (H, W) float32
        Linear light, white is 1; sides of 32 px or more, best 127 to 1023.
    candidates : sequence of (h, w) float32
        PSFs of free form that were estimated from the sample. Without any, none is found.
    family : str, optional
        Take it for granted that the blur is of this kind; by default it is decided.
    valid : (H, W) bool, optional
        Where no channel is clipped; by default where `sample` is below 0.99.

    Returns
    -------
    Kind

    Raises
    ------
    EstimateError
        If the sample is too small, not finite, flat, nothing but noise, without texture or
        mostly clipped, or if `family` is free and there are no candidates.
    """
    return decide(look_at(sample, valid=valid), candidates, family=family)


def decide(look: Look, candidates: Sequence[Psf] = (), *, family: Name | None = None) -> Kind:
    """Choose the kind of blur by what was measured: see `find_kind`."""
    costs = {"none": spectral_cost(look.spectrum, POINT)}
    costs |= {fit.family: fit.cost for fit in look.fits.values()}
    if free := _best_candidate(look, candidates):
        costs["free"] = free[1]
    of_free = _free_counts(look, costs, candidates)
    name = _choose(look, costs, candidates, of_free) if family is None else family
    fit = None if name == "none" or name == "free" else look.fits[name]
    psf = POINT if fit is None else fit.psf
    if name == "free":
        psf = _given(free)[0]
    widths = look.edges.width, look.spectral_width
    confidence = _confidence(look, costs, name, of_free)
    return Kind(name, psf, fit, costs, *widths, confidence)


def _choose(
    look: Look, costs: Mapping[str, float], candidates: Sequence[Psf], of_free: float
) -> Name:
    """Take the simplest kind that explains the spectrum, or none if the sample looks sharp."""
    best = look.best
    is_wide = best.family in ROUND and look.has_wide_edges
    is_sharp = best.family in ROUND and look.bluntness < 1
    if "free" in costs:
        lowest = min(look.fits.values(), key=lambda fit: fit.cost)
        if of_free > 0 or (is_wide and costs["free"] < best.cost):
            # A formula that explains about as much is simpler, even one that the spectrum alone
            # does not prove: a line on a picture that itself runs in one direction.
            is_better = look.advantage(costs["free"], lowest.cost) > _AS_MUCH
            return "free" if is_better else lowest.family
        needed = _NEARLY if is_wide or not is_sharp else _FREE_ADVANTAGE
        is_near = look.advantage(costs["free"], lowest.cost) > needed
        is_open = not (look.is_settled or look.is_marked)
        if is_near and is_open and are_of_their_own(candidates, best.psf):
            return "free"
    return "none" if is_sharp else best.family


def _free_counts(look: Look, costs: Mapping[str, float], candidates: Sequence[Psf]) -> float:
    """Advantage of the free form before the best family, beyond what it needs."""
    needed = needed_advantage(
        look.edges.width, _FREE_ADVANTAGE, _FREE_UNSEEN_ADVANTAGE, _FREE_SHARP_ADVANTAGE
    )
    if look.bluntness >= 1 and is_unlike(look.best.psf, candidates[-1:]):
        needed = min(needed, _FREE_UNLIKE_ADVANTAGE)
    return look.advantage(costs.get("free", np.inf), look.best.cost) - needed


def _confidence(look: Look, costs: Mapping[str, float], name: Name, of_free: float) -> float:
    """Tell how clearly the nearest other choice was missed; round blurs are one choice."""
    if name == "free":
        return _sureness(of_free / _ADVANTAGE_MARGIN)
    is_directed = name in DIRECTED
    if is_directed and name != look.best.family and "free" in costs:
        # Chosen for what it explains more than the free form, which explains more than round ones.
        return _sureness(look.advantage(costs[name], costs["free"]) / _ADVANTAGE_MARGIN)
    of_directed = look.direction_counts if is_directed else -look.direction_counts
    margins = [-of_free / _ADVANTAGE_MARGIN, of_directed / _ADVANTAGE_MARGIN]
    if not is_directed:
        too_wide = np.log(max(look.bluntness, _LEAST_BLUNTNESS)) / _WIDTH_MARGIN
        margins.append(-too_wide if name == "none" else too_wide)
    return _sureness(min(margins))


def _sureness(margin: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(margin, -50, 50))))


def _best_candidate(look: Look, candidates: Sequence[Psf]) -> tuple[Psf, float] | None:
    if not candidates:
        return None
    costs = spectral_costs(look.spectrum, candidates)
    best = int(costs.argmin())
    return candidates[best], float(costs[best])


def _given(free: tuple[Psf, float] | None) -> tuple[Psf, float]:
    if free is None:
        raise EstimateError("no psf of free form to choose from. Estimate one first.")
    return free

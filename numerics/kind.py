"""Kind of blur on a sample, if there is any.

Two independent looks answer: the power spectrum, on which every kind of blur is tried, and the
width of the sharpest edges. The spectrum of a sharp picture can look like that of a blurred one,
and the edges of a blurred one can look sharp; hardly ever both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from numerics.edge_width import LEAST_EDGES, Edges, measure_edges, quiet_noise
from numerics.families import Family, Fit, fit_families
from numerics.sample import EstimateError, prepare_sample
from numerics.whittle import POINT, Spectrum, measure_spectrum, spectral_cost, spectral_costs

Plane = NDArray[np.float32]
Psf = NDArray[np.float32]
Name = Literal["none", "gaussian", "astigmatic", "disc", "line", "free"]

# Light above this share of full scale is clipped, or as good as.
_CLIPPED = 0.99
# Less of the sample than this outside clipped highlights says nothing.
_LEAST_VALID = 0.25
# The looks differ in strength: of the width of sharp pictures the spectrum says more.
_SPECTRAL_SHARE = 0.7
# Sharp pictures stay below, gaussians of 1 px and discs of 2 px above, with little between.
_SHARP_WIDTH = 0.6
# Soft pictures have wide edges by nature, where their spectra stay below this.
_SHARP_SPECTRAL_WIDTH = 0.62
# A disc of radius r is as wide as a gaussian of r / 2 along each axis.
_DISC_WIDTH = 0.5
# Where the looks find it sharp, blur along one direction has to explain the spectrum so much better
# than round ones: lines and narrow gaussians do so three times and more, nature's textures do not.
_SHARP_ADVANTAGE = 1.5
# A family has to explain the spectrum so much better than a round gaussian to be taken. Small discs
# and short lines are all but gaussians, and nature's textures are hardly ever round.
_HANDICAPS: Mapping[Family, tuple[float, float]] = {  # when small, when large
    "gaussian": (1.0, 1.0),
    "disc": (1.12, 1.002),
    "astigmatic": (1.25, 1.12),
    "line": (1.12, 1.06),
}
_LARGE: Mapping[Family, float] = {"gaussian": 0, "disc": 1.7, "astigmatic": 1.0, "line": 5.0}
_ROUND: tuple[Family, ...] = ("gaussian", "disc")
# So has a free form than round blurs, and than the family that won.
_FREE_HANDICAP, _FREE_ADVANTAGE = 1.1, 1.05
# More so where edges are no wider than the spectrum says: shakes make them so. Periodic things give
# spectra that only a free form explains.
_FREE_HANDICAP_ROUND = 1.45
# A free form can mimic a line: not where the line costs less than this share of round blurs.
_CLEARLY_BEST, _CLEAR_ADVANTAGE = 0.6, 1.25
# Edges so much wider than the spectrum says, in pixels and as a factor, are those of a shake.
_WIDE_EDGES, _WIDER_BY, _WIDER_TIMES = 1.2, 0.7, 1.6
# What a family leaves unexplained, of each bin above the noise and beyond chance: for shakes it is
# twice as much, and more, than this.
_WELL_EXPLAINED = 1.2
# Choices this far from the next best, in logarithms of what decides, are wrong once in four times.
_MARGIN = 0.06
# Less than this share of all frequencies above the noise: no texture, whatever looks like edges.
_LEAST_SIGNAL = 0.006
# The same, if there are too few edges.
_LEAST_SIGNAL_WITHOUT_EDGES = 0.022
# Nor then as wide as any blur that is looked for: shades, under noise that is not even.
_WIDEST_WITHOUT_EDGES = 4.4


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What was measured on a sample, before anything is decided.

    Attributes
    ----------
    noise : float
        Standard deviation, where the sample's light spans 0.75.
    edges : Edges
    spectrum : Spectrum
    fits : mapping of str to Fit
        The blur of each family that explains the spectrum best.
    """

    noise: float
    edges: Edges
    spectrum: Spectrum
    fits: Mapping[Family, Fit]

    @property
    def spectral_width(self) -> float:
        """Standard deviation along an axis of the round blur that fits best, pixels."""
        gaussian, disc = self.fits["gaussian"], self.fits["disc"]
        if _handicapped_cost(disc) < gaussian.cost:
            return disc.parameters["radius"] * _DISC_WIDTH
        return gaussian.parameters["sigma"]

    @property
    def width(self) -> float:
        """Width of the blur by both looks, pixels; by one if there are too few edges."""
        if self.edges.count < LEAST_EDGES:
            return self.spectral_width
        return _SPECTRAL_SHARE * self.spectral_width + (1 - _SPECTRAL_SHARE) * self.edges.width

    @property
    def bluntness(self) -> float:
        """Width of the blur over that of sharp pictures: below 1 there is none."""
        return min(self.width / _SHARP_WIDTH, self.spectral_width / _SHARP_SPECTRAL_WIDTH)

    @property
    def has_wide_edges(self) -> bool:
        """Whether edges are much wider than round blurs explain, as those of shakes are."""
        edges, spectral = self.edges.width, self.spectral_width
        return (
            self.edges.count >= LEAST_EDGES
            and edges >= max(_WIDE_EDGES, _WIDER_TIMES * spectral)
            and edges - spectral >= _WIDER_BY
        )

    @property
    def best(self) -> Fit:
        """The family that explains the spectrum best."""
        return min(self.fits.values(), key=_handicapped_cost)

    @property
    def of_round(self) -> float:
        """What the better round blur costs."""
        return min(self.fits[family].cost for family in _ROUND)

    @property
    def is_settled(self) -> bool:
        """Whether candidates of free form could not, or should not, change the choice."""
        best = self.best
        excess = best.cost / self.spectrum.size - 1
        is_explained = excess < _WELL_EXPLAINED * self.spectrum.signal_share()
        return is_explained and not (best.family in _ROUND and self.has_wide_edges)


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
        By the two looks, pixels; `edge_width` is NaN where there were too few edges.
    noise : float
        Standard deviation, where the sample's light spans 0.75.
    confidence : float
        How clear the choice was, 0 to 1; 0.5 where another kind explains the sample as well.
    """

    name: Name
    psf: Psf
    fit: Fit | None
    costs: dict[str, float]
    edge_width: float
    spectral_width: float
    noise: float
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


def look_at(sample: Plane, *, valid: NDArray[np.bool_] | None = None) -> Look:
    """Measure edges and spectrum of a sample, and fit every family to it: see `find_kind`."""
    plane = prepare_sample(sample, 3).plane
    valid = np.asarray(sample < _CLIPPED) if valid is None else valid
    if valid.mean() < _LEAST_VALID:
        raise EstimateError(
            f"{1 - valid.mean():.0%} of the sample are clipped highlights. "
            "Choose a window without them."
        )
    noise = quiet_noise(plane)
    edges = measure_edges(plane, noise, valid)
    spectrum = measure_spectrum(plane, noise, valid)
    _check_texture(edges, spectrum)
    look = Look(noise, edges, spectrum, fit_families(spectrum))
    if edges.count < LEAST_EDGES and look.spectral_width > _WIDEST_WITHOUT_EDGES:
        raise EstimateError(
            f"nothing to measure the blur on: {edges.count} edges, and nothing finer than shades. "
            "Choose a window with edges."
        )
    return look


def decide(look: Look, candidates: Sequence[Psf] = (), *, family: Name | None = None) -> Kind:
    """Choose the kind of blur by what was measured: see `find_kind`."""
    costs = {"none": spectral_cost(look.spectrum, POINT)}
    costs |= {fit.family: fit.cost for fit in look.fits.values()}
    free = _best_candidate(look, candidates)
    if free is not None:
        costs["free"] = free[1]
    name = _choose(look, costs) if family is None else family
    fit = None if name == "none" or name == "free" else look.fits[name]
    psf = POINT if fit is None else fit.psf
    if name == "free":
        psf = _given(free)[0]
    widths = look.edges.width, look.spectral_width
    return Kind(name, psf, fit, costs, *widths, look.noise, _confidence(look, costs, name))


def _choose(look: Look, costs: Mapping[str, float]) -> Name:
    """Take the simplest kind that explains the spectrum, or none if the sample looks sharp."""
    best = look.best
    is_round = best.family in _ROUND
    if "free" in costs:
        if costs["free"] < _cost_to_beat(look):
            return "free"
        if is_round and look.has_wide_edges:
            return "free"
    is_directed = best.cost * _SHARP_ADVANTAGE < look.of_round
    return "none" if look.bluntness < 1 and not is_directed else best.family


def _cost_to_beat(look: Look) -> float:
    """Cost below which a free form is taken instead of the best family."""
    is_clear = look.best.cost < _CLEARLY_BEST * look.of_round
    advantage = _CLEAR_ADVANTAGE if is_clear else _FREE_ADVANTAGE
    handicap = _FREE_HANDICAP_ROUND if look.edges.width <= look.spectral_width else _FREE_HANDICAP
    return min(look.of_round / handicap, look.best.cost / advantage)


def _confidence(look: Look, costs: Mapping[str, float], name: Name) -> float:
    """Tell how clearly the nearest other choice was missed; round blurs are one choice."""
    before_free = np.log(costs.get("free", np.inf) / _cost_to_beat(look))
    if name == "free":
        return _sureness(-before_free)
    same = _ROUND if name in ("none", *_ROUND) else (name,)
    own, others = (
        min(_handicapped_cost(fit) for fit in look.fits.values() if (fit.family in same) is is_own)
        for is_own in (True, False)
    )
    if name == "none":
        others = max(others, _SHARP_ADVANTAGE * look.best.cost)
    margins = [before_free, np.log(others / own)]
    if same is _ROUND:
        too_wide = np.log(look.bluntness)
        margins.append(-too_wide if name == "none" else too_wide)
    return _sureness(min(margins))


def _sureness(margin: float) -> float:
    return float(1 / (1 + np.exp(-margin / _MARGIN)))


def _handicapped_cost(fit: Fit) -> float:
    small, large = _HANDICAPS[fit.family]
    is_large = next(iter(fit.parameters.values())) >= _LARGE[fit.family]
    return fit.cost * (large if is_large else small)


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


def _check_texture(edges: Edges, spectrum: Spectrum) -> None:
    share = spectrum.signal_share()
    if share < (_LEAST_SIGNAL if edges.count >= LEAST_EDGES else _LEAST_SIGNAL_WITHOUT_EDGES):
        raise EstimateError(
            f"nothing to measure the blur on: {edges.count} edges, and {share:.1%} of all "
            "frequencies above the noise. Choose a window with edges."
        )

"""What a sample shows of its blur, before anything is decided.

Two independent looks: the power spectrum, on which every kind of blur is tried, and the width of
the sharpest edges. The spectrum of a sharp picture can look like that of a blurred one, and the
edges of a blurred one can look sharp; hardly ever both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from numerics.edge_width import LEAST_EDGES, Edges, measure_edges
from numerics.families import Family, Fit, fit_families
from numerics.grain import Grain
from numerics.jpeg_noise import noise_before_rounding
from numerics.noise import coarse_noise, quiet_noise
from numerics.sample import EstimateError, prepare_sample
from numerics.whittle import Spectrum, measure_spectrum, raise_floor

Plane = NDArray[np.float32]

ROUND: tuple[Family, ...] = ("gaussian", "disc")
"""Blurs that are the same in all directions."""
DIRECTED: tuple[Family, ...] = ("astigmatic", "line")
"""Blurs that have a direction."""

# Light above this share of full scale is clipped, or as good as.
_CLIPPED = 0.99
# Less of the sample than this outside clipped highlights says nothing.
_LEAST_VALID = 0.25
# The looks differ in strength: of the width of sharp pictures the spectrum says more.
_SPECTRAL_SHARE = 0.7
# Of demosaiced ones, without their finer waves, it says less.
_MOSAIC_SPECTRAL_SHARE = 0.3
# Sharp pictures stay below, gaussians of 1 px and discs of 2 px above, with little between.
_SHARP_WIDTH = 0.6
# Demosaicing widens edges by itself, and without the finer waves less is told: sharp pictures stay
# below this. To leave one with a gaussian of 1 px alone costs less than to sharpen a sharp one.
_SHARP_MOSAIC_WIDTH = 1.05
# Soft pictures have wide edges by nature, where their spectra stay below this.
_SHARP_SPECTRAL_WIDTH = 0.62
# JPEG takes faint detail away, and the noise that it leaves covers the rest: photographs that were
# compressed, or come from one, look so much softer. Spectra of blurred ones can look sharp: there
# edges as wide as this tell, which those of soft photographs are not.
_JPEG_SOFTENS, _WIDE_JPEG_EDGES = 1.5, 1.4
# Where JPEG rounded away so much of the noise that it was this many times what quiet places show,
# the rest of it looks like the detail of a sharp picture. Waves finer than this, in cycles per
# pixel, say nothing then.
_ROUNDED_AWAY, _FINEST_LEFT = 1.3, 0.33
# Blurs that JPEG's noise pretends to are narrower than this share of the edges across them.
_LEAST_OF_JPEG_EDGES = 0.7
# A disc of radius r is as wide as a gaussian of r / 2 along each axis.
_DISC_WIDTH = 0.5
# Below this radius discs hardly differ from gaussians in form, and nature's textures are no
# gaussians either: they need an advantage. Others don't, even where JPEG cuts the spectrum off,
# which looks like a zero: to take a gaussian for a disc costs half of its gain, to take a disc for
# a gaussian all of it and more.
_SMALL_DISC, _SMALL_DISC_ADVANTAGE = 1.7, 0.3
# Advantages are what one blur explains more of the spectrum than another, for each bin above the
# noise. A directed blur needs so much before a round one. Nature's textures have directions too:
# where the sample looks sharp it needs more, more where there are no edges to tell, and still more
# where edges that the blur would widen are sharp.
_DIRECTED_ADVANTAGE, _DIRECTED_ADVANTAGE_IF_SHARP = 0.4, 0.75
_UNSEEN_ADVANTAGE, _SHARP_ADVANTAGE = 1.6, 2.5
# A line this long, pixels, has so many zeros that it has an advantage of 1 and more.
_LONG = 50
# Edges narrower than this, pixels, are sharp.
_SHARP_EDGES = 0.6
# More than what a gaussian explains: there are zeros, or a direction.
_MARKED_ADVANTAGE = 0.6
# Fewer bins can agree by chance.
_FEWEST_BINS = 100
# Edges so much wider than the spectrum says, in pixels and as a factor, are those of a shake.
_WIDE_EDGES, _WIDER_BY, _WIDER_TIMES = 1.2, 0.7, 1.6
# What a family leaves unexplained, of each bin above the noise and beyond chance: for shakes it is
# twice as much, and more, than this.
_WELL_EXPLAINED = 0.7
# Less than this share of all frequencies above the noise: no texture, whatever looks like edges.
_LEAST_SIGNAL = 0.006
# The same, if there are too few edges.
_LEAST_SIGNAL_WITHOUT_EDGES = 0.022


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What was measured on a sample.

    Attributes
    ----------
    noise : float
        Standard deviation, where the sample's light spans 0.75.
    edges : Edges
    spectrum : Spectrum
    fits : mapping of str to Fit
        The blur of each family that explains the spectrum best.
    signal_share : float
        Of all frequencies, those above the noise.
    signal_size : int
        Bins of the spectrum above the noise.
    grain : str
        What became of the noise: see `find_grain`.
    """

    noise: float
    edges: Edges
    spectrum: Spectrum
    fits: Mapping[Family, Fit]
    signal_share: float
    signal_size: int
    grain: Grain

    @classmethod
    def of(
        cls,
        noise: float,
        edges: Edges,
        spectrum: Spectrum,
        fits: Mapping[Family, Fit],
        grain: Grain = "white",
    ) -> Look:
        """Find by the blur that explains the spectrum best how far the noise reaches."""
        likeliest = min(fits.values(), key=lambda fit: fit.cost)
        raised = raise_floor(spectrum, likeliest.psf)
        return cls(noise, edges, spectrum, fits, raised.signal_share(), raised.signal_size(), grain)

    def advantage(self, cost: float, other: float) -> float:
        """Tell what a blur explains more of the spectrum than another, by bins above the noise."""
        return (other - cost) / max(self.signal_size, _FEWEST_BINS)

    @property
    def round(self) -> Fit:
        """The better of the round blurs."""
        gaussian, disc = self.fits["gaussian"], self.fits["disc"]
        is_small = disc.parameters["radius"] < _SMALL_DISC
        needed = _SMALL_DISC_ADVANTAGE * self.signal_size if is_small else 0.0
        return disc if gaussian.cost - disc.cost > needed else gaussian

    @property
    def directed(self) -> Fit:
        """The better of the blurs that have a direction."""
        return min((self.fits[family] for family in DIRECTED), key=lambda fit: fit.cost)

    @property
    def direction_counts(self) -> float:
        """Advantage of the directed blur before the round one, beyond what it needs."""
        directed = self.directed
        along = self.edges.width_along(directed.parameters["angle"])
        least = _DIRECTED_ADVANTAGE if self.bluntness >= 1 else _DIRECTED_ADVANTAGE_IF_SHARP
        least = max(least, directed.parameters.get("length", 0) / _LONG)
        needed = needed_advantage(along, least, _UNSEEN_ADVANTAGE, _SHARP_ADVANTAGE)
        if self.spectrum.jpeg > 0 and _edge_width(directed) < _LEAST_OF_JPEG_EDGES * along:
            return -np.inf
        return self.advantage(directed.cost, self.round.cost) - needed

    @property
    def best(self) -> Fit:
        """The family that explains the sample best."""
        return self.directed if self.direction_counts > 0 else self.round

    @property
    def spectral_width(self) -> float:
        """Standard deviation along an axis of the round blur that fits best, pixels."""
        fit = self.round
        (size,) = fit.parameters.values()
        return size * _DISC_WIDTH if fit.family == "disc" else size

    @property
    def width(self) -> float:
        """Width of the blur by both looks, pixels; by one if there are too few edges."""
        if self.edges.count < LEAST_EDGES:
            return self.spectral_width
        share = _MOSAIC_SPECTRAL_SHARE if self.grain == "demosaiced" else _SPECTRAL_SHARE
        return share * self.spectral_width + (1 - share) * self.edges.width

    @property
    def bluntness(self) -> float:
        """Width of the blur over that of sharp pictures: below 1 there is none."""
        by_spectrum = self.spectral_width / _SHARP_SPECTRAL_WIDTH
        sharp = _SHARP_MOSAIC_WIDTH if self.grain == "demosaiced" else _SHARP_WIDTH
        by_both = min(self.width / sharp, by_spectrum)
        # Where noise hides the steps between blocks there are none to be seen.
        if self.spectrum.jpeg == 0 and self.grain != "compressed":
            return by_both
        return max(by_both / _JPEG_SOFTENS, self._edge_bluntness)

    @property
    def is_hidden(self) -> bool:
        """Whether JPEG hides in the spectrum a blur that edges show; the zeros of discs stay."""
        is_narrow = self.spectral_width < _LEAST_OF_JPEG_EDGES * self.edges.width
        is_blurred = self.spectrum.jpeg > 0 and self._edge_bluntness >= 1
        return is_blurred and is_narrow and self.round.family == "gaussian"

    @property
    def _edge_bluntness(self) -> float:
        return float(np.nan_to_num(self.edges.width)) / _WIDE_JPEG_EDGES

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
    def is_marked(self) -> bool:
        """Whether the best family has zeros or a direction that no gaussian explains."""
        return self.advantage(self.best.cost, self.fits["gaussian"].cost) > _MARKED_ADVANTAGE

    @property
    def is_settled(self) -> bool:
        """Whether candidates of free form could not, or should not, change the choice."""
        best = self.best
        if self.grain == "demosaiced" and best.family in DIRECTED:
            # The coarser waves of a shake are explained by a line.
            return False
        excess = (best.cost - self.spectrum.size) / self.signal_size
        is_explained = excess < _WELL_EXPLAINED
        return is_explained and not (best.family in ROUND and self.has_wide_edges)


def look_at(
    sample: Plane, *, valid: NDArray[np.bool_] | None = None, grain: Grain | None = None
) -> Look:
    """Measure edges and spectrum of a sample, and fit every family to it.

    Parameters
    ----------
    sample : (H, W) float32
        Linear light, white is 1; sides of 32 px or more, best 127 to 1023.
    valid : (H, W) bool, optional
        Where no channel is clipped; by default where `sample` is below 0.99.
    grain : str, optional
        What `find_grain` found on all channels; by default it is looked for on the plane.

    Raises
    ------
    EstimateError
        If the sample is too small, not finite, flat, nothing but noise, without texture or
        mostly clipped.
    """
    prepared = prepare_sample(sample, 3, grain=grain)
    plane, grain = prepared.plane, prepared.grain
    valid = np.asarray(sample < _CLIPPED) if valid is None else valid
    if valid.mean() < _LEAST_VALID:
        raise EstimateError(
            f"{1 - valid.mean():.0%} of the sample are clipped highlights. "
            "Choose a window without them."
        )
    noise, finest = _measure_noise(plane, grain)
    edges = measure_edges(plane, noise, valid)
    spectrum = measure_spectrum(plane, noise, valid, finest, grain)
    look = Look.of(noise, edges, spectrum, fit_families(spectrum), grain)
    if look.is_hidden:
        look = Look.of(noise, edges, spectrum, fit_families(spectrum, edges.width), grain)
    _check_texture(look)
    return look


def _measure_noise(plane: Plane, grain: Grain) -> tuple[float, float]:
    """Tell the deviation of the noise, and the frequency of the finest waves that have it."""
    noise, samples = quiet_noise(plane), [plane[..., None]]
    if grain == "demosaiced":
        return float(*coarse_noise(samples)), np.inf
    if grain == "compressed":
        (before,) = noise_before_rounding(samples)
        if before > _ROUNDED_AWAY * noise:
            return float(before), _FINEST_LEFT
    return noise, np.inf


def needed_advantage(edge_width: float, wide: float, unseen: float, sharp: float) -> float:
    """Choose the advantage that a blur needs by how wide edges are; NaN if there are too few."""
    if np.isnan(edge_width):
        return unseen
    return sharp if edge_width < _SHARP_EDGES else wide


def _edge_width(directed: Fit) -> float:
    """Width of edges across a directed blur, pixels, as `measure_edges` measures it."""
    parameters = directed.parameters
    if directed.family == "line":
        return float(parameters["length"] / np.sqrt(2 * np.pi))
    return parameters["sigma_long"]


def _check_texture(look: Look) -> None:
    count, share = look.edges.count, look.signal_share
    if share < (_LEAST_SIGNAL if count >= LEAST_EDGES else _LEAST_SIGNAL_WITHOUT_EDGES):
        raise EstimateError(
            f"nothing to measure the blur on: {count} edges, and {share:.1%} of all frequencies "
            "above the noise. Choose a window with edges."
        )

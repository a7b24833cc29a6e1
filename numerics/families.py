"""Blurs with a formula, fitted to the spectrum of a sample: parameters continuous, not on a grid.

Each fit looks over a coarse grid and lets Nelder and Mead's simplex finish. A spectrum knows
neither place nor mirror image, which these blurs don't miss: all are symmetric.

References
----------
Nelder & Mead, A simplex method for function minimization, The Computer Journal 7, 1965.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from numerics.make_psf import disc, gaussian, motion
from numerics.psf import normalise
from numerics.whittle import SlidingCost, Spectrum, spectral_costs

Psf = NDArray[np.float32]
Family = Literal["gaussian", "astigmatic", "disc", "line"]

_GAUSSIANS: tuple[Family, ...] = ("gaussian", "astigmatic")
_SIGMAS = 0.15 * 1.16 ** np.arange(24)  # to 4.6 px
_RADII = 0.8 * 1.07 ** np.arange(37)  # to 9.1 px
_LENGTHS = 3.0 * 1.36 ** np.arange(10)  # to 48 px
_ANGLES_PER_LENGTH = 1.2
_FEWEST_ANGLES, _MOST_ANGLES = 8, 30
_ASPECTS = (1.25, 1.7)
_ASTIGMATIC_ANGLES = 6
# Parameters are searched in logarithms of lengths and in radians: steps to begin with.
_FIRST_STEP, _SECOND_STEP = 0.06, 0.015
_TOLERANCE = 3e-3
_COST_TOLERANCE = 5e-4
_EVALUATIONS = 40
_SEARCH_NOISE = 0.02
_FINE = 5
_SMALLEST_SIGMA, _LARGEST_SIGMA = 0.1, 6.0
_SMALLEST_ROUND = 0.5
_SHORTEST, _LONGEST = 2.0, 63.0
DISC_EDGE_WIDTH = 0.58
"""Width of the edges under a disc of radius 1, as `measure_edges` measures it."""
# Widths of edges and of gaussians differ by less than this, in logarithms, on most photographs.
_EDGE_LIKENESS = 0.3
# Of blurs that are nearly the same, lengths differ by this much, in logarithms, and angles in
# radians.
_LIKENESS = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The blur of one family that explains a spectrum best.

    Attributes
    ----------
    family : str
    psf : (h, w) float32
        Odd-sized, sums to 1.
    parameters : dict of str to float
        `sigma`; `sigma_long`, `sigma_short`, `angle`; `radius`; or `length`, `angle`. Pixels, and
        degrees counter-clockwise as seen on the screen, 0 to 180, 0 is along x.
    cost : float
        See `spectral_costs`.
    """

    family: Family
    psf: Psf
    parameters: dict[str, float]
    cost: float


def fit_families(spectrum: Spectrum, edge_width: float | None = None) -> dict[Family, Fit]:
    """Fit every family to a spectrum, by name.

    Parameters
    ----------
    spectrum : Spectrum
    edge_width : float, optional
        What edges say, pixels, where the spectrum can't be trusted alone: round blurs stay near.
    """
    gaussian_, disc_ = fit_gaussian(spectrum, edge_width), fit_disc(spectrum, edge_width)
    fits = gaussian_, disc_, fit_astigmatic(spectrum, gaussian_), fit_line(spectrum)
    return {fit.family: fit for fit in fits}


def fit_gaussian(spectrum: Spectrum, edge_width: float | None = None) -> Fit:
    """Fit a round gaussian of sigma 0.15 to 4.6 px."""
    return _fit_one(spectrum, "gaussian", "sigma", gaussian, _near(_SIGMAS, edge_width))


def fit_disc(spectrum: Spectrum, edge_width: float | None = None) -> Fit:
    """Fit a disc of radius 0.8 to 9.1 px."""
    radius = None if edge_width is None else edge_width / DISC_EDGE_WIDTH
    return _fit_one(spectrum.softened(), "disc", "radius", disc, _near(_RADII, radius))


def _near(grid: NDArray[Any], size: float | None) -> NDArray[Any]:
    """Keep what of a grid lies near the size that edges tell, the nearest at least."""
    if size is None:
        return grid
    off = np.abs(np.log(grid / max(size, grid[0])))
    return np.asarray(grid[off <= max(_EDGE_LIKENESS, float(off.min()))])


def fit_astigmatic(spectrum: Spectrum, round_: Fit) -> Fit:
    """Fit a gaussian of two widths at any angle, beginning near the round one that fits best."""
    sigma = max(round_.parameters["sigma"], _SMALLEST_ROUND)
    starts = [
        (np.log(sigma * aspect), np.log(sigma / aspect), angle)
        for aspect in _ASPECTS
        for angle in _half_turn(_ASTIGMATIC_ANGLES)
    ]
    place, cost = _descend(spectrum, _astigmatic_at, starts)
    if cost > round_.cost:
        # Round ones are of this family, too: under poor light the way there was lost.
        start = np.array([np.log(sigma), np.log(sigma), place[2]])
        near = _slide(_cost_of(spectrum, _astigmatic_at), start, _FIRST_STEP, spectrum.size)
        place, cost = min((place, cost), near, key=lambda found: found[1])
    widths = _widths_at(place)
    angle = np.degrees(place[2]) + (90 if widths[0] < widths[1] else 0)
    found = {
        "sigma_long": float(widths.max()),
        "sigma_short": float(widths.min()),
        "angle": float(angle % 180),
    }
    return Fit("astigmatic", _astigmatic_at(place), found, cost)


def fit_line(spectrum: Spectrum) -> Fit:
    """Fit an even movement along a straight line of 2 to 63 px."""
    starts = [
        (np.log(length), angle)
        for length in _LENGTHS
        for angle in _half_turn(
            int(np.clip(_ANGLES_PER_LENGTH * length, _FEWEST_ANGLES, _MOST_ANGLES))
        )
    ]
    place, cost = _descend(spectrum.softened(), _line_at, starts)
    found = {"length": _length_at(place), "angle": float(np.degrees(place[1]) % 180)}
    return Fit("line", _line_at(place), found, cost)


def refit(spectrum: Spectrum, fit: Fit) -> Fit:
    """Fit a family to the spectrum of a like blur, such as that of another colour.

    Parameters
    ----------
    spectrum : Spectrum
    fit : Fit
        Found on the other spectrum; the new parameters stay near.
    """
    spectrum = spectrum if fit.family in _GAUSSIANS else spectrum.softened()
    names = list(fit.parameters)
    begin = np.array([_to_search(name, value) for name, value in fit.parameters.items()])

    def make(place: NDArray[np.float64]) -> Psf:
        return _MAKERS[fit.family](**_from_search(names, place))

    spectral = SlidingCost(spectrum)

    def cost(place: NDArray[np.float64]) -> float:
        apart = (place - begin) / _LIKENESS
        return spectral(make(place)) + float(apart @ apart)

    place, lowest = _slide(cost, begin, _FIRST_STEP, spectrum.size)
    return Fit(fit.family, make(place), _from_search(names, place), lowest)


def _to_search(name: str, value: float) -> float:
    return float(np.radians(value) if name == "angle" else np.log(value))


def _from_search(names: Sequence[str], place: NDArray[np.float64]) -> dict[str, float]:
    return {
        name: float(np.degrees(value) % 180 if name == "angle" else np.exp(value))
        for name, value in zip(names, place, strict=True)
    }


def _astigmatic_at(place: NDArray[np.float64]) -> Psf:
    long, short = _widths_at(place)
    return astigmatic(float(long), float(short), float(np.degrees(place[2])))


def _widths_at(place: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(np.exp(place[:2]), _SMALLEST_SIGMA, _LARGEST_SIGMA)


def _line_at(place: NDArray[np.float64]) -> Psf:
    return motion(_length_at(place), float(np.degrees(place[1])))


def _length_at(place: NDArray[np.float64]) -> float:
    return float(np.clip(np.exp(place[0]), _SHORTEST, _LONGEST))


def _half_turn(count: int) -> NDArray[np.float64]:
    return np.arange(count) * np.pi / count


def astigmatic(sigma_long: float, sigma_short: float, angle: float) -> Psf:
    """Make a gaussian of two widths, integrated over each pixel.

    Parameters
    ----------
    sigma_long, sigma_short : float
        Standard deviations along `angle` and across, pixels, > 0.
    angle : float
        Degrees, counter-clockwise as seen on the screen; 0 is along x.

    Returns
    -------
    (size, size) float32
        Out to 4 sigma.
    """
    size = 2 * int(np.ceil(4 * max(sigma_long, sigma_short))) + 1
    line = (np.arange(size * _FINE) + 0.5) / _FINE - size / 2
    radians = np.radians(angle)
    cos, sin = np.cos(radians), -np.sin(radians)
    along = line * cos + line[:, None] * sin
    across = line[:, None] * cos - line * sin
    density = np.exp(-((along / sigma_long) ** 2 + (across / sigma_short) ** 2) / 2)
    return normalise(density.reshape(size, _FINE, size, _FINE).sum(axis=(1, 3)))


def _fit_one(
    spectrum: Spectrum,
    family: Family,
    name: str,
    make: Callable[[float], Psf],
    grid: NDArray[Any],
) -> Fit:
    """Fit a family of one parameter: the best of a grid, then between its neighbours."""
    costs = spectral_costs(spectrum, [make(float(value)) for value in grid])
    best = int(costs.argmin())
    between = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    cost = SlidingCost(spectrum)
    found = optimize.minimize_scalar(
        lambda value: cost(make(float(value))),
        bounds=between,
        method="bounded",
        options={"xatol": _TOLERANCE * grid[best]},
    )
    value = float(found.x) if found.fun < costs[best] else float(grid[best])
    return Fit(family, make(value), {name: value}, float(min(found.fun, costs[best])))


def _descend(
    spectrum: Spectrum,
    make: Callable[[NDArray[np.float64]], Psf],
    starts: Sequence[tuple[float, ...]],
) -> tuple[NDArray[np.float64], float]:
    """Find the place of least cost from the best of many starts.

    Without noise the valley is narrow enough to slip through the grid: the way there is found
    under the noise of a picture taken in poor light.
    """
    dim = spectrum.dimmed(_SEARCH_NOISE)
    places = np.array(starts)
    costs = spectral_costs(dim, [make(place) for place in places])
    place, _ = _slide(_cost_of(dim, make), places[costs.argmin()], _FIRST_STEP, dim.size)
    return _slide(_cost_of(spectrum, make), place, _SECOND_STEP, spectrum.size)


def _cost_of(
    spectrum: Spectrum, make: Callable[[NDArray[np.float64]], Psf]
) -> Callable[[NDArray[np.float64]], float]:
    cost = SlidingCost(spectrum)
    return lambda place: cost(make(place))


def _slide(
    cost: Callable[[NDArray[np.float64]], float],
    start: NDArray[np.float64],
    step: float,
    size: int,
) -> tuple[NDArray[np.float64], float]:
    """Move a simplex of side `step` downhill; `size` is what a perfect model costs, about."""
    found = optimize.minimize(
        cost,
        start,
        method="Nelder-Mead",
        options={
            "initial_simplex": np.vstack([start, start + step * np.eye(start.size)]),
            "xatol": _TOLERANCE,
            "fatol": _COST_TOLERANCE * size,
            "maxfev": _EVALUATIONS,
        },
    )
    return found.x, float(found.fun)


_MAKERS: Mapping[Family, Callable[..., Psf]] = {
    "gaussian": gaussian,
    "astigmatic": astigmatic,
    "disc": disc,
    "line": motion,
}

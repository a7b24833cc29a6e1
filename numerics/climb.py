"""Climb a pyramid with a PSF: alternate between a latent of edges and the PSF measured on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from numerics.canvas import Canvas, blur_circular, lay_out
from numerics.derivatives import gradient
from numerics.l0 import latent_of_edges
from numerics.psf_cleaning import centring_shift, clean_psf, shift_psf
from numerics.psf_step import normal_equations, solve_clipped, solve_non_negative
from numerics.pyramid import enlarge_psf, first_psf, pyramid_scales, scaled_psf_size, shrink_plane
from numerics.work import Work

Plane = NDArray[np.float32]
Psf = NDArray[np.float32]

_ITERATIONS = 5
_EDGE_COST_DECAY = 1.1
_LEAST_EDGE_COST = 1e-4


@dataclass(frozen=True, slots=True)
class Start:
    """Settings of one climb.

    Attributes
    ----------
    name : str
    edge_cost : float
        Of the latent at the coarsest level, for a sample of range 0.75; lambda in [1]_.
    ridge : float
        Weight of the squared PSF; gamma in [1]_.
    non_negative : bool
        Solve for the PSF under that constraint, rather than clip it afterwards.

    References
    ----------
    .. [1] Xu, Zheng & Jia, Unnatural L0 sparse representation for natural image deblurring,
       CVPR 2013.
    """

    name: str
    edge_cost: float
    ridge: float
    non_negative: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One scale of the pyramid: the shrunken sample on its canvas, and the PSF's size there."""

    canvas: Canvas
    psf_size: int

    @property
    def cost(self) -> float:
        """Work that one iteration takes, in a unit common to all levels."""
        return float(self.canvas.plane.size)


def build_levels(sample: Plane, psf_size: int) -> list[Level]:
    """Pyramid of a sample, coarse to fine."""
    levels = []
    for scale in pyramid_scales(psf_size):
        size = scaled_psf_size(psf_size, scale)
        levels.append(Level(lay_out(shrink_plane(sample, scale), size), size))
    return levels


def climb_cost(levels: Sequence[Level]) -> float:
    """Work that `climb` reports for these levels."""
    return _ITERATIONS * sum(level.cost for level in levels)


def climb(levels: Sequence[Level], start: Start, work: Work) -> Psf:
    """Find a PSF, from the coarsest level to the finest.

    Returns
    -------
    (size, size) float32
        Of the finest level's size; its centroid within half a pixel of the middle.
    """
    psf, edge_cost = first_psf(levels[0].psf_size), start.edge_cost
    for level in levels:
        if psf.shape[0] != level.psf_size:
            psf = enlarge_psf(psf, level.psf_size)
        psf, edge_cost = improve(level, psf, start, edge_cost, work)
    return psf


def improve(
    level: Level,
    psf: Psf,
    start: Start,
    edge_cost: float,
    work: Work,
    *,
    recentre: bool = True,
) -> tuple[Psf, float]:
    """Alternate the two steps on one level.

    Parameters
    ----------
    level : Level
    psf : (size, size) float32
        To begin with.
    start : Start
    edge_cost : float
        Falls a little with each iteration, letting weaker edges in.
    work : Work
    recentre : bool
        Keep the centroid of the PSF in the middle; otherwise it stays where the sample puts it.

    Returns
    -------
    psf : (size, size) float32
    edge_cost : float
        To go on with on the next level.
    """
    canvas = level.canvas
    blurred = canvas.plane
    for _ in range(_ITERATIONS):
        latent = latent_of_edges(blurred, psf, edge_cost)
        psf = measure_psf(canvas, latent, psf, start)
        if recentre:
            latent, psf = _recentre(latent, psf)
        blurred = np.where(canvas.valid, canvas.plane, blur_circular(latent, psf))
        edge_cost = max(edge_cost / _EDGE_COST_DECAY, _LEAST_EDGE_COST)
        work.advance(level.cost)
    return psf, edge_cost


def measure_psf(canvas: Canvas, latent: Plane, psf: Psf, start: Start) -> Psf:
    """Find the PSF that leads from the derivatives of a latent to those of the sample.

    Where the sample does not reach, the last PSF says what its derivatives would be. A latent
    without any edge tells nothing: the last PSF stays.
    """
    sharp = gradient(latent)
    target = np.where(canvas.inner, gradient(canvas.plane), blur_circular(sharp, psf))
    equations = normal_equations(sharp, target, psf.shape[0], start.ridge)
    if start.non_negative:
        measured = solve_non_negative(equations, psf)
    else:
        measured = solve_clipped(equations)
    return clean_psf(measured) if measured.max() > 0 else psf


def _recentre(latent: Plane, psf: Psf) -> tuple[Plane, Psf]:
    """Move both by whole pixels, against each other: what they blur to stays the same."""
    down, right = centring_shift(psf)
    return np.roll(latent, (-down, -right), (0, 1)), shift_psf(psf, (down, right))

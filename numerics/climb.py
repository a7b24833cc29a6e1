"""Climb a pyramid with a PSF: alternate between a latent of edges and the PSF measured on them.

All parts of the sample count alike in that measurement, however strong their edges are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from numerics.canvas import Canvas, blur_circular, lay_out
from numerics.derivatives import gradient
from numerics.evenness import even_weights
from numerics.l0 import latent_of_edges
from numerics.psf_cleaning import centring_shift, clean_psf, psf_extent, shift_psf
from numerics.psf_step import normal_equations, solve_clipped, solve_non_negative
from numerics.pyramid import (
    STEP,
    enlarge_psf,
    first_psf,
    pyramid_scales,
    scaled_psf_size,
)
from numerics.sample import Sample, shrink_sample
from numerics.variational import refine_psf, refinement_cost
from numerics.work import Work

Plane = NDArray[np.float32]
Psf = NDArray[np.float32]

_ITERATIONS = 5
_EDGE_COST_DECAY = 1.1
_LARGEST_EDGE_COST = 0.02
STRONG_NOISE = 0.03
"""Standard deviation of noise that passes for edges, which cost twice as much there."""
_SMALLEST_REFINED = 0.35
# Room for what a coarser scale did not show of the PSF: a share of its extent, and pixels.
_ROOM = 1.25
_SPARE = 4
# Groups of pixels with less light than this are dust: faint tails of shakes come in such pieces.
_SPECK = 0.05
# As measured: of latents and spectra, and of the normal matrix with what solves it.
_BYTES_A_PIXEL, _BYTES_AN_ENTRY = 200, 24
# Of the derivatives of a latent with any edge.
_LEAST_POWER = 1e-12


@dataclass(frozen=True, slots=True)
class Start:
    """Settings of one climb.

    Attributes
    ----------
    name : str
    edge_cost : float
        Of the latent in the last iteration, for a sample of range 0.75; lambda in [1]_. Each
        iteration before it asks a tenth more.
    ridge : float
        Weight of the squared PSF; gamma in [1]_.
    ridge_share : float
        More of that weight, as a share of the power of the latent's derivatives: samples of few
        edges get no smoother PSFs by it than others.
    non_negative : bool
        Solve for the PSF under that constraint, rather than clip it afterwards.
    refined : bool
        Refine the PSF on coarse levels too, which takes twice the time. Samples of few edges
        need it.

    References
    ----------
    .. [1] Xu, Zheng & Jia, Unnatural L0 sparse representation for natural image deblurring,
       CVPR 2013.
    """

    name: str
    edge_cost: float
    ridge: float = 0.0
    ridge_share: float = 0.0
    non_negative: bool = False
    refined: bool = False

    def edge_costs(self, levels_to_go: int, noise: float) -> NDArray[np.float64]:
        """Edge cost of each iteration on a level, that many levels below the finest.

        Raised where `noise`, the standard deviation of that of the sample, would pass for edges.
        """
        to_go = _ITERATIONS * levels_to_go + np.arange(_ITERATIONS)[::-1]
        last = self.edge_cost * (1 + (noise / STRONG_NOISE) ** 2)
        return np.asarray(np.minimum(last * _EDGE_COST_DECAY**to_go, _LARGEST_EDGE_COST))


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One scale of the pyramid: the shrunken sample on its canvas, and the PSF's size there."""

    canvas: Canvas
    psf_size: int
    scale: float = 1.0

    @property
    def cost(self) -> float:
        """Work that one iteration takes, in a unit common to all levels."""
        return float(self.canvas.plane.size)

    @property
    def is_refined(self) -> bool:
        """Whether a climb may refine its PSF here: not on the finest level, where that is its end.

        Far down the PSF is too small to go wrong.
        """
        return _SMALLEST_REFINED <= self.scale < 1


def build_levels(sample: Sample, psf_size: int) -> list[Level]:
    """Pyramid of a sample, coarse to fine."""
    levels = []
    for scale in pyramid_scales(psf_size, min(sample.plane.shape)):
        size = scaled_psf_size(psf_size, scale)
        shrunk = shrink_sample(sample, scale)
        canvas = lay_out(shrunk.plane, size, shrunk.known)
        levels.append(Level(canvas, size, scale))
    return levels


def climb_cost(levels: Sequence[Level], start: Start) -> float:
    """Work that `climb` reports for these levels."""
    improving = _ITERATIONS * sum(level.cost for level in levels)
    if not start.refined:
        return improving
    return improving + sum(refinement_cost(level.canvas) for level in levels if level.is_refined)


def climb_memory(shape: tuple[int, int], psf_size: int) -> int:
    """Bytes that `climb` takes beyond its levels, at most, on a sample of that shape."""
    return _BYTES_A_PIXEL * math.prod(shape) + _BYTES_AN_ENTRY * psf_size**4


def climb(levels: Sequence[Level], start: Start, noise: float, work: Work) -> Psf:
    """Find a PSF, from the coarsest level to the finest.

    Each level leaves the PSF as much room as the last one shows that it needs: in more room,
    least squares spread over it what the sample has no say in.

    Parameters
    ----------
    levels : sequence of Level
    start : Start
    noise : float
        Standard deviation of the sample's noise at the finest level.
    work : Work

    Returns
    -------
    (size, size) float32
        As large as it needs, at most of the finest level's size; its centroid within half a
        pixel of the middle.
    """
    psf = first_psf(levels[0].psf_size)
    for to_go, level in zip(range(len(levels))[::-1], levels, strict=True):
        if level is not levels[0]:
            psf = enlarge_psf(psf, min(level.psf_size, _roomy_size(psf)))
        psf = improve(level, psf, start, start.edge_costs(to_go, noise), work)
        if start.refined and level.is_refined:
            psf = refine_psf(level.canvas, psf, noise * level.scale, work)
            psf = shift_psf(psf, centring_shift(psf))
    return psf


def _roomy_size(psf: Psf) -> int:
    """Odd size for a PSF on the next finer scale."""
    return 2 * int((_ROOM * psf_extent(psf) / STEP + _SPARE) / 2) + 1


def improve(
    level: Level,
    psf: Psf,
    start: Start,
    edge_costs: NDArray[np.float64],
    work: Work,
) -> Psf:
    """Alternate the two steps on one level.

    Parameters
    ----------
    level : Level
    psf : (size, size) float32
        To begin with; no larger than the level's.
    start : Start
    edge_costs : sequence of float
        One an iteration; falling, they let weaker and weaker edges in.
    work : Work

    Returns
    -------
    (size, size) float32
    """
    canvas = level.canvas
    blurred = canvas.plane
    weights = even_weights(canvas, psf.shape[0])
    for edge_cost in edge_costs:
        latent = latent_of_edges(blurred, psf, float(edge_cost))
        psf = measure_psf(canvas, latent, psf, start, weights)
        latent, psf = _recentre(latent, psf)
        blurred = np.where(canvas.valid, canvas.plane, blur_circular(latent, psf))
        work.advance(level.cost)
    return psf


def measure_psf(canvas: Canvas, latent: Plane, psf: Psf, start: Start, weights: Plane) -> Psf:
    """Find the PSF that leads from the derivatives of a latent to those of the sample.

    Where the sample does not reach, the last PSF says what its derivatives would be. A latent
    without any edge tells nothing: the last PSF stays. `weights` are those of `even_weights`.
    """
    sharp = gradient(latent)
    target = np.where(canvas.inner, gradient(canvas.plane), gradient(blur_circular(latent, psf)))
    power = float(np.sum(sharp**2))
    sharp, target = sharp * weights, target * weights
    weighted = float(np.sum(sharp**2))
    ridge = (start.ridge / max(power, _LEAST_POWER) + start.ridge_share) * weighted
    equations = normal_equations(sharp, target, psf.shape[0], ridge)
    measured = (
        solve_non_negative(equations, psf) if start.non_negative else solve_clipped(equations)
    )
    return clean_psf(measured, speck=_SPECK) if measured.max() > 0 else psf


def _recentre(latent: Plane, psf: Psf) -> tuple[Plane, Psf]:
    """Move both by whole pixels, against each other: what they blur to stays the same."""
    down, right = centring_shift(psf)
    return np.roll(latent, (-down, -right), (0, 1)), shift_psf(psf, (down, right))

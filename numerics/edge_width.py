"""Width of the sharpest edges of a sample: a look at the blur that no spectrum can mislead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Plane = NDArray[np.float32]
Vector = NDArray[np.float64]

# Noise up to which gradients are taken at a scale, pixels.
_SCALES = ((0.006, 0.7), (0.015, 1.0), (np.inf, 1.4))
_STRONGEST = 1500
_LEAST_GRADIENT = 0.004
_NOISE_MARGIN = 5.0
# An edge goes on for so far to either side, keeping this share of its gradient.
_ALONG = 2.0
_STRAIGHT = 0.6
_REACH = 8.0
_STEP = 0.5
_CUT = 0.12
# Of the area of a gaussian the cut leaves this share.
_KEPT = 0.98
_CLEAR = 3.0
_CLEAR_LEVEL = 0.35
_PERCENTILE = 20
_ACROSS = 0.5
LEAST_EDGES = 10
"""Fewer edges than this say nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """What the edges of a sample say.

    Attributes
    ----------
    widths : (n,) float64
        Of each edge that could be measured, as the standard deviation of a gaussian, pixels.
    angles : (n,) float64
        Of the line across it, radians, counter-clockwise as seen on the screen; 0 is along x.
    """

    widths: Vector
    angles: Vector

    @property
    def count(self) -> int:
        """Edges that could be measured."""
        return self.widths.size

    @property
    def width(self) -> float:
        """20th percentile of their widths, pixels; NaN if there are fewer than 10."""
        return _low(self.widths)

    def width_along(self, degrees: float) -> float:
        """Tell the same of edges that lie across a direction, as far as 30 degrees off."""
        off = np.abs(np.sin(self.angles - np.radians(degrees)))
        return _low(self.widths[off < _ACROSS])


def measure_edges(sample: Plane, noise: float, valid: NDArray[np.bool_]) -> Edges:
    """Measure the widths of the strongest straight and lonely edges.

    Parameters
    ----------
    sample : (H, W) float32
        Linear light, about 0..1.
    noise : float
        Standard deviation of its noise.
    valid : (H, W) bool
        Where the light was not clipped; edges near other pixels don't count.

    Returns
    -------
    Edges
    """
    scale = float(next(scale for most, scale in _SCALES if noise < most))
    gradient = np.stack(
        [ndimage.gaussian_filter(sample, scale, order) for order in ((1, 0), (0, 1))]
    )
    least = max(_NOISE_MARGIN * noise / np.sqrt(8 * np.pi * scale**4), _LEAST_GRADIENT)
    points = _strongest(gradient, valid, least)
    widths, angles = _widths(gradient, points)
    return Edges(np.sqrt(np.maximum(widths**2 - scale**2, 0)), angles)


def _low(widths: Vector) -> float:
    return float(np.percentile(widths, _PERCENTILE)) if widths.size >= LEAST_EDGES else np.nan


def _strongest(
    gradient: NDArray[np.float32], valid: NDArray[np.bool_], least: float
) -> NDArray[np.intp]:
    """Rows and columns (2, n) of the strongest local maxima of the gradient across edges."""
    magnitude = np.hypot(*gradient)
    reach = int(np.ceil(_REACH))
    usable = ndimage.binary_erosion(valid, np.ones((2 * reach + 1,) * 2), border_value=0)
    rows, columns = np.nonzero(usable & (magnitude > least))
    normal = gradient[:, rows, columns] / magnitude[rows, columns]
    here: Vector = np.stack([rows, columns]).astype(np.float64)
    peak = magnitude[rows, columns]
    keep = np.ones(peak.size, bool)
    for side in (-1.0, 1.0):
        keep &= peak >= _read(magnitude, here + side * normal, 1)
    along = np.stack([-normal[1], normal[0]])
    for side in (-_ALONG, _ALONG):
        keep &= _read(magnitude, here + side * along, 1) > _STRAIGHT * peak
    rows, columns, peak = rows[keep], columns[keep], peak[keep]
    order = np.argsort(-peak, kind="stable")[:_STRONGEST]
    return np.stack([rows[order], columns[order]])


def _widths(gradient: NDArray[np.float32], points: NDArray[np.intp]) -> tuple[Vector, Vector]:
    """Width of the derivative across each edge that stands alone, pixels, and `Edges.angles`."""
    normal = gradient[:, points[0], points[1]].astype(np.float64)
    normal /= np.hypot(*normal)
    offsets = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
    places = points[:, :, None] + normal[:, :, None] * offsets
    down, along = (_read(part, places, 3) for part in gradient)
    profile = normal[0][:, None] * down + normal[1][:, None] * along
    middle = offsets.size // 2
    peak = profile[:, middle - 1 : middle + 2].max(axis=1, keepdims=True)
    profile = profile / peak
    inside = _run(profile > _CUT)
    area = (profile * inside).sum(axis=1) * _STEP / _KEPT
    alone = _is_alone(profile, inside)
    widths: Vector = area[alone] / np.sqrt(2 * np.pi)
    return widths, np.arctan2(-normal[0], normal[1])[alone]


def _run(above: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep what is joined to the middle of each row."""
    middle = above.shape[1] // 2
    right = np.logical_and.accumulate(above[:, middle:], axis=1)
    left = np.logical_and.accumulate(above[:, middle::-1], axis=1)[:, ::-1]
    return np.concatenate([left[:, :-1], right], axis=1)


def _is_alone(profile: Vector, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which edges end in sight, with some quiet pixels beyond both ends."""
    steps = round(_CLEAR / _STEP)
    near = ndimage.binary_dilation(inside, np.ones((1, 2 * steps + 1), bool)) & ~inside
    quiet = ~np.any(near & (np.abs(profile) > _CLEAR_LEVEL), axis=1)
    ends = ~(inside[:, 0] | inside[:, -1])
    alone: NDArray[np.bool_] = quiet & ends & inside[:, inside.shape[1] // 2]
    return alone


def _read(plane: NDArray[np.float32], places: NDArray[Any], order: int) -> Vector:
    values: Vector = ndimage.map_coordinates(plane, places, np.float64, order, mode="nearest")
    return values

"""Noise level of each channel of a picture, told from its quietest places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

# No fastmath: a flat cell is one whose pixels give exactly 0.
_kernel = numba.njit(nogil=True, cache=True)

_CELL = 16
# Share of a cell's pixels.
_MOST_FLAT = 0.25
_QUIETEST = 0.1
# The quietest tenth of 256 px cells that hold nothing but noise lies below its average.
_BIAS = 1.16
_BRIGHTNESS_CLASSES = 4


def estimate_noise(samples: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Estimate the standard deviation of white noise in each channel.

    The filter [1 -2 1] x [1 -2 1] / 6 keeps the deviation of white noise and little else of a
    blurred picture. Of cells of 16 x 16 pixels the quietest tenth counts, in each of four
    classes of brightness, since the noise of a sensor grows with the light; the middle of the
    classes is returned. Flat cells (clipped highlights, borders drawn by a program) don't count.

    Parameters
    ----------
    samples : sequence of (height, width, channel) float32
        Parts of the picture, each 18 px or more on a side to count.

    Returns
    -------
    (channel,) float64
        In the unit of the pixels; 0 where every cell is flat.
    """
    channels = range(samples[0].shape[-1])
    return np.array([_deviation([sample[..., c] for sample in samples]) for c in channels])


def _deviation(planes: Sequence[NDArray[np.float32]]) -> float:
    usable = [np.ascontiguousarray(plane) for plane in planes if min(plane.shape) >= _CELL + 2]
    cells = np.concatenate([np.empty((2, 0)), *map(_cells, usable)], axis=1)
    if cells.shape[1] == 0:
        return 0.0
    power = cells[1][np.argsort(cells[0])]
    classes = np.array_split(power, min(_BRIGHTNESS_CLASSES, power.size))
    return float(_BIAS * np.sqrt(np.median([_quietest(members) for members in classes])))


def _quietest(power: NDArray[np.float64]) -> float:
    count = max(1, int(_QUIETEST * power.size))
    return float(np.partition(power, count - 1)[:count].mean())


def _cells(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    """Brightness and noise power of the cells of a plane that are not flat: (2, cells)."""
    height, width = plane.shape
    sums = np.zeros((3, (height - 2) // _CELL, (width - 2) // _CELL))
    _sum_cells(plane, np.empty((2, width), np.float32), sums)
    brightness, power, flat = sums / _CELL**2
    kept: NDArray[np.float64] = np.stack([brightness, power])[:, flat <= _MOST_FLAT]
    return kept


@_kernel  # type: ignore[untyped-decorator]
def _sum_cells(plane: Any, lines: Any, sums: Any) -> None:
    """Add up, for each cell, brightness, squares of the filtered pixels, and those that are 0."""
    down, rough = lines
    for y in range(sums.shape[1] * _CELL):
        _second_difference(plane[y], plane[y + 1], plane[y + 2], down)
        _second_difference(down, down[1:], down[2:], rough)
        for cell in range(sums.shape[2]):
            brightness, power, flat = 0.0, 0.0, 0
            for x in range(cell * _CELL, (cell + 1) * _CELL):
                filtered = rough[x] / np.float32(6)
                brightness += plane[y + 1, x + 1]
                power += filtered * filtered
                flat += rough[x] == 0
            row = y // _CELL
            sums[0, row, cell] += brightness
            sums[1, row, cell] += power
            sums[2, row, cell] += flat


@_kernel  # type: ignore[untyped-decorator]
def _second_difference(first: Any, middle: Any, last: Any, result: Any) -> None:
    for x in range(last.size):
        result[x] = first[x] - np.float32(2) * middle[x] + last[x]

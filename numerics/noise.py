"""Noise level of each channel of a picture, told from its quietest places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

# No fastmath: a flat cell is one whose pixels give exactly 0.
_kernel = numba.njit(nogil=True, cache=True, error_model="numpy")

_CELL = 16
# Share of a cell's pixels.
_MOST_FLAT = 0.25
_QUIETEST = 0.1
# The quietest tenth of 256 px cells that hold nothing but noise lies below its average.
_BIAS = 1.16
# The same as `quiet_noise` takes it.
_BIAS_OF_FEW = 1.08
_BRIGHTNESS_CLASSES = 4
# Of full scale: light that is less, or below 0 by noise, bounds nothing.
_DARK = 1e-4


def estimate_noise(samples: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Estimate the standard deviation of white noise in each channel.

    The filter [1 -2 1] x [1 -2 1] / 6 keeps the deviation of white noise and little else of a
    blurred picture. Of cells of 16 x 16 pixels the quietest tenth counts, in each of four
    classes of brightness, since the noise of a sensor grows with the light; that of the brightest
    class is returned: taking less noise than there is costs far more than taking more. Where
    texture hides its noise the others bound it: a sensor's variance never falls as light grows, and
    never grows faster than light [1]_. What other noise is darker places may have more of: the
    middle of the classes is the least. Flat cells (clipped highlights, borders drawn by a program)
    don't count.

    Parameters
    ----------
    samples : sequence of (height, width, channel) float32
        Parts of the picture, each 18 px or more on a side to count.

    Returns
    -------
    (channel,) float64
        In the unit of the pixels; 0 where every cell is flat.

    References
    ----------
    .. [1] Foi, Trimeche, Katkovnik & Egiazarian, Practical Poissonian-Gaussian noise modeling and
       fitting for single-image raw-data, IEEE Trans. Image Processing 17(10), 2008.
    """
    channels = range(samples[0].shape[-1])
    return np.array([_deviation([sample[..., c] for sample in samples]) for c in channels])


def coarse_noise(samples: Sequence[NDArray[np.float32]], halvings: int = 1) -> NDArray[np.float64]:
    """Estimate the same from a picture at half its size, or at half of that.

    White noise has half its deviation there. Noise that lacks fine waves shows there still.

    Parameters
    ----------
    samples : sequence of (height, width, channel) float32
        Each 36 px or more on a side to count; 72 px at a quarter.
    halvings : int

    Returns
    -------
    (channel,) float64
        Deviation that white noise of the picture would have, in the unit of the pixels.
    """
    for _ in range(halvings):
        samples = [_halve(sample) for sample in samples]
    return np.asarray(2**halvings * estimate_noise(samples))


def quiet_noise(plane: NDArray[np.float32]) -> float:
    """Estimate the standard deviation of white noise in the quietest tenth of a plane's cells.

    However bright they are: what `estimate_noise` tells of the brightest is more than that where
    noise grows with the light.

    Parameters
    ----------
    plane : (h, w) float32
        At least 18 px on a side.

    Returns
    -------
    float
        0 where every cell is flat.
    """
    rough = second_differences(plane)
    height, width = (n // _CELL for n in rough.shape)
    cells = rough[: height * _CELL, : width * _CELL].reshape(height, _CELL, width, _CELL)
    power = (cells.astype(np.float64) ** 2).mean(axis=(1, 3))
    power = power[(cells == 0).mean(axis=(1, 3)) < _MOST_FLAT]
    if power.size == 0:
        return 0.0
    lowest = np.sort(power)[: max(1, int(_QUIETEST * power.size))]
    return _BIAS_OF_FEW * float(np.sqrt(lowest.mean()))


def second_differences(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Filter (h, w) by [1 -2 1] x [1 -2 1] / 6: (h - 2, w - 2)."""
    down = plane[:-2] - 2 * plane[1:-1] + plane[2:]
    return np.asarray((down[:, :-2] - 2 * down[:, 1:-1] + down[:, 2:]) / 6, np.float32)


def _halve(sample: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width, channels = sample.shape
    whole = sample[: height // 2 * 2, : width // 2 * 2]
    halves: NDArray[np.float32] = whole.reshape(height // 2, 2, width // 2, 2, channels).mean(
        axis=(1, 3)
    )
    return halves


def _deviation(planes: Sequence[NDArray[np.float32]]) -> float:
    usable = [np.ascontiguousarray(plane) for plane in planes if min(plane.shape) >= _CELL + 2]
    cells = np.concatenate([np.empty((2, 0)), *map(_cells, usable)], axis=1)
    if cells.shape[1] == 0:
        return 0.0
    ordered = cells[:, np.argsort(cells[0])]
    classes = np.array_split(ordered, min(_BRIGHTNESS_CLASSES, ordered.shape[1]), axis=1)
    light, power = np.transpose([_quietest(members) for members in classes])
    return float(_BIAS * np.sqrt(max(_brightest(light, power), np.median(power))))


def _brightest(light: NDArray[np.float64], power: NDArray[np.float64]) -> float:
    """Bound the noise power of the brightest class by those of all; they are given dark to bright.

    What is read out adds the same power everywhere, and light adds power in proportion to itself.
    """
    light = np.maximum(light, _DARK)
    growing = np.minimum.accumulate(power[::-1])[::-1]
    return float((growing / light).min() * light[-1])


def _quietest(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean brightness and noise power of the quietest of some cells (2, n)."""
    count = max(1, int(_QUIETEST * cells.shape[1]))
    chosen = np.argpartition(cells[1], count - 1)[:count]
    return np.asarray(cells[:, chosen].mean(axis=1))


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

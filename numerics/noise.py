"""Noise level of a picture, told from its quietest places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

_CELL = 16
_QUIETEST = 0.1
# The quietest tenth of 256 px cells that hold nothing but noise lies below its average.
_BIAS = 1.16
_BRIGHTNESS_CLASSES = 4


def estimate_noise(samples: Iterable[NDArray[np.float32]]) -> float:
    """Estimate the standard deviation of white noise.

    The filter [1 -2 1] x [1 -2 1] / 6 keeps the deviation of white noise and little else of a
    blurred picture. Of cells of 16 x 16 pixels the quietest tenth counts, in each of four
    classes of brightness, since the noise of a sensor grows with the light; the middle of the
    classes is returned. Flat cells (clipped highlights, borders drawn by a program) don't count.

    Parameters
    ----------
    samples : iterable of (height, width, channel) float32
        Parts of the picture, each 18 px or more on a side to count.

    Returns
    -------
    float
        In the unit of the pixels; 0 if every cell is flat.
    """
    cells = np.concatenate([np.empty((2, 0)), *_all_cells(samples)], axis=1)
    if cells.shape[1] == 0:
        return 0.0
    power = cells[1][np.argsort(cells[0])]
    classes = np.array_split(power, min(_BRIGHTNESS_CLASSES, power.size))
    return float(_BIAS * np.sqrt(np.median([_quietest(members) for members in classes])))


def _quietest(power: NDArray[np.float64]) -> float:
    count = max(1, int(_QUIETEST * power.size))
    return float(np.partition(power, count - 1)[:count].mean())


def _all_cells(samples: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float64]]:
    for sample in samples:
        for channel in np.moveaxis(sample, -1, 0):
            if min(channel.shape) >= _CELL + 2:
                yield _cells(channel)


def _cells(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    """Brightness and noise power of the cells of a plane that are not flat: (2, cells)."""
    rough = _second_difference(_second_difference(plane).T).T / 6.0
    inner = plane[1:-1, 1:-1]
    flat = _mean_of_cells(rough == 0) > 0.25
    both = np.stack([_mean_of_cells(inner), _mean_of_cells(rough**2)])
    kept: NDArray[np.float64] = both[:, ~flat]
    return kept


def _second_difference(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    result: NDArray[np.float32] = plane[:-2] - 2 * plane[1:-1] + plane[2:]
    return result


def _mean_of_cells(plane: NDArray[np.float32] | NDArray[np.bool_]) -> NDArray[np.float64]:
    height, width = (n // _CELL * _CELL for n in plane.shape)
    cells = plane[:height, :width].reshape(height // _CELL, _CELL, width // _CELL, _CELL)
    means: NDArray[np.float64] = cells.mean(axis=(1, 3), dtype=np.float64)
    return means

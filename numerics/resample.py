"""Resample a picture, one axis at a time: cubic interpolation, widened to antialias when shrinking.

The weights of an output sample are Keys' cubic (a = -1/2) stretched by the shrink factor, so each
input sample counts once whatever the factor is. Beyond the ends the outermost samples repeat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

# No fastmath: each sample is summed in one order, whatever band of the picture it is made in.
_kernel = numba.njit(nogil=True, cache=True)


@dataclass(frozen=True, slots=True)
class Taps:
    """Which input samples make up each output sample, and with which weights.

    Attributes
    ----------
    index : (outputs, taps) int64
    weight : (outputs, taps) float32
        Each row sums to 1.
    """

    index: NDArray[np.int64]
    weight: NDArray[np.float32]

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """First and one past the last input sample that outputs ``start:stop`` need."""
        index = self.index[start:stop]
        return int(index.min()), int(index.max()) + 1

    def cut(self, start: int, stop: int) -> Taps:
        """Keep outputs ``start:stop``, for an input that begins where their span does."""
        return Taps(self.index[start:stop] - self.span(start, stop)[0], self.weight[start:stop])


def make_taps(inputs: int, outputs: int) -> Taps:
    """Plan the resampling of `inputs` samples to `outputs`, both ends kept in place."""
    step = inputs / outputs
    stretch = max(1.0, step)
    middle = (np.arange(outputs) + 0.5) * step - 0.5
    count = 2 * math.ceil(2 * stretch) + 1
    index = np.floor(middle).astype(np.int64)[:, None] + np.arange(count) - count // 2
    weight = _cubic((index - middle[:, None]) / stretch)
    weight /= weight.sum(axis=1, keepdims=True)
    return Taps(np.clip(index, 0, inputs - 1), weight.astype(np.float32))


def resample(picture: NDArray[np.float32], down: Taps, across: Taps) -> NDArray[np.float32]:
    """Resample both axes of a picture.

    Parameters
    ----------
    picture : (H, W, channel) float32
    down, across : Taps
        For H and W samples.

    Returns
    -------
    (len(down.index), len(across.index), channel) float32
    """
    # Rows first: their pass, which is the faster one, leaves less to the other when shrinking.
    height, width, channels = picture.shape
    lines = np.empty((len(down.index), width * channels), np.float32)
    _mix_rows(np.ascontiguousarray(picture).reshape(height, -1), down.index, down.weight, lines)
    result = np.empty((len(lines), len(across.index), channels), np.float32)
    _mix_columns(lines.reshape(-1, width, channels), across.index, across.weight, result)
    return result


@_kernel  # type: ignore[untyped-decorator]
def _mix_rows(picture: Any, index: Any, weight: Any, result: Any) -> None:
    for y in range(result.shape[0]):
        line = result[y]
        line[:] = np.float32(0)
        for tap in range(index.shape[1]):
            source, share = picture[index[y, tap]], weight[y, tap]
            for x in range(line.size):
                line[x] += share * source[x]


@_kernel  # type: ignore[untyped-decorator]
def _mix_columns(picture: Any, index: Any, weight: Any, result: Any) -> None:
    for y in range(result.shape[0]):
        line = picture[y]
        for x in range(result.shape[1]):
            for channel in range(result.shape[2]):
                total = np.float32(0)
                for tap in range(index.shape[1]):
                    total += weight[x, tap] * line[index[x, tap], channel]
                result[y, x, channel] = total


def _cubic(x: NDArray[Any]) -> NDArray[Any]:
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x <= 1.0, near, np.where(x < 2.0, far, 0.0))

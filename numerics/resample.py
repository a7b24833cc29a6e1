"""Resample along one axis at a time: cubic interpolation, widened to antialias when shrinking.

The weights of an output sample are Keys' cubic (a = -1/2) stretched by the shrink factor, so each
input sample counts once whatever the factor is. Beyond the ends the outermost samples repeat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


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


def resample_rows(picture: NDArray[np.float32], taps: Taps) -> NDArray[np.float32]:
    """Resample the first axis of (H, ...) pixels to ``len(taps.index)`` rows."""
    result = np.zeros((len(taps.index), *picture.shape[1:]), np.float32)
    columns = (slice(None), *[None] * (picture.ndim - 1))
    for index, weight in zip(taps.index.T, taps.weight.T, strict=True):
        result += picture[index] * weight[columns]
    return result


def resample_columns(picture: NDArray[np.float32], taps: Taps) -> NDArray[np.float32]:
    """Resample the second axis of (H, W, ...) pixels."""
    return resample_rows(picture.swapaxes(0, 1), taps).swapaxes(0, 1)


def _cubic(x: NDArray[Any]) -> NDArray[Any]:
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x <= 1.0, near, np.where(x < 2.0, far, 0.0))

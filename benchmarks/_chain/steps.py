"""What the five steps compute: little, so that what a cache adds can be seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]

SIDE = 2888  # 2888 x 2888 x 3 float32: 100 MB


def make(seed: int) -> Pixels:
    return np.random.default_rng(seed).random((SIDE, SIDE, 3), np.float32)


def shift(image: Pixels, amount: float) -> Pixels:
    return image + np.float32(amount)

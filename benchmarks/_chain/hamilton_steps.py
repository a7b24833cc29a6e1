"""The steps as Hamilton wants them: functions named after what they give."""

from __future__ import annotations

import numpy as np

from _chain.steps import make, shift


def first() -> np.ndarray:
    return make(0)


def second(first: np.ndarray) -> np.ndarray:
    return shift(first, 1.0)


def third(second: np.ndarray) -> np.ndarray:
    return shift(second, 2.0)


def fourth(third: np.ndarray, amount: float) -> np.ndarray:
    return shift(third, amount)


def fifth(fourth: np.ndarray) -> np.ndarray:
    return shift(fourth, 4.0)

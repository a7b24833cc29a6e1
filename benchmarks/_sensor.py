"""Pictures as a camera's sensor takes them: one colour at each pixel, noise that grows with light.

Light is brought to a sensor's own colours and seen through a Bayer mosaic, whose missing colours
are then filled in, bilinearly or by the filters of Malvar, He and Cutler, High-quality linear
interpolation for demosaicing of Bayer-patterned color images, ICASSP 2004; at last the colours are
brought back.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve

Picture = NDArray[np.float32]
Plane = NDArray[np.float64]
Way = Literal["bilinear", "malvar"]

# From a sensor's colours to linear sRGB, and what its red and blue are multiplied by in daylight.
TO_SRGB = np.array([[1.75, -0.60, -0.15], [-0.20, 1.55, -0.35], [0.03, -0.50, 1.47]])
GAINS = np.array([2.0, 1.0, 1.6])
# Light at which a noise is given, and the share of its power there that comes with the light.
GREY, SHOT = 0.18, 0.9

_GREEN = np.array(
    [[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]
)
_ALONG = np.array(
    [[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]
)
_ACROSS = np.array(
    [
        [0, 0, -1.5, 0, 0],
        [0, 2, 0, 2, 0],
        [-1.5, 0, 6, 0, -1.5],
        [0, 2, 0, 2, 0],
        [0, 0, -1.5, 0, 0],
    ]
)
_BETWEEN = np.outer((1, 2, 1), (1, 2, 1)) / 4
_BETWEEN_GREEN = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4


def take(light: Picture, noise: float, way: Way, seed: int) -> Picture:
    """Take a picture (H, W, 3) of linear light, with so much noise in green at medium gray."""
    seen = np.where(mosaic(light.shape), light @ np.linalg.inv(TO_SRGB).T / GAINS, 0).sum(axis=2)
    power = noise**2 * (SHOT * np.maximum(seen, 0) / GREY + 1 - SHOT)
    random = np.random.default_rng(seed).standard_normal(seen.shape)
    balanced = (seen + random * np.sqrt(power)) * np.where(mosaic(light.shape), GAINS, 0).sum(
        axis=2
    )
    fill = fill_bilinearly if way == "bilinear" else fill_by_gradients
    return np.asarray(fill(balanced) @ TO_SRGB.T, np.float32)


def mosaic(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which colour each pixel sees: red and green, then green and blue."""
    sees = np.zeros((*shape[:2], 3), bool)
    sees[::2, ::2, 0] = sees[::2, 1::2, 1] = sees[1::2, ::2, 1] = sees[1::2, 1::2, 2] = True
    return sees


def fill_bilinearly(raw: Plane) -> NDArray[np.float64]:
    sees = mosaic(raw.shape)
    kernels = (_BETWEEN, _BETWEEN_GREEN, _BETWEEN)
    planes = [
        convolve(np.where(sees[..., c], raw, 0), k, mode="mirror") for c, k in enumerate(kernels)
    ]
    return np.stack(planes, axis=2)


def fill_by_gradients(raw: Plane) -> NDArray[np.float64]:
    sees = mosaic(raw.shape)
    green, along, across = (convolve(raw, k / 8, mode="mirror") for k in (_GREEN, _ALONG, _ACROSS))
    upright = convolve(raw, _ALONG.T / 8, mode="mirror")
    is_red_row = np.broadcast_to((np.arange(len(raw)) % 2 == 0)[:, None], raw.shape)
    planes = [np.where(sees[..., 1], raw, green)]
    for own, other, in_row in ((0, 2, is_red_row), (2, 0, ~is_red_row)):
        beside = np.where(in_row, along, upright)
        planes.append(np.where(sees[..., own], raw, np.where(sees[..., other], across, beside)))
    return np.stack([planes[1], planes[0], planes[2]], axis=2)

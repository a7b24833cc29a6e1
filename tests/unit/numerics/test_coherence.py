"""How far the light of a sample agrees with itself."""

from __future__ import annotations

import numpy as np
import pytest
from imagecodecs import jpeg8_decode, jpeg8_encode
from scipy import ndimage
from skimage import data

from numerics.coherence import LEAST_COHERENCE, measure_coherence


def compress(plane: np.ndarray, level: int) -> np.ndarray:
    coded = np.round(255 * np.clip(plane, 0, 1) ** (1 / 2.2)).astype(np.uint8)
    return ((jpeg8_decode(jpeg8_encode(coded, level=level)) / 255.0) ** 2.2).astype(np.float32)


def make_noise(deviation: float, smoothing: float = 0.0) -> np.ndarray:
    numbers = np.random.default_rng(7).standard_normal((210, 200))
    smooth = ndimage.gaussian_filter(numbers, smoothing)
    return (0.4 + deviation * smooth / smooth.std()).astype(np.float32)


@pytest.mark.parametrize("smoothing", [0.0, 0.8])
@pytest.mark.parametrize("deviation", [0.004, 0.03])
def test_noise_agrees_no_further_than_its_grain(smoothing: float, deviation: float) -> None:
    assert measure_coherence(make_noise(deviation, smoothing)) < LEAST_COHERENCE


@pytest.mark.parametrize("level", [60, 75, 90])
@pytest.mark.parametrize("offset", [(0, 0), (3, 6)])
def test_compressed_noise_does_not_either(level: int, offset: tuple[int, int]) -> None:
    coded = compress(make_noise(0.01, 0.5), level)
    assert measure_coherence(coded[offset[0] :, offset[1] :]) < LEAST_COHERENCE


def test_a_straight_shade_is_taken_off() -> None:
    shade = np.add.outer(np.linspace(0, 0.3, 210), np.linspace(0, 0.2, 200))
    assert measure_coherence((make_noise(0.01) + shade).astype(np.float32)) < LEAST_COHERENCE


@pytest.mark.parametrize("name", ["grass", "gravel", "brick", "camera", "coins"])
def test_textures_and_photographs_agree_further(name: str) -> None:
    sharp = (getattr(data, name)()[20:270, 20:270] / 255.0) ** 2.2
    assert measure_coherence(sharp.astype(np.float32)) > 2 * LEAST_COHERENCE


def test_what_does_not_tell() -> None:
    assert measure_coherence(make_noise(0.01)[:60, :60]) == 1  # too small
    assert measure_coherence(np.full((120, 120), 0.25, np.float32)) == 0

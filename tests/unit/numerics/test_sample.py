"""Which samples are refused, and with which words."""

from __future__ import annotations

import numpy as np
import pytest

from numerics.sample import EstimateError, least_side, normalise_sample


@pytest.fixture
def sample() -> np.ndarray:
    plane = np.full((80, 100), 0.2, np.float32)
    plane[20:60, 30:70] = 0.5
    return plane


@pytest.mark.parametrize("contrast", [1e-3, 1, 500])
def test_contrast_becomes_the_same(sample: np.ndarray, contrast: float) -> None:
    scaled = normalise_sample(sample * np.float32(contrast), 15)
    assert scaled.dtype == np.float32
    assert np.ptp(scaled) == pytest.approx(0.75, rel=1e-4)


def test_highlights_do_not_count(sample: np.ndarray) -> None:
    sample[5, 5] = 40
    scaled = normalise_sample(sample, 15)
    assert scaled[40, 50] - scaled[0, 0] == pytest.approx(0.75, rel=1e-4)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (4, "size of the PSF is 4 px. Use an odd size"),
        (1, "size of the PSF is 1 px. Use an odd size"),
        (41, "100 x 80 px, too small for a PSF of 41 px. Use 82 px"),
    ],
)
def test_sizes_that_do_not_fit(sample: np.ndarray, size: int, words: str) -> None:
    with pytest.raises(EstimateError, match=words):
        normalise_sample(sample, size)


def test_tiny_and_empty_samples(sample: np.ndarray) -> None:
    assert least_side(3) == 32
    with pytest.raises(EstimateError, match=r"20 x 31 px, too small .* Use 32 px or more"):
        normalise_sample(sample[:31, :20], 3)
    with pytest.raises(EstimateError, match="0 x 0 px, too small"):
        normalise_sample(np.empty((0, 0), np.float32), 3)


@pytest.mark.parametrize("noise", [0, 0.01])
def test_flat_and_noise_only_samples(noise: float) -> None:
    plane = 0.3 + noise * np.random.default_rng(0).standard_normal((90, 90))
    with pytest.raises(EstimateError, match="nothing to measure the blur on: the sample is flat"):
        normalise_sample(plane.astype(np.float32), 15)


def test_not_finite(sample: np.ndarray) -> None:
    sample[3, 3] = np.nan
    with pytest.raises(EstimateError, match="NaN or infinite"):
        normalise_sample(sample, 15)

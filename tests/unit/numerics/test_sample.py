"""Which samples are refused, and with which words."""

from __future__ import annotations

import numpy as np
import pytest
from imagecodecs import jpeg8_decode, jpeg8_encode
from scipy import ndimage

from numerics.sample import (
    EstimateError,
    largest_size,
    least_side,
    prepare_sample,
)


@pytest.fixture
def sample() -> np.ndarray:
    plane = np.full((80, 100), 0.2, np.float32)
    plane[20:60, 30:70] = 0.5
    return plane


@pytest.mark.parametrize("contrast", [1e-3, 1, 500])
def test_contrast_becomes_the_same(sample: np.ndarray, contrast: float) -> None:
    scaled = prepare_sample(sample * np.float32(contrast), 15).plane
    assert scaled.dtype == np.float32
    assert np.ptp(scaled) == pytest.approx(0.75, rel=1e-4)


def test_highlights_do_not_count(sample: np.ndarray) -> None:
    sample[5, 5] = 40
    scaled = prepare_sample(sample, 15).plane
    assert scaled[40, 50] - scaled[0, 0] == pytest.approx(0.75, rel=1e-4)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (4, "size of the PSF is 4 px. Use an odd size"),
        (1, "size of the PSF is 1 px. Use an odd size"),
        (41, r"100 x 80 px, too small for a PSF of 41 px\. Use 82 px .* smaller size"),
    ],
)
def test_sizes_that_do_not_fit(sample: np.ndarray, size: int, words: str) -> None:
    with pytest.raises(EstimateError, match=words):
        prepare_sample(sample, size)


def test_tiny_and_empty_samples(sample: np.ndarray) -> None:
    assert least_side(3) == 32
    with pytest.raises(
        EstimateError, match=r"20 x 31 px, too small .* Use 32 px or more on each side\.$"
    ):
        prepare_sample(sample[:31, :20], 3)
    with pytest.raises(EstimateError, match="0 x 0 px, too small"):
        prepare_sample(np.empty((0, 0), np.float32), 3)


@pytest.mark.parametrize("noise", [0, 1e-3, 0.01, 0.03])
@pytest.mark.parametrize("shade", [0, 0.5])
def test_samples_without_edges(noise: float, shade: float) -> None:
    ramp = shade * np.linspace(0, 1, 140) ** 2
    plane = 0.3 + ramp + noise * np.random.default_rng(0).standard_normal((130, 140))
    with pytest.raises(EstimateError, match="nothing to measure the blur on: the sample has no ed"):
        prepare_sample(plane.astype(np.float32), 15)


@pytest.mark.parametrize("noise", [0, 0.03])
def test_soft_edges_are_enough(sample: np.ndarray, noise: float) -> None:
    soft = ndimage.gaussian_filter(sample, 6)
    grain = noise * np.random.default_rng(0).standard_normal(soft.shape)
    prepared = prepare_sample((soft + grain).astype(np.float32), 15)
    assert prepared.known.all()
    assert prepared.noise == pytest.approx(noise * 0.75 / np.ptp(soft), rel=0.5, abs=1e-3)


def test_largest_size_fits() -> None:
    assert largest_size(255) == 127
    assert [largest_size(side) for side in (3, 32, 127, 128, 130)] == [3, 15, 63, 63, 65]
    for side in range(32, 300):
        assert largest_size(side) % 2 == 1
        assert least_side(largest_size(side)) <= side


def test_not_finite(sample: np.ndarray) -> None:
    sample[3, 3] = np.nan
    with pytest.raises(EstimateError, match="NaN or infinite"):
        prepare_sample(sample, 15)


def test_noise_of_a_jpeg_is_what_it_was_before(sharp_photo: np.ndarray) -> None:
    grain = np.random.default_rng(3).normal(0, 0.01, sharp_photo.shape)
    noisy = ndimage.gaussian_filter(sharp_photo, 1.5) + grain
    numbers = np.rint(255 * np.sqrt(np.clip(noisy, 0, 1))).astype(np.uint8)
    taken = (jpeg8_decode(jpeg8_encode(numbers, level=90)) / 255.0) ** 2
    as_it_was, as_taken = (
        prepare_sample(plane.astype(np.float32), 15).noise for plane in (noisy, taken)
    )
    assert as_taken == pytest.approx(as_it_was, rel=0.3)

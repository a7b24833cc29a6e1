"""Blind estimation as a whole: on a photograph whose blur is known."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from scipy.signal import correlate

from numerics.blind import adapt_psf, estimate_psf, estimate_psf_and_size
from numerics.blur import blur
from numerics.make_psf import shake
from numerics.psf import check_psf
from numerics.sample import EstimateError

SIZE = 13
TRUE = shake(9, 3)


@pytest.fixture(scope="module")
def sample() -> np.ndarray:
    sharp = (skimage.data.astronaut()[40:190, 150:310].mean(axis=2, keepdims=True) / 255.0) ** 2.2
    noise = np.random.default_rng(1).normal(0, 0.003, sharp.shape)
    return (blur(sharp, TRUE) + noise)[:, :, 0].astype(np.float32)


def similarity(one: np.ndarray, two: np.ndarray) -> float:
    peak = correlate(one, two).max()
    return float(peak / (np.linalg.norm(one) * np.linalg.norm(two)))


def test_the_blur_of_a_photograph_is_found(sample: np.ndarray) -> None:
    steps: list[float] = []
    estimate = estimate_psf(sample, SIZE, progress=lambda done, total: steps.append(done / total))
    check_psf(estimate.psf)
    assert estimate.psf.shape == (SIZE, SIZE)
    assert similarity(estimate.psf, TRUE) > 0.85
    assert estimate.agreement > 0.75
    assert estimate.whiteness > -0.1
    assert steps == sorted(steps)
    assert steps[-1] == pytest.approx(1.0, abs=0.05)


def test_the_same_sample_gives_the_same_psf_at_any_contrast(sample: np.ndarray) -> None:
    one = estimate_psf(sample[:96, :96], 9)
    np.testing.assert_array_equal(one.psf, estimate_psf(sample[:96, :96], 9).psf)
    assert similarity(one.psf, estimate_psf(sample[:96, :96] * 0.25, 9).psf) > 0.99


def test_of_several_sizes_the_better_one_is_taken(sample: np.ndarray) -> None:
    estimate = estimate_psf_and_size(sample[20:84, 20:84], (5, 13))
    assert estimate.psf.shape in ((5, 5), (13, 13))
    assert estimate.score == min(
        estimate_psf(sample[20:84, 20:84], size, border=6).score for size in (5, 13)
    )


def test_another_channel_keeps_its_shift(sample: np.ndarray) -> None:
    moved = np.roll(sample, 2, axis=1)
    found = adapt_psf(moved, np.pad(TRUE, 2)[: SIZE + 2, : SIZE + 2])
    columns = np.arange(found.shape[1])
    assert (found.sum(axis=0) * columns).sum() > found.shape[1] // 2 - 1.0
    check_psf(found)


@pytest.mark.parametrize("shape", [(40, 70), (64, 33)])
@pytest.mark.parametrize("size", [3, 5, 15])
def test_small_and_oblong_samples(sample: np.ndarray, shape: tuple[int, int], size: int) -> None:
    check_psf(estimate_psf(sample[: shape[0], : shape[1]], size).psf)


noise = np.random.default_rng(2).normal(0.5, 0.01, (100, 100)).astype(np.float32)


@pytest.mark.parametrize(
    ("bad", "size", "told"),
    [
        (np.full((100, 100), 0.3, np.float32), 9, "nothing to measure the blur on"),
        (noise, 9, "nothing to measure the blur on"),
        (np.full((100, 100), np.nan, np.float32), 9, "NaN or infinite"),
        (noise[:30, :30], 9, "30 x 30"),
        (noise, 10, "Use an odd size"),
        (noise, 1, "Use an odd size"),
    ],
)
def test_what_can_not_be_measured_is_told(bad: np.ndarray, size: int, told: str) -> None:
    with pytest.raises(EstimateError, match=told):
        estimate_psf(bad, size)


def test_it_can_be_stopped(sample: np.ndarray) -> None:
    calls = []

    def stop() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        estimate_psf(sample, SIZE, check=stop)

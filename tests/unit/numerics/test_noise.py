from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from scipy.ndimage import gaussian_filter

from numerics.noise import estimate_noise


@pytest.mark.parametrize("sigma", [0.001, 0.005, 0.02])
@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_noise_on_blurred_photographs(name: str, sigma: float) -> None:
    sharp = (getattr(skimage.data, name)() / 255.0) ** 2.2
    blurred = gaussian_filter(sharp, (2, 2, 0))
    noisy = blurred + np.random.default_rng(1).normal(0, sigma, blurred.shape)
    assert estimate_noise([noisy.astype(np.float32)]) == pytest.approx([sigma] * 3, rel=0.25)


def test_noise_scales_with_the_picture() -> None:
    noise = np.random.default_rng(2).normal(size=(200, 200, 1)).astype(np.float32)
    assert estimate_noise([noise * 3]) == pytest.approx(3 * estimate_noise([noise]), rel=1e-5)


def test_flat_places_do_not_count() -> None:
    noise = np.random.default_rng(3).normal(0, 0.01, (256, 256, 1)).astype(np.float32)
    clipped = noise.copy()
    clipped[:, :128] = 1.0
    assert estimate_noise([clipped]) == pytest.approx(estimate_noise([noise]), rel=0.1)


@pytest.mark.parametrize(
    "sample", [np.ones((64, 64, 3), np.float32), np.ones((5, 5, 1), np.float32)]
)
def test_where_there_is_nothing_to_see_the_noise_is_0(sample: np.ndarray) -> None:
    assert not estimate_noise([sample]).any()


def test_each_channel_has_its_own() -> None:
    numbers = np.random.default_rng(4).standard_normal((256, 256, 3))
    noise = (np.array([0.01, 0.002, 0.005]) * numbers).astype(np.float32)
    assert estimate_noise([noise]) == pytest.approx([0.01, 0.002, 0.005], rel=0.1)
    halves = [noise[:128], noise[128:]]
    assert estimate_noise(halves) == pytest.approx(estimate_noise([noise]), rel=0.1)


def test_noise_that_grows_with_light_is_that_of_bright_places() -> None:
    light = np.linspace(0.02, 0.8, 256) * np.ones((256, 1))
    noise = 0.02 * np.sqrt(light) * np.random.default_rng(5).standard_normal(light.shape)
    # The quietest cells of the brightest quarter are among its darker ones.
    found = estimate_noise([(light + noise)[..., None].astype(np.float32)])
    assert found == pytest.approx([0.02 * np.sqrt(0.7)], rel=0.12)


def test_texture_in_bright_places_is_no_noise() -> None:
    light = np.repeat([0.1, 0.3, 0.5, 0.7], 64) * np.ones((256, 1))
    texture = 0.1 * np.random.default_rng(6).standard_normal((256, 256)) * (light > 0.6)
    noise = np.random.default_rng(7).normal(0, 0.004, light.shape)
    plane = (light + texture + noise)[..., None].astype(np.float32)
    assert estimate_noise([plane])[0] < 0.004 * 1.3, "0.7 has at most as much more as light has"

"""The simulate node: bands equal the whole, noise as ordered, nothing left to chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nodes.image import Image
from nodes.simulate import Simulate
from numerics.blur import blur
from numerics.make_psf import motion
from pipeline.node import Value

PSF = motion(9, 60)


@pytest.fixture
def photo() -> Image:
    return Image(np.random.default_rng(5).random((90, 70, 3), np.float32))


def simulate(context: Any, photo: Image, psf: np.ndarray = PSF, **options: Any) -> np.ndarray:
    inputs = {"image": photo.value(), "psf": Value("psf", {"psf": psf})}
    return Image.of(Simulate().run(Simulate.Params(**options), inputs, context)).pixels[:, :]


@pytest.mark.parametrize("chunk", [512, 32, 3])
def test_bands_equal_the_whole(context: Any, photo: Image, chunk: int) -> None:
    context.chunk = chunk
    blurred = simulate(context, photo, noise=0.0)
    assert np.allclose(blurred, blur(photo.pixels[:, :], PSF), atol=1e-6)


def test_noise_is_as_strong_as_asked_and_does_not_depend_on_chunks(
    context: Any, photo: Image
) -> None:
    clean = simulate(context, photo, noise=0.0)
    noisy = simulate(context, photo, noise=0.02, seed=1)
    assert (noisy - clean).std() == pytest.approx(0.02, rel=0.03)
    context.chunk = 16
    assert np.allclose(simulate(context, photo, noise=0.02, seed=1), noisy, atol=1e-6)


def test_seed_chooses_the_noise(context: Any, photo: Image) -> None:
    first = simulate(context, photo, noise=0.02, seed=1)
    assert np.array_equal(simulate(context, photo, noise=0.02, seed=1), first)
    assert not np.allclose(simulate(context, photo, noise=0.02, seed=2), first, atol=0.01)


def test_known_numbers(context: Any) -> None:
    black = Image(np.zeros((2, 2, 1), np.float32))
    noise = simulate(context, black, np.ones((1, 1), np.float32), noise=1.0, seed=0)
    wanted = np.random.Generator(np.random.PCG64(0)).standard_normal(4, np.float32)
    assert np.allclose(noise.ravel(), wanted)


def test_psf_for_each_channel(context: Any, photo: Image) -> None:
    point = np.zeros_like(PSF)
    point[tuple(n // 2 for n in PSF.shape)] = 1
    psf = np.stack([PSF, point, PSF], axis=-1)
    blurred = simulate(context, photo, psf, noise=0.0)
    assert np.allclose(blurred[:, :, 1], photo.pixels[:, :, 1], atol=1e-6)
    assert not np.allclose(blurred[:, :, 0], photo.pixels[:, :, 0], atol=0.1)

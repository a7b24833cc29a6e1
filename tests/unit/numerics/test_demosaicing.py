"""Demosaiced noise: told, measured, and seen through."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import affine_transform
from skimage import data

from numerics.blur import blur
from numerics.channel_mix import mix_channels
from numerics.demosaicing import demosaiced_deviation, is_demosaiced
from numerics.grain import channel_noise, find_grain
from numerics.kind import Kind, decide
from numerics.light import Light
from numerics.look import look_at
from numerics.make_psf import disc, gaussian, motion
from numerics.noise import coarse_noise, estimate_noise
from numerics.whittle import measure_spectrum, spectral_cost

Picture = np.ndarray
Sensor = Callable[..., Picture]


def photograph(name: str, psf: Picture | None = None) -> Picture:
    picture = ((getattr(data, name)() / 255.0) ** 2.2).astype(np.float32)[:300, 100:400]
    return picture if psf is None else blur(picture, psf)


def told(sample: Picture) -> Kind:
    mixes = mix_channels(sample)
    return decide(look_at(mixes.planes[0], valid=mixes.known, grain=mixes.grain))


@pytest.mark.parametrize("noise", [0.003, 0.02])
@pytest.mark.parametrize("name", ["astronaut", "chelsea"])
def test_demosaiced_pictures_are_told(demosaiced: Sensor, name: str, noise: float) -> None:
    clean = photograph(name, gaussian(1.2))
    assert find_grain([demosaiced(clean, noise)]) == "demosaiced"
    assert is_demosaiced([demosaiced(clean, noise)[3:, 4:, :1]]), "one channel, wherever it begins"
    white = clean + np.random.default_rng(2).normal(0, noise, clean.shape).astype(np.float32)
    assert find_grain([white]) == "white"


def test_straightened_pictures_are_as_well(demosaiced: Sensor) -> None:
    taken = demosaiced(photograph("astronaut", gaussian(1.2)), 0.01)
    scale = np.array([1 / 1.01, 1 / 1.01, 1])
    assert find_grain([affine_transform(taken, scale)[4:-4, 4:-4]]) == "demosaiced"


def test_scaled_and_tiny_pictures_are_not(demosaiced: Sensor) -> None:
    taken = demosaiced(photograph("astronaut", gaussian(1.2)), 0.01)
    halves = taken.reshape(150, 2, 150, 2, 3).mean(axis=(1, 3))
    assert not is_demosaiced([halves])
    assert not is_demosaiced([taken[:31, :31]])
    assert not is_demosaiced([np.full((64, 64, 3), 0.5, np.float32)])


def test_sharp_edges_along_the_axes_are_no_mosaic() -> None:
    squares = np.kron(np.random.default_rng(3).random((60, 60, 3)), np.ones((5, 5, 1)))
    assert not is_demosaiced([squares.astype(np.float32)])


@pytest.mark.parametrize("noise", [0.004, 0.02])
def test_noise_is_measured_where_it_matters(demosaiced: Sensor, noise: float) -> None:
    clean = photograph("astronaut", disc(2.0))
    taken = demosaiced(clean, noise)
    # Of coarse waves, a channel that is seen at every fourth pixel has four times the power.
    true = noise * np.array([2, np.sqrt(2), 2])
    assert np.all(estimate_noise([taken]) < 0.5 * true)
    ratio = demosaiced_deviation([taken]) / true
    assert 0.7 < ratio.min() <= ratio.max() < 1.7
    light = Light.measure([taken])
    assert light.grain == "demosaiced"
    assert light.noise == pytest.approx(np.sqrt(np.mean(channel_noise([taken], light.grain) ** 2)))


def test_white_noise_is_the_same_at_half_size() -> None:
    noise = np.random.default_rng(4).normal(0, 0.01, (400, 400, 2)).astype(np.float32)
    for halvings in (1, 2):
        assert coarse_noise([noise], halvings) == pytest.approx([0.01, 0.01], rel=0.15)


def test_of_every_other_pixel_the_noise_is_white(demosaiced: Sensor) -> None:
    psf = disc(3.0)
    taken = demosaiced(photograph("astronaut", psf), 0.01)
    (plane, *_), valid = np.moveaxis(taken, 2, 0), np.full(taken.shape[:2], True)
    noise = float(estimate_noise([plane[..., None]])[0])
    direct = measure_spectrum(plane, noise, valid)
    folded = measure_spectrum(plane, noise, valid, grain="demosaiced")
    gains = [
        np.log(spectral_cost(spectrum, gaussian(0.3)) / spectral_cost(spectrum, psf))
        for spectrum in (direct, folded)
    ]
    assert gains[0] < 0 < 0.3 < gains[1], "what is the blur explains it, but for the noise's form"


@pytest.mark.parametrize(("name", "noise"), [("astronaut", 0.01), ("coffee", 0.004)])
def test_blurs_are_found_through_it(demosaiced: Sensor, name: str, noise: float) -> None:
    found = told(demosaiced(photograph(name, disc(3.0)), noise))
    assert found.name == "disc"
    assert found.parameters["radius"] == pytest.approx(3.0, rel=0.1)
    line = told(demosaiced(photograph(name, motion(15, 30)), noise))
    assert line.name == "line"
    assert line.parameters["length"] == pytest.approx(15, rel=0.15)


@pytest.mark.parametrize(
    ("name", "noise"), [("astronaut", 0.003), ("rocket", 0.01), ("chelsea", 0.01)]
)
def test_sharp_pictures_stay_sharp(demosaiced: Sensor, name: str, noise: float) -> None:
    assert told(demosaiced(photograph(name), noise)).name == "none"

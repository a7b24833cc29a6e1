"""Light trails: the PSF that small lights draw, and what only looks like them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from numerics.blur_on_sample import find_blur
from numerics.consensus import similarity
from numerics.light_trails import Trails, find_trails
from numerics.make_psf import disc, gaussian, shake
from numerics.psf import check_psf, resized
from numerics.sample import EstimateError

Plane = NDArray[np.float32]

SIDE = 160
WINDOW = np.ones((5, 4))
BARS = np.kron(np.ones((1, 3)), np.pad(np.ones((9, 2)), ((0, 0), (0, 1))))


def lamps(forms: list[NDArray[Any]], brightest: float = 0.9) -> Plane:
    """Put forms at places apart, each so bright, or down to a third of it."""
    random = np.random.default_rng(0)
    scene = np.zeros((SIDE, SIDE), np.float32)
    corners = [(y, x) for y in range(16, SIDE - 30, 32) for x in range(16, SIDE - 30, 32)]
    for form, (y, x) in zip(forms, random.permutation(corners), strict=False):
        light = brightest * random.uniform(1 / 3, 1) / form.max()
        scene[y : y + form.shape[0], x : x + form.shape[1]] += np.float32(light) * form
    return scene


def taken(scene: Plane, psf: Plane | None = None) -> Plane:
    """Blur a scene on a dark gray ground, make it noisy, clip it."""
    blurred = scene if psf is None else ndimage.convolve(scene, psf)
    noise = np.random.default_rng(1).normal(0, 0.003, scene.shape)
    return np.clip(0.02 + blurred + noise, 0, 1).astype(np.float32)


def look(sample: Plane) -> Trails | None:
    return find_trails(sample, sample < 1)


@pytest.fixture(scope="module")
def shaken() -> Plane:
    return taken(lamps([np.ones((1, 1))] * 9 + [np.ones((2, 1))] * 3, 8.0), shake(11, 3, 15))


def test_trails_draw_the_psf(shaken: Plane) -> None:
    trails = look(shaken)
    assert trails is not None
    check_psf(trails.psf)
    assert trails.seen == 12
    assert trails.alike >= 9
    assert trails.likeness > 0.95
    assert similarity(resized(trails.psf, 31), resized(shake(11, 3, 15), 31)) > 0.97
    assert trails.confidence == pytest.approx(trails.likeness * trails.alike / 12)


def test_black_may_be_black() -> None:
    scene = ndimage.convolve(lamps([np.ones((1, 1))] * 12, 8.0), shake(11, 3, 15))
    faint = np.random.default_rng(2).random(scene.shape) < 0.2
    steps = np.round(255 * np.clip(scene, 0, 1) ** (1 / 2.2) + faint) / 255
    trails = look(np.asarray(steps**2.2, np.float32))
    assert trails is not None
    assert trails.alike == trails.seen == 12


def test_clipped_trails_don_t_count(shaken: Plane) -> None:
    few = find_trails(shaken, shaken < 1)
    none = find_trails(shaken, np.zeros(shaken.shape, bool))
    assert few is not None
    assert none is None


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(lamps([WINDOW] * 14), id="windows"),
        pytest.param(lamps([BARS] * 14), id="windows with bars"),
        pytest.param(lamps([gaussian(0.7)] * 14), id="points"),
        pytest.param(lamps([disc(4.0)] * 14), id="discs"),
        pytest.param(lamps([shake(9, seed, 13) for seed in range(14)]), id="of many forms"),
        pytest.param(lamps([shake(9, 3, 13)] * 3), id="too few"),
        pytest.param(np.zeros((SIDE, SIDE), np.float32), id="nothing"),
    ],
)
def test_lamps_are_no_trails(scene: Plane) -> None:
    assert look(taken(scene)) is None


def test_nan_is_told_by_others(shaken: Plane) -> None:
    spoilt = shaken.copy()
    spoilt[50, 50] = np.nan
    assert look(spoilt) is None


def test_an_exact_ground_is_no_trail() -> None:
    flat = np.full((SIDE, SIDE), 0.25, np.float32)
    assert look(flat) is None


@pytest.mark.parametrize("family", [None, "free"])
def test_trails_are_the_blur_of_a_dark_sample(
    shaken: Plane, family: Literal["free"] | None
) -> None:
    finding = find_blur(shaken, 15, family=family, known=shaken < 1)
    assert finding.trails is not None
    assert finding.kind.name == "free"
    assert finding.kind.confidence == finding.trails.confidence
    assert finding.estimate is None


def test_whoever_names_another_kind_is_not_asked_for_trails(shaken: Plane) -> None:
    with pytest.raises(EstimateError, match="the sample is noise"):
        find_blur(shaken, 15, family="disc", known=shaken < 1)

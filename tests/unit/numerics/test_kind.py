"""Kinds of blur, told on photographs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from numerics.blur import blur
from numerics.families import astigmatic
from numerics.kind import decide, find_kind
from numerics.look import look_at
from numerics.make_psf import disc, gaussian, motion, shake
from numerics.psf import check_psf, normalise
from numerics.sample import EstimateError

POINT = np.ones((1, 1), np.float32)
KINDS = {
    "gaussian": gaussian(1.4),
    "astigmatic": astigmatic(2.4, 1.2, 60),
    "disc": disc(3.0),
    "line": motion(11, 75),
}


def add_noise(plane: np.ndarray, noise: float) -> np.ndarray:
    numbers = np.random.default_rng(5).standard_normal(plane.shape, np.float32)
    return (plane + np.float32(noise) * numbers).astype(np.float32)


def blurred(sharp: np.ndarray, psf: np.ndarray, noise: float = 0.004) -> np.ndarray:
    return add_noise(blur(sharp[..., None], psf)[..., 0][12:-12, 12:-12], noise)


@pytest.fixture(scope="module")
def cat() -> np.ndarray:
    return ((data.chelsea()[20:250, 110:340] / 255.0) ** 2.2).mean(axis=2).astype(np.float32)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_kinds_are_told(sharp_photo: np.ndarray, name: str, noise: float) -> None:
    kind = find_kind(blurred(sharp_photo, KINDS[name], noise))
    assert kind.name == name
    check_psf(kind.psf)
    assert kind.psf.dtype == np.float32
    assert {"none", "gaussian", "astigmatic", "disc", "line"} == set(kind.costs)
    assert kind.costs[name] < kind.costs["none"]


@pytest.fixture(scope="module")
def photographer() -> np.ndarray:
    return ((data.camera()[80:380, 100:400] / 255.0) ** 2.2).astype(np.float32)


@pytest.fixture(scope="module")
def cup() -> np.ndarray:
    return ((data.coffee()[50:350, 150:450] / 255.0) ** 2.2).mean(axis=2).astype(np.float32)


@pytest.mark.parametrize(("sigma", "noise"), [(1.2, 0.004), (2.0, 0.0), (2.0, 0.01)])
def test_textures_with_a_direction_do_not_make_blur_astigmatic(
    photographer: np.ndarray, cup: np.ndarray, sigma: float, noise: float
) -> None:
    for sharp in (photographer, cup):
        kind = find_kind(blurred(sharp, gaussian(sigma), noise))
        assert kind.name == "gaussian"
        assert kind.parameters["sigma"] == pytest.approx(sigma, rel=0.12)


@pytest.mark.parametrize("noise", [0.0, 0.004, 0.01])
def test_fur_does_not_hide_how_wide_a_blur_is(cat: np.ndarray, noise: float) -> None:
    kind = find_kind(blurred(cat, gaussian(1.2), noise))
    assert kind.spectral_width == pytest.approx(1.2, rel=0.25)
    assert kind.costs["gaussian"] < 1.02 * kind.costs["disc"]


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.02])
def test_sharp_photographs_have_no_blur(
    sharp_photo: np.ndarray, cat: np.ndarray, noise: float
) -> None:
    for sharp in (sharp_photo, cat):
        kind = find_kind(add_noise(sharp, noise))
        assert kind.name == "none"
        assert kind.psf.max() == 1
        assert kind.parameters == {}


def test_free_form_wins_where_it_is_true(shaken_photo: np.ndarray, shake: np.ndarray) -> None:
    look = look_at(shaken_photo)
    kind = decide(look, [gaussian(1.0, 11), shake])
    assert kind.name == "free"
    assert np.array_equal(kind.psf, shake)
    assert decide(look).name != "free"


def test_free_form_unlike_the_family_needs_little_advantage() -> None:
    """Where edges look sharp, as those of bricks do, it would need more."""
    bricks = (data.brick()[100:412, 100:412] / 255.0).astype(np.float32) ** 2.2
    kernel = shake(11.0, seed=5)
    look = look_at(blurred(bricks, kernel, 0.02))
    assert decide(look).name == "astigmatic"
    assert decide(look, [kernel]).name == "free"
    assert decide(look, [look.best.psf]).name == "astigmatic"


def test_starts_that_agree_outvote_sharp_edges() -> None:
    """A shake that doubles edges keeps them sharp, as those of a sharp picture are."""
    rocket = ((data.rocket()[68:352, 218:502] / 255.0) ** 2.2).mean(axis=2).astype(np.float32)
    psf = shake(9, 1)
    soft = normalise(ndimage.gaussian_filter(psf, 0.5))
    look = look_at(blurred(rocket, psf, 0.01))
    assert look.bluntness < 1
    assert decide(look).name == "none"
    assert decide(look, [psf]).name == "none", "there is nothing that it agrees with"
    assert decide(look, [psf, soft, psf]).name == "free"
    sharp = look_at(add_noise(rocket, 0.01))
    assert decide(sharp, [psf, soft, psf]).name == "none"


@pytest.mark.parametrize("name", KINDS)
def test_gaussians_alone_have_no_mark(sharp_photo: np.ndarray, name: str) -> None:
    look = look_at(blurred(sharp_photo, KINDS[name]))
    assert look.is_marked == (name != "gaussian")


def test_free_form_loses_to_a_formula(sharp_photo: np.ndarray) -> None:
    psf = KINDS["line"]
    near = np.maximum(psf + 0.002, 0) / np.sum(psf + 0.002)
    assert find_kind(blurred(sharp_photo, psf), [near.astype(np.float32)]).name == "line"


def test_line_is_taken_before_a_free_form_that_explains_less() -> None:
    coffee = ((data.coffee()[120:400, 200:480] / 255.0) ** 2.2).mean(axis=2).astype(np.float32)
    psf = motion(7, 20)
    look = look_at(blurred(coffee, psf, 0.03))
    assert decide(look).name == "none", "much of the picture runs in one direction"
    near = normalise(ndimage.gaussian_filter(np.pad(psf, 2), 0.6))
    kind = decide(look, [near])
    assert kind.costs["line"] < kind.costs["free"] < kind.costs["gaussian"]
    assert kind.name == "line"
    assert kind.parameters["length"] == pytest.approx(7, rel=0.1)
    assert kind.confidence > 0.5


def test_family_can_be_forced(sharp_photo: np.ndarray) -> None:
    sample = blurred(sharp_photo, disc(3.0))
    kind = find_kind(sample, family="gaussian")
    assert kind.name == "gaussian"
    assert set(kind.parameters) == {"sigma"}
    free = find_kind(sample, [disc(3.0)], family="free")
    assert free.name == "free"
    with pytest.raises(EstimateError, match="no psf of free form"):
        find_kind(sample, family="free")


def test_exposure_does_not_matter(sharp_photo: np.ndarray) -> None:
    sample = blurred(sharp_photo, disc(3.0))
    bright, dark = find_kind(sample), find_kind(sample / 50)
    assert bright.name == dark.name == "disc"
    assert dark.parameters["radius"] == pytest.approx(bright.parameters["radius"], rel=1e-3)


@pytest.mark.parametrize("radius", [3.0, 5.0])
def test_clipped_highlights_do_not_matter(sharp_photo: np.ndarray, radius: float) -> None:
    plane = blur(1.8 * sharp_photo[..., None], disc(radius))[..., 0]
    assert 0.02 < np.mean(plane > 1) < 0.3
    kind = find_kind(np.minimum(add_noise(plane, 0.004), 1))
    assert kind.name == "disc"
    assert kind.parameters["radius"] == pytest.approx(radius, rel=0.05)


def test_clipped_samples_are_refused(sharp_photo: np.ndarray) -> None:
    with pytest.raises(EstimateError, match="clipped highlights"):
        find_kind(np.minimum(20 * sharp_photo, 1))


@pytest.mark.parametrize("noise", [0.0, 0.003, 0.02])
def test_samples_without_edges_are_refused(noise: float) -> None:
    numbers = np.random.default_rng(0).standard_normal((200, 200))
    clouds = ndimage.gaussian_filter(numbers, 25, mode="wrap")
    sky = (0.5 + 0.1 * clouds / clouds.std()).astype(np.float32)
    with pytest.raises(EstimateError, match="nothing to measure the blur on"):
        find_kind(add_noise(sky, noise))


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_flat_samples_are_refused(noise: float) -> None:
    with pytest.raises(EstimateError, match="nothing to measure the blur on"):
        find_kind(add_noise(np.full((150, 150), 0.4, np.float32), noise))


def test_steps_of_eight_bits_in_a_shade_are_no_edges() -> None:
    place = np.linspace(-0.5, 0.5, 200) ** 2
    shade = np.round(255 * (0.8 - 0.6 * np.add.outer(place, place))) / 255
    with pytest.raises(EstimateError, match="nothing to measure the blur on"):
        find_kind((shade**2.2).astype(np.float32))


@pytest.fixture(scope="module")
def vessels() -> np.ndarray:
    return ((data.retina()[520:780, 520:780] / 255.0) ** 2.2).mean(axis=2).astype(np.float32)


@pytest.mark.parametrize("noise", [0.0, 0.004])
def test_discs_are_told_on_soft_photographs(vessels: np.ndarray, noise: float) -> None:
    kind = find_kind(blurred(vessels, disc(3.0), noise))
    assert kind.name == "disc"
    assert kind.parameters["radius"] == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("shape", [(127, 127), (127, 190)])
def test_small_samples_will_do(sharp_photo: np.ndarray, shape: tuple[int, int]) -> None:
    sample = blurred(sharp_photo, gaussian(1.5))[: shape[0], : shape[1]]
    kind = find_kind(sample)
    assert kind.name == "gaussian"
    assert kind.parameters["sigma"] == pytest.approx(1.5, rel=0.1)

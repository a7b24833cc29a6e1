"""Steps between JPEG's blocks, and the noise that they stand for."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from imagecodecs import jpeg8_decode, jpeg8_encode
from skimage import data

from numerics.blur import blur
from numerics.channel_mix import mix_channels
from numerics.families import DISC_EDGE_WIDTH
from numerics.jpeg_noise import block_steps, is_compressed, jpeg_deviation, jpeg_spectrum
from numerics.kind import decide, find_kind
from numerics.look import look_at
from numerics.make_psf import disc, gaussian, shake
from numerics.noise import estimate_noise
from numerics.sample import EstimateError

BLURS = {"gaussian": gaussian(1.8), "disc": disc(3.5)}


def compress(plane: np.ndarray, level: int) -> np.ndarray:
    """Through an 8-bit JPEG and back, linear light."""
    coded = np.round(255 * np.clip(plane, 0, 1) ** (1 / 2.2)).astype(np.uint8)
    return ((jpeg8_decode(jpeg8_encode(coded, level=level)) / 255.0) ** 2.2).astype(np.float32)


def blurred(sharp: np.ndarray, psf: np.ndarray, noise: float = 0.004) -> np.ndarray:
    plane = blur(sharp[..., None], psf)[..., 0][12:-12, 12:-12]
    numbers = np.random.default_rng(2).standard_normal(plane.shape, np.float32)
    return plane + np.float32(noise) * numbers


@lru_cache
def shaken(noise: float) -> tuple[np.ndarray, np.ndarray]:
    """A photograph in colour without and with noise, linear light."""
    clean = blur(((data.astronaut() / 255.0) ** 2.2).astype(np.float32), shake(11, 3, 13))
    numbers = np.random.default_rng(5).standard_normal(clean.shape, np.float32)
    return clean, clean + np.float32(noise) * numbers


@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_compressed_pictures_are_told(noise: float) -> None:
    _, noisy = shaken(noise)
    assert not is_compressed([noisy])
    assert not is_compressed([np.round(255 * noisy) / 255])
    for level in (97, 92, 75):
        assert is_compressed([compress(noisy, level)]), level
        assert is_compressed([compress(noisy, level)[3:, 5:, 1:2]]), "gray, and off the grid"


def test_noise_that_rounding_hardly_changes_is_no_compression() -> None:
    _, noisy = shaken(0.04)
    assert not is_compressed([compress(noisy, 97)])


def test_patterns_of_a_sensor_are_no_blocks() -> None:
    _, noisy = shaken(0.005)
    for period in (2, 4):
        gain = np.where(np.arange(noisy.shape[1]) % period == 0, np.float32(1.02), 1)
        assert not is_compressed([noisy * gain[:, None]])


def test_blocks_of_one_colour_each_are_blocks() -> None:
    squares = np.random.default_rng(6).random((40, 40, 3)).astype(np.float32)
    assert is_compressed([np.kron(squares, np.ones((8, 8, 1), np.float32))])
    assert not is_compressed([np.zeros((320, 320, 3), np.float32)])


@pytest.mark.parametrize("light", [0.0, 0.3, 1.0])
def test_flat_places_hide_no_blocks(light: float) -> None:
    flat = shaken(0.005)[1].copy()
    flat[:200] = light
    assert not is_compressed([flat])
    assert is_compressed([compress(flat, 97)])


def test_texture_is_taken_for_noise_within_bounds() -> None:
    texture = blur(((data.gravel()[..., None] / 255.0) ** 2.2).astype(np.float32), gaussian(0.8))
    coded = compress(texture[..., 0], 97)[..., None]
    assert is_compressed([coded])
    assert jpeg_deviation([coded]) < 4 * estimate_noise([coded])


def test_parts_of_a_picture_tell_as_much_as_all_of_it() -> None:
    coded = compress(shaken(0.005)[1], 95)
    parts = [coded[top : top + 192, 64:256] for top in (0, 160, 320)]
    assert is_compressed(parts)
    assert jpeg_deviation(parts) == pytest.approx(jpeg_deviation([coded]), rel=0.5)


@pytest.mark.parametrize("noise", [0.0, 0.005, 0.02])
@pytest.mark.parametrize("level", [97, 92, 80])
def test_what_compression_spoils_is_measured(noise: float, level: int) -> None:
    clean, noisy = shaken(noise)
    coded = compress(noisy, level)
    wrong = np.sqrt(np.mean((coded - clean) ** 2, axis=(0, 1)))
    ratio = jpeg_deviation([coded]) / wrong
    assert 1 / 2.5 < ratio.min() <= ratio.max() < 2.5


def test_steps_are_found_wherever_the_grid_lies(sharp_photo: np.ndarray) -> None:
    plane = blurred(sharp_photo, gaussian(1.8))
    coded = compress(plane, 85)
    steps = block_steps([coded])
    assert steps > 20 * block_steps([plane])
    for top, left in ((1, 0), (3, 6), (7, 7)):
        assert block_steps([coded[top:, left:]]) == pytest.approx(steps, rel=0.1)


def test_steps_grow_as_quality_falls(sharp_photo: np.ndarray) -> None:
    plane = blurred(sharp_photo, gaussian(1.8))
    steps = [block_steps([compress(plane, level)]) for level in (95, 85, 70)]
    assert steps[0] < steps[1] < steps[2]


def test_stripes_are_no_blocks(sharp_photo: np.ndarray) -> None:
    stripes = np.zeros_like(sharp_photo)
    stripes[:, ::8] = 0.1
    checks = stripes + np.where(np.arange(len(stripes)) % 8 == 0, np.float32(0.1), 0)[:, None]
    assert block_steps([sharp_photo + stripes]) < 0.05 * block_steps([sharp_photo + checks])


def test_spectrum_is_the_same_along_rows_and_columns() -> None:
    angles = np.array([0.1, np.pi / 2 - 0.1, np.pi / 2 + 0.1])
    power = jpeg_spectrum(np.full(3, 0.3), angles)
    assert power == pytest.approx(power[0])
    assert jpeg_spectrum(np.array([0.2]), angles[:1]) > power[0]


@pytest.mark.parametrize("level", [95, 85])
@pytest.mark.parametrize("name", BLURS)
def test_blurs_are_told_in_compressed_pictures(
    sharp_photo: np.ndarray, name: str, level: int
) -> None:
    kind = find_kind(compress(blurred(sharp_photo, BLURS[name]), level))
    assert kind.name == name
    size = {"gaussian": 1.8, "disc": 3.5}[name]
    assert next(iter(kind.parameters.values())) == pytest.approx(size, rel=0.15)


@pytest.mark.parametrize("level", [95, 85])
def test_sharp_pictures_stay_sharp_when_compressed(sharp_photo: np.ndarray, level: int) -> None:
    assert find_kind(compress(sharp_photo, level)).name == "none"


@pytest.fixture(scope="module")
def cat() -> np.ndarray:
    return ((data.chelsea()[20:300, 110:390] / 255.0) ** 2.2).mean(axis=2).astype(np.float32)


@pytest.mark.parametrize("level", [75, 90])
@pytest.mark.parametrize("sigma", [1.5, 2.0])
def test_edges_tell_small_blurs_that_jpeg_hides_in_the_spectrum(
    cat: np.ndarray, sigma: float, level: int
) -> None:
    kind = find_kind(compress(blurred(cat, gaussian(sigma)), level))
    assert kind.name != "none"
    (size,) = kind.parameters.values()
    assert size * (DISC_EDGE_WIDTH if kind.name == "disc" else 1) == pytest.approx(sigma, rel=0.3)


@pytest.mark.parametrize("level", [75, 90])
def test_sharp_photographs_stay_sharp(cat: np.ndarray, sharp_photo: np.ndarray, level: int) -> None:
    for sharp in (cat, sharp_photo):
        assert find_kind(compress(sharp, level)).name == "none"


def test_sharp_photographs_stay_sharp_where_noise_hides_the_blocks() -> None:
    """Lenses and sensors soften by half a pixel and more."""
    cup = ((data.coffee()[73:328, 173:428] / 255.0) ** 2.2).astype(np.float32)
    numbers = np.random.default_rng(1).standard_normal(cup.shape)
    mixes = mix_channels(compress(blur(cup, gaussian(0.6)) + 0.01 * numbers, 92))
    assert mixes.grain == "compressed"
    look = look_at(mixes.planes[0], valid=mixes.known, grain=mixes.grain)
    assert look.spectrum.jpeg == 0
    assert decide(look).name == "none"


@pytest.mark.parametrize("level", [60, 75, 90])
@pytest.mark.parametrize("noise", [0.0, 0.004, 0.01])
def test_blocks_of_noise_and_shades_are_no_edges(level: int, noise: float) -> None:
    numbers = np.random.default_rng(4).standard_normal((200, 200))
    place = np.linspace(-0.5, 0.5, 200) ** 2
    for bright in (0.4, 0.8 - 0.6 * np.add.outer(place, place)):
        with pytest.raises(EstimateError, match="nothing to measure the blur on"):
            find_kind(compress(bright + noise * numbers, level))


@pytest.mark.parametrize(("noise", "level"), [(0.005, 97), (0.02, 92)])
def test_noise_that_rounding_left_is_not_taken_for_detail(
    sharp_photo: np.ndarray, noise: float, level: int
) -> None:
    kept = compress(sharp_photo[12:-12, 12:-12], level)
    assert find_kind(kept).name == "none"
    for psf in (gaussian(1.5), disc(3.5)):
        kind = find_kind(compress(blurred(sharp_photo, psf, noise), level))
        assert kind.name in ("gaussian", "disc")
        assert kind.spectral_width == pytest.approx(1.6, rel=0.25)

"""The window that tells most of the blur: what attracts it, what repels it."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from numerics.sample_window import Window, block_side, choose_window, measure_blocks

Picture = NDArray[np.float32]
SIDE = 128
PLACE = (slice(192, 384), slice(448, 640))


@pytest.fixture(scope="module")
def photo() -> Picture:
    """Cut 192 x 192 px of a face, linear light."""
    return ((skimage.data.astronaut()[40:232, 130:322] / 255.0) ** 2.2).astype(np.float32)


def mosaic(part: Picture, around: Picture | float) -> Picture:
    """Put a part at `PLACE` in a picture of 640 x 768 px."""
    picture = np.empty((640, 768, 3), np.float32)
    picture[:] = around
    picture[PLACE] = part
    return picture


def best(picture: Picture, size: tuple[int, int] = (SIDE, SIDE)) -> Window:
    side = block_side(size)
    return choose_window(measure_blocks(picture, side), side, picture.shape[:2], size)


def lies_inside(window: Window) -> bool:
    rows, columns = PLACE
    center = (window.top + window.height // 2, window.left + window.width // 2)
    return (
        rows.start <= center[0] < rows.stop
        and columns.start <= center[1] < columns.stop
        and window.top >= rows.start - 32
        and window.left >= columns.start - 32
    )


def noise(deviation: float, level: float = 0.4) -> Picture:
    random = np.random.default_rng(3).standard_normal((640, 768, 3), np.float32)
    return np.asarray(level + np.float32(deviation) * random, np.float32)


def stripes(angle: float) -> Picture:
    rows, columns = np.indices((640, 768), np.float32)
    wave = np.sin((np.cos(angle) * columns + np.sin(angle) * rows) / 3)
    return np.repeat((0.4 + 0.3 * wave)[:, :, None], 3, axis=2).astype(np.float32)


def burnt_out(photo: Picture) -> Picture:
    tiled = np.tile(photo, (4, 4, 1))[:640, :768] * 3
    return np.asarray(np.minimum(tiled, 1.0), np.float32)


@pytest.mark.parametrize(
    "around",
    ["flat", "black", "white", "noisy", "very noisy", "lines", "oblique lines", "dark", "burnt"],
)
def test_the_textured_part_is_found(photo: Picture, around: str) -> None:
    surroundings: dict[str, Picture | float] = {
        "flat": 0.3,
        "black": 0.0,
        "white": 1.0,
        "noisy": noise(0.02),
        "very noisy": noise(0.1),
        "lines": stripes(0.0),
        "oblique lines": stripes(0.7),
        "dark": np.tile(photo, (4, 4, 1))[:640, :768] * np.float32(0.003),
        "burnt": burnt_out(photo),
    }
    window = best(mosaic(photo, surroundings[around]))
    assert lies_inside(window), window
    assert window.contrast > 0.01
    assert window.directions > 0.4
    assert window.clipped < 0.05


def test_less_noise_is_better(photo: Picture) -> None:
    tiled = np.tile(photo, (4, 4, 1))[:640, :768]
    noisy = tiled + noise(0.05, 0.0)
    noisy[PLACE] = tiled[PLACE]
    assert lies_inside(best(noisy))


def test_two_directions_are_better_than_one() -> None:
    rows, columns = np.indices((192, 192), np.float32)
    checks = (rows // 12 + columns // 12) % 2 * np.float32(0.5) + np.float32(0.2)
    window = best(mosaic(np.repeat(checks[:, :, None], 3, 2), stripes(0.3)))
    assert lies_inside(window)
    assert 0.5 < window.directions < 0.8


def test_discs_have_edges_in_all_directions() -> None:
    picture = np.full((256, 256, 1), 0.2, np.float32)
    at = np.indices((256, 256))
    for y, x in np.random.default_rng(1).uniform(0, 256, (40, 2)):
        picture[(at[0] - y) ** 2 + (at[1] - x) ** 2 < 64] = 0.6
    soft = gaussian_filter(picture, (1, 1, 0))  # as any lens would draw them
    assert best(soft).directions > 0.85


def test_one_edge_has_one_direction() -> None:
    picture = np.full((256, 256, 1), 0.2, np.float32)
    picture[:, 100:] = 0.6
    assert best(picture).directions < 0.05


def test_parts_give_what_the_whole_gives(photo: Picture) -> None:
    picture = mosaic(photo, 0.3)
    side = block_side((SIDE, SIDE))
    halves = [measure_blocks(half, side) for half in (picture[:256], picture[256:])]
    parts = choose_window(np.concatenate(halves, axis=1), side, (640, 768), (SIDE, SIDE))
    assert (parts.left, parts.top) == (best(picture).left, best(picture).top)


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0, -0.2])
def test_a_flat_picture_gives_the_middle(value: float) -> None:
    window = best(np.full((301, 400, 3), value, np.float32))
    assert (window.left, window.top) == (200 - 64, 150 - 64)
    assert (window.contrast, window.directions) == (0.0, 0.0)


@pytest.mark.parametrize("shape", [(100, 90, 3), (20, 300, 1), (3, 3, 3), (128, 128, 1)])
def test_a_picture_no_larger_than_the_window_is_taken_whole(shape: tuple[int, int, int]) -> None:
    picture = np.random.default_rng(0).random(shape, np.float32)
    window = best(picture)
    assert (window.width, window.height) == (min(SIDE, shape[1]), min(SIDE, shape[0]))
    assert window.top == 0
    assert window.left + window.width <= shape[1]


@pytest.mark.parametrize("size", [(127, 127), (255, 97), (9, 9), (1, 1), (640, 640), (33, 500)])
@pytest.mark.parametrize("corner", [(0, 0), (448, 576)])
def test_windows_of_any_size_stay_inside(
    photo: Picture, size: tuple[int, int], corner: tuple[int, int]
) -> None:
    picture = np.full((640, 768, 3), 0.3, np.float32)
    picture[corner[0] : corner[0] + 192, corner[1] : corner[1] + 192] = photo
    window = best(picture, size)
    assert (window.width, window.height) == size
    assert 0 <= window.left <= 768 - size[0]
    assert 0 <= window.top <= 640 - size[1]
    assert window.contrast > 0

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import skimage.data
from imagecodecs import jpeg8_decode, jpeg8_encode

from nodes.deconvolve import Deconvolve, _sample_spans, settle_schedule
from numerics.blur import blur
from numerics.half_quadratic import TileSolver
from numerics.light import Light
from numerics.make_psf import gaussian, motion, shake
from numerics.tiles import plan_grid
from pipeline.errors import MemoryShortage
from pipeline.node import Value

PSF = shake(9, 1)


@pytest.fixture(scope="module")
def sharp() -> np.ndarray:
    return ((skimage.data.astronaut()[50:250, 120:340] / 255.0) ** 2.2).astype(np.float32)


@pytest.fixture(scope="module")
def blurred(sharp: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, 0.003, sharp.shape)
    return (blur(sharp, PSF) + noise).astype(np.float32)


def deconvolve(context: Any, pixels: np.ndarray, psf: np.ndarray, **params: Any) -> Value:
    facts: Any = {"encoding": "linear", "bit_depth": 16}
    inputs = {"image": Value("image", {"pixels": pixels}, facts), "psf": Value("psf", {"psf": psf})}
    return Deconvolve().run(Deconvolve.Params(**params), inputs, context)


def pixels_of(value: Value) -> np.ndarray:
    return np.asarray(value.arrays["pixels"][:, :, :])


def patched(value: float) -> np.ndarray:
    """Noise with a patch of a value."""
    pixels = np.random.default_rng(8).random((64, 64, 3))
    pixels[20:30, 20:30] = value
    return pixels


def psnr(one: np.ndarray, two: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((one - two) ** 2)))


def test_every_quality_gains_and_normal_gains_most(
    context: Any, sharp: np.ndarray, blurred: np.ndarray
) -> None:
    found = {
        quality: psnr(pixels_of(deconvolve(context, blurred, PSF, quality=quality)), sharp)
        for quality in ("fast", "normal", "clean")
    }
    assert found["normal"] > psnr(blurred, sharp) + 6
    assert found["fast"] > psnr(blurred, sharp) + 6
    assert found["normal"] > found["fast"] + 0.1
    assert found["clean"] >= found["normal"]


def test_priority_trades_noise_for_sharpness(context: Any, blurred: np.ndarray) -> None:
    levels = [
        float(
            np.abs(np.diff(pixels_of(deconvolve(context, blurred, PSF, priority=p)), axis=0)).mean()
        )
        for p in (-1, 0, 1)
    ]
    assert levels[0] < levels[1] < levels[2]


def test_details_tell_what_was_settled(context: Any, blurred: np.ndarray) -> None:
    details: Any = deconvolve(context, blurred, PSF).details
    assert details["noise"] == pytest.approx(0.003, rel=0.2)
    assert details["compressed"] is False
    assert details["steps"] == 5
    assert details["stopped"] == "all steps done"
    assert details["halo"] >= 32
    assert details["regularization"] > 0
    assert context.steps[-1] == (details["tiles"], details["tiles"])


@pytest.mark.parametrize("size", [20, 191, 577, 3001])
def test_samples_lie_whole_blocks_apart_and_within(size: int) -> None:
    found = _sample_spans(size)
    assert all(span.start % 8 == 0 and span.stop <= size for span in found)
    assert found[-1].stop > size - 8


@pytest.mark.parametrize("quality", ["fast", "normal", "clean"])
def test_the_further_a_blur_reaches_the_more_care_its_borders_take(quality: Any) -> None:
    params = Deconvolve.Params(quality=quality)
    near, far, beyond = (
        settle_schedule(params, Light(noise), psf)
        for noise, psf in (
            (0.01, gaussian(1.5)),
            (0.003, shake(17, 2, 19)),
            (0.003, motion(31, 25.0)),
        )
    )
    assert near[1].halo < far[1].halo < beyond[1].halo
    assert (near[1].is_cut, far[1].is_cut, beyond[1].is_cut) == (False, False, True)
    assert far[0].correction.width == far[1].halo
    assert beyond[0].correction.width is None
    effort = [len(s.correction.steps) * s.correction.iterations for s, _ in (near, far, beyond)]
    assert effort[0] < effort[1] <= effort[2]


def test_the_more_noise_the_more_blocks_decide() -> None:
    faint, strong = (
        settle_schedule(Deconvolve.Params(), Light(noise), PSF)[0].blocks[0]
        for noise in (0.003, 0.03)
    )
    assert strong.weight > 4 * faint.weight
    assert faint.threshold < strong.threshold < 10 * faint.threshold


def test_a_point_gives_the_input_again(context: Any, blurred: np.ndarray) -> None:
    psf = np.zeros((5, 5), np.float32)
    psf[2, 2] = 1
    result = deconvolve(context, blurred, psf)
    np.testing.assert_allclose(pixels_of(result), blurred, atol=1e-5)
    assert "nothing to do" in str(result.details["stopped"])


def test_nothing_is_clipped(context: Any, blurred: np.ndarray) -> None:
    bright = deconvolve(context, blurred * 4 - 1, PSF)
    assert pixels_of(bright).max() > 1.5
    assert pixels_of(bright).min() < -0.5


def test_channels_count_by_their_noise(
    context: Any, sharp: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    deviations = np.array([0.012, 0.002, 0.009])
    numbers = np.random.default_rng(6).standard_normal(sharp.shape)
    data = (blur(sharp, PSF) + deviations * numbers).astype(np.float32)
    light = Light.measure([data])
    assert light.noise == pytest.approx(np.sqrt(np.mean(deviations**2)), rel=0.15)
    assert light.noise * np.array(light.shares) == pytest.approx([0.012, 0.003, 0.009], rel=0.25)
    by_noise = pixels_of(deconvolve(context, data, PSF))
    monkeypatch.setattr(Light, "measure", lambda _: replace(light, shares=()))
    alike = pixels_of(deconvolve(context, data, PSF))
    assert psnr(by_noise[..., 1], sharp[..., 1]) > psnr(alike[..., 1], sharp[..., 1]) + 0.5
    assert psnr(by_noise, sharp) > psnr(alike, sharp)


def test_units_of_noise_change_what_is_in_light() -> None:
    light = Light(0.01, (1.0, 2.0, np.inf), -0.2, (2.0, 1.0, 0.5)).in_units_of_noise
    assert light.levels == (0.5, 2.0, np.inf)
    assert light.darkest == -0.4
    assert Light(0.01, (1.0,)).in_units_of_noise.levels == (1.0,)


def test_what_jpeg_rounded_is_not_sharpened(context: Any, sharp: np.ndarray) -> None:
    grain = np.random.default_rng(7).normal(0, 0.01, sharp.shape)
    numbers = np.rint(255 * np.clip(blur(sharp, PSF) + grain, 0, 1) ** (1 / 2.2)).astype(np.uint8)
    decoded = jpeg8_decode(jpeg8_encode(numbers, level=85))
    taken = ((decoded / 255.0) ** 2.2).astype(np.float32)
    result = deconvolve(context, taken, PSF)
    assert psnr(pixels_of(result), sharp) > psnr(taken, sharp) + 6.5
    assert result.details["compressed"] is True


def test_noise_that_demosaicing_smoothed_is_not_sharpened(
    context: Any, sharp: np.ndarray, demosaiced: Callable[..., np.ndarray]
) -> None:
    taken = demosaiced(blur(sharp, PSF), 0.01)
    result = deconvolve(context, taken, PSF)
    assert psnr(pixels_of(result), sharp) > psnr(taken, sharp) + 3
    assert result.details["demosaiced"] is True
    assert result.details["compressed"] is False


def test_light_that_the_file_clipped_does_not_ring(context: Any) -> None:
    scene = np.full((200, 220, 3), 0.1, np.float32)
    scene[::40, ::44] = 60.0
    noise = np.random.default_rng(2).normal(0, 0.002, scene.shape)
    data = (blur(scene, PSF) + noise).astype(np.float32)
    errors = []
    for picture in (data, np.clip(data, 0, 1)):
        found = np.clip(pixels_of(deconvolve(context, picture, PSF)), 0, 1)
        errors.append(np.abs(found - np.clip(scene, 0, 1))[30:-30, 30:-30].mean())
    assert errors[1] < 2 * errors[0], "clipped light is found again"


def test_what_is_darker_and_brighter_than_a_file_can_be_is_measured() -> None:
    part = np.random.default_rng(3).uniform(0, 0.8, (64, 64, 3)).astype(np.float32)
    dim = Light.measure([part])
    assert dim.levels == (1, 1, 1), "other parts may be clipped at white"
    assert dim.darkest == 0
    part[5, 5] = -0.1, 4.0, 0.1
    wide = Light.measure([part])
    assert wide.levels == (1, np.inf, 1)
    assert wide.darkest == pytest.approx(-0.1)


def test_grey_pictures_and_psfs_of_several_channels(context: Any, blurred: np.ndarray) -> None:
    assert pixels_of(deconvolve(context, blurred[:, :, :1], PSF)).shape == (200, 220, 1)
    colour = np.stack([gaussian(s, 9) for s in (0.8, 1.0, 1.2)], axis=2)
    assert pixels_of(deconvolve(context, blurred, colour)).shape == (200, 220, 3)


def test_workers_change_no_pixel(context: Any, blurred: np.ndarray) -> None:
    context.workers = 1
    one = pixels_of(deconvolve(context, blurred, PSF))
    context.workers = 4
    np.testing.assert_array_equal(one, pixels_of(deconvolve(context, blurred, PSF)))


@pytest.mark.parametrize(
    ("pixels", "psf", "told"),
    [
        (np.zeros((20, 20, 3)), np.full((21, 21), 1 / 441), "psf of 21 x 21 px on a picture of 20"),
        (np.zeros((20, 20, 1)), np.full((3, 3, 3), 1 / 9), "psf has 3 channels, the picture 1"),
        (np.zeros((20, 20, 1)), np.full((3, 3), 1.0), "psf sums to 9"),
        (np.full((20, 20, 1), np.nan), np.full((3, 3), 1 / 9), "NaN or infinite"),
        (patched(np.inf), np.full((3, 3), 1 / 9), "NaN or infinite"),
    ],
)
def test_what_does_not_fit_is_told(
    context: Any, pixels: np.ndarray, psf: np.ndarray, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        deconvolve(context, pixels.astype(np.float32), psf.astype(np.float32))


def test_it_can_be_stopped(context: Any, blurred: np.ndarray) -> None:
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    context.check_cancelled = stop
    with pytest.raises(Stop):
        deconvolve(context, blurred, PSF)


def test_a_sweep_that_was_cut_short_goes_on_where_it_was(
    context: Any, blurred: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    psf = gaussian(1.0, 7)
    monkeypatch.setattr("numerics.tiles.LARGEST_SIDE", 140)
    context.workers = 1
    result = deconvolve(context, blurred, psf)
    whole = pixels_of(result)
    grid = plan_grid(whole.shape, 32)
    tiles = grid.tiles
    assert len(tiles) == result.details["tiles"] == 9

    again = type(context)(workers=1)
    done = again.new_array("pixels", whole.shape, chunks=grid.chunks)
    for tile in tiles[:5]:
        done[(*tile.core, slice(0, 3))] = whole[tile.core]
    kept = {"edges_{}_{}".format(*tile.index) for tile in tiles[:6]} - {"edges_0_1"}
    again.arrays |= {name: context.arrays[name] for name in kept}
    solved = count_solved(monkeypatch)
    np.testing.assert_array_equal(pixels_of(deconvolve(again, blurred, psf)), whole)
    assert len(solved) == 4 + 1  # the rest, and the tile whose edges are gone


def count_solved(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    solved: list[None] = []
    solve = TileSolver.solve

    def counted(self: TileSolver, *inside: Any) -> None:
        solved.append(None)
        solve(self, *inside)

    monkeypatch.setattr(TileSolver, "solve", counted)
    return solved


def test_too_little_memory_is_told_with_what_would_do(context: Any, blurred: np.ndarray) -> None:
    context.memory = 2**20
    with pytest.raises(MemoryShortage) as told:
        deconvolve(context, blurred, PSF)
    context.memory = told.value.needed
    deconvolve(context, blurred, PSF)
    assert context.steps

"""One plane of a colour sample."""

import numpy as np
import pytest
from numpy.typing import NDArray

from numerics.channel_mix import mix_channels

Picture = NDArray[np.float32]


def edges(rng: np.random.Generator, side: int = 64) -> Picture:
    """Squares of random light, 9 px wide: of 8 px they would be JPEG's."""
    count = -(-side // 9)
    squares = np.kron(rng.random((count, count)), np.ones((9, 9)))
    return squares[:side, :side].astype(np.float32)


def picture(contrasts: tuple[float, ...], noise: float = 0.0) -> Picture:
    """The same edges in all channels, of these contrasts, and noise of their own."""
    rng = np.random.default_rng(3)
    light = edges(rng)[..., None] * np.array(contrasts)
    return np.asarray(light + noise * rng.standard_normal(light.shape), np.float32)


def strongest(sample: Picture) -> Picture:
    return mix_channels(sample).planes[0]


def test_gray_stays_as_it_is() -> None:
    sample = picture((1.0,), noise=0.1)
    (mixed,) = mix_channels(sample).planes
    np.testing.assert_array_equal(mixed, sample[..., 0])


def test_the_mean_comes_second() -> None:
    sample = picture((0.8, 0.4, 0.0), noise=0.1)
    _, mean = mix_channels(sample).planes
    np.testing.assert_array_equal(mean, sample.mean(axis=2))


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
def test_channels_count_by_what_they_show(noise: float) -> None:
    sample = picture((0.8, 0.4, 0.0), noise)
    mixed = strongest(sample)
    wanted = sample @ np.array([2 / 3, 1 / 3, 0], np.float32)
    np.testing.assert_allclose(mixed, wanted, atol=0.02 + 0.1 * noise)


def test_alike_channels_count_alike() -> None:
    sample = picture((0.5, 0.5, 0.5), noise=0.05)
    mixed = strongest(sample)
    np.testing.assert_allclose(mixed, sample.mean(axis=2), atol=0.01)


def test_edges_stand_out_more_than_in_the_mean() -> None:
    clean, noisy = picture((0.9, 0.3, 0.1)), picture((0.9, 0.3, 0.1), noise=0.1)

    def signal_to_noise(mixed: Picture, of_clean: Picture) -> float:
        return float(of_clean.std() / (mixed - of_clean).std())

    mixed = signal_to_noise(strongest(noisy), strongest(clean))
    assert mixed > 1.2 * signal_to_noise(noisy.mean(axis=2), clean.mean(axis=2))


def test_opposite_edges_leave_a_mix_of_light() -> None:
    sample = 0.3 + picture((0.5, -0.2, 0.1))
    mixed = strongest(sample)
    assert mixed.min() >= sample.min(axis=2).min()
    assert np.corrcoef(mixed.ravel(), sample[..., 0].ravel())[0, 1] > 0.99


def test_clipped_light_has_no_say() -> None:
    sample = picture((0.5, 0.25, 0.25))
    sample[20:40, 20:40] = 1.0
    sample[20, 20, 1:] = 0.5
    mixes = mix_channels(sample)
    assert mixes.used == (0, 1, 2)
    np.testing.assert_array_equal(mixes.known, sample.max(axis=2) < 1)
    wanted = sample @ np.array([0.5, 0.25, 0.25], np.float32)
    np.testing.assert_allclose(mixes.planes[0], wanted, atol=0.02)


def test_channels_that_are_clipped_where_others_are_not_are_left_out() -> None:
    sample = picture((0.5, 0.5, 0.5), noise=0.02)
    sample[:40, :, 0] = 1.0
    sample[:10, :, 1] = 1.0
    sample[:10, :, 2] = 1.0
    mixes = mix_channels(sample)
    assert mixes.used == (1, 2)
    np.testing.assert_array_equal(mixes.known, sample[..., 1] < 1)
    np.testing.assert_allclose(mixes.planes[1], sample[..., 1:].mean(axis=2))


def test_white_paper_is_no_highlight() -> None:
    sample = picture((0.5, 0.5, 0.5))
    sample[:40] = 1.0
    mixes = mix_channels(sample)
    assert mixes.used == (0, 1, 2)
    assert mixes.known.all()


@pytest.mark.parametrize("value", [0.3, np.nan, np.inf])
def test_samples_without_edges_or_numbers_are_averaged(value: float) -> None:
    sample = np.full((40, 40, 3), value, np.float32)
    np.testing.assert_allclose(strongest(sample), sample.mean(axis=2))


@pytest.mark.parametrize("compressed", [True, False])
def test_noisy_channels_of_jpegs_count_less(
    sharp_photo: np.ndarray, compressed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    grain = "compressed" if compressed else "white"
    monkeypatch.setattr("numerics.channel_mix.find_grain", lambda _: grain)
    noise = np.array([0.03, 0.005, 0.005])
    numbers = np.random.default_rng(8).standard_normal((*sharp_photo.shape, 3))
    sample = (0.8 * sharp_photo[..., None] + noise * numbers).astype(np.float32)
    strongest, mean = mix_channels(sample).planes
    left = [float(np.std(plane - 0.8 * sharp_photo)) for plane in (strongest, mean)]
    assert min(left) > 0.009 if not compressed else max(left) < 0.006


def test_noise_that_is_nearly_alike_changes_nothing(
    sharp_photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("numerics.channel_mix.find_grain", lambda _: "compressed")
    numbers = np.random.default_rng(9).standard_normal((*sharp_photo.shape, 3))
    noise = np.array([0.006, 0.005, 0.005])
    sample = (sharp_photo[..., None] + noise * numbers).astype(np.float32)
    np.testing.assert_allclose(mix_channels(sample).planes[1], sample.mean(axis=2), atol=1e-6)

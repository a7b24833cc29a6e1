"""Tone curves given as tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numerics.tone_curve import POINTS, ToneCurve

NUMBERS = np.linspace(0, 1, POINTS)


def lightness(numbers: Any) -> Any:
    """CIE L*, as the profile ECI RGB v2 has it."""
    return np.where(numbers <= 0.08, numbers / 9.033, ((numbers + 0.16) / 1.16) ** 3)


CURVES = {
    "power 1.8": NUMBERS**1.8,
    "power 2.2": NUMBERS**2.2,
    "lightness": lightness(NUMBERS),
    "1024 entries": np.interp(NUMBERS, np.linspace(0, 1, 1024), np.linspace(0, 1, 1024) ** 2.2),
}


@pytest.mark.parametrize("light", CURVES.values(), ids=CURVES.keys())
@pytest.mark.parametrize("bits", [8, 16])
def test_every_integer_comes_back_exactly(light: Any, bits: Any) -> None:
    curve = ToneCurve(light)
    values = np.arange(2**bits, dtype=f"uint{bits}").reshape(2, -1)
    decoded = curve.decode(values)
    assert decoded.dtype == np.float32
    assert (decoded.min(), decoded.max()) == (0, 1)
    assert np.array_equal(curve.encode_integers(decoded, bits), values)


def test_integers_stand_for_shares_of_full_scale() -> None:
    curve = ToneCurve(NUMBERS**2.2)
    values = np.array([0, 1, 100, 255], np.uint8)
    assert np.allclose(curve.decode(values), (values / 255) ** 2.2, rtol=1e-6)


def test_integers_are_clipped() -> None:
    light = np.array([-1, -1e-9, 0, 1, 1.5, 1e9], np.float32)
    encoded = ToneCurve(NUMBERS**2.2).encode_integers(light, 16)
    assert encoded.tolist() == [0, 0, 0, 65535, 65535, 65535]


def test_floats_go_on_beyond_black_and_white() -> None:
    curve = ToneCurve(NUMBERS**2.2)
    values = np.array([-2, -0.5, 0, 0.5, 1, 2, 4], np.float32)
    decoded = curve.decode(values)
    assert np.allclose(decoded, np.copysign(np.abs(values) ** 2.2, values), rtol=2e-3)
    assert np.allclose(curve.encode(decoded), values, rtol=1e-5)


def test_white_is_one() -> None:
    assert ToneCurve(0.25 * NUMBERS).light[-1] == 1


@pytest.mark.parametrize(
    "light",
    [NUMBERS[:-1], 1 - NUMBERS, np.zeros(POINTS), np.full(POINTS, np.nan), np.sin(9 * NUMBERS)],
    ids=["short", "falling", "black", "nan", "waves"],
)
def test_what_is_no_tone_curve_is_refused(light: Any) -> None:
    with pytest.raises(ValueError, match="no tone curve"):
        ToneCurve(light)

"""The sRGB curve: known values, exact round trips, extension beyond 0..1."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest

from numerics.colour import (
    integers_to_linear,
    linear_to_integers,
    linear_to_srgb,
    linear_to_srgb_integers,
    srgb_to_linear,
)

DEPTHS: list[Literal[8, 16]] = [8, 16]


@pytest.mark.parametrize(
    ("encoded", "light"), [(0.0, 0.0), (0.04045, 0.0031308), (0.5, 0.2140411), (1.0, 1.0)]
)
def test_known_values(encoded: float, light: float) -> None:
    assert srgb_to_linear(np.array([encoded]))[0] == pytest.approx(light, abs=1e-6)
    assert linear_to_srgb(np.array([light]))[0] == pytest.approx(encoded, abs=1e-5)


@pytest.mark.parametrize("bits", DEPTHS)
def test_every_integer_comes_back(bits: Literal[8, 16]) -> None:
    values = np.arange(2**bits).astype(f"u{bits // 8}")
    assert np.array_equal(linear_to_srgb_integers(srgb_to_linear(values), bits), values)
    assert np.array_equal(linear_to_integers(integers_to_linear(values), bits), values)


@pytest.mark.parametrize("bits", DEPTHS)
def test_table_follows_the_formula(bits: Literal[8, 16]) -> None:
    light = np.random.default_rng(0).random(100_000, np.float32) ** 3
    exact = linear_to_srgb(light).astype(np.float64) * (2**bits - 1)
    assert np.abs(linear_to_srgb_integers(light, bits) - exact).max() < 0.75


@pytest.mark.parametrize("bits", DEPTHS)
@pytest.mark.parametrize("encode", [linear_to_srgb_integers, linear_to_integers])
def test_integers_are_clipped(encode: Any, bits: Literal[8, 16]) -> None:
    light = np.array([-np.inf, -3.0, -1e-9, 0.0, 1e-30, 1.0, 1.0001, 70.0, np.inf], np.float32)
    full = 2**bits - 1
    assert encode(light, bits).tolist() == [0, 0, 0, 0, 0, full, full, full, full]


def test_curve_is_odd_and_goes_on_above_white() -> None:
    light = np.linspace(0, 4, 401, dtype=np.float32)
    encoded = linear_to_srgb(light)
    assert np.allclose(linear_to_srgb(-light), -encoded)
    assert np.all(np.diff(encoded) > 0)
    assert np.allclose(srgb_to_linear(encoded), light, atol=2e-6)
    assert np.allclose(srgb_to_linear(-encoded), -light, atol=2e-6)


def test_noncontiguous_input_keeps_its_shape() -> None:
    light = np.random.default_rng(0).random((8, 6, 3), np.float32)[::2, ::3]
    encoded = linear_to_srgb_integers(light, 16)
    assert encoded.shape == light.shape
    assert np.array_equal(encoded, linear_to_srgb_integers(light.copy(), 16))

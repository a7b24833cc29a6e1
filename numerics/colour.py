"""Linear light and the sRGB curve (IEC 61966-2-1), exactly and fast.

Integers of 8 and 16 bits are decoded and encoded by tables, the same on every machine; floats by
the formula. Both directions are extended beyond 0..1: the power law simply continues above 1,
and below 0 the curve is odd, ``f(-x) = -f(x)``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

_MANTISSA_BITS = 23
_ONE = 0x3F800000  # the bits of 1.0


def srgb_to_linear(values: NDArray[Any]) -> NDArray[np.float32]:
    """Decode sRGB: numbers from a file to linear light.

    Parameters
    ----------
    values : (...) uint8, uint16, float16, float32 or float64
        Integers stand for 0..1 of full scale, floats for themselves.

    Returns
    -------
    (...) float32
    """
    if values.dtype.kind == "u":
        return _decoding_table(values.dtype.itemsize * 8).take(values)
    magnitude = np.abs(values.astype(np.float32))
    return np.asarray(np.copysign(_decode(magnitude), values), np.float32)


def linear_to_srgb(light: NDArray[Any]) -> NDArray[np.float32]:
    """Encode linear light by the sRGB curve, as floats and without clipping."""
    magnitude = np.abs(light.astype(np.float32))
    return np.asarray(np.copysign(_encode(magnitude), light), np.float32)


def integers_to_linear(values: NDArray[Any]) -> NDArray[np.float32]:
    """Scale integers that are linear already to 0..1; floats are only cast."""
    scaled: NDArray[np.float32] = values.astype(np.float32)
    if values.dtype.kind == "u":
        scaled *= np.float32(1.0 / np.iinfo(values.dtype).max)
    return scaled


def linear_to_integers(light: NDArray[np.float32], bits: Literal[8, 16]) -> NDArray[Any]:
    """Round linear light to integers of full scale ``2**bits - 1``, clipped to 0..1."""
    full = np.float32(2**bits - 1)
    return np.asarray(np.rint(np.clip(light, 0.0, 1.0) * full), f"uint{bits}")


def linear_to_srgb_integers(light: NDArray[np.float32], bits: Literal[8, 16]) -> NDArray[Any]:
    """Encode linear light as sRGB integers, clipped to 0..1.

    What `srgb_to_linear` decoded comes back exactly.

    Parameters
    ----------
    light : (...) float32
    bits : 8 or 16

    Returns
    -------
    (...) uint8 or uint16
    """
    return _encoding_table(bits)(light)


class EncodingTable:
    """Turns linear light into integers, clipped to 0..1, by a curve that rises from 0 to 1.

    The upper bits of a float32 (exponent, and as many bits of the mantissa as the result has)
    are the index of a table. A table entry stands for a relative width of ``2**-bits``, which a
    curve that takes a root turns into a part of an integer step: 0.21 either way for sRGB, 0.28
    for the power 1.8. So what was decoded comes back exactly.

    Parameters
    ----------
    encode : callable
        The curve: float64 light of 0..1 to numbers of 0..1.
    bits : 8 or 16
    darkest : float
        Light, above 0, that is encoded as 0.
    """

    def __init__(
        self, encode: Callable[[NDArray[Any]], NDArray[Any]], bits: int, darkest: float
    ) -> None:
        self._shift = _MANTISSA_BITS - bits
        power_of_two = np.float32(np.exp2(np.floor(np.log2(darkest))))
        self._first = int(power_of_two.view(np.int32)) >> self._shift
        entries = np.arange(self._first, (_ONE >> self._shift) + 1, dtype=np.int32)
        light = ((entries << self._shift) + (1 << (self._shift - 1))).view(np.float32)
        encoded = np.rint(np.minimum(encode(light.astype(np.float64)), 1.0) * (2**bits - 1))
        self._table = encoded.astype(f"uint{bits}")

    def __call__(self, light: NDArray[Any]) -> NDArray[Any]:
        """Encode (...) float32 as (...) uint8 or uint16."""
        index = np.ascontiguousarray(light, np.float32).view(np.int32) >> self._shift
        index -= self._first
        # Negative light has negative bits: it is clipped to entry 0 together with all that is dark.
        encoded: NDArray[Any] = self._table.take(index, mode="clip")
        return encoded


def _decode(values: NDArray[Any]) -> NDArray[Any]:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _encode(light: NDArray[Any]) -> NDArray[Any]:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


@lru_cache(maxsize=2)
def _decoding_table(bits: int) -> NDArray[np.float32]:
    full = 2**bits - 1
    return _decode(np.arange(full + 1) / full).astype(np.float32)


@lru_cache(maxsize=2)
def _encoding_table(bits: int) -> EncodingTable:
    return EncodingTable(_encode, bits, darkest=0.5 / 12.92 / (2**bits - 1))

"""Tone curves of colour profiles: from a file's numbers to linear light and back, by tables.

Beyond 0..1 a curve goes on as that of `numerics.colour` does: below 0 it is odd, and above 1 it
is the power law that has its slope there.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from numerics.colour import EncodingTable

Table = NDArray[np.float64]

POINTS = 2**16
"""Entries of a table: one for each number of 16 bits."""

# Numbers below white that tell the slope there.
_NEAR_WHITE = POINTS // 100
# Light that is black in any file.
_BLACK = 1e-12


class ToneCurve:
    """How the numbers of a channel stand for light.

    Parameters
    ----------
    light : (POINTS,) float64
        Light at equidistant numbers from 0 to 1, nowhere falling. It is scaled so that white is 1.

    Raises
    ------
    ValueError
        If that is no such curve.
    """

    def __init__(self, light: Table) -> None:
        is_whole = light.shape == (POINTS,) and bool(np.isfinite(light).all())
        if not is_whole or light[-1] <= light[-1 - _NEAR_WHITE] or (np.diff(light) < 0).any():
            raise ValueError("no tone curve: it does not rise from black to white")
        self._light: Table = np.maximum(light / light[-1], 0)
        self._decoding = self._light.astype(np.float32)
        self._numbers: Table = np.linspace(0, 1, POINTS)
        near = -1 - _NEAR_WHITE
        self._power = float(np.log(self._light[near]) / np.log(self._numbers[near]))
        self._tables = lru_cache(maxsize=2)(self._encoding_table)

    @property
    def light(self) -> Table:
        """Light at `POINTS` equidistant numbers from 0 to 1."""
        return self._light

    def decode(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Turn numbers of a file, (...) uint8, uint16 or floats, into (...) linear light."""
        if values.dtype.kind != "u":
            return _extended(values, self._numbers, self._light, self._power)
        step = (POINTS - 1) // np.iinfo(values.dtype).max
        decoded: NDArray[np.float32] = self._decoding[::step].take(values)
        return decoded

    def encode(self, light: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn (...) linear light into (...) numbers, as floats and without clipping."""
        return _extended(light, self._light, self._numbers, 1 / self._power)

    def encode_integers(self, light: NDArray[np.float32], bits: Literal[8, 16]) -> NDArray[Any]:
        """Turn (...) linear light into (...) uint8 or uint16, clipped; see `EncodingTable`."""
        return self._tables(bits)(light)

    def _encoding_table(self, bits: int) -> EncodingTable:
        darkest = max(float(np.interp(0.5 / (2**bits - 1), self._numbers, self._light)), _BLACK)
        return EncodingTable(
            lambda light: np.interp(light, self._light, self._numbers), bits, darkest
        )


def _extended(
    values: NDArray[Any], points: Table, heights: Table, power: float
) -> NDArray[np.float32]:
    """Look values up in a table, and beyond it in how it goes on."""
    magnitude = np.abs(values.astype(np.float64))
    found = np.asarray(np.interp(magnitude, points, heights))
    beyond = magnitude > 1
    found[beyond] = magnitude[beyond] ** power
    return np.asarray(np.copysign(found, values), np.float32)

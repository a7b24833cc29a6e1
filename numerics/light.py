"""What deconvolution has to know of a picture's light: noise, what became of it, clipping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from numerics.clipping import find_levels
from numerics.grain import Grain, channel_noise, find_grain
from numerics.half_quadratic import NotFiniteError

SMALLEST_NOISE = 3e-3
"""Of full scale. Below it other errors than noise decide: those of the psf, of rounding to 8 bits.

On real camera shakes with 0.15 % of noise, taking it for 0.3 % gains 1 to 2 dB.
"""

# So many samples, drawn by lot, tell what became of the noise.
_SAMPLES_OF_GRAIN = 12


@dataclass(frozen=True, slots=True)
class Light:
    """What was measured of a picture, on some of its parts.

    Attributes
    ----------
    noise : float
        Standard deviation, of full scale; root mean square over the channels.
    levels : tuple of float
        At which each channel is clipped, linear light; none: nothing is.
    darkest : float
        0, or less where the picture is: by noise that no file clipped, or as colours beyond a
        gamut are.
    shares : tuple of float
        Noise of each channel over the root mean square of all, none taken for less than what other
        errors amount to; empty: all have as much.
    grain : str
        What became of the noise: see `find_grain`.
    """

    noise: float
    levels: tuple[float, ...] = ()
    darkest: float = 0.0
    shares: tuple[float, ...] = ()
    grain: Grain = "white"

    @classmethod
    def measure(cls, samples: Sequence[NDArray[np.float32]]) -> Light:
        """Measure it.

        Parameters
        ----------
        samples : sequence of (h, w, channel) float32
            Parts of the picture, linear light; whole blocks of JPEG, 8 px, apart.

        Raises
        ------
        NotFiniteError
            If they hold NaN or infinity.
        """
        if not all(np.isfinite(part).all() for part in samples):
            raise NotFiniteError("picture holds NaN or infinite pixels. Repair them first.")
        order = np.random.default_rng(0).permutation(len(samples))
        some = [samples[number] for number in order[:_SAMPLES_OF_GRAIN]]
        grain = find_grain(some)
        noise = channel_noise(some if grain == "compressed" else samples, grain)
        levels = find_levels(samples, white=1.0)
        darkest = min(0.0, *(float(part.min()) for part in samples))
        relevant = np.maximum(noise, SMALLEST_NOISE)
        shares = relevant / _root_mean_square(relevant)
        level = _root_mean_square(noise)
        return cls(level, tuple(levels.tolist()), darkest, tuple(shares.tolist()), grain)

    @property
    def in_units_of_noise(self) -> Light:
        """The same in units in which all channels have as much noise: light over its share."""
        if not self.shares:
            return self
        count = len(self.levels)
        levels = zip(self.levels, self.shares[:count], strict=True)
        return replace(
            self,
            levels=tuple(level / share for level, share in levels),
            darkest=self.darkest / min(self.shares),
        )


def _root_mean_square(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))

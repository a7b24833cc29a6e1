"""How far a deconvolution looks: the halo that its tiles need.

A pixel of the latent picture depends on blurred pixels far beyond the psf, as far as the
inverse filter reaches: 32 px for a gaussian of 15, 128 px for a shake of 27. The filter of the
middle of the schedule stands for all steps; that of the first would ask for ten times too much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from numerics.fft import irfft2
from numerics.half_quadratic import Schedule
from numerics.otf import Blur

# Fitted on psfs of 7 to 65 px, camera shakes, gaussians, discs and lines. With a halo of _MARGIN
# times the reach that holds _HELD of the inverse filter, tiles differ from the whole picture by
# 1e-4 of full scale or less for shakes up to 23 px and gaussians, 2e-4 for a disc of 5 px.
_HELD = 0.99
_MARGIN = 1.15
_SMALLEST = 32
# Beyond this a wider halo costs more than the ever fainter ripples that it would catch are worth,
# as long as it holds enough for the PSNR to stay within 0.05 dB.
_WIDE = 192
_HELD_AT_LEAST = 0.73
LARGEST_HALO = 384
_GRID = 1024


@dataclass(frozen=True, slots=True)
class Reach:
    """Reach of a deconvolution.

    Attributes
    ----------
    halo : int
        Pixels that a tile has to read beyond its core.
    lost : float
        Share of the inverse filter's weight that lies beyond the halo, 0 to 1.
    is_cut : bool
        Whether the inverse filter reaches further, so that the halo is a compromise.
    """

    halo: int
    lost: float
    is_cut: bool

    @property
    def expected_error(self) -> float:
        """RMS difference of tiles from the whole picture, of full scale.

        Fitted on the same psfs at 0.5 and 2 % of noise, right within a factor of 3 or so.
        """
        return 3e-3 * float(np.sqrt(self.lost))


def solver_reach(psf: NDArray[np.float32], schedule: Schedule) -> Reach:
    """Find the halo for a psf and a schedule.

    Parameters
    ----------
    psf : (h, w) or (h, w, channel) float32
    schedule : Schedule
    """
    if not schedule.betas:
        return Reach(0, 0.0, is_cut=False)
    outside = _weight_outside(psf, schedule)
    wished = int(np.ceil(_MARGIN * np.argmax(outside <= 1.0 - _HELD)))
    needed = int(np.argmax(outside <= 1.0 - _HELD_AT_LEAST))
    halo = max(min(wished, _WIDE), min(needed, LARGEST_HALO), _SMALLEST, max(psf.shape[:2]) // 2)
    lost = float(outside[min(halo, outside.size - 1)])
    return Reach(halo, lost, is_cut=halo < wished)


def _weight_outside(psf: NDArray[np.float32], schedule: Schedule) -> NDArray[np.float64]:
    """Share of the inverse filter outside of the square of half side 0, 1, 2 ..."""
    side = max(_GRID, 4 * max(psf.shape[:2]))
    blur = Blur(psf, (side, side))
    spectrum = _inverse_filter(blur, schedule)[..., blur.frequencies]
    weight = np.abs(irfft2(spectrum, blur.shape)).sum(axis=0)
    distance = np.abs(np.fft.fftfreq(side, 1.0 / side)).astype(int)
    square = np.maximum(distance[:, None], distance)
    held = np.cumsum(np.bincount(square.ravel(), weight.ravel()))
    result: NDArray[np.float64] = 1.0 - held / held[-1]
    return result


def _inverse_filter(blur: Blur, schedule: Schedule) -> NDArray[np.complex64]:
    # The start does not count: what it reaches too far for, the steps after it put right.
    betas = schedule.betas[1:] or schedule.betas
    weight = schedule.fidelity / np.sqrt(betas[0] * betas[-1])
    denominator = weight * blur.power + blur.rows[:, None] + blur.columns
    spectrum: NDArray[np.complex64] = (weight * blur.conjugate / denominator).astype(np.complex64)
    return spectrum

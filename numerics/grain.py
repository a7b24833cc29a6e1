"""What became of a picture's noise before the picture came here, and how strong it is.

Noise is white as a sensor makes it. JPEG rounds its fine waves away, demosaicing smooths them; what
is left there tells little of the rest, which is what matters where photographs are blurred.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from numerics.demosaicing import demosaiced_deviation, is_demosaiced
from numerics.jpeg_noise import is_compressed, jpeg_deviation
from numerics.noise import estimate_noise

Grain = Literal["white", "compressed", "demosaiced"]


def find_grain(samples: Sequence[NDArray[np.float32]]) -> Grain:
    """Tell whether noise was compressed by JPEG, or else demosaiced.

    Parameters
    ----------
    samples : sequence of (h, w, channel) float32
        Linear light, finite. Parts of one picture, 8 px or a multiple of it apart.
    """
    if is_compressed(samples):
        return "compressed"
    return "demosaiced" if is_demosaiced(samples) else "white"


def channel_noise(samples: Sequence[NDArray[np.float32]], grain: Grain) -> NDArray[np.float64]:
    """Estimate the standard deviation of white noise that does as much harm, in each channel.

    Parameters
    ----------
    samples : sequence of (h, w, channel) float32
        As of `find_grain`.
    grain : str
        What it found.

    Returns
    -------
    (channel,) float64
        In the unit of the pixels.
    """
    if grain == "compressed":
        return jpeg_deviation(samples)
    return demosaiced_deviation(samples) if grain == "demosaiced" else estimate_noise(samples)

"""Tone curves of ICC profiles, measured by sending ramps through the LittleCMS library."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from numerics.tone_curve import POINTS, ToneCurve

_RELATIVE_COLORIMETRIC = 1
# Where a profile's header names the space that it is for.
_SPACE = slice(16, 20)
# Greatest difference, in light, between white and the sum of the channels' lights, and between
# curves of channels that are one.
_ADDITIVE, _EQUAL = 1e-3, 2e-5


class ProfileError(ValueError):
    """The profile tells no tone curve."""


def read_curves(icc: bytes, channels: int) -> tuple[ToneCurve, ...]:
    """Find how the numbers of each channel stand for light.

    Parameters
    ----------
    icc : bytes
        Profile of an RGB space, or of a gray one for 1 channel.
    channels : int
        1 or 3. The numbers of 1 channel are taken for red, green and blue alike in an RGB space.

    Returns
    -------
    tuple of ToneCurve
        One if it holds for all channels, else one for each.

    Raises
    ------
    ProfileError
        If it can't be read, is for another space, or light is not the sum of what the channels'
        curves give, as in profiles of printers.
    """
    try:
        lights = _channel_lights(icc, channels)
        curves = [ToneCurve(light) for light in lights]
    except (imagecodecs.CmsError, ValueError) as error:
        raise ProfileError(str(error)) from error
    is_one = all(np.abs(curve.light - curves[0].light).max() < _EQUAL for curve in curves)
    return tuple(curves[:1] if is_one else curves)


def _channel_lights(icc: bytes, channels: int) -> list[NDArray[np.float64]]:
    """Give the luminance along a ramp of each channel, the others black."""
    ramp = np.linspace(0, 1, POINTS)
    space = icc[_SPACE].decode("ascii", "replace").strip()
    if space == "GRAY" and channels == 1:
        return [_luminance(ramp[np.newaxis], icc, "gray")[0]]
    if space != "RGB":
        raise ProfileError(f"it is for {space or 'nothing'}, the picture has {channels} channels")
    together = np.repeat(ramp[:, np.newaxis], 3, axis=1)
    if channels == 1:
        return [_luminance(together[np.newaxis], icc, "rgb")[0]]
    ramps = np.stack([*(together * one for one in np.eye(3)), together])
    *lights, white = _luminance(ramps, icc, "rgb")
    if np.abs(sum(lights) - white).max() > _ADDITIVE * white[-1]:
        raise ProfileError("its channels' lights do not add up")
    return lights


def _luminance(numbers: NDArray[np.float64], icc: bytes, space: str) -> NDArray[np.float64]:
    xyz = imagecodecs.cms_transform(
        numbers,
        icc,
        _xyz_profile(),
        colorspace=space,
        outcolorspace="xyz",
        outdtype="float64",
        intent=_RELATIVE_COLORIMETRIC,
    )
    return np.asarray(xyz)[..., 1]


@lru_cache(maxsize=1)
def _xyz_profile() -> Any:
    return imagecodecs.cms_profile("xyz")

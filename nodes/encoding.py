"""How a file's numbers stand for linear light, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nodes.image import BitDepth, Encoding
    from numerics.tone_curve import ToneCurve

# Greatest difference in light of a profile's curve to the sRGB curve, or to none, that is taken
# for a matter of rounding.
_SAME = 1e-4


@dataclass(frozen=True, slots=True)
class Coding:
    """Turns numbers into light and back.

    Attributes
    ----------
    encoding : str
        ``srgb``, ``linear`` or ``profile``.
    curves : tuple of ToneCurve
        For ``profile``: one for all channels, or one for each.
    """

    encoding: Encoding
    curves: tuple[ToneCurve, ...] = ()

    @classmethod
    def of(cls, encoding: Encoding, icc: bytes, channels: int) -> Coding:
        """Make that of an encoding that is known; `icc` is read for ``profile`` only."""
        if encoding != "profile":
            return cls(encoding)
        from nodes.formats.profile import read_curves

        return cls(encoding, read_curves(icc, channels))

    @classmethod
    def of_profile(cls, icc: bytes, channels: int) -> Coding:
        """Make that which a colour profile tells; raises `ProfileError` if it tells none."""
        import numpy as np

        from nodes.formats.profile import read_curves
        from numerics.colour import srgb_to_linear
        from numerics.tone_curve import POINTS

        curves = read_curves(icc, channels)
        numbers = np.linspace(0, 1, POINTS)
        known: dict[Encoding, NDArray[Any]] = {"srgb": srgb_to_linear(numbers), "linear": numbers}
        for encoding, light in known.items():
            if len(curves) == 1 and np.abs(curves[0].light - light).max() < _SAME:
                return cls(encoding)
        return cls("profile", curves)

    def to_linear(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Turn (h, w, channel) numbers of a file into linear light."""
        from numerics.colour import integers_to_linear, srgb_to_linear

        if self.encoding == "profile":
            return self._by_channel(values, [curve.decode for curve in self.curves])
        return srgb_to_linear(values) if self.encoding == "srgb" else integers_to_linear(values)

    def from_linear(self, light: NDArray[np.float32], depth: BitDepth) -> NDArray[Any]:
        """Turn (h, w, channel) light into numbers; integers are clipped, floats are not."""
        from functools import partial

        from numerics.colour import linear_to_integers, linear_to_srgb, linear_to_srgb_integers

        if self.encoding == "profile":
            if depth == 32:
                return self._by_channel(light, [curve.encode for curve in self.curves])
            by = [partial(curve.encode_integers, bits=depth) for curve in self.curves]
            return self._by_channel(light, by)
        if depth == 32:
            return linear_to_srgb(light) if self.encoding == "srgb" else light
        convert = linear_to_srgb_integers if self.encoding == "srgb" else linear_to_integers
        return convert(light, depth)

    def _by_channel(self, values: NDArray[Any], convert: list[Any]) -> NDArray[Any]:
        import numpy as np

        if len(convert) == 1:
            return np.asarray(convert[0](values))
        channels = [c(values[..., i]) for i, c in enumerate(convert)]
        return np.stack(channels, axis=-1)

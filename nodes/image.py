"""The travelling record of a picture: pixels, and what its file said about them.

Between nodes a picture is a `pipeline.node.Value` of type ``image``. `Image` is the typed view
of one: take it with `Image.of`, make the next one with `with_pixels`, hand it on with `value`.
Colour profile and metadata travel along untouched, so that an export can write them back. In a
graph they go past the nodes that change pixels (`pipeline.node.Port.passes`): what these store
has no part in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast

from pipeline.node import Array, Json, Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Encoding = Literal["srgb", "linear", "profile"]
BitDepth = Literal[8, 16, 32]


@dataclass(frozen=True, slots=True)
class Image:
    """A picture on its way through the graph.

    Attributes
    ----------
    pixels : (height, width, channel) float32
        Linear light, 0 black and 1 white, not clipped; one channel (gray) or three (RGB).
    encoding : str
        How the file's numbers stood for light: ``srgb``, ``linear``, or as the curve of ``icc``
        says, ``profile``.
    bit_depth : int
        Of the file, bits a sample; 32 stands for floating point.
    icc : bytes
        Embedded colour profile, empty if there was none. It describes the pixels as encoded.
    metadata : bytes
        Exif, XMP and IPTC as `nodes.formats.metadata` packs them, empty if there were none.
    """

    pixels: Array
    encoding: Encoding = "srgb"
    bit_depth: BitDepth = 16
    icc: bytes = b""
    metadata: bytes = b""

    @classmethod
    def of(cls, value: Value) -> Image:
        """View a `Value` of type ``image``."""
        return cls(
            pixels=value.arrays["pixels"],
            encoding=cast(Encoding, value.facts.get("encoding", "srgb")),
            bit_depth=cast(BitDepth, value.facts.get("bit_depth", 16)),
            icc=_read_bytes(value, "icc"),
            metadata=_read_bytes(value, "metadata"),
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        height, width, channels = self.pixels.shape
        return height, width, channels

    def with_pixels(self, pixels: Array) -> Image:
        """Return the same picture, changed: all but the pixels is kept."""
        return replace(self, pixels=pixels)

    def value(self, details: Mapping[str, Json] | None = None) -> Value:
        """Pack it for the next node; `details` go to the report."""
        import numpy as np

        extras = {"icc": self.icc, "metadata": self.metadata}
        packed = {name: np.frombuffer(data, np.uint8) for name, data in extras.items() if data}
        return Value(
            "image",
            arrays={"pixels": self.pixels, **packed},
            facts={"encoding": self.encoding, "bit_depth": self.bit_depth},
            details=details or {},
        )


def read_rows(pixels: Array, start: int, stop: int) -> NDArray[np.float32]:
    """Read whole rows ``start:stop`` of (height, width, channel) pixels."""
    return pixels[start:stop, :, :]


def read_all(array: Array) -> NDArray[Any]:
    """Read a small array, such as a psf, whole."""
    return array[(slice(None),) * len(array.shape)]


def _read_bytes(value: Value, name: str) -> bytes:
    array = value.arrays.get(name)
    return b"" if array is None else read_all(array).tobytes()

"""Read a photograph: TIFF in strips or tiles, PNG, JPEG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from nodes.encoding import Coding
from nodes.formats import Picture, open_picture
from nodes.formats.metadata import MetadataError, read_metadata
from nodes.image import BitDepth, Image
from nodes.streams import map_ordered, regroup, spans
from pipeline.node import Context, InputPath, Node, NodeParams, Port, Value, WritableArray
from pipeline.registry import register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@register("load")
class Load(Node):
    """Read a photograph from a TIFF, PNG or JPEG file into linear light.

    Its colour profile, Exif, XMP and IPTC travel along; its orientation tag too, the pixels stay
    as they are stored.
    """

    class Params(NodeParams):
        """What to read, and how its numbers stand for light."""

        path: InputPath = Field(description="TIFF, PNG or JPEG file")
        encoding: Literal["auto", "srgb", "linear"] = Field(
            "auto",
            description="auto: as the embedded profile says, else sRGB for integers and linear "
            "for floats",
        )

    inputs: ClassVar[Mapping[str, Port]] = {}
    output = "image"

    def run(self, params: Params, inputs: Mapping[str, Value], context: Context) -> Value:
        """Decode the file band by band."""
        with open_picture(params.path) as picture:
            for note in picture.notes:
                context.warn(note)
            icc, metadata = _read_metadata(params.path, context)
            coding = choose_coding(params.encoding, icc, picture, context.warn)
            pixels = context.new_array("pixels", picture.shape)
            bands = regroup(picture.blocks(context.workers), pixels.chunks[0])
            unusable = _store(bands, coding, pixels, context)
        if unusable:
            context.warn(f"{params.path.name}: {unusable} values are no numbers (NaN): 0 instead.")
        return Image(pixels, coding.encoding, bit_depth(picture.dtype), icc, metadata).value()


def choose_coding(wanted: str, icc: bytes, picture: Picture, warn: Callable[[str], None]) -> Coding:
    """Settle ``auto`` by the profile; without one integers are sRGB, floats linear."""
    if wanted != "auto":
        return Coding("srgb" if wanted == "srgb" else "linear")
    by_samples = Coding("linear" if picture.dtype.kind == "f" else "srgb")
    if not icc:
        return by_samples
    from nodes.formats.profile import ProfileError

    try:
        return Coding.of_profile(icc, picture.shape[2])
    except ProfileError as error:
        warn(
            f"the colour profile tells no tone curve ({error}): values are taken for "
            f"{by_samples.encoding}. If they are not, set encoding, or convert the file to sRGB."
        )
        return by_samples


def bit_depth(dtype: np.dtype[Any]) -> BitDepth:
    """Name the depth of a file's samples; all floats count as 32."""
    if dtype.kind == "f":
        return 32
    return 8 if dtype.itemsize == 1 else 16


def _store(
    bands: Iterable[NDArray[Any]], coding: Coding, pixels: WritableArray, context: Context
) -> int:
    """Convert bands and write them as whole chunks; count the values that were no numbers."""
    height, width, _ = pixels.shape
    columns = spans(width, pixels.chunks[1])

    def store(numbered: tuple[int, NDArray[Any]]) -> int:
        context.check_cancelled()
        number, band = numbered
        top = number * pixels.chunks[0]
        rows = slice(top, top + len(band))
        unusable = 0
        for left, right in columns:
            light = coding.to_linear(band[:, left:right])
            unusable += _drop_nan(light)
            pixels[rows, left:right, :] = light
        return unusable

    unusable = 0
    for number, found in enumerate(map_ordered(store, enumerate(bands), context.workers), 1):
        unusable += found
        context.progress(min(number * pixels.chunks[0], height), height)
    return unusable


def _drop_nan(light: NDArray[np.float32]) -> int:
    """Put 0 where values are no numbers, in place: one of them would spread all over."""
    import numpy as np

    finite = np.isfinite(light)
    if finite.all():
        return 0
    light[~finite] = 0.0
    return int(finite.size - np.count_nonzero(finite))


def _read_metadata(path: Path, context: Context) -> tuple[bytes, bytes]:
    try:
        return read_metadata(path)
    except MetadataError as error:
        context.warn(f"{path.name}: metadata can't be read and will be missing ({error}).")
        return b"", b""

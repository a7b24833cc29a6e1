"""Write a picture, or a point spread function, to a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from nodes.encoding import Coding
from nodes.files import file_digest, replacing
from nodes.formats import PSF_WRITABLE, WRITABLE, Layout, make_writer
from nodes.image import BitDepth, Encoding, Image, read_all
from nodes.streams import BAND, map_ordered, spans
from pipeline.node import Context, Node, NodeParams, OutputPath, Port, Value
from pipeline.registry import register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DEPTHS: dict[str, tuple[BitDepth, ...]] = {"tiff": (16, 8, 32), "png": (16, 8), "jpeg": (8,)}


@register("export")
class Export(Node):
    """Write a picture as TIFF, PNG or JPEG, or a PSF as .npy, float TIFF or viewable PNG.

    The file appears whole or not at all. Values are clipped here and nowhere before. Colour
    profile, Exif, XMP and IPTC of the photograph are written back.
    """

    class Params(NodeParams):
        """Where to write, and what kind of file."""

        path: OutputPath = Field(
            description="file; the ending chooses the format: .tif .png .jpg; for a PSF also .npy"
        )
        bit_depth: BitDepth | None = Field(
            None, description="8, 16 or 32 (float, TIFF only); default: 16, for JPEG 8"
        )
        encoding: Literal["auto", "srgb", "linear"] = Field(
            "auto",
            description="auto: as the photograph was, floats linear unless its profile has a "
            "curve of its own",
        )
        quality: int = Field(95, ge=1, le=100, description="JPEG: 100 is best and largest")
        compression: Literal["none", "deflate", "zstd"] = Field(
            "none", description="TIFF: none is fastest, deflate smaller, zstd read by few programs"
        )

        @field_validator("path")
        @classmethod
        def _check_ending(cls, path: Path) -> Path:
            ending = path.suffix.lower()
            if not _depths(path) and ending != ".npy":
                raise ValueError(
                    f'ending "{ending}" is unknown. Use .tif, .png or .jpg, or .npy (PSF).'
                )
            return path

        @model_validator(mode="after")
        def _check_depth(self) -> Self:
            ending, depths = self.path.suffix.lower(), _depths(self.path)
            if self.bit_depth is not None and self.bit_depth not in (depths or (32,)):
                usable = " or ".join(str(depth) for depth in sorted(depths or (32,)))
                raise ValueError(
                    f"bit_depth: got {self.bit_depth} for a {ending} file. Use {usable}."
                )
            return self

    inputs: ClassVar[Mapping[str, Port]] = {
        "image": Port("image", optional=True),
        "psf": Port("psf", optional=True),
    }
    exactly_one_of = ("image", "psf")
    output = "file"

    @classmethod
    def misfits(cls, params: Params, joined: Collection[str]) -> Iterable[tuple[str, str]]:
        """Refuse endings that can't hold what is joined, before anything is computed."""
        name, ending = params.path.name, params.path.suffix.lower()
        if "psf" in joined and ending not in PSF_WRITABLE:
            yield "path", f"{name}: can't hold a PSF. Use .npy, .tif or .png."
        if "image" in joined and ending == ".npy":
            yield "path", f"{name}: can't hold a picture. Use .tif, .png or .jpg."

    def run(self, params: Params, inputs: Mapping[str, Value], context: Context) -> Value:
        """Write the file and hash it."""
        if ("image" in inputs) == ("psf" in inputs):
            raise ValueError(f"got {len(inputs)} inputs. Join either image or psf.")
        for _, message in self.misfits(params, inputs):
            raise ValueError(message)
        with replacing(params.path) as file:
            if "psf" in inputs:
                from nodes.formats.psf_file import write_psf

                write_psf(params.path, file, read_all(inputs["psf"].arrays["psf"]))
            else:
                _write_image(params, file, Image.of(inputs["image"]), context)
        written: dict[str, Any] = {
            "digest": file_digest(params.path),
            "bytes": params.path.stat().st_size,
        }
        return Value("file", facts=written, details={"bytes": written["bytes"]})


def _depths(path: Path) -> tuple[BitDepth, ...]:
    """Bit depths that a file of this ending may have, the default first."""
    return _DEPTHS.get(WRITABLE.get(path.suffix.lower(), ""), ())


def _dtype(depth: BitDepth) -> np.dtype[Any]:
    import numpy as np

    return np.dtype("f4" if depth == 32 else f"u{depth // 8}")


def _write_image(params: Export.Params, file: BinaryIO, image: Image, context: Context) -> None:
    depth = params.bit_depth or _depths(params.path)[0]
    encoding = _choose_encoding(params, depth, image)
    coding = Coding.of(encoding, image.icc, image.shape[2])
    layout = Layout(
        image.shape,
        _dtype(depth),
        compression=params.compression,
        quality=params.quality,
        icc=_fitting_profile(image, encoding, context),
        metadata=image.metadata,
    )
    writer = make_writer(params.path, file, layout)
    height = image.shape[0]

    def encode(span: tuple[int, int]) -> list[Any]:
        context.check_cancelled()
        band = _encoded_band(image, span, coding, depth)
        return [writer.encode(band[start:stop]) for start, stop in spans(len(band), writer.rows)]

    rows = spans(height, BAND)
    for (_, stop), strips in zip(rows, map_ordered(encode, rows, context.workers), strict=True):
        for strip in strips:
            writer.append(strip)
        context.progress(stop, height)
    writer.finish()
    for note in writer.notes:
        context.warn(f"{params.path.name}: {note}")


def _choose_encoding(params: Export.Params, depth: BitDepth, image: Image) -> Encoding:
    if params.encoding != "auto":
        return params.encoding
    if image.encoding == "profile":  # in linear light, its colours would be those of no profile
        return "profile"
    if depth == 32 or (image.encoding == "linear" and image.bit_depth != 32):
        return "linear"
    return "srgb"


def _fitting_profile(image: Image, encoding: Encoding, context: Context) -> bytes:
    """Give the photograph's colour profile, unless it would say something wrong."""
    if image.icc and encoding != image.encoding:
        had = keep = str(image.encoding)
        if image.encoding == "profile":
            had, keep = "its own curve's", "auto"
        context.warn(
            f"colour profile left out: it is for {had} values, the file gets {encoding} ones. "
            f"Set encoding: {keep} to keep it."
        )
        return b""
    return image.icc


def _encoded_band(
    image: Image, span: tuple[int, int], coding: Coding, depth: BitDepth
) -> NDArray[Any]:
    """Read rows and turn them into what the file holds."""
    import numpy as np

    _, width, channels = image.shape
    start, stop = span
    band = np.empty((stop - start, width, channels), _dtype(depth))
    for left, right in spans(width, BAND):
        light = image.pixels[start:stop, left:right, :]
        band[:, left:right] = coding.from_linear(light, depth)
    return band

"""Measure how close a picture comes to a reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from nodes.image import Image
from nodes.streams import spans
from pipeline.node import Array, Context, Json, Node, NodeParams, Port, Value
from pipeline.registry import register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WINDOW = 1024  # the middle of the picture, where the shift is measured
_BAND = 256  # rows measured at a time: similarity takes a dozen arrays of their size
_HALO = 24  # rows read around a band: the spline's, the SSIM window's and the shift's reach


@register("compare")
class Compare(Node):
    """Measure PSNR and SSIM of a picture against a reference, up to a shift of a few pixels."""

    class Params(NodeParams):
        """What is compared."""

        border: int = Field(16, ge=0, description="left out at each edge, pixels")
        encoding: Literal["linear", "srgb"] = Field(
            "linear", description="compare linear light, or what a screen is given"
        )

    inputs: ClassVar[Mapping[str, Port]] = {
        "image": Port("image", arrays=("pixels",)),
        "reference": Port("image", arrays=("pixels",)),
    }
    output = "metrics"

    def run(self, params: Params, inputs: Mapping[str, Value], context: Context) -> Value:
        """Find the shift on the middle of the pictures, then measure band by band."""
        from numerics.metrics import find_shift, psnr_of

        image = Image.of(inputs["image"]).pixels
        reference = Image.of(inputs["reference"]).pixels
        _check_shapes(image.shape, reference.shape, params.border)
        shift = find_shift(_read_middle(image), _read_middle(reference))
        error, similarity = _measure(image, reference, shift, params, context)
        found: dict[str, Json] = {
            "psnr": psnr_of(error),
            "ssim": similarity,
            "shift": [*shift],
        }
        return Value("metrics", facts=found, details=found)


def _check_shapes(image: tuple[int, ...], reference: tuple[int, ...], border: int) -> None:
    if image != reference:
        raise ValueError(
            f"image is {_described(image)}, reference {_described(reference)}. "
            "Compare pictures of one size."
        )
    if min(image[:2]) < 2 * border + 11:
        raise ValueError(
            f"border {border} px leaves less than 11 px of {_described(image)}. "
            "Use a smaller border or a larger picture."
        )


def _described(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]} px with {shape[2]} channels"


def _read_middle(pixels: Array) -> NDArray[np.float32]:
    import numpy as np

    height, width, _ = pixels.shape
    top, left = max(0, (height - _WINDOW) // 2), max(0, (width - _WINDOW) // 2)
    window = pixels[top : top + _WINDOW, left : left + _WINDOW, :]
    return np.asarray(window.mean(axis=2), np.float32)


def _measure(
    image: Array,
    reference: Array,
    shift: tuple[float, float],
    params: Compare.Params,
    context: Context,
) -> tuple[float, float]:
    """Mean square error and mean structural similarity inside the border."""
    import numpy as np

    from numerics.metrics import move, ssim_map

    height, border = image.shape[0], params.border
    error = similarity = samples = 0.0
    for start, stop in spans(height - border, _BAND, start=border):
        context.check_cancelled()
        first, last = max(0, start - _HALO), min(height, stop + _HALO)
        inner = np.s_[start - first : stop - first, border : image.shape[1] - border]
        moved = _encoded(move(image[first:last, :, :], shift), params)
        wanted = _encoded(reference[first:last, :, :], params)
        error += float(((moved - wanted)[inner] ** 2).sum(dtype=np.float64))
        similarity += float(ssim_map(moved, wanted)[inner].sum(dtype=np.float64))
        samples += float(wanted[inner].size)
        context.progress(stop, height - border)
    return error / samples, similarity / samples


def _encoded(light: NDArray[Any], params: Compare.Params) -> NDArray[Any]:
    from numerics.colour import linear_to_srgb

    return linear_to_srgb(light) if params.encoding == "srgb" else light

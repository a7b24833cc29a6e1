"""Cut a window out of a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from nodes.image import Image
from nodes.streams import spans
from pipeline.node import Context, Node, NodeParams, Port, Value
from pipeline.registry import register

Side = Annotated[int, Field(ge=1)]


@register("crop")
class Crop(Node):
    """Cut a window out of a picture, such as the sample that the blur is measured on."""

    class Params(NodeParams):
        """Where the window lies, in pixels of the input."""

        center: tuple[int, int] | None = Field(
            None, description="[x, y], pixels, x to the right and y down; default: the middle"
        )
        size: Side | tuple[Side, Side] = Field(255, description="side, or [width, height], pixels")

    inputs: ClassVar[Mapping[str, Port]] = {"image": Port("image")}
    output = "image"

    def run(self, params: Params, inputs: Mapping[str, Value], context: Context) -> Value:
        """Copy the window."""
        image = Image.of(inputs["image"])
        left, top, width, height = find_window(params, image.shape[1], image.shape[0])
        pixels = context.new_array("pixels", (height, width, image.shape[2]))
        for start, stop in spans(height, pixels.chunks[0]):
            context.check_cancelled()
            rows = slice(top + start, top + stop)
            pixels[start:stop, :, :] = image.pixels[rows, left : left + width, :]
            context.progress(stop, height)
        return image.with_pixels(pixels).value({"left": left, "top": top})


def find_window(params: Crop.Params, width: int, height: int) -> tuple[int, int, int, int]:
    """Place the window: left, top, width, height.

    Its pixel ``(width // 2, height // 2)`` lies on the center.

    Raises
    ------
    ValueError
        If it leaves the picture.
    """
    size = params.size if isinstance(params.size, tuple) else (params.size, params.size)
    center = params.center or (width // 2, height // 2)
    left, top = center[0] - size[0] // 2, center[1] - size[1] // 2
    if min(left, top) < 0 or left + size[0] > width or top + size[1] > height:
        raise ValueError(
            f"window of {size[0]} x {size[1]} px around ({center[0]}, {center[1]}) leaves the "
            f"picture of {width} x {height} px. {_fitting(size, width, height)}"
        )
    return left, top, *size


def _fitting(size: tuple[int, int], width: int, height: int) -> str:
    """Say which centers would do, if any."""
    if size[0] > width or size[1] > height:
        return f"Use a size up to {width} x {height}."
    first = (size[0] // 2, size[1] // 2)
    last = (width - size[0] + first[0], height - size[1] + first[1])
    return f"Use a center from {first} to {last}."

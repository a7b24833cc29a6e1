"""Cut a window out of a picture."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from nodes.image import Image
from nodes.streams import BAND, map_ordered, spans
from pipeline.node import Context, Json, Node, NodeParams, Port, Value
from pipeline.registry import register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from numerics.sample_window import Window

Side = Annotated[int, Field(ge=1)]


@register("crop")
class Crop(Node):
    """Cut a window out of a picture, such as the sample that the blur is measured on."""

    class Params(NodeParams):
        """Where the window lies, in pixels of the input."""

        center: Literal["auto"] | tuple[int, int] | None = Field(
            None,
            description="[x, y], pixels, x to the right and y down; auto: where the blur shows "
            "best, edges in many directions, nothing burnt out, little noise; default: the middle",
        )
        size: Side | tuple[Side, Side] = Field(
            255,
            description="side, or [width, height], pixels; with center: auto at most the picture's",
        )

    inputs: ClassVar[Mapping[str, Port]] = {"image": Port("image", arrays=("pixels",), passes=True)}
    output = "image"

    @classmethod
    def at_scale(cls, params: Params, factor: float) -> Params:
        """Scale the window; rounded down, so that it stays within the picture."""
        width, height = _size(params)
        size = max(1, int(factor * width)), max(1, int(factor * height))
        center = params.center
        if isinstance(center, tuple):
            left, top = center[0] - width // 2, center[1] - height // 2
            center = int(factor * left) + size[0] // 2, int(factor * top) + size[1] // 2
        return params.model_copy(update={"size": size, "center": center})

    def run(self, params: Params, inputs: Mapping[str, Value], context: Context) -> Value:
        """Place the window and copy it."""
        image = Image.of(inputs["image"])
        learnt: dict[str, Json] = {}
        if params.center == "auto":
            window = _search(image, _size(params), context)
            left, top, width, height = window.left, window.top, window.width, window.height
            learnt = _judgement(window)
        else:
            left, top, width, height = find_window(params, image.shape[1], image.shape[0])
        pixels = context.new_array("pixels", (height, width, image.shape[2]))
        for start, stop in spans(height, pixels.chunks[0]):
            context.check_cancelled()
            rows = slice(top + start, top + stop)
            pixels[start:stop, :, :] = image.pixels[rows, left : left + width, :]
        center: dict[str, Json] = {"center": [left + width // 2, top + height // 2]}
        return image.with_pixels(pixels).value(center | learnt)


def find_window(params: Crop.Params, width: int, height: int) -> tuple[int, int, int, int]:
    """Place the window by its center: left, top, width, height.

    Its pixel ``(width // 2, height // 2)`` lies on the center.

    Raises
    ------
    ValueError
        If it leaves the picture.
    """
    size = _size(params)
    given = params.center if isinstance(params.center, tuple) else None
    center = given or (width // 2, height // 2)
    left, top = center[0] - size[0] // 2, center[1] - size[1] // 2
    if min(left, top) < 0 or left + size[0] > width or top + size[1] > height:
        raise ValueError(
            f"window of {size[0]} x {size[1]} px around ({center[0]}, {center[1]}) leaves the "
            f"picture of {width} x {height} px. {_fitting(size, width, height)}"
        )
    return left, top, *size


def _size(params: Crop.Params) -> tuple[int, int]:
    return params.size if isinstance(params.size, tuple) else (params.size, params.size)


def _fitting(size: tuple[int, int], width: int, height: int) -> str:
    """Say which centers would do, if any."""
    if size[0] > width or size[1] > height:
        return f"Use a size up to {width} x {height}."
    first = (size[0] // 2, size[1] // 2)
    last = (width - size[0] + first[0], height - size[1] + first[1])
    return f"Use a center from {first} to {last}."


def _search(image: Image, size: tuple[int, int], context: Context) -> Window:
    """Look at the whole picture, part by part, on all threads, and choose the best window."""
    import numpy as np

    from numerics.sample_window import block_side, choose_window, measure_blocks

    side = block_side(size)
    height, width, _ = image.shape
    rows, columns = spans(height, BAND), spans(width, BAND)

    def measure(part: tuple[tuple[int, int], tuple[int, int]]) -> NDArray[np.float32]:
        context.check_cancelled()
        (top, bottom), (left, right) = part
        return measure_blocks(image.pixels[top:bottom, left:right, :], side)

    parts: list[NDArray[np.float32]] = []
    total = len(rows) * len(columns)
    for measured in map_ordered(measure, product(rows, columns), context.workers):
        parts.append(measured)
        context.progress(len(parts), total)
    wide = len(columns)
    bands = [np.concatenate(parts[i : i + wide], axis=2) for i in range(0, total, wide)]
    return choose_window(np.concatenate(bands, axis=1), side, (height, width), size)


def _judgement(window: Window) -> dict[str, Json]:
    return {
        "size": [window.width, window.height],
        "contrast": round(window.contrast, 6),
        "directions": round(window.directions, 3),
        "clipped": round(window.clipped, 5),
    }

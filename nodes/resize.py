"""Change a picture's size, in linear light and antialiased."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from nodes.image import Image, read_rows
from nodes.streams import BAND, map_ordered, spans
from pipeline.node import Context, Node, NodeParams, Port, Value
from pipeline.registry import register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@register("resize")
class Resize(Node):
    """Make a picture smaller or larger, in linear light and antialiased."""

    class Params(NodeParams):
        """The new size: one of width and scale."""

        width: int | None = Field(
            None, ge=1, le=100_000, description="new width, pixels; the height follows"
        )
        scale: float | None = Field(
            None, ge=0.001, le=16, description="new size as a multiple of the old"
        )

        @model_validator(mode="after")
        def _check_one(self) -> Self:
            if (self.width is None) == (self.scale is None):
                given = "both width and scale" if self.width else "neither width nor scale"
                raise ValueError(f"got {given}. Give one of them.")
            return self

    inputs: ClassVar[Mapping[str, Port]] = {"image": Port("image", arrays=("pixels",), passes=True)}
    output = "image"

    @classmethod
    def at_scale(cls, params: Params, factor: float) -> Params:
        """Scale a width; what is a multiple of the old size stays."""
        if params.width is None:
            return params
        return params.model_copy(update={"width": max(1, round(factor * params.width))})

    def run(self, params: Params, inputs: Mapping[str, Value], context: Context) -> Value:
        """Resample band by band, on all threads."""
        import numpy as np

        from numerics.compiling import compiling_told
        from numerics.resample import make_taps, resample

        image = Image.of(inputs["image"])
        height, width, channels = image.shape
        new_width, new_height = _new_size(params, width, height)
        pixels = context.new_array("pixels", (new_height, new_width, channels))
        across, down = make_taps(width, new_width), make_taps(height, new_height)
        # Few output rows at a time where each needs many of the input.
        step = max(1, min(BAND, BAND * new_height // height))

        def make(band: tuple[int, int]) -> NDArray[np.float32]:
            context.check_cancelled()
            return resample(read_rows(image.pixels, *down.span(*band)), down.cut(*band), across)

        # Two are what is read of a band, and what becomes of it; one more band waits its turn.
        band_bytes = 2 * 4 * width * channels * (BAND + down.index.shape[1])
        workers = max(1, min(context.workers, context.memory // band_bytes - 1))
        with compiling_told(context.note):
            for start, stop in spans(new_height, pixels.chunks[0]):
                bands = map_ordered(make, spans(stop, step, start), workers)
                pixels[start:stop, :, :] = np.concatenate(list(bands))
                context.progress(stop, new_height)
        return image.with_pixels(pixels).value()


def _new_size(params: Resize.Params, width: int, height: int) -> tuple[int, int]:
    scale = params.scale or (params.width or width) / width
    new_width = params.width or round(width * scale)
    return max(1, new_width), max(1, round(height * scale))

"""Blur a picture on purpose, and add noise: for demos and tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from nodes.image import Image, read_all, read_rows
from nodes.streams import spans
from pipeline.node import Array, Context, Node, NodeParams, Port, Value
from pipeline.registry import register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@register("simulate")
class Simulate(Node):
    """Blur a picture with a PSF and add seeded noise; beyond its edges the last pixels repeat."""

    class Params(NodeParams):
        """How much noise, and which."""

        noise: float = Field(
            0.005, ge=0, le=1, description="standard deviation in linear light, white is 1"
        )
        seed: int = Field(0, ge=0, description="chooses the noise; same seed, same noise")

    inputs: ClassVar[Mapping[str, Port]] = {
        "image": Port("image", arrays=("pixels",), passes=True),
        "psf": Port("psf"),
    }
    output = "image"

    def run(self, params: Params, inputs: Mapping[str, Value], context: Context) -> Value:
        """Blur band by band."""
        import numpy as np

        from numerics.blur import blur_valid

        image = Image.of(inputs["image"])
        psf = read_all(inputs["psf"].arrays["psf"])
        pixels = context.new_array("pixels", image.shape)
        # One stream of numbers from the first row to the last: chunks don't change it.
        numbers = np.random.Generator(np.random.PCG64(params.seed))
        for start, stop in spans(image.shape[0], pixels.chunks[0]):
            context.check_cancelled()
            band = blur_valid(_read_padded(image.pixels, start, stop, psf.shape), psf)
            if params.noise:
                noise = numbers.standard_normal(band.shape, np.float32)
                band += np.float32(params.noise) * noise
            pixels[start:stop, :, :] = band
            context.progress(stop, image.shape[0])
        return image.with_pixels(pixels).value()


def _read_padded(
    pixels: Array, start: int, stop: int, psf_shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Read rows with all around that the psf reaches, the edges of the picture replicated."""
    import numpy as np

    margin_y, margin_x = psf_shape[0] // 2, psf_shape[1] // 2
    first, last = start - margin_y, stop + margin_y
    height = pixels.shape[0]
    rows = read_rows(pixels, max(0, first), min(height, last))
    beyond = (max(0, -first), max(0, last - height))
    return np.pad(rows, (beyond, (margin_x, margin_x), (0, 0)), mode="edge")

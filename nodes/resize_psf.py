"""Make a point spread function fit a picture of another size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from nodes.image import read_all
from pipeline.node import Context, Node, NodeParams, Port, Value
from pipeline.registry import register


@register("resize_psf")
class ResizePsf(Node):
    """Scale a PSF that was measured on a picture for the same picture in another size."""

    class Params(NodeParams):
        """The new size of the picture."""

        scale: float = Field(
            ge=0.001, le=16, description="size of the new picture as a multiple of the old"
        )

    inputs: ClassVar[Mapping[str, Port]] = {"psf": Port("psf", arrays=("psf",))}
    output = "psf"

    def run(self, params: Params, inputs: Mapping[str, Value], context: Context) -> Value:
        """Share the light of each pixel out by area."""
        from numerics.psf_scale import scale_psf

        psf = scale_psf(read_all(inputs["psf"].arrays["psf"]), params.scale)
        return Value("psf", {"psf": psf}, details={"size": list(psf.shape[1::-1])})

"""Read a point spread function from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from pipeline.node import Context, InputPath, Node, NodeParams, Port, Value
from pipeline.registry import register


@register("load_psf")
class LoadPsf(Node):
    """Read a point spread function; it is clipped at 0, centred on its centroid and normalised."""

    class Params(NodeParams):
        """What to read."""

        path: InputPath = Field(description=".npy, TIFF or PNG file, values taken as linear")

    inputs: ClassVar[Mapping[str, Port]] = {}
    output = "psf"

    def run(self, params: Params, inputs: Mapping[str, Value], context: Context) -> Value:
        """Read and clean the PSF."""
        from nodes.formats.psf_file import read_psf
        from numerics.make_psf import centre
        from numerics.psf import PsfError, normalise

        try:
            psf = normalise(centre(read_psf(params.path).clip(min=0.0)))
        except PsfError as error:
            raise ValueError(f"{params.path.name}: {error}") from error
        return Value("psf", {"psf": psf}, details={"size": list(psf.shape[1::-1])})

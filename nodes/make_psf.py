"""Make a point spread function from a formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from pipeline.node import Context, Node, NodeParams, Port, Value
from pipeline.registry import register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NEEDED = {
    "gaussian": {"sigma"},
    "disc": {"radius"},
    "motion": {"length", "angle"},
    "shake": {"length", "seed"},
    "airy": {"radius"},
}
_SIZES = ("sigma", "radius", "length", "angle", "seed")


@register("make_psf")
class MakePsf(Node):
    """Make a point spread function: gaussian, disc, motion line, camera shake or Airy pattern."""

    class Params(NodeParams):
        """The shape, and the sizes that belong to it."""

        shape: Literal["gaussian", "disc", "motion", "shake", "airy"] = Field(
            description="kind of blur"
        )
        sigma: float | None = Field(
            None, gt=0, le=50, description="gaussian: standard deviation, pixels"
        )
        radius: float | None = Field(
            None, gt=0, le=100, description="disc: radius; airy: of the first dark ring; pixels"
        )
        length: float | None = Field(
            None, gt=0, le=200, description="motion: path; shake: its longer side; pixels"
        )
        angle: float | None = Field(
            None, ge=-360, le=360, description="motion: degrees, counter-clockwise from x"
        )
        seed: int | None = Field(None, ge=0, description="shake: which of the random paths")
        size: int | None = Field(
            None, ge=1, le=255, description="side, odd, pixels; default: large enough"
        )

        @model_validator(mode="after")
        def _check(self) -> Self:
            given = {name for name in _SIZES if self._has(name)}
            needed = _NEEDED[self.shape]
            if given != needed:
                raise ValueError(f"shape {self.shape} with {_names(given)}. Give {_names(needed)}.")
            if self.size is not None and self.size % 2 == 0:
                raise ValueError(f"size: got {self.size}. Use an odd number of pixels.")
            return self

        def _has(self, name: str) -> bool:
            return getattr(self, name) is not None

    inputs: ClassVar[Mapping[str, Port]] = {}
    output = "psf"

    def run(self, params: Params, inputs: Mapping[str, Value], context: Context) -> Value:
        """Evaluate the formula."""
        psf = _make(params)
        return Value("psf", {"psf": psf}, details={"size": psf.shape[0]})


def _make(params: MakePsf.Params) -> NDArray[np.float32]:
    from numerics import make_psf

    make = getattr(make_psf, params.shape)
    sizes = {name: getattr(params, name) for name in _NEEDED[params.shape]}
    psf: NDArray[np.float32] = make(**sizes, size=params.size)
    return psf


def _names(names: set[str]) -> str:
    return " and ".join(sorted(names)) or "no size"

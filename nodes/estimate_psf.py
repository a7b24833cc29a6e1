"""Find out what blur lies on a sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from nodes.image import Image
from pipeline.node import Context, Node, NodeParams, Port, Value
from pipeline.registry import register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from numerics.blind import Estimate

LARGEST_SAMPLE = 1024
"""Longest side of a sample, pixels: time grows with its area, certainty hardly does."""

_LEAST_AGREEMENT = 0.75


def _check_odd(size: int) -> int:
    if size % 2 == 0:
        raise ValueError(f"got {size}. Use an odd number of pixels from 3 to 65, or auto.")
    return size


Size = Annotated[int, Field(ge=3, le=65), AfterValidator(_check_odd)]


@register("estimate_psf")
class EstimatePsf(Node):
    """Estimate the blur (the point spread function) from a sample window of a picture."""

    class Params(NodeParams):
        """How large the blur can be, and whether the channels share it."""

        size: Size | Literal["auto"] = Field(
            15,
            description="side of the PSF, odd, 3 to 65 pixels, somewhat larger than the blur; "
            "auto: 15 or 31, whichever fits better",
        )
        blur: Literal["motion", "lens"] = Field(
            "motion", description="motion: one PSF for all channels; lens: one for each"
        )

    inputs: ClassVar[Mapping[str, Port]] = {
        "image": Port("image", help="the sample, linear light", arrays=("pixels",))
    }
    output = "psf"

    def run(self, params: Params, inputs: Mapping[str, Value], context: Context) -> Value:
        """Estimate one PSF on the mean of the channels; for lens blur adapt it to each."""
        sample = _read_sample(Image.of(inputs["image"]))
        # Noise is least in the mean; on photographs it led to better PSFs than luminance did.
        estimate = _estimate(sample.mean(axis=2), params, context)
        psf = estimate.psf
        if params.blur == "lens" and sample.shape[2] > 1:
            psf = _adapt(sample, psf, context)
        if estimate.agreement < _LEAST_AGREEMENT:
            context.warn(
                f"the PSF is uncertain: several ways to it agree to {estimate.agreement:.2f} only. "
                "Look at it before you use it, or choose a window with more edges."
            )
        return Value("psf", {"psf": psf}, details=_details(estimate))


def _read_sample(image: Image) -> NDArray[np.float32]:
    height, width, _ = image.shape
    if max(height, width) > LARGEST_SAMPLE:
        raise ValueError(
            f"the sample is {width} x {height} px. Crop a window of 255 px or so, at most "
            f"{LARGEST_SAMPLE} px on a side, and estimate the PSF on that."
        )
    return image.pixels[:, :, :]


def _estimate(
    sample: NDArray[np.float32], params: EstimatePsf.Params, context: Context
) -> Estimate:
    from numerics import blind

    progress, check = context.progress, context.check_cancelled
    if params.size == "auto":
        return blind.estimate_psf_and_size(sample, progress=progress, check=check)
    return blind.estimate_psf(sample, params.size, progress=progress, check=check)


def _adapt(
    sample: NDArray[np.float32], psf: NDArray[np.float32], context: Context
) -> NDArray[np.float32]:
    import numpy as np

    from numerics.blind import adapt_psf

    channels = np.moveaxis(sample, 2, 0)
    psfs = [adapt_psf(channel, psf, check=context.check_cancelled) for channel in channels]
    return np.stack(psfs, axis=2)


def _details(estimate: Estimate) -> dict[str, int | float | str]:
    return {
        "size": estimate.psf.shape[0],
        "whiteness": estimate.whiteness,
        "score": estimate.score,
        "start": estimate.origin,
        "agreement": estimate.agreement,
    }

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

LEAST_CONFIDENCE = 0.15
"""Below it the picture is left alone: such PSFs do more harm than good."""

_ENOUGH_CONFIDENCE = 0.6
# Light on the outermost pixels that a PSF with enough room never has.
_MOST_RIM_LIGHT = 0.04
# A size this many times the blur's extent, and pixels more, takes time for nothing.
_FAR_TOO_LARGE = 3
_LARGEST_SIZE = 65


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
            "auto: as large as the blur turns out to be",
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
        estimate = _estimate(sample, params, context)
        details = _details(estimate)
        if estimate.confidence < LEAST_CONFIDENCE:
            context.warn(_left_alone(estimate))
            return Value("psf", {"psf": _point()}, details={**details, "result": "left alone"})
        for message in _doubts(estimate, params):
            context.warn(message)
        psf = estimate.psf
        if params.blur == "lens" and sample.shape[2] > 1:
            psf = _adapt(sample, psf, context)
        return Value("psf", {"psf": psf}, details={**details, "result": "estimated"})


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
    from numerics.sample import find_unclipped

    # Noise is least in the mean; on photographs it led to better PSFs than luminance did.
    plane, known = sample.mean(axis=2), find_unclipped(sample)
    progress, check = context.progress, context.check_cancelled
    if params.size == "auto":
        return blind.estimate_psf_and_size(plane, known=known, progress=progress, check=check)
    return blind.estimate_psf(plane, params.size, known=known, progress=progress, check=check)


def _adapt(
    sample: NDArray[np.float32], psf: NDArray[np.float32], context: Context
) -> NDArray[np.float32]:
    from numerics.lens import estimate_channel_psfs
    from numerics.sample import find_unclipped

    known = find_unclipped(sample)
    return estimate_channel_psfs(sample, psf, known=known, check=context.check_cancelled)


def _point() -> NDArray[np.float32]:
    """Make a PSF that changes nothing."""
    import numpy as np

    psf = np.zeros((3, 3), np.float32)
    psf[1, 1] = 1
    return psf


def _left_alone(estimate: Estimate) -> str:
    return (
        f"the blur can't be told from this sample (confidence {estimate.confidence:.2f}): the "
        "picture is left alone. Choose a window with more edges in all directions, a larger one, "
        "or another size."
    )


def _doubts(estimate: Estimate, params: EstimatePsf.Params) -> list[str]:
    """Say what the user should know before trusting the PSF."""
    doubts = []
    if estimate.confidence < _ENOUGH_CONFIDENCE:
        doubts.append(
            f"the PSF is uncertain (confidence {estimate.confidence:.2f}). Look at it before you "
            "use it, or choose a window with more edges, a larger one, or another size."
        )
    if estimate.rim_light > _MOST_RIM_LIGHT:
        doubts.append(_too_small(estimate))
    if params.size != "auto" and params.size > _FAR_TOO_LARGE * estimate.extent + 8:
        doubts.append(
            f"size {params.size} is far more than this blur takes, {estimate.extent} px. "
            f"Size {estimate.extent + 4} or auto will do."
        )
    return doubts


def _too_small(estimate: Estimate) -> str:
    size = estimate.psf.shape[0]
    larger = min(_LARGEST_SIZE, size * 3 // 4 * 2 + 1)
    advice = f"Try size {larger} or auto." if larger > size else "Make the picture smaller first."
    return f"the PSF is cut off: {estimate.rim_light:.0%} of its light is at its rim. {advice}"


def _details(estimate: Estimate) -> dict[str, int | float | str]:
    return {
        "size": estimate.psf.shape[0],
        "extent": estimate.extent,
        "rim_light": estimate.rim_light,
        "confidence": estimate.confidence,
        "agreement": estimate.agreement,
        "whiteness": estimate.whiteness,
        "score": estimate.score,
        "start": estimate.origin,
    }

"""Find out what blur lies on a sample."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from nodes.image import Image
from pipeline.node import Context, Json, Node, NodeParams, Port, Value
from pipeline.registry import register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from numerics.blur_on_sample import Finding
    from numerics.light_trails import Trails

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
_RGB = ("red", "green", "blue")


def _check_odd(size: int) -> int:
    if size % 2 == 0:
        raise ValueError(f"got {size}. Use an odd number of pixels from 3 to 65, or auto.")
    return size


Size = Annotated[int, Field(ge=3, le=65), AfterValidator(_check_odd)]


@register("estimate_psf")
class EstimatePsf(Node):
    """Estimate the blur (the point spread function) from a sample window of a picture."""

    class Params(NodeParams):
        """How large the blur can be, its kind, and whether the channels share it."""

        size: Size | Literal["auto"] = Field(
            15,
            description="side of the PSF, odd, 3 to 65 pixels, somewhat larger than the blur; "
            "auto: as large as the blur turns out to be",
        )
        blur: Literal["motion", "lens"] = Field(
            "motion", description="motion: one PSF for all channels; lens: one for each"
        )
        family: Literal["auto", "none", "gaussian", "astigmatic", "disc", "line", "free"] = Field(
            "auto",
            description="kind of blur; auto: found out; none: no blur; astigmatic: a gaussian of "
            "two widths; disc: out of focus; line: an even movement; free: any form, as of shakes",
        )

    inputs: ClassVar[Mapping[str, Port]] = {
        "image": Port("image", help="the sample, linear light", arrays=("pixels",))
    }
    output = "psf"

    def run(self, params: Params, inputs: Mapping[str, Value], context: Context) -> Value:
        """Find one PSF on a mix of the channels; for lens blur adapt it to each."""
        sample = _read_sample(Image.of(inputs["image"]))
        finding = _find(sample, params, context)
        kind, details = finding.kind, _details(finding)
        if kind.name == "none":
            context.note(_no_blur(finding))
            return _value(_point(), {**details, "result": "no blur found"})
        if kind.name == "free" and kind.confidence < LEAST_CONFIDENCE:
            context.warn(_left_alone(finding))
            return _value(_point(), {**details, "result": "left alone"})
        if finding.trails is not None:
            context.note(_drawn(finding.trails))
        psf = kind.psf
        if params.blur == "lens" and sample.shape[2] > 1:
            psf = _adapt(sample, finding, context)
        rim_light = finding.rim_light
        if params.size != "auto":
            psf, lost = _fit_size(psf, params.size)
            rim_light += lost
        for message in _doubts(finding, rim_light, psf.shape[0], params):
            context.warn(message)
        return _value(psf, {**details, "rim_light": rim_light, "result": "estimated"})


def _value(psf: NDArray[np.float32], details: Mapping[str, Json]) -> Value:
    return Value("psf", {"psf": psf}, details={"size": psf.shape[0], **details})


def _read_sample(image: Image) -> NDArray[np.float32]:
    height, width, _ = image.shape
    if max(height, width) > LARGEST_SAMPLE:
        raise ValueError(
            f"the sample is {width} x {height} px. Crop a window of 255 px or so, at most "
            f"{LARGEST_SAMPLE} px on a side, and estimate the PSF on that."
        )
    return image.pixels[:, :, :]


def _find(sample: NDArray[np.float32], params: EstimatePsf.Params, context: Context) -> Finding:
    from numerics.blur_on_sample import find_blur
    from numerics.channel_mix import mix_channels

    mixes = mix_channels(sample)
    if len(mixes.used) < sample.shape[2]:
        context.note(_left_out(mixes.used, sample.shape[2]))
    strongest, *others = mixes.planes
    return find_blur(
        strongest,
        None if params.size == "auto" else params.size,
        family=None if params.family == "auto" else params.family,
        others=others,
        known=mixes.known,
        grain=mixes.grain,
        progress=context.progress,
        check=context.check_cancelled,
        workers=_affordable_workers(mixes.known.shape, params, context),
    )


def _affordable_workers(
    shape: tuple[int, int], params: EstimatePsf.Params, context: Context
) -> int:
    """Threads that the memory suffices for, besides the sample; it always goes on one."""
    from numerics.climb import climb_memory

    size = _LARGEST_SIZE if params.size == "auto" else params.size
    return max(1, min(context.workers, context.memory // climb_memory(shape, size)))


def _left_out(used: tuple[int, ...], channels: int) -> str:
    names = _RGB if channels == len(_RGB) else tuple(str(number) for number in range(channels))
    clipped = " and ".join(name for number, name in enumerate(names) if number not in used)
    return f"the blur is measured without {clipped}, clipped where other channels are not."


def _adapt(sample: NDArray[np.float32], finding: Finding, context: Context) -> NDArray[np.float32]:
    from numerics.clipping import find_unclipped
    from numerics.grain import find_grain
    from numerics.lens import adapt_to_channels

    kind = finding.kind
    return adapt_to_channels(
        sample,
        kind.psf if kind.fit is None else kind.fit,
        known=find_unclipped(sample),
        grain=find_grain([sample]),
        check=context.check_cancelled,
    )


def _fit_size(psf: NDArray[np.float32], size: int) -> tuple[NDArray[np.float32], float]:
    """Bring a PSF to a size, and tell the share of its light that this cuts off."""
    from numerics.psf import normalise, resized

    kept = resized(psf, size)
    return normalise(kept), max(0.0, 1 - float(kept.sum() / psf.sum()))


def _point() -> NDArray[np.float32]:
    """Make a PSF that changes nothing."""
    import numpy as np

    psf = np.zeros((3, 3), np.float32)
    psf[1, 1] = 1
    return psf


def _no_blur(finding: Finding) -> str:
    return (
        f"no blur found (confidence {finding.kind.confidence:.2f}): the picture is left alone. "
        "If it is blurred, name the family."
    )


def _drawn(trails: Trails) -> str:
    return f"the blur is what {trails.alike} light trails draw, of {trails.seen} that were seen."


def _left_alone(finding: Finding) -> str:
    return (
        f"the blur can't be told from this sample (confidence {finding.kind.confidence:.2f}): the "
        "picture is left alone. Choose a window with more edges in all directions, a larger one, "
        "or another size."
    )


def _doubts(finding: Finding, rim_light: float, size: int, params: EstimatePsf.Params) -> list[str]:
    """Say what the user should know before trusting the PSF."""
    doubts = []
    if params.family in ("auto", "free") and finding.kind.confidence < _ENOUGH_CONFIDENCE:
        doubts.append(
            f"the PSF is uncertain (confidence {finding.kind.confidence:.2f}). Look at it before "
            "you use it, or choose a window with more edges, a larger one, or another size."
        )
    if rim_light > _MOST_RIM_LIGHT:
        doubts.append(_too_small(rim_light, size))
    if params.size != "auto" and params.size > _FAR_TOO_LARGE * finding.extent + 8:
        doubts.append(
            f"size {params.size} is far more than this blur takes, {finding.extent} px. "
            f"Size {finding.extent + 4} or auto will do."
        )
    return doubts


def _too_small(rim_light: float, size: int) -> str:
    larger = min(_LARGEST_SIZE, size * 3 // 4 * 2 + 1)
    advice = f"Try size {larger} or auto." if larger > size else "Make the picture smaller first."
    return f"the PSF is cut off: {rim_light:.0%} of its light is at its rim or beyond. {advice}"


def _details(finding: Finding) -> dict[str, Json]:
    kind, estimate, trails = finding.kind, finding.estimate, finding.trails
    of_starts: dict[str, Json] = dict.fromkeys(("agreement", "whiteness", "score", "start"))
    if trails is not None:
        of_starts |= {"agreement": trails.likeness, "start": "light trails"}
    if estimate is not None:
        of_starts = {
            "agreement": estimate.agreement,
            "whiteness": estimate.whiteness,
            "score": estimate.score,
            "start": estimate.origin,
        }
    return {
        "kind": kind.name,
        **kind.parameters,
        "confidence": kind.confidence,
        "edge_width": _known(kind.edge_width),
        "spectral_width": _known(kind.spectral_width),
        "extent": finding.extent,
        "rim_light": finding.rim_light,
        **of_starts,
    }


def _known(width: float) -> float | None:
    return None if isnan(width) else width

"""Node ``deconvolve``: takes a known blur out of a picture of any size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import Field

from nodes.image import Image, read_rows
from nodes.streams import spans
from pipeline.errors import MemoryShortage
from pipeline.node import Array, Context, Json, Node, NodeParams, Port, Value
from pipeline.registry import register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from numerics.half_quadratic import Schedule
    from numerics.light import Light
    from numerics.outside import Inside
    from numerics.reach import Reach
    from numerics.tiles import Grid
    from numerics.unknown_border import Correction

Quality = Literal["fast", "normal", "clean"]

# One unit of priority as a factor of the weight of the data. At 8 camera shakes leave stripes.
_PRIORITY_BASE = 4.0
# The noise is taken from so many places a side, of so many pixels each, whole blocks of JPEG apart.
_SAMPLES_PER_SIDE = 6
_SAMPLE_SIDE = 192
_JPEG_BLOCK = 8
# JPEG's rounding makes clipped light darker, by up to this share of white. With 0.04 lights at
# night have 4 dB less, with 0.19 pictures that are overexposed 0.4 to 0.8.
_JPEG_SPREADS = 0.09
# Somewhat less than 2/3 suits photographs as well, and takes fewer steps.
_PRIOR_EXPONENT = 0.55
# Powers of the noise and of the psf's transparency, see `FidelityRule`.
_FIDELITY_OF = (-1.34, -0.43)
# In units of the noise, the latent's errors fall as it grows: detail that is lost does not grow
# along.
_ERRORS_OF_NOISE = -0.45
_ERRORS_AT = 0.008


_Correction: TypeAlias = tuple[tuple[int, ...], int]


@dataclass(frozen=True, slots=True)
class _Preset:
    """Steps of a quality.

    Attributes
    ----------
    betas : (float, float, float, int)
        That of the start; of the first and the last step after it, and how many there are.
    errors : tuple of float
        What is left of the latent's errors before each step with blocks, times the noise, where
        that is `_ERRORS_AT`; it changes with the noise's power `_ERRORS_OF_NOISE`.
    threshold : float
        Of a block's coefficients, times these errors.
    fidelity : float
        Factor of the `FidelityRule`.
    near, far, beyond : tuple
        Steps and iterations of the `Correction`, by how far the inverse of the blur reaches: the
        further, the more what lies beyond the picture's border matters.
    highlights : int
        Iterations of the `Clipping`.
    """

    betas: tuple[float, float, float, int]
    errors: tuple[float, ...]
    threshold: float
    fidelity: float
    near: _Correction
    far: _Correction
    beyond: _Correction
    highlights: int


# Halo, px, of camera shakes of some 25 px with little noise.
_FAR = 128
# Chosen on six photographs with eight psfs at 0.3 to 3 % of noise, and held against others. The
# first beta is so small that all gradients vanish beside it.
_PRESETS: Mapping[Quality, _Preset] = {
    "fast": _Preset(
        (5.0, 16.0, 80.0, 2),
        (1.25,),
        2.2,
        0.4,
        ((), 1),
        ((0,), 2),
        ((0,), 2),
        8,
    ),
    "normal": _Preset(
        (3.0, 10.0, 160.0, 3),
        (1.25,),
        2.2,
        0.4,
        ((0,), 2),
        ((0, 2), 3),
        ((0, 1, 2), 4),
        10,
    ),
    "clean": _Preset(
        (2.5, 8.5, 240.0, 5),
        (4.0, 2.8, 1.9, 1.1),
        1.3,
        0.57,
        ((0, 1, 2, 3), 2),
        ((0, 1, 2, 3), 3),
        ((0, 1, 2, 3), 7),
        15,
    ),
}


@register("deconvolve")
class Deconvolve(Node):
    """Take a known blur out of a picture.

    The strength follows from the noise of the picture; ``priority`` shifts it. Highlights that are
    clipped are found again before.
    """

    class Params(NodeParams):
        """How the picture is sharpened."""

        priority: float = Field(
            0.0, ge=-1, le=1, description="-1 least noise ... 0 balance ... +1 most sharpness"
        )
        quality: Quality = Field(
            "normal",
            description="fast: half of the time and 0.4 dB less; normal; clean: two to three "
            "times the time, 0.2 to 0.9 dB more, and the most care for what borders cut off",
        )

    inputs = {  # noqa: RUF012
        "image": Port("image", help="the blurred picture", arrays=("pixels",), passes=True),
        "psf": Port("psf", help="its blur"),
    }
    output = "image"

    def run(self, params: Params, inputs: Mapping[str, Value], context: Context) -> Value:
        """Deconvolve the picture tile by tile."""
        from nodes.tile_sweep import TileSweep
        from numerics.fft import engine_name
        from numerics.half_quadratic import TileSolver
        from numerics.light import Light
        from numerics.otf import Blur
        from numerics.tiles import plan_grid

        image = Image.of(inputs["image"])
        psf = _read_psf(inputs["psf"], image)
        light = Light.measure(list(_samples(image.pixels)))
        if _is_point(psf):
            return _given_back(image, light, context)
        schedule, reach = settle_schedule(params, light, psf)
        grid = plan_grid(image.shape[:2], reach.halo)
        result = context.new_array("pixels", image.shape, chunks=grid.chunks)
        workers = _affordable_workers(grid, schedule, image, psf, context)
        blur = Blur(psf, grid.shape)

        def new_solver() -> TileSolver:
            return TileSolver(blur, image.shape[2], schedule)

        sweep = TileSweep(
            image.pixels, result, grid, new_solver, context, workers, units=light.shares
        )
        sweep.run()
        details = _details(light, schedule, reach, grid)
        return image.with_pixels(result).value({**details, "fft": engine_name()})


def _read_psf(value: Value, image: Image) -> NDArray[np.float32]:
    """Read the psf and hold it against the picture."""
    import numpy as np

    from numerics.psf import check_psf

    array = value.arrays["psf"]
    psf = np.asarray(array[(slice(None),) * len(array.shape)], np.float32)
    check_psf(psf)
    height, width, channels = image.shape
    if psf.ndim == 3 and psf.shape[2] not in (1, channels):
        raise ValueError(
            f"psf has {psf.shape[2]} channels, the picture {channels}. "
            "Use a psf of one channel, or one for each of the picture's."
        )
    if psf.shape[0] > height or psf.shape[1] > width:
        raise ValueError(
            f"psf of {psf.shape[1]} x {psf.shape[0]} px on a picture of {width} x {height} px. "
            "Use a smaller psf or a larger picture."
        )
    return psf


def _given_back(image: Image, light: Light, context: Context) -> Value:
    """Copy the picture, value by value."""
    pixels = context.new_array("pixels", image.shape)
    for start, stop in spans(image.shape[0], pixels.chunks[0]):
        context.check_cancelled()
        pixels[start:stop, :, :] = read_rows(image.pixels, start, stop)
        context.progress(stop, image.shape[0])
    stopped = "the psf is a point: nothing to do"
    details: dict[str, Json] = {
        **_seen(light),
        "regularization": None,
        "steps": 0,
        "stopped": stopped,
        "tile": None,
        "halo": 0,
    }
    return image.with_pixels(pixels).value(details)


def _samples(pixels: Array) -> Iterator[NDArray[np.float32]]:
    """Read small parts spread evenly over the picture; all of a small one."""
    rows, columns = (_sample_spans(size) for size in pixels.shape[:2])
    for row, column in product(rows, columns):
        yield pixels[row, column, :]


def _sample_spans(size: int) -> list[slice]:
    import numpy as np

    count = max(1, min(_SAMPLES_PER_SIDE, size // _SAMPLE_SIDE))
    blocks = np.linspace(0, max(size - _SAMPLE_SIDE, 0) / _JPEG_BLOCK, count).astype(int)
    starts = (_JPEG_BLOCK * blocks).tolist()
    return [slice(start, min(start + _SAMPLE_SIDE, size)) for start in starts]


def settle_schedule(
    params: Deconvolve.Params, light: Light, psf: NDArray[np.float32]
) -> tuple[Schedule, Reach]:
    """Choose weights and steps for the whole picture; tell how far they look.

    They are for light in units in which all channels have as much noise.
    """
    from numerics.highlights import Clipping
    from numerics.light import SMALLEST_NOISE
    from numerics.reach import solver_reach

    light = light.in_units_of_noise
    schedule = _schedule(params, max(light.noise, SMALLEST_NOISE), psf)
    reach = solver_reach(psf, schedule)
    spread = _JPEG_SPREADS if light.grain == "compressed" else 0.0
    clipping = Clipping(light.levels, _PRESETS[params.quality].highlights, spread)
    changed = replace(
        schedule,
        correction=_correction(params.quality, reach),
        clipping=clipping,
        darkest=light.darkest,
    )
    return changed, reach


def _correction(quality: Quality, reach: Reach) -> Correction:
    from numerics.unknown_border import Correction

    preset = _PRESETS[quality]
    if reach.is_cut:
        # Bands along the border would not hold such filters.
        return Correction(*preset.beyond)
    return Correction(*(preset.near if reach.halo <= _FAR else preset.far), width=reach.halo)


def _schedule(params: Deconvolve.Params, noise: float, psf: NDArray[np.float32]) -> Schedule:
    from numerics.fidelity import FidelityRule
    from numerics.half_quadratic import BlockStep, Schedule, growing_betas

    preset = _PRESETS[params.quality]
    fidelity = FidelityRule(preset.fidelity, *_FIDELITY_OF).fidelity(psf, noise)
    fidelity *= _PRIORITY_BASE**params.priority
    # The factor is one of the data's variance: noise counts by its root.
    threshold = preset.threshold * noise / _PRIORITY_BASE ** (params.priority / 2)
    share = (noise / _ERRORS_AT) ** _ERRORS_OF_NOISE
    errors = [share * error for error in preset.errors]
    return Schedule(
        fidelity,
        _PRIOR_EXPONENT,
        growing_betas(*preset.betas),
        tuple(BlockStep(error**-2, error * threshold) for error in errors),
    )


def _affordable_workers(
    grid: Grid, schedule: Schedule, image: Image, psf: NDArray[np.float32], context: Context
) -> int:
    """Fit the number of tiles in work to the memory; their size would change pixels.

    Raises
    ------
    MemoryShortage
        If not even one fits.
    """
    from numerics.half_quadratic import TileSolver
    from numerics.highlights import window_shape
    from numerics.otf import Blur
    from numerics.unknown_border import region_shapes

    channels = image.shape[2]
    tile = grid.bytes_needed(channels)
    # A block more than there are workers may wait for its neighbours.
    insides = _insides(grid)
    size = max(psf.shape[:2])
    others = region_shapes(grid.shape, insides, schedule.correction)
    others |= {window_shape(grid.shape, size)}
    shared = Blur.bytes_needed(psf, grid.shape, *others) + tile
    each = TileSolver.bytes_needed(grid.shape, channels, schedule, insides, size) + tile
    workers = min(context.workers, (context.memory - shared) // each)
    if workers < 1:
        raise MemoryShortage(shared + each)
    return workers


def _insides(grid: Grid) -> list[Inside]:
    from numerics.outside import Inside

    return [Inside(*(fold.inside for fold in grid.folds(tile))) for tile in grid.tiles]


def _is_point(psf: NDArray[np.float32]) -> bool:
    import numpy as np

    centre = psf[psf.shape[0] // 2, psf.shape[1] // 2]
    return bool(np.all(centre > 1.0 - 1e-6))


def _seen(light: Light) -> dict[str, Json]:
    return {
        "noise": light.noise,
        "compressed": light.grain == "compressed",
        "demosaiced": light.grain == "demosaiced",
    }


def _details(light: Light, schedule: Schedule, reach: Reach, grid: Grid) -> dict[str, Json]:
    pairs = sum(schedule.transform_pairs(grid.shape, inside) for inside in _insides(grid))
    return {
        **_seen(light),
        "regularization": 1.0 / schedule.fidelity,
        "steps": schedule.steps,
        "stopped": "all steps done",
        "tile": [grid.columns.side, grid.rows.side],
        "halo": min(grid.columns.halo, grid.rows.halo),
        "tiles": len(grid.tiles),
        "transform_pairs": round(pairs),
        "expected_error": reach.expected_error,
    }

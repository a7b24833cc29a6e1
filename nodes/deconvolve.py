"""Node ``deconvolve``: takes a known blur out of a picture of any size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from nodes.image import Image
from pipeline.errors import MemoryShortage
from pipeline.node import Array, Context, Json, Node, NodeParams, Port, Value
from pipeline.registry import register

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from numerics.half_quadratic import Schedule
    from numerics.reach import Reach
    from numerics.tiles import Grid

Quality = Literal["fast", "normal", "clean"]

# One unit of priority as a factor of the weight of the data. At 8 camera shakes leave stripes.
_PRIORITY_BASE = 4.0
# The noise is taken from so many places a side, of so many pixels each.
_SAMPLES_PER_SIDE = 6
_SAMPLE_SIDE = 192
# Below this, 0.3 % of full scale, other errors than noise decide: those of the psf, of rounding to
# 8 bits. On real camera shakes with 0.15 % of noise, taking it for 0.3 % gains 1 to 2 dB.
_SMALLEST_NOISE = 3e-3
# Weight of the data, lambda = 1.13 noise^-1.5: best on average over camera shakes, discs and
# gaussians at 0.2 to 2 % noise (0.08 / noise^2 at 0.5 %). The exponent 2 of the theory leaves too
# much ringing at low noise and too much noise at high.
_FIDELITY = 1.13
_FIDELITY_EXPONENT = -1.5
# Exponent of the prior: 0.4 dB better than 1, total variation, at the same cost.
_PRIOR_EXPONENT = 2 / 3


@dataclass(frozen=True, slots=True)
class _Preset:
    """How beta grows, by a factor of 2^growth a step; when the picture's outside is corrected."""

    steps: int
    growth: float
    corrected: tuple[int, ...] = ()
    iterations: int = 1


_PRESETS: Mapping[Quality, _Preset] = {
    "fast": _Preset(steps=5, growth=1.84),
    "normal": _Preset(steps=8, growth=1.15, corrected=(2,), iterations=3),
    "clean": _Preset(steps=10, growth=1.2, corrected=(2, 3, 4, 5), iterations=5),
}


@register("deconvolve")
class Deconvolve(Node):
    """Take a known blur out of a picture.

    The strength follows from the noise of the picture; ``priority`` shifts it.
    """

    class Params(NodeParams):
        """How the picture is sharpened."""

        priority: float = Field(
            0.0, ge=-1, le=1, description="-1 least noise ... 0 balance ... +1 most sharpness"
        )
        quality: Quality = Field(
            "normal",
            description="fast: 5 steps, two thirds of the time and 0.2 dB less; normal: 8 steps; "
            "clean: 10 steps and the most care for what the picture's borders cut off",
        )

    inputs = {  # noqa: RUF012
        "image": Port("image", help="the blurred picture"),
        "psf": Port("psf", help="its blur"),
    }
    output = "image"

    def run(self, params: Params, inputs: Mapping[str, Value], context: Context) -> Value:
        """Deconvolve the picture tile by tile."""
        from nodes.tile_sweep import TileSweep
        from numerics.fft import engine_name
        from numerics.half_quadratic import Blur, TileSolver
        from numerics.reach import solver_reach
        from numerics.tiles import plan_grid

        image = Image.of(inputs["image"])
        psf = _read_psf(inputs["psf"], image)
        noise = _estimate_noise(image.pixels)
        schedule = settle_schedule(params, noise, psf)
        result = context.new_array("pixels", image.shape)
        reach = solver_reach(psf, schedule)
        grid = plan_grid(image.shape[:2], result.chunks[:2], reach.halo)
        workers = _affordable_workers(grid, schedule, image, psf, context)
        blur = Blur(psf, grid.shape)

        def new_solver() -> TileSolver:
            return TileSolver(blur, image.shape[2], schedule)

        TileSweep(image.pixels, result, grid, new_solver, context, workers).run()
        details = _details(noise, schedule, reach, grid)
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


def _estimate_noise(pixels: Array) -> float:
    import numpy as np

    from numerics.half_quadratic import NotFiniteError
    from numerics.noise import estimate_noise

    noise = estimate_noise(_samples(pixels))
    if not np.isfinite(noise):
        raise NotFiniteError("picture holds NaN or infinite pixels. Repair them first.")
    return noise


def _samples(pixels: Array) -> Iterator[NDArray[np.float32]]:
    """Read small parts spread evenly over the picture; all of a small one."""
    rows, columns = (_sample_spans(size) for size in pixels.shape[:2])
    for row, column in product(rows, columns):
        yield pixels[row, column, :]


def _sample_spans(size: int) -> list[slice]:
    import numpy as np

    count = max(1, min(_SAMPLES_PER_SIDE, size // _SAMPLE_SIDE))
    starts = np.linspace(0, max(size - _SAMPLE_SIDE, 0), count).astype(int)
    return [slice(start, min(start + _SAMPLE_SIDE, size)) for start in starts.tolist()]


def settle_schedule(params: Deconvolve.Params, noise: float, psf: NDArray[np.float32]) -> Schedule:
    """Choose weight and steps for the whole picture."""
    from numerics.half_quadratic import Schedule

    preset = _PRESETS[params.quality]
    fidelity = _FIDELITY * max(noise, _SMALLEST_NOISE) ** _FIDELITY_EXPONENT
    return Schedule.geometric(
        fidelity * _PRIORITY_BASE**params.priority,
        exponent=_PRIOR_EXPONENT,
        steps=0 if _is_point(psf) else preset.steps,
        growth=preset.growth,
        corrected=preset.corrected,
        iterations=preset.iterations,
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
    from numerics.half_quadratic import Blur, TileSolver

    channels = image.shape[2]
    tile = grid.bytes_needed(channels)
    # A block more than there are workers may wait for its neighbours.
    shared = Blur.bytes_needed(grid.shape, psf) + tile
    each = TileSolver.bytes_needed(grid.shape, channels, schedule) + tile
    workers = min(context.workers, (context.memory - shared) // each)
    if workers < 1:
        raise MemoryShortage(shared + each)
    return workers


def _is_point(psf: NDArray[np.float32]) -> bool:
    import numpy as np

    centre = psf[psf.shape[0] // 2, psf.shape[1] // 2]
    return bool(np.all(centre > 1.0 - 1e-6))


def _details(noise: float, schedule: Schedule, reach: Reach, grid: Grid) -> dict[str, Json]:
    steps = len(schedule.betas)
    outer = grid.outer_tiles
    pairs = outer * schedule.transform_pairs(reaches_out=True)
    pairs += (len(grid.tiles) - outer) * schedule.transform_pairs(reaches_out=False)
    return {
        "noise": noise,
        "regularization": 1.0 / schedule.fidelity,
        "steps": steps,
        "stopped": "all steps done" if steps else "the psf is a point: nothing to do",
        "tile": [grid.columns.side, grid.rows.side],
        "halo": min(grid.columns.halo, grid.rows.halo),
        "tiles": len(grid.tiles),
        "transform_pairs": round(pairs),
        "expected_error": reach.expected_error,
    }

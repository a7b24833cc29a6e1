"""Deconvolution from store to store, beside its own bare Fourier transforms and scikit-image.

RGB pictures, a camera shake of 19 px. Seconds, seconds a Mpix, nanoseconds a pixel and channel;
the time over that of nothing but the transform pairs of the same tiles, halos, engine and
threads, measured in turn, the best of three; and the most memory the process has held so far. The
rows: sizes, one worker against all, qualities, engines. Then scikit-image's ``richardson_lucy`` on
1 Mpix.

    python benchmarks/deconvolve_speed.py [MPIX ...]
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import skimage.restoration
from _in_memory import MemoryContext, linear_photographs
from numpy.typing import DTypeLike, NDArray

from cache.disk import DiskStore
from nodes.deconvolve import Deconvolve
from numerics.blur import blur
from numerics.fft import PlaneTransforms, choose_engine
from numerics.fft_engines import installed_engines
from numerics.make_psf import shake
from pipeline.node import Value
from pipeline.resources import peak_memory, usable_cores

SIZES = (1, 4, 36, 100)
COMPARED = 4
NOISE = 0.005
PSF = shake(17, 2, 19)
SOURCE, RESULT = "0" * 32, "1" * 32
ITERATIONS = 20
# The best counts, of each in turn: other processes only ever slow them down.
ROUNDS = 3


class StoreContext(MemoryContext):
    """A context whose arrays go to the disk store, as in a run."""

    def __init__(self, workers: int, draft: Any) -> None:
        super().__init__(workers)
        self._draft = draft

    def new_array(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: DTypeLike = np.float32,
        *,
        passing: bool = False,
        chunks: tuple[int, ...] | None = None,
    ) -> Any:
        """Make an array of the draft."""
        return self._draft.new_array(name, shape, dtype, passing=passing, chunks=chunks)


def main() -> None:
    sizes = [float(word) for word in sys.argv[1:]] or SIZES
    workers = usable_cores()
    print(
        "  Mpix  quality  engine  workers  seconds   s/Mpix  ns/px/ch  bare FFTs  ratio  peak MiB"
    )
    with tempfile.TemporaryDirectory() as folder:
        store = DiskStore(Path(folder) / "cache")
        prepare(store, 512)
        deconvolve(store, workers)  # compiles
        per_mpix = {}
        for size in sizes:
            prepare(store, side_of(size))
            per_mpix[f"normal, {size:g} Mpix"] = row(store, workers)
            if size == max(sizes) or size == 36:
                row(store, 1)
        prepare(store, side_of(COMPARED))
        for quality in ("fast", "clean"):
            per_mpix[f"{quality}, {COMPARED} Mpix"] = row(store, workers, quality)
        for engine in installed_engines():
            choose_engine(engine)
            row(store, workers)
    peer(per_mpix)


def side_of(size: float) -> int:
    """Side of a square picture of `size` Mpix."""
    return round((size * 1e6) ** 0.5)


def row(store: DiskStore, workers: int, quality: str = "normal") -> float:
    """Measure one case and print it; give the seconds a Mpix."""
    deconvolve(store, workers, quality)  # plans its transforms
    seconds = bare = float("inf")
    for _ in range(ROUNDS):
        once, details = deconvolve(store, workers, quality)
        seconds, bare = min(seconds, once), min(bare, bare_transforms(details, workers))
    pixels = store.open(SOURCE)["pixels"].shape[0] ** 2
    print(
        f"{pixels / 1e6:6.1f}  {quality:<7}  {details['fft']:<6}{workers:9d}{seconds:9.2f}"
        f"{seconds / pixels * 1e6:9.3f}{seconds / pixels / 3 * 1e9:10.1f}"
        f"{bare:11.2f}{seconds / bare:7.2f}{peak_memory() / 2**20:10.0f}",
        flush=True,
    )
    return seconds / pixels * 1e6


def prepare(store: DiskStore, side: int) -> None:
    """Put a blurred picture of side x side into the store, in rows, to keep memory low."""
    part = linear_photographs(1024)
    noise = np.random.default_rng(1).normal(0, NOISE, part.shape)
    part = (blur(part, PSF) + noise).astype(np.float32)
    with store.begin(SOURCE) as draft:
        array = draft.new_array("pixels", (side, side, 3), np.float32)
        rows = array.chunks[0]
        columns = np.arange(side) % part.shape[1]
        for top in range(0, side, rows):
            lines = np.arange(top, min(top + rows, side)) % part.shape[0]
            array[top : top + rows, 0:side, 0:3] = part[lines[:, None], columns]
        draft.publish({"facts": {}})


def deconvolve(store: DiskStore, workers: int, quality: str = "normal") -> tuple[float, Any]:
    """Deconvolve what `prepare` stored; give the seconds and the node's details."""
    facts: Any = {"encoding": "linear", "bit_depth": 32}
    psf: NDArray[np.float32] = PSF
    inputs = {
        "image": Value("image", store.open(SOURCE), facts),
        "psf": Value("psf", {"psf": psf}),
    }
    params = Deconvolve.Params(quality=quality)  # type: ignore[arg-type]
    began = time.perf_counter()
    with store.begin(RESULT) as draft:
        context: Any = StoreContext(workers, draft)
        result = Deconvolve().run(params, inputs, context)
        draft.publish({"facts": {}})
    seconds = time.perf_counter() - began
    store.delete(RESULT)
    return seconds, result.details


def bare_transforms(details: Any, workers: int) -> float:
    """Time the transform pairs that the node needed, and nothing else."""
    width, height = details["tile"]
    own = threading.local()

    def pair(_number: int) -> None:
        if not hasattr(own, "transforms"):
            own.transforms = PlaneTransforms(3, (height, width))
            own.transforms.planes[...] = 0
        for channel in range(3):
            own.transforms.forward(channel)
            own.transforms.inverse(channel)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(pair, range(2 * workers)))  # buffers and plans
        began = time.perf_counter()
        list(pool.map(pair, range(details["transform_pairs"])))
        return time.perf_counter() - began


def peer(per_mpix: dict[str, float]) -> None:
    """Time scikit-image on 1 Mpix of grey, one thread, which is all it uses; compare."""
    plane = np.ascontiguousarray(linear_photographs(1000)[..., 0])
    skimage.restoration.richardson_lucy(plane[:128, :128], PSF, num_iter=2, clip=False)
    once = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        skimage.restoration.richardson_lucy(plane, PSF, num_iter=ITERATIONS, clip=False)
        once.append(time.perf_counter() - began)
    seconds = 3 * min(once)
    print(f"\nscikit-image richardson_lucy, {ITERATIONS} iterations, 1 Mpix RGB: {seconds:.2f} s")
    for name, ours in per_mpix.items():
        print(f"{name}: {seconds / ours:.1f} times as fast a Mpix")


if __name__ == "__main__":
    main()

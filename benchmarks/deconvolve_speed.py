"""Deconvolution from store to store, beside its own bare Fourier transforms.

For 1, 4 and 36 Mpix of RGB and a camera shake of 19 px: seconds, nanoseconds a pixel and channel,
the time over that of nothing but the transform pairs of the same tiles, halos, engine and
threads, measured in the same run, and the most memory the process has held so far. Then one
worker against two.

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
from _in_memory import MemoryContext, linear_photographs
from numpy.typing import DTypeLike, NDArray

from cache.disk import DiskStore
from nodes.deconvolve import Deconvolve
from numerics.blur import blur
from numerics.fft import Transform
from numerics.make_psf import shake
from pipeline.node import Value
from pipeline.resources import peak_memory, usable_cores

NOISE = 0.005
PSF = shake(17, 2, 19)
SOURCE, RESULT = "0" * 32, "1" * 32


class StoreContext(MemoryContext):
    """A context whose arrays go to the disk store, as in a run."""

    def __init__(self, workers: int, draft: Any) -> None:
        super().__init__(workers)
        self._draft = draft

    def new_array(self, name: str, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> Any:
        """Make an array of the draft."""
        return self._draft.new_array(name, shape, dtype)


def main() -> None:
    sizes = [float(word) for word in sys.argv[1:]] or [1, 4, 36]
    workers = usable_cores()
    print("  Mpix  workers  seconds  ns/px/ch  bare FFT  ratio  peak MiB")
    with tempfile.TemporaryDirectory() as folder:
        store = DiskStore(Path(folder) / "cache")
        prepare(store, 512)
        deconvolve(store, workers)  # compiles
        for size in sizes:
            side = round((size * 1e6) ** 0.5)
            prepare(store, side)
            for threads in sorted({workers, 1}, reverse=True) if size == sizes[-1] else [workers]:
                row(store, side, threads)


def row(store: DiskStore, side: int, workers: int) -> None:
    """Measure one size and print it."""
    details: Any = deconvolve(store, workers)[1]  # plans its transforms
    seconds, details = deconvolve(store, workers)
    bare = bare_transforms(details, workers)
    print(
        f"{side**2 / 1e6:6.1f}{workers:9d}{seconds:9.2f}{seconds / side**2 / 3 * 1e9:10.1f}"
        f"{bare:10.2f}{seconds / bare:7.2f}{peak_memory() / 2**20:10.0f}",
        flush=True,
    )


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


def deconvolve(store: DiskStore, workers: int) -> tuple[float, Any]:
    """Deconvolve what `prepare` stored; give the seconds and the node's details."""
    facts: Any = {"encoding": "linear", "bit_depth": 32}
    psf: NDArray[np.float32] = PSF
    inputs = {
        "image": Value("image", store.open(SOURCE), facts),
        "psf": Value("psf", {"psf": psf}),
    }
    began = time.perf_counter()
    with store.begin(RESULT) as draft:
        context: Any = StoreContext(workers, draft)
        result = Deconvolve().run(Deconvolve.Params(), inputs, context)
        draft.publish({"facts": {}})
    seconds = time.perf_counter() - began
    store.delete(RESULT)
    return seconds, result.details


def bare_transforms(details: Any, workers: int) -> float:
    """Time the transform pairs that the solver needs, and nothing else."""
    width, height = details["tile"]
    own = threading.local()

    def tile(_number: int) -> None:
        if not hasattr(own, "transform"):
            own.transform = Transform((3, height, width))
            own.transform.planes[...] = 0
        for _ in range(details["steps"]):
            own.transform.forward()
            own.transform.inverse()

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(tile, range(workers)))  # buffers and plans
        began = time.perf_counter()
        list(pool.map(tile, range(details["tiles"])))
        return time.perf_counter() - began


if __name__ == "__main__":
    main()

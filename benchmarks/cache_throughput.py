"""How fast the disk store writes and reads pictures, beside numpy's own files.

Run ``python benchmarks/cache_throughput.py [megapixels] [rounds]``; both write to the folder
for temporary files, then read what is still in the system's memory, so that what the store adds
(digests, a file a chunk) shows and not the disk. Every round does all of them once; the best of
each counts. Reading in tiles with a halo is what deconvolve does.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cache.chunks import Grid, slices
from cache.disk import DiskStore
from cache.store import StoredArray

KEY = "a" * 32
TILE, HALO = 896, 64


def main(megapixels: float, rounds: int) -> None:
    side = int((megapixels * 1e6) ** 0.5)
    pixels = np.random.default_rng(0).random((side, side, 3), np.float32)
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, seconds in _round(pixels).items():
            best[name] = min(best.get(name, np.inf), seconds)
    print(f"{side} x {side} x 3 float32, {pixels.nbytes / 1e6:.0f} MB, best of {rounds}")
    for name, seconds in best.items():
        print(f"{name:<28} {seconds:7.3f} s {pixels.nbytes / seconds / 1e9:7.2f} GB/s")


def _round(pixels: NDArray[np.float32]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        file, store = Path(folder) / "pixels.npy", DiskStore(Path(folder) / "cache")
        seconds = {
            "np.save": _timed(lambda: np.save(file, pixels)),
            "store, write": _timed(lambda: _write(store, pixels)),
            "np.load": _timed(lambda: np.load(file)),
        }
        stored = store.open(KEY)["pixels"]
        seconds["store, read chunks"] = _timed(lambda: _read_chunks(stored))
        seconds["store, read whole"] = _timed(lambda: stored[()])
        seconds["store, read tiles + halo"] = _timed(lambda: _read_tiles(stored))
        store.clear()
        return seconds


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _write(store: DiskStore, pixels: NDArray[np.float32]) -> None:
    with store.begin(KEY) as draft:
        draft.put_array("pixels", pixels)
        draft.publish({"facts": {}})


def _read_chunks(stored: StoredArray) -> None:
    grid = Grid(stored.shape, stored.chunks)
    for cell in grid.cells():
        stored[slices(grid.spans(cell))]


def _read_tiles(stored: StoredArray) -> None:
    height, width = stored.shape[:2]
    for y in range(0, height, TILE):
        for x in range(0, width, TILE):
            rows = slice(max(0, y - HALO), y + TILE + HALO)
            stored[rows, max(0, x - HALO) : x + TILE + HALO]


if __name__ == "__main__":
    megapixels, rounds = (sys.argv[1:] + ["16", "3"][len(sys.argv) - 1 :])[:2]
    main(float(megapixels), int(rounds))

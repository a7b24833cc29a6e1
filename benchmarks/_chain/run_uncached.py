"""``unblur`` with the chain's kinds and no cache: results are neither written nor digested.

They go from node to node in memory, as with a cache, and files without content stand for them;
everything else is as in `run_unblur`.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np

import _chain.nodes  # noqa: F401 - registers them
from cache.arrays import DigestedArray
from cache.zarr_chunks import ChunkFiles
from pipeline.cli import main

_numbers = itertools.count()


def _fill(array: DigestedArray, values: Any, workers: int) -> None:
    digest = f"{next(_numbers):032x}"  # another for each result, or nodes would take them over
    unwritten = np.empty(array.chunks, array.dtype)
    for cell in array.grid.cells():
        array._source.write(cell, unwritten)
        array.digests[cell] = digest


def _write(files: ChunkFiles, path: Path, values: Any) -> None:
    path.touch()
    os.truncate(path, values.nbytes)


DigestedArray.fill = _fill  # type: ignore[method-assign]
ChunkFiles.write = _write  # type: ignore[assignment, method-assign]
main()

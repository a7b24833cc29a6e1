"""What the benchmarks share: pictures, and a node's context with everything in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import skimage.data
from numpy.typing import DTypeLike, NDArray

CHUNK = 512


class MemoryArray(np.ndarray):
    """An array that says how it is to be written."""

    @property
    def chunks(self) -> tuple[int, ...]:
        """Chunks as the disk store lays them out."""
        return (*(min(n, CHUNK) for n in self.shape[:2]), *self.shape[2:])

    def is_written(self, region: Any) -> bool:
        """Nothing is continued here."""
        return False


class MemoryContext:
    """A `pipeline.node.Context` in memory."""

    memory = 2**30

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def new_array(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: DTypeLike = np.float32,
        *,
        passing: bool = False,
        chunks: tuple[int, ...] | None = None,
    ) -> Any:
        """Make an array in memory."""
        return np.zeros(shape, dtype).view(MemoryArray)

    def progress(self, done: float, total: float) -> None:
        """Show nothing."""

    def warn(self, message: str) -> None:
        """Print a warning."""
        print(f"warning: {message}")

    def note(self, message: str) -> None:
        """Keep quiet."""

    def check_cancelled(self) -> None:
        """Go on."""


def linear_photographs(side: int = 1024) -> NDArray[np.float32]:
    """Four photographs of scikit-image's wheel as one picture of side x side, linear light."""
    names = ("astronaut", "coffee", "chelsea", "retina")
    half = side // 2
    parts = [_cut(getattr(skimage.data, name)(), half) for name in names]
    picture = np.vstack([np.hstack(parts[:2]), np.hstack(parts[2:])]).astype(np.float64) / 255
    return np.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def _cut(picture: NDArray[Any], side: int) -> NDArray[Any]:
    repeats = [(0, max(0, side - n)) for n in picture.shape[:2]]
    whole = np.pad(picture, (*repeats, (0, 0)), mode="symmetric")
    top, left = ((n - side) // 2 for n in whole.shape[:2])
    return whole[top : top + side, left : left + side]

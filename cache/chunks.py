"""The grid of chunks that an array is stored in, and the regions read and written."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import EllipsisType
from typing import TypeAlias

from cache.store import Region

Cell: TypeAlias = tuple[int, ...]
"""A chunk's place in the grid, counted in chunks."""

Spans: TypeAlias = tuple[tuple[int, int], ...]
"""Start and stop along each axis, in elements."""

SIDE = 512


def chunk_shape(shape: tuple[int, ...], wished: tuple[int, ...] | None = None) -> tuple[int, ...]:
    """Choose 512 x 512 with everything that hangs on a pixel; smaller arrays are one chunk.

    Measured, float32 RGB, reading and writing: 512 is twice as fast as 256, and
    larger ones make tiles read much that they don't need. Sides that are `wished` for the first
    axes are taken, whatever the rest of the axes has is one chunk.

    Raises
    ------
    ValueError
        If more sides are wished than there are axes, or one below 1.
    """
    if wished is not None:
        if len(wished) > len(shape) or min(wished, default=1) < 1:
            raise ValueError(f"got chunks of {wished} for {shape}. Use sides of 1 or more.")
        sides = (*map(int, wished), *shape[len(wished) :])
        return tuple(min(max(n, 1), side) for n, side in zip(shape, sides, strict=True))
    if len(shape) == 1:
        return (min(max(shape[0], 1), SIDE * SIDE),)
    plane = tuple(min(max(n, 1), SIDE) for n in shape[:2])
    return plane + tuple(max(n, 1) for n in shape[2:])


def spans_of(region: Region | slice | EllipsisType, shape: tuple[int, ...]) -> Spans:
    """Turn slices into spans; axes that are not named are taken whole.

    Written for tuples of slices; what works with numpy's ``a[...]`` and ``a[:9]`` works too.

    Raises
    ------
    ValueError
        If the region is not made of slices of step 1, or has more axes than the array.
    """
    if region is Ellipsis:
        region = ()
    if isinstance(region, slice):
        region = (region,)
    if len(region) > len(shape) or not all(isinstance(axis, slice) for axis in region):
        raise ValueError(f"got region {region!r}. Use at most {len(shape)} slices.")
    bounds = [axis.indices(n) for axis, n in zip(region, shape, strict=False)]
    if any(step != 1 for _, _, step in bounds):
        raise ValueError(f"got region {region!r}. Use slices of step 1.")
    named = tuple((start, max(start, stop)) for start, stop, _ in bounds)
    return named + tuple((0, n) for n in shape[len(region) :])


def extent(spans: Spans) -> tuple[int, ...]:
    """Measure the shape of the region between the spans."""
    return tuple(stop - start for start, stop in spans)


def slices(spans: Spans, origin: Spans | None = None) -> Region:
    """Make slices of the spans, counted from where `origin` starts."""
    starts = [start for start, _ in origin] if origin is not None else [0] * len(spans)
    return tuple(slice(a - o, b - o) for (a, b), o in zip(spans, starts, strict=True))


def common(first: Spans, second: Spans) -> Spans:
    """Intersect two regions that touch each other."""
    return tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(first, second, strict=True))


@dataclass(frozen=True, slots=True)
class Grid:
    """An array's shape and its chunks' shape, in elements; chunks at the end may be cut off."""

    shape: tuple[int, ...]
    chunks: tuple[int, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """Chunks along each axis."""
        return tuple(-(-n // chunk) for n, chunk in zip(self.shape, self.chunks, strict=True))

    @property
    def count(self) -> int:
        """Number of all chunks."""
        return math.prod(self.counts)

    def cells(self) -> Iterator[Cell]:
        """List all cells, in C order."""
        return itertools.product(*map(range, self.counts))

    def spans(self, cell: Cell) -> Spans:
        """Tell which elements a cell holds."""
        return tuple(
            (i * chunk, min((i + 1) * chunk, n))
            for i, chunk, n in zip(cell, self.chunks, self.shape, strict=True)
        )

    def touched(self, spans: Spans) -> Iterator[Cell]:
        """List the cells that a region has elements of, in C order."""
        ranges = [
            range(start // chunk, -(-stop // chunk) if stop > start else 0)
            for (start, stop), chunk in zip(spans, self.chunks, strict=True)
        ]
        return itertools.product(*ranges)

    def is_whole(self, spans: Spans) -> bool:
        """Whether a region is made of whole chunks."""
        return all(
            start % chunk == 0 and (stop % chunk == 0 or stop == n)
            for (start, stop), chunk, n in zip(spans, self.chunks, self.shape, strict=True)
        )

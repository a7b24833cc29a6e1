"""Tile arithmetic: which part of a picture each tile solves, reads and hands over.

A tile's **core** is its share of the result: whole chunks of the array that is written. Its
**block** is the core plus a margin in which it fades into its neighbours. Its transform covers
the block and a **halo** around it, and all tiles of a picture have transforms of one shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from numerics.boundary import smootherstep
from numerics.fft import Planes, next_fast_size

# Larger transforms fall out of the processor's cache: 2048² takes 1.7 times as long a pixel.
LARGEST_SIDE = 1600
MARGIN = 8

_kernel = numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")


@dataclass(frozen=True, slots=True)
class Span:
    """One axis of a tile, in pixels of the picture.

    Attributes
    ----------
    core, block : (int, int)
        Start and stop.
    origin : int
        First sample of the transform; may lie outside of the picture.
    """

    core: tuple[int, int]
    block: tuple[int, int]
    origin: int

    def weights(self) -> NDArray[np.float32]:
        """Share of this tile in the result, for each pixel of the block.

        At every pixel of the picture the shares of all tiles sum to 1.
        """
        place = np.arange(*self.block, dtype=np.float64) + 0.5
        share = np.ones(place.size, np.float32)
        if self.block[0] < self.core[0]:
            share = _rise(place, self.core[0])
        if self.block[1] > self.core[1]:
            share = share * (1 - _rise(place, self.core[1]))
        return share


def _rise(place: NDArray[np.float64], joint: int) -> NDArray[np.float32]:
    u = np.clip((place - joint) / (2 * MARGIN) + 0.5, 0.0, 1.0)
    return smootherstep(u).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Axis:
    """The tiles along one axis.

    Attributes
    ----------
    spans : tuple of Span
    side : int
        Samples in each tile's transform.
    halo : int
        Pixels beyond the cores on either side: what was asked for, or more where that makes a
        faster transform.
    """

    spans: tuple[Span, ...]
    side: int
    halo: int

    @property
    def fold(self) -> int:
        """Samples across which the two sides of a tile's wrap fade into each other."""
        return self.halo - self.halo % 2


def plan_axis(size: int, chunk: int, halo: int, largest: int = LARGEST_SIDE) -> Axis:
    """Cut an axis into tiles whose cores are whole chunks.

    Of all ways whose transforms have at most `largest` samples, takes that with the fewest
    samples in all; one chunk a tile if none fits.

    Parameters
    ----------
    size : int
        Pixels of the picture along this axis.
    chunk : int
        Side of the chunks that will be written.
    halo : int
        Pixels that a tile has to know beyond its core.
    """
    halo = max(halo, MARGIN)
    # A core that is shorter than a margin would fade into neighbours that are not its own.
    smallest = chunk * -(-2 * MARGIN // chunk)
    # A rest shorter than the halo joins the tile before, which would otherwise have the border of
    # the picture within its halo, and see it differently.
    most = max(1, (size - halo) // smallest + 1)
    layouts = [_cores(size, smallest, most, count) for count in range(1, most + 1)]
    fitting = [cores for cores in layouts if _side(cores, halo) <= largest] or layouts[-1:]
    cores = min(fitting, key=lambda cores: (len(cores) * _side(cores, halo), len(cores)))
    side = _side(cores, halo)
    spans = tuple(_span(core, size, side, halo) for core in cores)
    return Axis(spans, side, (side - _longest(cores)) // 2)


def _cores(size: int, unit: int, units: int, count: int) -> list[tuple[int, int]]:
    """Share out `units`, the last of which takes the rest of the axis, as evenly as can be."""
    edges = [unit * (units * tile // count) for tile in range(count)] + [size]
    return list(pairwise(edges))


def _longest(cores: list[tuple[int, int]]) -> int:
    return max(stop - start for start, stop in cores)


def _side(cores: list[tuple[int, int]], halo: int) -> int:
    return next_fast_size(_longest(cores) + 2 * halo)


def _span(core: tuple[int, int], size: int, side: int, halo: int) -> Span:
    start, stop = core
    block = (max(start - MARGIN, 0), min(stop + MARGIN, size))
    middle = (start + stop - side) // 2
    # A tile reaches no further beyond the picture's border than it must.
    return Span(core, block, max(-halo, min(middle, size + halo - side)))


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: its place in the grid, its spans along both axes."""

    index: tuple[int, int]
    rows: Span
    columns: Span

    @property
    def core(self) -> tuple[slice, slice]:
        """Region of the result that this tile writes."""
        return slice(*self.rows.core), slice(*self.columns.core)


@dataclass(frozen=True)
class Grid:
    """All tiles of a picture."""

    rows: Axis
    columns: Axis

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of each tile's transform."""
        return self.rows.side, self.columns.side

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """The tiles in sweeping order: along the side that has fewer, so that few wait."""
        along_rows = len(self.columns.spans) <= len(self.rows.spans)
        places = product(enumerate(self.rows.spans), enumerate(self.columns.spans))
        tiles = (Tile((i, j), rows, columns) for (i, rows), (j, columns) in places)
        return tuple(sorted(tiles, key=lambda tile: tile.index[:: 1 if along_rows else -1]))

    @property
    def line_length(self) -> int:
        """Tiles in one line of the sweep."""
        return min(len(self.rows.spans), len(self.columns.spans))

    def neighbours(self, tile: Tile) -> Iterator[Tile]:
        """Find the tiles, eight at most, whose blocks reach into a tile's core."""
        for other in self.tiles:
            distance = max(abs(a - b) for a, b in zip(tile.index, other.index, strict=True))
            if distance == 1:
                yield other


def plan_grid(shape: Sequence[int], chunks: Sequence[int], halo: int) -> Grid:
    """Cut a picture of (height, width) into tiles made of whole chunks; see `plan_axis`."""
    return Grid(plan_axis(shape[0], chunks[0], halo), plan_axis(shape[1], chunks[1], halo))


@dataclass(frozen=True, slots=True)
class Block:
    """A solved tile: (height, width, channel) float32, faded towards its neighbours."""

    tile: Tile
    values: NDArray[np.float32]

    @classmethod
    def cut(cls, planes: Planes, tile: Tile) -> Block:
        """Take a tile's block out of its solved planes (channel, H, W)."""
        (top, bottom), (left, right) = tile.rows.block, tile.columns.block
        values = np.empty((bottom - top, right - left, planes.shape[0]), np.float32)
        window = planes[:, top - tile.rows.origin :, left - tile.columns.origin :]
        _interleave(window, tile.rows.weights(), tile.columns.weights(), values)
        return cls(tile, values)

    def add(self, other: Block) -> None:
        """Add what another block holds of this one's core."""
        rows = _overlap(self.tile.rows, other.tile.rows)
        columns = _overlap(self.tile.columns, other.tile.columns)
        mine = self._view(rows, columns)
        mine += other._view(rows, columns)

    @property
    def core(self) -> NDArray[np.float32]:
        """The tile's share of the result; whole once all neighbours are added."""
        return self._view(self.tile.rows.core, self.tile.columns.core)

    def _view(self, rows: tuple[int, int], columns: tuple[int, int]) -> NDArray[np.float32]:
        top, left = self.tile.rows.block[0], self.tile.columns.block[0]
        return self.values[rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left]


def _overlap(mine: Span, other: Span) -> tuple[int, int]:
    return max(mine.core[0], other.block[0]), min(mine.core[1], other.block[1])


@_kernel  # type: ignore[untyped-decorator]
def _interleave(window: Any, row_weights: Any, column_weights: Any, values: Any) -> None:
    for y in range(values.shape[0]):
        for c in range(values.shape[2]):
            for x in range(values.shape[1]):
                values[y, x, c] = window[c, y, x] * (row_weights[y] * column_weights[x])

"""Tile arithmetic: which part of a picture each tile solves, reads and hands over.

A tile's **core** is its share of the result: whole chunks of the array that is written, whose
chunks are therefore chosen here as well. Its
**block** is the core and, before each later neighbour, a **joint**: a strip of that neighbour's
core over which the two fade into each other. So a core is complete as soon as the tiles above
and to the left of it are solved. The transform covers the block and a **halo** beyond the middle
of the joints, and all tiles of a picture have transforms of one shape.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from numerics.boundary import Fold, fold_axis, smootherstep
from numerics.fft import Planes

LARGEST_SIDE = 1600
WIDE_HALOS = 384
JOINT = 32

# What makes a transform fast, measured with FFTW from 384 to 1920, two at a time: a side with many
# factors of two, so that vector instructions have whole vectors (a sample of 1344 = 2^6 * 21 takes
# 1.4 times as long as one of 1280 = 2^8 * 5), and one that fits the processor's caches.
_VECTOR = 8
_ODD_PARTS = frozenset({1, 3, 5, 9, 15})
_SLOWER_BY_SIDE = 6e-4
# Small pictures are cut so that two workers have something to do, however many there are: tiles
# must not depend on that. Larger ones have enough tiles for any number.
_AT_ONCE = 2
# Chunks of about this side are written and read fastest, see `cache.chunks`.
_CHUNK = 640

_kernel = numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")


@dataclass(frozen=True, slots=True)
class Span:
    """One axis of a tile, in pixels of the picture.

    Attributes
    ----------
    core, block : (int, int)
        Start and stop; both start at the same pixel.
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
        if self.core[0] > 0:
            share = _rise(place, self.core[0])
        if self.block[1] > self.core[1]:
            share = share * (1 - _rise(place, self.core[1]))
        return share


def _rise(place: NDArray[np.float64], joint: int) -> NDArray[np.float32]:
    u = np.clip((place - joint) / JOINT, 0.0, 1.0)
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
        Pixels beyond the middle of the joints on either side: what was asked for, or more where
        that makes a faster transform.
    chunk : int
        Side of the chunks that all cores, but for the end of the picture, are made of.
    """

    spans: tuple[Span, ...]
    side: int
    halo: int
    chunk: int

    def folded(self, span: Span) -> Fold:
        """Where the samples of a tile's transform come from."""
        return fold_axis(span.origin, self.side, self.fold, self.spans[-1].core[1])

    @property
    def fold(self) -> int:
        """Samples across which the two sides of a tile's wrap fade into each other."""
        return self.halo - self.halo % 2


def plan_axis(size: int, halo: int, count: int) -> Axis:
    """Cut an axis into tiles of equal cores, but for the last, which is shorter.

    Parameters
    ----------
    size : int
        Pixels of the picture along this axis.
    halo : int
        Pixels that a tile has to know beyond the middle of its joints.
    count : int
        How many tiles; fewer if there are not so many chunks.
    """
    halo = max(halo, JOINT // 2)
    chunks = -(-size // (count * _CHUNK))
    # A core shorter than a joint would fade into neighbours that are not its own.
    chunk = min(size, max(_up(size, count * chunks, _VECTOR), JOINT))
    core = chunk * chunks
    cores = [(start, min(start + core, size)) for start in range(0, size, core)]
    longest = max(stop - start for start, stop in (_between_joints(core, size) for core in cores))
    side = fast_side(longest + 2 * halo)
    # All that a fast transform has room for: the fold, which is as wide, must find it everywhere.
    halo = (side - longest) // 2
    return Axis(tuple(_span(core, size, side, halo) for core in cores), side, halo, chunk)


def _up(size: int, parts: int, unit: int) -> int:
    """Share out `size` in equal `parts`, each rounded up to whole units."""
    return unit * -(-size // (parts * unit))


def _axes(size: int, halo: int, largest: int) -> list[Axis]:
    """Ways to cut an axis, the fewest tiles first; those of far too many are left out."""
    most = max(1, size // max(2 * halo, JOINT))
    axes: list[Axis] = []
    for count in range(1, most + 1):
        axis = plan_axis(size, halo, count)
        if axis.side <= largest and _has_whole_halos(axis, halo):
            axes.append(axis)
        if axes and count > 2 * len(axes[0].spans):
            break
    return axes or [plan_axis(size, halo, most)]


def _has_whole_halos(axis: Axis, halo: int) -> bool:
    """Whether no tile but the last has the end of the picture within its halo.

    It would see that border differently from the last one.
    """
    start, stop = axis.spans[-1].core
    return start == 0 or stop - start >= halo + JOINT // 2


def _between_joints(core: tuple[int, int], size: int) -> tuple[int, int]:
    """Part of the axis in which a tile has the largest share: from middle to middle of joints."""
    start, stop = core
    return start + JOINT // 2 * (start > 0), stop + JOINT // 2 * (stop < size)


def fast_side(n: int) -> int:
    """Smallest side >= `n` of a fast transform."""
    side = n + -n % _VECTOR
    while side // (side & -side) not in _ODD_PARTS:
        side += _VECTOR
    return side


def _span(core: tuple[int, int], size: int, side: int, halo: int) -> Span:
    start, stop = _between_joints(core, size)
    middle = (start + stop - side) // 2
    # A tile reaches no further beyond the picture's border than it must.
    origin = max(-halo, min(middle, size + halo - side))
    return Span(core, (core[0], min(core[1] + JOINT * (core[1] < size), size)), origin)


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
    def chunks(self) -> tuple[int, int]:
        """Chunks of the array that the cores are written to."""
        return self.rows.chunk, self.columns.chunk

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of each tile's transform."""
        return self.rows.side, self.columns.side

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """The tiles in sweeping order: along the side that has fewer, so that few edges wait."""
        along_rows = len(self.columns.spans) <= len(self.rows.spans)
        places = product(enumerate(self.rows.spans), enumerate(self.columns.spans))
        tiles = (Tile((i, j), rows, columns) for (i, rows), (j, columns) in places)
        return tuple(sorted(tiles, key=lambda tile: tile.index[:: 1 if along_rows else -1]))

    def folds(self, tile: Tile) -> tuple[Fold, Fold]:
        """Where the rows and columns of a tile's transform come from."""
        return self.rows.folded(tile.rows), self.columns.folded(tile.columns)

    @property
    def effort(self) -> float:
        """What the transforms take, in any unit, if two tiles are in work at a time."""
        area = math.prod(self.shape)
        rounds = -(-len(self.rows.spans) * len(self.columns.spans) // _AT_ONCE)
        return rounds * area * (1.0 + _SLOWER_BY_SIDE * math.sqrt(area))

    def bytes_needed(self, channels: int) -> int:
        """Bytes of what a tile reads, or, later and less, of the block that it hands over."""
        heights, widths = (axis.side + axis.fold for axis in (self.rows, self.columns))
        return 4 * channels * heights * widths


def earlier(index: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """Places of the tiles that reach into a tile's core: above, to the left, and in between."""
    row, column = index
    return (row - 1, column), (row, column - 1), (row - 1, column - 1)


def plan_grid(shape: Sequence[int], halo: int, largest: int | None = None) -> Grid:
    """Cut a picture of (height, width) into the tiles whose transforms take the least time.

    Parameters
    ----------
    shape : (height, width)
        In pixels.
    halo : int
        Pixels that a tile has to know beyond the middle of its joints.
    largest : int, optional
        Most samples along an axis of a transform, if that can be; if not given, LARGEST_SIDE,
        more for a halo that would leave little of that.
    """
    if largest is None:
        largest = LARGEST_SIDE + max(0, 2 * halo - WIDE_HALOS)
    rows, columns = (_axes(size, halo, largest) for size in shape[:2])
    return min((Grid(*axes) for axes in product(rows, columns)), key=lambda grid: grid.effort)


@dataclass(frozen=True, slots=True)
class Edges:
    """What a solved tile leaves in the cores of later ones, faded.

    Attributes
    ----------
    below : (JOINT or 0, width of the block, channel) float32
    right : (height of the core, JOINT or 0, channel) float32
    """

    below: NDArray[np.float32]
    right: NDArray[np.float32]

    @staticmethod
    def shapes(tile: Tile, channels: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Shapes of `below` and `right`."""
        rows, columns = tile.rows, tile.columns
        height, width = rows.core[1] - rows.core[0], columns.block[1] - columns.block[0]
        below = rows.block[1] - rows.core[1], width, channels
        right = height, columns.block[1] - columns.core[1], channels
        return below, right

    @classmethod
    def unpack(cls, values: NDArray[np.float32], tile: Tile, channels: int) -> Edges:
        """Make them of what `pack` gave."""
        below, right = cls.shapes(tile, channels)
        middle = math.prod(below)
        return cls(values[:middle].reshape(below), values[middle:-1].reshape(right))

    def pack(self) -> NDArray[np.float32]:
        """Put both into one row of values, and a 0, so that it is never empty."""
        return np.concatenate([self.below.ravel(), self.right.ravel(), np.zeros(1, np.float32)])


@dataclass(frozen=True, slots=True)
class Block:
    """A solved tile: (height, width, channel) float32, faded towards its neighbours."""

    tile: Tile
    values: NDArray[np.float32]

    @classmethod
    def cut(cls, planes: Planes, tile: Tile, units: NDArray[np.float32]) -> Block:
        """Take a tile's block out of its solved planes (channel, H, W), see `fold_planes`."""
        (top, bottom), (left, right) = tile.rows.block, tile.columns.block
        values = np.empty((bottom - top, right - left, planes.shape[0]), np.float32)
        window = planes[:, top - tile.rows.origin :, left - tile.columns.origin :]
        _interleave(window, tile.rows.weights(), tile.columns.weights(), units, values)
        return cls(tile, values)

    @property
    def core(self) -> NDArray[np.float32]:
        """The tile's share of the result; whole once all earlier tiles have joined."""
        height, width = self._core_shape
        return self.values[:height, :width]

    def edges(self) -> Edges:
        """Copy what later tiles need."""
        height, width = self._core_shape
        return Edges(self.values[height:].copy(), self.values[:height, width:].copy())

    def join(self, index: tuple[int, int], edges: Edges) -> None:
        """Add what an `earlier` tile left of this one's core."""
        core = self.core
        row, column = (mine - other for mine, other in zip(self.tile.index, index, strict=True))
        if row and column:
            core[:JOINT, :JOINT] += edges.below[:, -JOINT:]
        elif row:
            core[:JOINT] += edges.below[:, : core.shape[1]]
        else:
            core[:, :JOINT] += edges.right

    @property
    def _core_shape(self) -> tuple[int, int]:
        rows, columns = self.tile.rows.core, self.tile.columns.core
        return rows[1] - rows[0], columns[1] - columns[0]


@_kernel  # type: ignore[untyped-decorator]
def _interleave(
    window: Any, row_weights: Any, column_weights: Any, units: Any, values: Any
) -> None:
    for y in range(values.shape[0]):
        for c in range(values.shape[2]):
            weight = row_weights[y] * units[c]
            for x in range(values.shape[1]):
                values[y, x, c] = window[c, y, x] * (weight * column_weights[x])

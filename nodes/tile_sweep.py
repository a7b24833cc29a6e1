"""Walks the tiles of a picture through dask's threads, in bounded memory.

A tile takes two steps. *Solve* reads the tile, deconvolves it and fades its edges. *Finish* adds
what earlier tiles left of its core and writes that. None is begun before one that lies a few
tiles back is finished, so only the tiles in work and one line of narrow edges are in memory,
however large the picture.

The edges are kept beside the cores, so that a sweep that was killed goes on where it was: a tile
whose core is written is not solved again.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import dask
import numpy as np

from numerics.boundary import fold_planes
from numerics.compiling import compiling_told
from numerics.half_quadratic import TileSolver
from numerics.outside import Inside
from numerics.tiles import Block, Edges, Grid, Tile, earlier
from pipeline.node import Array, Context, WritableArray

_ALL = (slice(None),)
_Solved: TypeAlias = "tuple[Block | None, Edges]"


class TileSweep:
    """Solves all tiles of a picture.

    Parameters
    ----------
    source : Array
        (height, width, channel) float32; read from any thread.
    target : WritableArray
        Of the same shape; the cores of the tiles are whole chunks of it.
    grid : Grid
    new_solver : callable
        Makes a solver. Each thread has one of its own and uses it for all its tiles.
    context : Context
    workers : int
        Threads; the context's own if not given.
    units : sequence of float
        Light for which 1 stands in each of the solver's planes; 1 if not given.
    """

    def __init__(
        self,
        source: Array,
        target: WritableArray,
        grid: Grid,
        new_solver: Callable[[], TileSolver],
        context: Context,
        workers: int | None = None,
        units: Sequence[float] = (),
    ) -> None:
        self._source = source
        self._target = target
        self._grid = grid
        self._channels = source.shape[2]
        self._new_solver = new_solver
        self._context = context
        self._workers = workers or context.workers
        self._units = np.asarray(units or [1.0] * self._channels, np.float32)
        self._own = threading.local()
        self._counting = threading.Lock()
        self._done = 0

    def run(self) -> None:
        """Solve and write every tile. What a tile raises ends the sweep."""
        # Leaving the pool waits for the tiles in work: when this returns or raises, nobody
        # writes to the target any more.
        with ThreadPoolExecutor(self._workers) as pool, compiling_told(self._context.note):
            dask.compute(*self._tasks(), scheduler="threads", pool=pool)

    def _tasks(self) -> list[Any]:
        """Lay out the graph: all finishing tasks, with what they depend on."""
        solve, edges, finish = (
            dask.delayed(step, pure=False) for step in (self._solve, _edges, self._finish)
        )
        # One more than there are workers, so that nobody waits for the slowest.
        in_flight = self._workers + 1
        left: dict[tuple[int, int], Any] = {}
        finished: list[Any] = []
        for number, tile in enumerate(self._grid.tiles):
            before = finished[number - in_flight] if number >= in_flight else None
            solved = solve(number, before)
            left[tile.index] = edges(solved)
            near = {index: left[index] for index in earlier(tile.index) if index in left}
            finished.append(finish(solved, near))
        return finished

    def _solve(self, number: int, _before: None) -> _Solved:
        self._context.check_cancelled()
        tile = self._grid.tiles[number]
        kept = self._keep_edges(tile)
        is_done = self._target.is_written(_region(tile))
        if is_done and kept.is_written(_ALL):
            return None, Edges.unpack(kept[_ALL], tile, self._channels)
        solver = self._solver()
        inside = self._read(tile, solver)
        solver.solve(inside, (tile.rows.origin, tile.columns.origin))
        block = Block.cut(solver.planes, tile, self._units)
        edges = block.edges()
        if not kept.is_written(_ALL):
            kept[_ALL] = edges.pack()
        return None if is_done else block, edges

    def _keep_edges(self, tile: Tile) -> WritableArray:
        """Make the array that keeps a tile's edges; of one value for the last, which has none."""
        size = sum(map(math.prod, Edges.shapes(tile, self._channels)))
        name = "edges_{}_{}".format(*tile.index)
        with self._counting:
            return self._context.new_array(name, (size + 1,), passing=True)

    def _solver(self) -> TileSolver:
        if not hasattr(self._own, "solver"):
            self._own.solver = self._new_solver()
        solver: TileSolver = self._own.solver
        return solver

    def _read(self, tile: Tile, solver: TileSolver) -> Inside:
        """Fill the solver's planes; tell which of their samples lie inside of the picture."""
        rows, columns = self._grid.folds(tile)
        region = (slice(rows.start, rows.stop), slice(columns.start, columns.stop), slice(None))
        fold_planes(self._source[region], rows, columns, solver.planes, self._units)
        return Inside(rows.inside, columns.inside)

    def _finish(self, solved: _Solved, near: Mapping[tuple[int, int], Edges]) -> None:
        block, _ = solved
        if block is not None:
            for index, edges in near.items():
                block.join(index, edges)
            self._target[_region(block.tile)] = block.core
        with self._counting:
            self._done += 1
            self._context.progress(self._done, len(self._grid.tiles))


def _edges(solved: _Solved) -> Edges:
    return solved[1]


def _region(tile: Tile) -> tuple[slice, ...]:
    return (*tile.core, slice(None))

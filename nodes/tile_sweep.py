"""Walks the tiles of a picture through dask's threads, in bounded memory.

A tile takes two tasks. *Solve* reads the tile, deconvolves it and keeps its faded block. *Finish*
adds what its neighbours' blocks hold of its core and writes that. Tiles are solved line by line,
and none is begun before one that lies a line and a few tiles back is finished: so little more
than one line of blocks is in memory, however large the picture.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dask

from numerics.boundary import fold_axis, fold_planes
from numerics.compiling import compiling_told
from numerics.half_quadratic import TileSolver
from numerics.tiles import Block, Grid, Tile
from pipeline.node import Array, Context, WritableArray


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
    """

    def __init__(
        self,
        source: Array,
        target: WritableArray,
        grid: Grid,
        new_solver: Callable[[], TileSolver],
        context: Context,
    ) -> None:
        self._source = source
        self._target = target
        self._grid = grid
        self._new_solver = new_solver
        self._context = context
        self._own = threading.local()
        self._counting = threading.Lock()
        self._done = 0

    def run(self) -> None:
        """Solve and write every tile. What a tile raises ends the sweep."""
        # Leaving the pool waits for the tiles in work: when this returns or raises, nobody
        # writes to the target any more.
        workers, note = self._context.workers, self._context.note
        with ThreadPoolExecutor(workers) as pool, compiling_told(note):
            dask.compute(*self._tasks(), scheduler="threads", pool=pool)

    def _tasks(self) -> list[Any]:
        """Lay out the graph: all finishing tasks, with what they depend on."""
        solve, finish = (dask.delayed(step, pure=False) for step in (self._solve, self._finish))
        tiles = self._grid.tiles
        # The last neighbour of a tile comes this many tiles after it.
        lag = self._grid.line_length + 1
        in_flight = lag + 1 + self._context.workers
        solved: dict[tuple[int, int], Any] = {}
        finished: list[Any] = []
        for number in range(len(tiles) + lag):
            if number < len(tiles):
                earlier = finished[number - in_flight] if number >= in_flight else None
                solved[tiles[number].index] = solve(number, earlier)
            if number >= lag:
                tile = tiles[number - lag]
                near = [solved[other.index] for other in self._grid.neighbours(tile)]
                finished.append(finish(solved[tile.index], near))
        return finished

    def _solve(self, number: int, _earlier: None) -> Block:
        self._context.check_cancelled()
        tile = self._grid.tiles[number]
        solver = self._solver()
        self._read(tile, solver)
        solver.solve()
        return Block.cut(solver.planes, tile)

    def _solver(self) -> TileSolver:
        if not hasattr(self._own, "solver"):
            self._own.solver = self._new_solver()
        solver: TileSolver = self._own.solver
        return solver

    def _read(self, tile: Tile, solver: TileSolver) -> None:
        height, width, _ = self._source.shape
        grid = self._grid
        rows = fold_axis(tile.rows.origin, grid.rows.side, grid.rows.fold, height)
        columns = fold_axis(tile.columns.origin, grid.columns.side, grid.columns.fold, width)
        region = (slice(rows.start, rows.stop), slice(columns.start, columns.stop), slice(None))
        fold_planes(self._source[region], rows, columns, solver.planes)

    def _finish(self, block: Block, neighbours: list[Block]) -> None:
        for neighbour in neighbours:
            block.add(neighbour)
        self._target[(*block.tile.core, slice(None))] = block.core
        with self._counting:
            self._done += 1
            self._context.progress(self._done, len(self._grid.tiles))

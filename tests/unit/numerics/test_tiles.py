from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from numerics.tiles import JOINT, Block, Edges, Grid, earlier, plan_axis, plan_grid

SIZES = [1, 17, 511, 512, 513, 1030, 3000, 6000]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("halo", [32, 100])
def test_cores_are_whole_chunks_that_cover_the_axis_once(size: int, halo: int) -> None:
    axis = plan_grid((size, 40), halo).rows
    edges = [span.core[0] for span in axis.spans] + [axis.spans[-1].core[1]]
    assert edges == [axis.spans[0].core[0], *(span.core[1] for span in axis.spans)]
    assert (edges[0], edges[-1]) == (0, size)
    assert all(edge % axis.chunk == 0 for edge in edges[:-1])
    assert all(stop > start for start, stop in pairwise(edges))


@pytest.mark.parametrize("size", SIZES)
def test_each_tile_sees_its_halo_and_no_transform_is_slow(size: int) -> None:
    axis = plan_grid((40, size), 64).columns
    # Few other factors than 2, and those small.
    assert axis.side % 8 == 0
    assert axis.side // (axis.side & -axis.side) <= 15
    for span in axis.spans:
        start, stop = (edge + (JOINT // 2 if 0 < edge < size else 0) for edge in span.core)
        assert span.origin <= start - 64
        assert span.origin + axis.side >= stop + 64


def test_a_large_picture_is_cut_and_a_small_one_is_not() -> None:
    assert len(plan_grid((6000, 6000), 64).tiles) > 9
    assert len(plan_grid((100, 100), 64).tiles) == 1
    assert max(plan_grid((100_000, 3000), 64).shape) <= 1600


def test_most_of_each_transform_is_of_use() -> None:
    for halo in (32, 64, 120, 160):
        grid = plan_grid((6000, 6000), halo)
        assert 6000 * 6000 > 0.6 * len(grid.tiles) * math.prod(grid.shape)


def test_a_small_picture_has_work_for_two() -> None:
    assert len(plan_grid((1000, 1000), 64).tiles) >= 2


@pytest.mark.parametrize("size", SIZES)
def test_shares_of_all_tiles_sum_to_1(size: int) -> None:
    total = np.zeros(size)
    for span in plan_axis(size, 32, 5).spans:
        total[slice(*span.block)] += span.weights()
    np.testing.assert_allclose(total, 1, atol=1e-6)


def test_tiles_reach_into_the_cores_of_later_ones_only() -> None:
    grid = plan_grid((6000, 4000), 64)
    for tile in grid.tiles[:8]:
        for other in grid.tiles:
            touches = all(
                mine.core[0] < theirs.block[1] and theirs.block[0] < mine.core[1]
                for mine, theirs in ((tile.rows, other.rows), (tile.columns, other.columns))
            )
            assert (other.index in earlier(tile.index)) == (touches and other is not tile)


@pytest.mark.parametrize("units", [(1.0, 1.0, 1.0), (2.0, 1.0, 0.25)])
def test_blocks_put_together_give_the_picture(units: tuple[float, ...]) -> None:
    of_planes = np.array(units, np.float32)
    grid = Grid(plan_axis(300, 32, 4), plan_axis(200, 32, 3))
    picture = np.random.default_rng(4).random((300, 200, 3)).astype(np.float32)
    padded = np.pad(picture, ((400, 400), (400, 400), (0, 0)), mode="edge")
    blocks = {}
    for tile in grid.tiles:
        top, left = tile.rows.origin + 400, tile.columns.origin + 400
        window = padded[top : top + grid.rows.side, left : left + grid.columns.side]
        planes = np.ascontiguousarray((window / of_planes).transpose(2, 0, 1))
        blocks[tile.index] = Block.cut(planes, tile, of_planes)
    assert len(blocks) > 4
    edges = {
        index: Edges.unpack(block.edges().pack(), block.tile, 3) for index, block in blocks.items()
    }
    result = np.zeros_like(picture)
    for tile in grid.tiles:
        for index in earlier(tile.index):
            if index in edges:
                blocks[tile.index].join(index, edges[index])
        result[tile.core] = blocks[tile.index].core
    np.testing.assert_allclose(result, picture, atol=1e-5)

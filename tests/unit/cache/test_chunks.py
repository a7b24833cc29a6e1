from __future__ import annotations

import numpy as np
import pytest

from cache.chunks import Grid, chunk_shape, slices, spans_of


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [
        ((6000, 6000, 3), (512, 512, 3)),
        ((31, 31), (31, 31)),
        ((100, 4000), (100, 512)),
        ((300_000,), (262_144,)),
        ((7,), (7,)),
        ((), ()),
        ((0, 5), (1, 5)),
    ],
)
def test_pictures_are_cut_small_arrays_are_not(shape, chunks):
    assert chunk_shape(shape) == chunks


def test_axes_that_are_not_named_are_taken_whole():
    assert spans_of((slice(2, 4),), (9, 8, 3)) == ((2, 4), (0, 8), (0, 3))
    assert spans_of((), (9, 8)) == ((0, 9), (0, 8))
    assert spans_of(..., (9, 8)) == ((0, 9), (0, 8))
    assert spans_of(slice(3, None), (9, 8)) == ((3, 9), (0, 8))


def test_spans_stay_inside_and_are_never_negative():
    assert spans_of((slice(-2, 99), slice(5, 2)), (9, 8)) == ((7, 9), (5, 5))


@pytest.mark.parametrize(
    "region", [(slice(0, 4, 2),), (slice(4, 0, -1),), (3,), (slice(1), slice(1), slice(1))]
)
def test_other_regions_are_refused(region):
    with pytest.raises(ValueError, match=r"got region .+\. Use"):
        spans_of(region, (9, 8))


def test_cells_cover_the_array_once():
    grid = Grid((13, 10, 3), (5, 4, 3))
    count = np.zeros(grid.shape, int)
    for cell in grid.cells():
        count[slices(grid.spans(cell))] += 1
    assert (count == 1).all()
    assert grid.count == len(list(grid.cells())) == 9


def test_touched_cells_are_those_with_elements_of_the_region():
    grid = Grid((13, 10), (5, 4))
    for spans in [((0, 5), (4, 8)), ((4, 6), (3, 10)), ((12, 13), (0, 1)), ((6, 6), (0, 9))]:
        number = np.empty(grid.shape, object)
        for cell in grid.cells():
            for index in np.ndindex(*(b - a for a, b in grid.spans(cell))):
                start = [a for a, _ in grid.spans(cell)]
                number[start[0] + index[0], start[1] + index[1]] = cell
        assert set(grid.touched(spans)) == set(number[slices(spans)].ravel())

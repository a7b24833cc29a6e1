"""Streams of rows: regrouping, and ordered work on threads."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from nodes.streams import map_ordered, regroup, spans


def test_spans_cover_all() -> None:
    assert spans(10, 4) == [(0, 4), (4, 8), (8, 10)]
    assert spans(10, 4, start=6) == [(6, 10)]
    assert spans(0, 4) == []


@pytest.mark.parametrize("heights", [[1] * 23, [5, 5, 5, 5, 3], [23], [7, 16], [3, 9, 11]])
@pytest.mark.parametrize("rows", [1, 4, 8, 23, 50])
def test_regroup_keeps_every_row_in_order(heights: list[int], rows: int) -> None:
    values = np.arange(sum(heights) * 2).reshape(-1, 2)
    blocks = np.split(values, np.cumsum(heights)[:-1])
    bands = list(regroup(blocks, rows))
    assert np.array_equal(np.concatenate(bands), values)
    assert [len(band) for band in bands[:-1]] == [rows] * (len(bands) - 1)
    assert 0 < len(bands[-1]) <= rows


def test_results_come_in_order() -> None:
    def slow_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return item * item

    assert list(map_ordered(slow_first, range(20), 3)) == [item * item for item in range(20)]


def test_only_a_few_items_are_on_their_way() -> None:
    taken: list[int] = []

    def items() -> object:
        for item in range(100):
            taken.append(item)
            yield item

    results = map_ordered(lambda item: item, items(), 2)  # type: ignore[arg-type, var-annotated]
    assert next(results) == 0
    assert len(taken) <= 4


def test_errors_come_through_and_stop_the_rest() -> None:
    done: list[int] = []
    lock = threading.Lock()

    def fail_at_three(item: int) -> None:
        if item == 3:
            raise ValueError("three")
        with lock:
            done.append(item)

    with pytest.raises(ValueError, match="three"):
        list(map_ordered(fail_at_three, range(1000), 2))
    assert len(done) < 20

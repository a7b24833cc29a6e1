from __future__ import annotations

from itertools import pairwise

import pytest

from pipeline.placement import place_nodes

CHAIN = {"a": [], "b": ["a"], "c": ["b"]}
SKIPPING = {"a": [], "b": ["a"], "c": ["b"], "d": ["c", "a"]}
WIDE = {"a": [], "b": [], "c": ["b"], "d": ["a"], "e": ["c"], "f": ["d"], "g": ["f", "b", "e"]}


@pytest.mark.parametrize("graph", [{}, CHAIN, SKIPPING, WIDE])
def test_every_node_has_a_place_of_its_own_after_its_sources(graph: dict[str, list[str]]) -> None:
    placement = place_nodes(graph)
    assert list(placement.places) == list(graph)
    assert len(set(placement.places.values())) == len(graph)
    for name, sources in graph.items():
        for source in sources:
            assert placement.places[source][0] < placement.places[name][0]


@pytest.mark.parametrize("graph", [CHAIN, SKIPPING, WIDE])
def test_lines_go_from_column_to_column_and_through_no_node(graph: dict[str, list[str]]) -> None:
    placement = place_nodes(graph)
    for (source, name), route in placement.routes.items():
        assert (route[0], route[-1]) == (placement.places[source], placement.places[name])
        assert all(right[0] == left[0] + 1 for left, right in pairwise(route))
        assert not set(route[1:-1]) & set(placement.places.values())


def test_parallel_lines_do_not_cross() -> None:
    placement = place_nodes({"a": [], "b": [], "c": ["b"], "d": ["a"], "e": ["c"], "f": ["d"]})
    rows = {name: row for name, (_, row) in placement.places.items()}
    assert (rows["d"] < rows["c"]) == (rows["a"] < rows["b"])
    assert (rows["f"] < rows["e"]) == (rows["a"] < rows["b"])


def test_nothing_takes_no_room() -> None:
    assert (place_nodes({}).columns, place_nodes({}).rows) == (0, 0)
    assert (place_nodes(SKIPPING).columns, place_nodes(SKIPPING).rows) == (4, 2)

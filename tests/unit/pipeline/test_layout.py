from __future__ import annotations

from itertools import pairwise

import pytest

from pipeline.layout import lay_out

CHAIN = {"a": [], "b": ["a"], "c": ["b"]}
SKIPPING = {"a": [], "b": ["a"], "c": ["b"], "d": ["c", "a"]}
WIDE = {"a": [], "b": [], "c": ["b"], "d": ["a"], "e": ["c"], "f": ["d"], "g": ["f", "b", "e"]}


@pytest.mark.parametrize("graph", [{}, CHAIN, SKIPPING, WIDE])
def test_every_node_has_a_place_of_its_own_after_its_sources(graph: dict[str, list[str]]) -> None:
    layout = lay_out(graph)
    assert list(layout.places) == list(graph)
    assert len(set(layout.places.values())) == len(graph)
    for name, sources in graph.items():
        for source in sources:
            assert layout.places[source][0] < layout.places[name][0]


@pytest.mark.parametrize("graph", [CHAIN, SKIPPING, WIDE])
def test_lines_go_from_column_to_column_and_through_no_node(graph: dict[str, list[str]]) -> None:
    layout = lay_out(graph)
    for (source, name), route in layout.routes.items():
        assert (route[0], route[-1]) == (layout.places[source], layout.places[name])
        assert all(right[0] == left[0] + 1 for left, right in pairwise(route))
        assert not set(route[1:-1]) & set(layout.places.values())


def test_parallel_lines_do_not_cross() -> None:
    layout = lay_out({"a": [], "b": [], "c": ["b"], "d": ["a"], "e": ["c"], "f": ["d"]})
    rows = {name: row for name, (_, row) in layout.places.items()}
    assert (rows["d"] < rows["c"]) == (rows["a"] < rows["b"])
    assert (rows["f"] < rows["e"]) == (rows["a"] < rows["b"])


def test_nothing_takes_no_room() -> None:
    assert (lay_out({}).columns, lay_out({}).rows) == (0, 0)
    assert (lay_out(SKIPPING).columns, lay_out(SKIPPING).rows) == (4, 2)

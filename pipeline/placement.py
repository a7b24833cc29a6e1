"""Where the nodes of a graph are drawn: in columns from left to right, each after its sources.

A small layered layout [1]_: a node's column is one more than that of the last of its sources;
joints that skip columns get a place in each of them, so that no line runs through a node; and
within their columns nodes are moved towards those that they are joined to.

References
----------
.. [1] Sugiyama, Tagawa & Toda, Methods for visual understanding of hierarchical system structures,
       IEEE Trans. Systems, Man and Cybernetics 11(2), 1981.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Placement:
    """Places, as (column, row), both from 0.

    Attributes
    ----------
    places : mapping of str to (int, int)
        Of the nodes.
    routes : mapping of (str, str) to list of (int, int)
        From a source to its user, what a line between them goes through, both ends included.
    """

    places: Mapping[str, tuple[int, int]]
    routes: Mapping[tuple[str, str], list[tuple[int, int]]]

    @property
    def columns(self) -> int:
        """Number of columns."""
        return 1 + max((column for column, _ in self._all()), default=-1)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return 1 + max((row for _, row in self._all()), default=-1)

    def _all(self) -> list[tuple[int, int]]:
        return [
            *self.places.values(),
            *(place for route in self.routes.values() for place in route),
        ]


def place_nodes(sources: Mapping[str, Sequence[str]]) -> Placement:
    """Place the nodes of a graph without cycles.

    Parameters
    ----------
    sources : mapping of str to sequence of str
        What each node is joined to; every node after its sources.
    """
    column: dict[str, int] = {}
    for name, joined in sources.items():
        column[name] = 1 + max((column[source] for source in joined), default=-1)
    chains = {
        (source, name): [source, *_between(source, name, column), name]
        for name, joined in sources.items()
        for source in joined
    }
    rows = _order(column, chains.values())
    places = {item: (column[item], rows[item]) for item in rows}
    routes = {ends: [places[item] for item in chain] for ends, chain in chains.items()}
    return Placement({name: places[name] for name in sources}, routes)


def _between(source: str, name: str, column: dict[str, int]) -> list[str]:
    """Make a place in each column that a joint skips; no node has a name with a slash."""
    skipped = range(column[source] + 1, column[name])
    places = [f"{source}/{name}/{number}" for number in skipped]
    column.update(zip(places, skipped, strict=True))
    return places


def _order(column: Mapping[str, int], chains: Iterable[Sequence[str]]) -> dict[str, int]:
    """Choose rows: sort each column by the mean row of what its items are joined to."""
    columns: dict[int, list[str]] = defaultdict(list)
    for item, number in column.items():
        columns[number].append(item)
    before: dict[str, list[str]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    for chain in chains:
        for left, right in pairwise(chain):
            before[right].append(left)
            after[left].append(right)
    rows = {item: row for items in columns.values() for row, item in enumerate(items)}
    for sweep in range(_SWEEPS):
        joined = before if sweep % 2 == 0 else after
        for number in sorted(columns, reverse=sweep % 2 == 1):

            def middle(item: str) -> float:
                near = [rows[other] for other in joined[item]]  # noqa: B023 - used at once
                return sum(near) / len(near) if near else rows[item]

            columns[number].sort(key=middle)
            rows.update({item: row for row, item in enumerate(columns[number])})
    return rows

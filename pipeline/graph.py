"""The nodes joined: a directed acyclic graph whose ports fit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from pathlib import Path

from pipeline.config import Config, Joints, NodeSpec
from pipeline.errors import ConfigError, Fault, GraphError
from pipeline.validation import suggest


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes and the joints between them.

    With the standard library's graphlib instead of networkx, whose import alone takes a fourth of
    the time that a run may take in which everything is cached.

    Attributes
    ----------
    specs : mapping of str to NodeSpec
        By name, in the order of the file.
    sources : mapping of str to list of str
        Names of the nodes that a node takes its inputs from.
    """

    specs: Mapping[str, NodeSpec]
    sources: Mapping[str, list[str]]

    @classmethod
    def of(cls, specs: Mapping[str, NodeSpec]) -> Graph:
        """Join nodes by their inputs; those that name no node are left out."""
        return cls(specs, _sources(specs))

    def users(self, name: str) -> list[str]:
        """Name the nodes that take this one as an input."""
        return [user for user, sources in self.sources.items() if name in sources]


def build_graph(config: Config, faults: Iterable[Fault] = ()) -> Graph:
    """Join the nodes of a configuration.

    Parameters
    ----------
    config : Config
    faults : iterable of Fault
        What was found wrong before; told together with what is found here.

    Raises
    ------
    GraphError
        If only the joints are wrong.
    ConfigError
        If `faults` holds anything.
    """
    before = list(faults)
    found = [*_join_faults(config), *_file_faults(config)]
    found.extend(_cycle_faults(config))
    if before:
        raise ConfigError([*before, *found])
    if found:
        raise GraphError(found)
    return Graph.of(config.nodes)


def in_order(graph: Graph) -> list[str]:
    """Node names, each after everything that it needs; ties as written in the file."""
    names = list(graph.specs)
    position = {name: i for i, name in enumerate(names)}
    sorter = TopologicalSorter(graph.sources)
    sorter.prepare()
    order: list[str] = []
    ready: list[int] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heappush(ready, position[name])
        order.append(names[heappop(ready)])
        sorter.done(order[-1])
    return order


def upstream(graph: Graph, name: str) -> set[str]:
    """Name a node and everything that it is made from."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting.extend(graph.sources[here])
    return found


def _sources(nodes: Mapping[str, Joints]) -> dict[str, list[str]]:
    """Name the nodes that each takes its inputs from; names of none are left out."""
    return {
        name: [source for source in joints.inputs.values() if source in nodes]
        for name, joints in nodes.items()
    }


def _join_faults(config: Config) -> Iterator[Fault]:
    for name, joints in config.joints.items():
        place = ("nodes", name, "inputs")
        for port, source in joints.inputs.items():
            message = _edge_message(config, joints, port, source)
            if message:
                yield config.document.fault((*place, port), message)
        for message in _missing_inputs(joints):
            yield config.document.fault(("nodes", name), message)
    for name, spec in config.nodes.items():
        for field, message in spec.cls.misfits(spec.params, spec.inputs):
            yield config.document.fault(("nodes", name, field), message)


def _edge_message(config: Config, joints: Joints, port: str, source: str) -> str:
    if port not in joints.cls.inputs:
        return f'"{port}" is no input of {joints.cls.kind}. {suggest(port, joints.cls.inputs)}'
    if source not in config.written:
        others = [name for name in config.written if name != joints.name]
        return f'"{source}" is no node. {suggest(source, others)}'
    if source not in config.joints:
        return ""  # written, but faulty itself: that is told already
    wanted, given = joints.cls.inputs[port].type, config.joints[source].cls.output
    if wanted == given:
        return ""
    return (
        f'"{source}" ({config.joints[source].cls.kind}) gives {_article(given)}, '
        f"but {joints.cls.kind} takes {_article(wanted)} here. Join a node that gives one."
    )


def _missing_inputs(joints: Joints) -> Iterator[str]:
    for port, info in joints.cls.inputs.items():
        if port not in joints.inputs and not info.optional:
            yield f"input {port} is missing. Add inputs: {{{port}: NAME OF A NODE}}."
    choice = joints.cls.exactly_one_of
    joined = [port for port in choice if port in joints.inputs]
    if choice and len(joined) != 1:
        seen = " and ".join(joined) or "none"
        yield f"got {seen} joined. Join exactly one of the inputs {' or '.join(choice)}."


def _cycle_faults(config: Config) -> Iterator[Fault]:
    sources = _sources(config.joints)
    try:
        TopologicalSorter(sources).prepare()
    except CycleError as error:
        # One told is enough: taking it out often opens the others.
        cycle = error.args[1][1:]
        first = min(cycle, key=list(sources).index)
        turn = cycle.index(first)
        ring = [*cycle[turn:], *cycle[:turn], first]
        message = f"the nodes form a cycle: {' -> '.join(ring)}. Take one of these joints out."
        yield config.document.fault(("nodes", first, "inputs"), message)


def _file_faults(config: Config) -> Iterator[Fault]:
    """Find outputs that would overwrite an input or another node's output."""
    taken: dict[str, str] = {}
    for name, spec in config.nodes.items():
        for _, path in spec.paths("input"):
            taken.setdefault(_identity(path), f'node "{name}" loads it')
    for name, spec in config.nodes.items():
        for field, path in spec.paths("output"):
            identity = _identity(path)
            if identity in taken:
                message = f"{path} can't be written: {taken[identity]}. Choose another path."
                yield config.document.fault(("nodes", name, field), message)
            taken.setdefault(identity, f'node "{name}" writes it too')


def _identity(path: Path) -> str:
    """Name a file so that links, hard links and other spellings of one path agree."""
    try:
        status = path.stat()
    except OSError:
        return os.path.normcase(path.resolve())
    return f"{status.st_dev}:{status.st_ino}"


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"

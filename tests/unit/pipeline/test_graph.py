from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.document import parse_yaml
from pipeline.errors import GraphError
from pipeline.graph import build_graph, in_order, upstream
from pipeline.node import Node

Faults = Callable[[str], list[str]]
Kinds = dict[str, type[Node]]

CHAIN = """\
version: 1
nodes:
  z: {kind: write, path: out.txt, inputs: {image: b}}
  a: {kind: source}
  b: {kind: round, inputs: {image: a}}
  c: {kind: spot}
"""


def test_order_and_ancestors(kinds: Kinds, tmp_path: Path) -> None:
    graph = build_graph(*load_config(parse_yaml(CHAIN, "x.yaml"), kinds, tmp_path))
    assert in_order(graph) == ["a", "b", "z", "c"]
    assert upstream(graph, "b") == {"a", "b"}


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        (
            "a: {kind: round, inputs: {image: b}}\n  b: {kind: round, inputs: {image: a}}",
            "nodes.a.inputs: the nodes form a cycle: a -> b -> a. Take one of these joints out.",
        ),
        (
            "a: {kind: round, inputs: {image: a}}",
            "nodes.a.inputs: the nodes form a cycle: a -> a. Take one of these joints out.",
        ),
        (
            "a: {kind: round, inputs: {image: p}}\n  p: {kind: spot}",
            'nodes.a.inputs.image: "p" (spot) gives a psf, but round takes an image here. '
            "Join a node that gives one.",
        ),
        (
            "a: {kind: round, inputs: {image: photo}}\n  foto: {kind: source}",
            'nodes.a.inputs.image: "photo" is no node. Did you mean "foto"?',
        ),
        (
            "a: {kind: write, path: x.txt}",
            "nodes.a: got none joined. Join exactly one of the inputs image or psf.",
        ),
        (
            "a: {kind: write, path: x.txt, inputs: {image: s, psf: p}}\n"
            "  s: {kind: source}\n  p: {kind: spot}",
            "nodes.a: got image and psf joined. Join exactly one of the inputs image or psf.",
        ),
    ],
)
def test_joints_that_do_not_fit(faults_of: Faults, nodes: str, told: str) -> None:
    (fault,) = faults_of(f"version: 1\nnodes:\n  {nodes}\n")
    assert fault.partition(": ")[2] == told


def test_a_faulty_node_is_told_once(faults_of: Faults) -> None:
    text = "version: 1\nnodes:\n  a: {kind: sauce}\n  b: {kind: round, inputs: {image: a}}\n"
    (fault,) = faults_of(text)
    assert '"sauce" is unknown' in fault


def test_joints_alone_are_a_graph_error(kinds: Kinds, tmp_path: Path) -> None:
    text = "version: 1\nnodes: {a: {kind: round}}"
    with pytest.raises(GraphError):
        build_graph(*load_config(parse_yaml(text, "x.yaml"), kinds, tmp_path))


TWO = """\
version: 1
nodes:
  a: {kind: source, path: photo.txt}
  b: {kind: write, inputs: {image: a}, path: %s}
  c: {kind: write, inputs: {image: a}, path: %s}
"""


def test_two_outputs_on_one_path(faults_of: Faults) -> None:
    (fault,) = faults_of(TWO % ("out/x.txt", "out/../out/x.txt"))
    assert 'node "b" writes it too. Choose another path.' in fault
    assert fault.startswith("test.yaml:5: nodes.c.path: ")


@pytest.mark.parametrize("link", [os.symlink, os.link, None])
def test_an_output_on_a_loaded_file_even_through_links(
    faults_of: Faults, tmp_path: Path, link: Callable[[Path, Path], None] | None
) -> None:
    (tmp_path / "photo.txt").write_text("x")
    name = "photo.txt"
    if link is not None:
        name = "other.txt"
        link(tmp_path / "photo.txt", tmp_path / name)
    (fault,) = faults_of(TWO % ("fine.txt", name))
    assert 'can\'t be written: node "a" loads it. Choose another path.' in fault


def test_joints_of_nodes_with_wrong_parameters_are_told_with_these(faults_of: Faults) -> None:
    text = """\
version: 1
nodes:
  a: {kind: source, size: 0}
  b: {kind: round, levle: 1, inputs: {imag: a}}
  c: {kind: round, inputs: {image: p}}
  p: {kind: spot, sise: 3}
"""
    told = [line.partition(" ")[2] for line in faults_of(text)]
    assert [line.partition(":")[0] for line in told] == [
        "nodes.a.size",
        "nodes.b",
        "nodes.b.inputs.imag",
        "nodes.b.levle",
        "nodes.c.inputs.image",
        "nodes.p.sise",
    ]
    assert '"p" (spot) gives a psf, but round takes an image here.' in told[4]

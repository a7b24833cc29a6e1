"""Keys in whole graphs: a change reaches what comes after it, and nothing else."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nodes as builtin_nodes
import pipeline
from cache.memory import MemoryStore
from pipeline.code import CodeIndex
from pipeline.config import load_config
from pipeline.document import parse_yaml
from pipeline.files import FileDigests
from pipeline.graph import build_graph
from pipeline.node import Json
from pipeline.plan import Planner
from pipeline.registry import kinds

Graph: TypeAlias = dict[str, dict[str, Any]]

PARAMS: Mapping[str, Mapping[str, list[Json]]] = {
    "load": {"encoding": ["auto", "srgb", "linear"]},
    "make_psf": {"length": [5, 5.5, 7], "angle": [0.0, 30, -45]},
    "crop": {"size": [31, 63, [31, 63], [63, 31]], "center": [[40, 50], [50, 40]]},
    "simulate": {"noise": [0, 0.005, 0.01], "seed": [0, 1]},
    "estimate_psf": {
        "size": [5, 7, "auto"],
        "blur": ["motion", "lens"],
        "family": ["auto", "disc"],
    },
    "deconvolve": {"priority": [0, 0.5, -1], "quality": ["fast", "normal"]},
}
PORTS = {
    kind: {"image": "image", "psf": "psf"} if kind in ("simulate", "deconvolve") else {}
    for kind in PARAMS
} | {"crop": {"image": "image"}, "estimate_psf": {"image": "image"}}
NEEDED: Mapping[str, Mapping[str, Json]] = {
    "make_psf": {"shape": "motion", "length": 6, "angle": 10}
}
GIVES = {kind: "psf" if "psf" in kind else "image" for kind in PARAMS}


class NoMemo:
    """Remembers nothing."""

    def get(self, path: Path) -> Json:
        return None

    def put(self, path: Path, value: Json) -> None:
        pass


class Code(CodeIndex):
    """Fingerprints that are found once."""

    @cache  # noqa: B019 - there is one
    def fingerprint(self, cls: type) -> str:
        return super().fingerprint(cls)


CODE = Code(frozenset({"nodes", "numerics"}), NoMemo())
Code.__hash__ = object.__hash__  # type: ignore[assignment]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert builtin_nodes.__all__
    made = tmp_path_factory.mktemp("photos")
    for number in range(10):
        (made / f"{number}.tif").write_bytes(f"photo {number}".encode())
    return made


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw three to nine nodes, each joined to any before it."""
    graph: Graph = {}
    later = draw(st.lists(st.sampled_from(sorted(PARAMS)), min_size=1, max_size=7))
    for number, kind in enumerate(["load", "make_psf", *later]):
        node = {"kind": kind, **NEEDED.get(kind, {})}
        node |= draw(st.fixed_dictionaries({}, optional=choices(kind)))
        if kind == "load":
            node["path"] = f"{number}.tif"
        if PORTS[kind]:
            node["inputs"] = {
                port: draw(st.sampled_from(sources(graph, wanted)))
                for port, wanted in PORTS[kind].items()
            }
        graph[f"n{number}"] = node
    return graph


def choices(kind: str) -> dict[str, st.SearchStrategy[Json]]:
    return {name: st.sampled_from(values) for name, values in PARAMS[kind].items()}


def sources(graph: Graph, wanted: str) -> list[str]:
    return [name for name, node in graph.items() if GIVES[node["kind"]] == wanted]


def keys(graph: Graph, folder: Path) -> dict[str, str]:
    document = parse_yaml(json.dumps({"version": 1, "nodes": graph}), "test.yaml")
    config, faults = load_config(document, kinds(), folder)
    planner = Planner(MemoryStore(), CODE, FileDigests(NoMemo()), {})
    steps = planner.plan(build_graph(config, faults), config)
    return {name: step.recipe for name, step in steps.items()}


def after(graph: Graph, name: str) -> set[str]:
    """Name a node and all that is made from it."""
    joined = nx.DiGraph()
    joined.add_nodes_from(graph)
    for user, node in graph.items():
        joined.add_edges_from((source, user) for source in node.get("inputs", {}).values())
    return {name, *nx.descendants(joined, name)}


def changed(graph: Graph, name: str, **fields: Any) -> Graph:
    return {**graph, name: {**graph[name], **fields}}


def different(one: Mapping[str, str], two: Mapping[str, str]) -> set[str]:
    assert one.keys() == two.keys()
    return {name for name in one if one[name] != two[name]}


quickly = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quickly
@given(graphs(), st.data())
def test_a_changed_parameter_changes_the_keys_of_its_node_and_all_after_it_only(
    folder: Path, graph: Graph, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(graph)))
    params = PARAMS[graph[name]["kind"]]
    param = data.draw(st.sampled_from(sorted(params)))
    one, two = data.draw(st.sampled_from(list(itertools.combinations(params[param], 2))))
    before, now = (keys(changed(graph, name, **{param: value}), folder) for value in (one, two))
    assert different(before, now) == after(graph, name)


@quickly
@given(graphs(), st.data())
def test_a_changed_file_changes_the_keys_of_its_node_and_all_after_it_only(
    folder: Path, graph: Graph, data: st.DataObject
) -> None:
    loads = [name for name, node in graph.items() if node["kind"] == "load"]
    name = data.draw(st.sampled_from(loads))
    path = folder / graph[name]["path"]
    before, content = keys(graph, folder), path.read_bytes()
    path.write_bytes(content + b".")
    try:
        assert different(before, keys(graph, folder)) == after(graph, name)
    finally:
        path.write_bytes(content)


@quickly
@given(graphs(), st.data())
def test_another_source_changes_the_keys_of_the_node_and_all_after_it_only(
    folder: Path, graph: Graph, data: st.DataObject
) -> None:
    joined = [name for name, node in graph.items() if "inputs" in node]
    if not joined:
        return
    name = data.draw(st.sampled_from(joined))
    port = data.draw(st.sampled_from(sorted(graph[name]["inputs"])))
    earlier = dict(itertools.takewhile(lambda item: item[0] != name, graph.items()))
    source = data.draw(st.sampled_from(sources(earlier, port)))
    before = keys(graph, folder)
    inputs = {**graph[name]["inputs"], port: source}
    now = keys(changed(graph, name, inputs=inputs), folder)
    is_same = before[source] == before[graph[name]["inputs"][port]]
    assert different(before, now) == (set() if is_same else after(graph, name))


@quickly
@given(graphs(), st.randoms())
def test_names_order_and_written_out_defaults_change_no_key(
    folder: Path, graph: Graph, rng: Any
) -> None:
    names = {name: f"renamed-{name}" for name in graph}
    renamed = {}
    for name, node in rng.sample(list(graph.items()), len(graph)):
        defaults = {
            field: json.loads(json.dumps(info.default))
            for field, info in kinds()[node["kind"]].Params.model_fields.items()
            if field in PARAMS[node["kind"]] and not info.is_required()
        }
        inputs = {port: names[source] for port, source in node.get("inputs", {}).items()}
        renamed[names[name]] = {**defaults, **node, **({"inputs": inputs} if inputs else {})}
    before, now = keys(graph, folder), keys(renamed, folder)
    assert {names[name]: key for name, key in before.items()} == now


@quickly
@given(graphs())
def test_equal_files_under_other_paths_have_equal_keys(folder: Path, graph: Graph) -> None:
    moved = folder / "elsewhere"
    shutil.copytree(folder, moved, ignore=shutil.ignore_patterns("elsewhere"), dirs_exist_ok=True)
    for path in moved.iterdir():
        os.utime(path, (1e9, 1e9))
        path.replace(path.with_suffix(".jpg"))
    other = {
        name: {**node, "path": f"elsewhere/{Path(node['path']).stem}.jpg"}
        if node["kind"] == "load"
        else node
        for name, node in graph.items()
    }
    assert keys(graph, folder) == keys(other, folder)
    shutil.rmtree(moved)


def planned(home: Path, work: Path, photo: Path, seed: str) -> Iterator[tuple[str, str]]:
    """Keys as the command gives them, its code, folder and photograph lying anywhere."""
    config = work / "config.yaml"
    config.write_text(
        f"version: 1\nnodes:\n  photo: {{kind: load, path: {photo}}}\n"
        "  psf: {kind: make_psf, shape: motion, length: 5, angle: 0}\n"
        "  sharp: {kind: deconvolve, inputs: {image: photo, psf: psf}}\n"
        "  result: {kind: export, inputs: {image: sharp}, path: out.tif}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "plan", str(config), "--json"],
        cwd=work,
        env={
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": str(home),
            "UNBLUR_CACHE": str(work / "cache"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name, node in json.loads(done.stdout)["nodes"].items():
        yield name, node["fingerprint"]


def test_keys_are_the_same_in_another_process_folder_hash_seed_and_machine_path(
    tmp_path: Path,
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    home = Path(pipeline.__file__).parents[1]
    for name in ("pipeline", "nodes", "cache", "numerics"):
        shutil.copytree(
            home / name, there / "code" / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    here.mkdir()
    (here / "photo.tif").write_bytes(b"the same photograph")
    (there / "another name.tif").write_bytes(b"the same photograph")
    one = dict(planned(home, here, here / "photo.tif", "0"))
    two = dict(planned(there / "code", there, there / "another name.tif", "7"))
    assert one == two
    assert len(set(one.values())) == 4

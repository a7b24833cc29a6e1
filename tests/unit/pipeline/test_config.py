from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import load_config, read_document
from pipeline.document import parse_yaml
from pipeline.errors import ConfigError
from pipeline.node import Node

Faults = Callable[[str], list[str]]
Kinds = dict[str, type[Node]]


def test_defaults_are_filled_in(kinds: Kinds, tmp_path: Path) -> None:
    text = "version: 1\nnodes: {a: {kind: source}}"
    config, faults = load_config(parse_yaml(text, "x.yaml"), kinds, tmp_path)
    assert faults == []
    assert config.nodes["a"].params.model_dump() == {"level": 1.0, "size": 4, "path": None}
    assert config.nodes["a"].cached
    assert config.cache.max_size == 20 * 2**30
    assert config.run.workers == "auto"


def test_sizes_are_read_with_units(tmp_path: Path) -> None:
    text = "version: 1\ncache: {max_size: 3 GiB}\nrun: {memory: 512 MiB, workers: 4}\nnodes: {}"
    config, _ = load_config(parse_yaml(text, "x.yaml"), {}, tmp_path)
    assert (config.cache.max_size, config.run.memory, config.run.workers) == (3 * 2**30, 2**29, 4)


def test_all_faults_are_told_at_once_with_their_lines(faults_of: Faults) -> None:
    text = """\
version: 2
kache: {}
nodes:
  a:
    kind: source
    levle: 3
    size: 0
  b:
    kind: rond
  c:
    kind: round
    inputs: {imag: a}
  d: 3
"""
    assert faults_of(text) == [
        "test.yaml:1: version: got 2. Use 1.",
        'test.yaml:2: kache: "kache" is unknown. Did you mean "cache"?',
        'test.yaml:6: nodes.a.levle: "levle" is unknown. Did you mean "level"?',
        "test.yaml:7: nodes.a.size: got 0. Use a whole number of at least 1.",
        'test.yaml:9: nodes.b.kind: "rond" is unknown. Did you mean "round"?',
        "test.yaml:10: nodes.c: input image is missing. Add inputs: {image: NAME OF A NODE}.",
        'test.yaml:12: nodes.c.inputs.imag: "imag" is no input of round. Did you mean "image"?',
        "test.yaml:13: nodes.d: got 3. Use a mapping that begins with kind.",
    ]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("level: 11", "got 11. Use a number from 0 to 10."),
        ("level: .nan", "Use a number from 0 to 10."),
        ('level: "3"', 'got "3". Use a number from 0 to 10.'),
        ("level: true", "got true. Use a number from 0 to 10."),
        ("size: 2.5", "got 2.5. Use a whole number of at least 1."),
        ("size: null", "got null. Use a whole number of at least 1."),
        ("cache: 3", "got 3. Use true or false."),
        ("inputs: [a]", "Use a mapping, say {image: photo}."),
        ("path: 3", "got 3. Use text."),
    ],
)
def test_a_wrong_value_is_shown_with_what_would_be_right(
    faults_of: Faults, body: str, told: str
) -> None:
    (fault,) = faults_of(f"version: 1\nnodes:\n  a:\n    kind: source\n    {body}\n")
    assert fault.endswith(told)
    assert fault.startswith("test.yaml:5: nodes.a.")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds nothing. Write version, then nodes."),
        ("- 1", "holds list"),
        ("version: 1", "holds no node"),
        ("nodes: {a: {kind: spot}}", "version is missing"),
        ("version: 1\nnodes: {a: {}}", "kind is missing. Use one of source"),
        ("version: 1\nnodes: {'a b': {kind: spot}}", '"a b" is no name'),
        ("version: 1\nnodes: [1]", "got [1]. Use a mapping."),
        ("version: 1\nrun: {workers: 0}\nnodes: {a: {kind: spot}}", "got 0"),
        ("version: 1\ncache: {max_size: many}\nnodes: {a: {kind: spot}}", 'got "many"'),
    ],
)
def test_what_is_no_configuration(faults_of: Faults, text: str, told: str) -> None:
    assert told in "\n".join(faults_of(text))


def write(folder: Path, text: str) -> Path:
    path = folder / "x.yaml"
    path.write_text(text)
    return path


def test_a_change_on_the_command_line(tmp_path: Path) -> None:
    path = write(tmp_path, "version: 1\nnodes:\n  a: {kind: source, level: 1}\n")
    document = read_document(path, ["a.level=2.5", "a.inputs.image=b"])
    assert document.data["nodes"]["a"] == {  # type: ignore[index, call-overload]
        "kind": "source",
        "level": 2.5,
        "inputs": {"image": "b"},
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("a.level", "has another form than NODE.PARAM=VALUE"),
        ("level=3", "has another form than NODE.PARAM=VALUE"),
        ("photo.level=3", '"photo" is no node of'),
    ],
)
def test_a_change_of_another_form_is_told(tmp_path: Path, change: str, told: str) -> None:
    path = write(tmp_path, "version: 1\nnodes:\n  a: {kind: source, level: 1}\n")
    with pytest.raises(ConfigError) as caught:
        read_document(path, [change])
    assert str(caught.value).startswith(f"--set {change}: ")
    assert told in str(caught.value)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.tif").write_bytes(b"II*\0\xff\xfe")
    for path, told in [
        (tmp_path, "is a folder"),
        (tmp_path / "none.yaml", "does not exist"),
        (tmp_path / "x.tif", "is no text"),
    ]:
        with pytest.raises(ConfigError, match=told):
            read_document(path)


def test_relative_paths_start_from_the_file_or_from_the_shell(kinds: Kinds, tmp_path: Path) -> None:
    text = "version: 1\nnodes:\n  a: {kind: source, path: photo.tif}\n"
    document = parse_yaml(text, "x.yaml")
    config, _ = load_config(document, kinds, tmp_path)
    assert config.nodes["a"].params.model_dump()["path"] == tmp_path / "photo.tif"
    document.put(("nodes", "a", "path"), "photo.tif", "--set")
    config, _ = load_config(document, kinds, tmp_path)
    assert config.nodes["a"].params.model_dump()["path"] == Path("photo.tif")


def test_a_file_of_an_installed_package(kinds: Kinds, tmp_path: Path) -> None:
    text = "version: 1\nnodes:\n  a: {kind: source, path: 'package:numpy/__init__.py'}\n"
    config, faults = load_config(parse_yaml(text, "x.yaml"), kinds, tmp_path)
    assert faults == []
    assert config.nodes["a"].params.model_dump()["path"].is_file()


def test_a_package_that_is_not_installed(faults_of: Faults) -> None:
    (fault,) = faults_of("version: 1\nnodes: {a: {kind: source, path: 'package:nowhere/x.png'}}")
    assert fault.endswith(
        'got "package:nowhere/x.png", but no package nowhere is installed. Install it.'
    )

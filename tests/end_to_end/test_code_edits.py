"""Code that is edited while a run goes on: no result gets the key of other code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import registry

NODES = """\
from pathlib import Path
from pipeline.node import Node, NodeParams, Value
from pipeline.registry import register

@register("late_editor")
class Editor(Node):
    '''Edit what the other node has not loaded yet.'''

    Params = NodeParams
    output = "metrics"
    cached = False

    def run(self, params, inputs, context):
        file = Path(__file__).with_name("helper.py")
        file.write_text(file.read_text().replace("1", "2"))
        return Value("metrics")

@register("late_user")
class User(Node):
    '''Load its helper when it runs.'''

    Params = NodeParams
    output = "metrics"

    def run(self, params, inputs, context):
        from late_package.helper import number
        return Value("metrics", details={"number": number()})
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "late_package"
    folder.mkdir()
    (folder / "__init__.py").write_text(NODES)
    (folder / "helper.py").write_text("def number():\n    return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("late_package")
    yield folder
    for kind in ("late_editor", "late_user"):
        del registry._kinds[kind]
    for module in [name for name in sys.modules if name.startswith("late_package")]:
        del sys.modules[module]


def test_code_edited_before_it_is_loaded_makes_no_result_of_the_old(
    unblur: Any, package: Path, tmp_path: Path
) -> None:
    config = tmp_path / "late.yaml"
    config.write_text(
        "version: 1\nnodes:\n  first: {kind: late_editor}\n  second: {kind: late_user}\n"
    )
    done = unblur("run", config, "--json")
    assert done.code == 1
    assert 'node "second": its code was changed after this run had begun. Run again.' in done.err
    done = unblur("run", config, "--json")
    assert done.json["nodes"]["second"]["details"] == {"number": 2}
    (package / "helper.py").write_text("def number():\n    return 1\n")
    assert unblur("plan", config, "--json").json["nodes"]["second"]["status"] == "run"


EARLY = """\
from pipeline.node import Node, NodeParams, Value
from pipeline.registry import register

@register("early")
class Early(Node):
    '''Tell a number.'''

    Params = NodeParams
    output = "metrics"

    def run(self, params, inputs, context):
        return Value("metrics", details={"number": 1})
"""
INFO = {
    "METADATA": "Metadata-Version: 2.1\nName: early-package\nVersion: 1\n",
    "entry_points.txt": "[unblur.nodes]\nearly = early_package.nodes\n",
}


def test_code_edited_between_its_loading_and_the_plan_makes_no_result_of_the_old(
    unblur: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fingerprint is then that of the new code, in the plan and when the node runs."""
    file = tmp_path / "early_package" / "nodes.py"
    for name, text in INFO.items():
        path = tmp_path / "early_package-1.dist-info" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    file.parent.mkdir()
    file.with_name("__init__.py").write_text("")
    file.write_text(EARLY)
    config = tmp_path / "early.yaml"
    config.write_text("version: 1\nnodes:\n  only: {kind: early}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        assert unblur("plan", config, "--json").json["nodes"]["only"]["status"] == "run"
        file.write_text(EARLY.replace("1}", "2}"))
        done = unblur("run", config, "--json")
    finally:
        del registry._kinds["early"]
        for module in [name for name in sys.modules if name.startswith("early_package")]:
            del sys.modules[module]
    assert done.code == 1
    assert 'node "only": its code was changed after this run had begun. Run again.' in done.err

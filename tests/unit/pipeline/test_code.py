"""Fingerprints of code: what counts, and what does not."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.code import CodeIndex
from pipeline.errors import UnblurError
from pipeline.node import Json

FILES = {
    "__init__.py": "",
    "node.py": '''\
"""A node."""

import numpy as np

from blurry import other
from blurry.maths import SIGMA, smooth as soft
from .shared import Base


class Node(Base):
    """Blur."""

    def run(self, x):
        from blurry.late import finish

        return finish(soft(x, SIGMA)) + other.used(x) + np.mean(x)


def unrelated():
    return 1
''',
    "maths.py": '''\
from blurry.deep import core

SIGMA = 1.5
UNUSED = 3


def smooth(x, sigma):
    """Smooth."""
    return core(x) / sigma  # why


def sharpen(x):
    return -x
''',
    "deep.py": "def core(x):\n    return x + 1\n\n\ndef shallow(x):\n    return x\n",
    "late.py": "def finish(x):\n    return x\n",
    "other.py": "def used(x):\n    return x\n\n\ndef unused(x):\n    return x\n",
    "shared.py": "class Base:\n    limit = 3\n",
}


class DictMemo:
    """Remembers by path and content, and counts what it is asked to remember."""

    def __init__(self) -> None:
        self.known: dict[tuple[Path, bytes], Json] = {}

    def get(self, path: Path) -> Json:
        return self.known.get((path, path.read_bytes()))

    def put(self, path: Path, value: Json) -> None:
        self.known[path, path.read_bytes()] = value


Edit = Callable[[str, str, str], str]


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edit]:
    """Replace text in a file of a package, and give the fingerprint of its node then."""
    package = tmp_path / "blurry"
    package.mkdir()
    for name, text in FILES.items():
        (package / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    cls = importlib.import_module("blurry.node").Node
    memo = DictMemo()

    def apply(name: str, old: str, new: str) -> str:
        if name:
            text = (package / name).read_text()
            assert old in text
            (package / name).write_text(text.replace(old, new))
        return CodeIndex(frozenset({"blurry"}), memo).fingerprint(cls)

    yield apply
    for name in [name for name in sys.modules if name.partition(".")[0] == "blurry"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("node.py", "np.mean", "np.sum"),
        ("maths.py", "core(x) / sigma", "core(x) * sigma"),
        ("maths.py", "SIGMA = 1.5", "SIGMA = 1.6"),
        ("deep.py", "x + 1", "x + 2"),
        ("late.py", "return x", "return 2 * x"),
        ("other.py", "def used(x):\n    return x", "def used(x):\n    return -x"),
        ("shared.py", "limit = 3", "limit = 4"),
    ],
)
def test_editing_what_is_reached_counts(edit: Edit, file: str, old: str, new: str) -> None:
    before = edit("", "", "")
    assert edit(file, old, new) != before
    assert edit(file, new, old) == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("node.py", "return 1", "return 2"),
        ("node.py", '"""Blur."""', '"""Blur it."""'),
        ("maths.py", "  # why", "  # because"),
        ("maths.py", "core(x) / sigma", "(core(x)\n            / sigma)"),
        ("maths.py", '    """Smooth."""\n', ""),
        ("maths.py", "return -x", "return x"),
        ("maths.py", "UNUSED = 3", "UNUSED = 4"),
        ("deep.py", "def shallow(x):\n    return x", "def shallow(x):\n    return -x"),
        ("other.py", "def unused(x):\n    return x", "def unused(x):\n    return -x"),
    ],
)
def test_comments_formatting_and_what_is_not_reached_do_not_count(
    edit: Edit, file: str, old: str, new: str
) -> None:
    before = edit("", "", "")
    assert edit(file, old, new) == before


def test_descriptions_of_parameters_do_not_count(edit: Edit) -> None:
    edit("shared.py", "limit = 3", 'limit = Field(3, description="a limit")')
    before = edit("", "", "")
    assert edit("shared.py", "a limit", "the limit") == before
    assert edit("shared.py", "Field(3", "Field(4") != before


def test_a_module_used_as_a_whole_counts_as_a_whole(edit: Edit) -> None:
    edit("node.py", "other.used(x)", "apply(other)")
    before = edit("", "", "")
    assert (
        edit("other.py", "def unused(x):\n    return x", "def unused(x):\n    return 1") != before
    )


def test_statements_that_run_at_import_count(edit: Edit) -> None:
    before = edit("", "", "")
    assert edit("deep.py", "def core", "print('hello')\n\n\ndef core") != before


def make_package(folder: Path, text: str) -> type:
    """Import a package that is one file, and give its class."""
    (folder / "oneblur").mkdir()
    (folder / "oneblur" / "__init__.py").write_text(text)
    (folder / "oneblur" / "maths.py").write_text("def smooth(x):\n    return x\n")
    cls: type = importlib.import_module("oneblur").Node
    del sys.modules["oneblur"]
    return cls


def test_a_node_in_the_file_of_its_package_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    text = "class Node:\n    def run(self, x):\n        from oneblur.maths import smooth\n"
    cls = make_package(tmp_path, f"{text}        return smooth(x)\n")
    found = set()
    for file, old, new in (
        ("__init__.py", "", ""),
        ("__init__.py", "return smooth(x)", "return -smooth(x)"),
        ("maths.py", "return x", "return 2 * x"),
    ):
        path = tmp_path / "oneblur" / file
        path.write_text(path.read_text().replace(old, new))
        index = CodeIndex(frozenset({"oneblur"}), DictMemo())
        found.add(index.fingerprint(cls))
        assert index.modules(cls) == {"oneblur", "oneblur.maths"}
    assert len(found) == 3


def test_what_a_package_hands_on_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    text = "from oneblur.maths import smooth\nimport oneblur\n\n\n"
    cls = make_package(
        tmp_path, f"{text}class Node:\n    def run(self, x):\n        return oneblur.smooth(x)\n"
    )
    before = CodeIndex(frozenset({"oneblur"}), DictMemo()).fingerprint(cls)
    (tmp_path / "oneblur" / "maths.py").write_text("def smooth(x):\n    return -x\n")
    assert CodeIndex(frozenset({"oneblur"}), DictMemo()).fingerprint(cls) != before


def test_a_node_without_a_file_is_refused() -> None:
    cls = type("Node", (), {"__module__": "nowhere"})
    with pytest.raises(UnblurError, match=r"nowhere\.Node: its file can't be found"):
        CodeIndex(frozenset({"nowhere"}), DictMemo()).fingerprint(cls)


def test_nothing_is_imported_to_read_the_code_of_the_real_nodes() -> None:
    code = (
        "import sys, nodes\n"
        "from pipeline.code import CodeIndex\n"
        "from pipeline.registry import kinds\n"
        "class Memo:\n"
        "    get = staticmethod(lambda path: None)\n"
        "    put = staticmethod(lambda path, value: None)\n"
        "index = CodeIndex(frozenset({'nodes', 'numerics'}), Memo())\n"
        "prints = {kind: index.fingerprint(cls) for kind, cls in kinds().items()}\n"
        "assert len(set(prints.values())) == len(prints) >= 10, prints\n"
        "heavy = {'numpy', 'numba', 'pyfftw', 'scipy', 'zarr', 'skimage', 'dask', 'tifffile'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")

"""What every numeric node gives on small pictures, beside the fingerprint of its code.

Results are cached under that fingerprint, so an output that changes while it does not would be
served stale for ever. One that changed with the code, on purpose, is written anew by
``python tests/golden/test_golden.py``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

import nodes
from cache.memory import MemoryStore
from pipeline.code import CodeIndex
from pipeline.config import load_config, read_document
from pipeline.files import FileDigests
from pipeline.graph import build_graph
from pipeline.node import Json
from pipeline.plan import Planner, Wishes
from pipeline.registry import kinds
from pipeline.resources import Resources
from pipeline.runner import Runner

Golden: TypeAlias = dict[str, Any]

HERE = Path(__file__).resolve().parent
GRAPH, STORED = HERE / "graph.yaml", HERE / "outputs.json"
BLOCKS = 4
SMALL = 16
# Of the largest value. Blind estimation follows rounding errors further than the others.
TOLERANCE = 1e-4
TOLERANCES = {"estimate_psf": 3e-2}


class NoMemo:
    """Remembers nothing."""

    def get(self, path: Path) -> Json:
        return None

    def put(self, path: Path, value: Json) -> None:
        pass


def make_outputs(folder: Path) -> dict[str, Golden]:
    """Run the graph; describe every node's output."""
    assert nodes.__all__
    np.save(folder / "psf.npy", np.outer([0, 1, 2, 1, -1], [1, 3, 4, 1, 0]).astype(np.float32))
    config, faults = load_config(read_document(GRAPH), kinds(), folder)
    graph = build_graph(config, faults)
    store = MemoryStore()
    code = CodeIndex(frozenset({"nodes", "numerics"}), NoMemo())
    planner = Planner(store, code, FileDigests(NoMemo()), {})
    runner = Runner(store, lambda: nullcontext(store), lambda _: None, Resources(1, 2**30))
    outcome = runner.run(lambda wishes: planner.plan(graph, config, wishes), Wishes())
    return {
        name: {
            "kind": step.spec.cls.kind,
            "fingerprint": step.ingredients.code,
            "output": described(store, str(store.resolve(step.recipe))),
        }
        for name, step in outcome.steps.items()
    }


def described(store: MemoryStore, key: str) -> dict[str, list[float]]:
    """Describe arrays by means and deviations of their blocks, small ones whole; metrics as is."""
    entry = store.find(key)
    assert entry is not None
    facts: Any = entry.record["facts"]
    numbers = {name: np.ravel(value) for name, value in facts.items() if not isinstance(value, str)}
    # A profile is its author's, and no node changes it.
    stored = {name: array for name, array in store.open(key).items() if name != "icc"}
    arrays = {name: summary(array[()]) for name, array in stored.items()}
    return {
        name: [float(f"{v:.7g}") for v in values] for name, values in (numbers | arrays).items()
    }


def summary(array: np.ndarray) -> np.ndarray:
    if array.ndim < 2 or max(array.shape[:2]) <= SMALL:
        return np.ravel(array)[: SMALL**2 * 3]
    rows = np.array_split(array, BLOCKS, axis=0)
    blocks = [block for row in rows for block in np.array_split(row, BLOCKS, axis=1)]
    figures = [(block.mean(axis=(0, 1)), block.std(axis=(0, 1))) for block in blocks]
    return np.ravel([*array.shape, *np.ravel(figures)])


def is_near(one: Mapping[str, list[float]], two: Mapping[str, list[float]], most: float) -> bool:
    return one.keys() == two.keys() and all(
        len(one[name]) == len(two[name])
        and np.allclose(one[name], two[name], rtol=0, atol=most * np.abs(one[name]).max(initial=0))
        for name in one
    )


def verdict(stored: Golden, found: Golden) -> str:
    """Say what is wrong; nothing if the output is near the stored one."""
    tolerance = TOLERANCES.get(stored["kind"], TOLERANCE)
    if is_near(stored["output"], found["output"], tolerance):
        return ""
    if stored["fingerprint"] == found["fingerprint"]:
        return (
            "its output changed, the fingerprint of its code did not: caches would serve it stale"
        )
    return "its output changed with its code. If that is meant: python tests/golden/test_golden.py"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Golden]:
    return make_outputs(tmp_path_factory.mktemp("golden"))


STORED_OUTPUTS: dict[str, Golden] = json.loads(STORED.read_text()) if STORED.exists() else {}


@pytest.mark.parametrize("name", STORED_OUTPUTS)
def test_an_output_changes_only_with_the_fingerprint_of_its_code(
    found: dict[str, Golden], name: str
) -> None:
    assert verdict(STORED_OUTPUTS[name], found[name]) == ""


def test_no_kind_that_makes_numbers_is_forgotten(found: dict[str, Golden]) -> None:
    assert STORED_OUTPUTS.keys() == found.keys()
    numeric = {kind for kind, cls in kinds().items() if cls.__module__.startswith("nodes.")}
    assert {golden["kind"] for golden in found.values()} == numeric - {"export"}


@pytest.mark.parametrize(
    ("fingerprint", "change", "words"),
    [
        ("same", 1e-5, None),
        ("same", 1e-3, "fingerprint of its code did not"),
        ("other", 1e-3, "If that is meant"),
    ],
)
def test_what_is_told(fingerprint: str, change: float, words: str | None) -> None:
    stored = {"kind": "crop", "fingerprint": "same", "output": {"pixels": [0.5, 1.0]}}
    output = {"pixels": [0.5, 1.0 + change]}
    told = verdict(stored, {"kind": "crop", "fingerprint": fingerprint, "output": output})
    assert words in told if words else told == ""


def main() -> None:
    """Write the outputs anew; name those that are no longer near."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = make_outputs(Path(folder))
    for name, golden in outputs.items():
        change = verdict(STORED_OUTPUTS[name], golden) if name in STORED_OUTPUTS else "new"
        if change:
            print(f"{name}: {change.partition('. If')[0]}")
    lines = [f"{json.dumps(name)}: {json.dumps(golden)}" for name, golden in outputs.items()]
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    sys.exit(main())

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pytest

from pipeline.handover import Handover, lone_arrays, lone_value
from pipeline.node import Node, NodeParams, Port, Value

KEPT = np.ones((4, 4, 1), np.float32)


def fresh() -> np.ndarray:
    return np.ones((4, 4, 1), np.float32)


def offered(value: Value) -> list[str]:
    lone = lone_value(value.arrays)
    return sorted(lone_arrays(value, lone))


def test_an_array_that_nobody_else_has_is_handed_over() -> None:
    # Not inside of the assert: pytest keeps what it compares.
    found = offered(Value("image", {"pixels": fresh(), "mask": fresh()}))
    assert found == ["mask", "pixels"]


def test_an_array_that_somebody_else_has_is_not() -> None:
    mine = fresh()
    view = (part := fresh())[1:]
    values: list[Any] = [KEPT, mine, part, view, fresh()[::2], memoryview(b"four")]
    del part
    found = [offered(Value("image", {"pixels": one})) for one in values]
    assert found == [[]] * len(values)
    assert mine.size
    assert view.size


def test_neither_is_one_of_a_value_or_mapping_that_somebody_else_has() -> None:
    arrays = {"pixels": fresh()}
    kept = Value("image", {"pixels": fresh()})
    also = kept
    found = offered(Value("image", arrays))
    assert found == []
    lone = lone_value(kept.arrays)
    assert lone_arrays(kept, lone) == {}
    assert also is kept


def test_what_waits_is_taken_once_and_stays_within_the_limit() -> None:
    handover = Handover(150)
    handover.offer("a", {"pixels": fresh()})
    handover.offer("b", {"pixels": fresh()})
    handover.offer("c", {"pixels": fresh()})
    assert [len(handover.take(digest)) for digest in "abcc"] == [0, 1, 1, 0]


class Constant(Node):
    """Give what the module keeps."""

    Params = NodeParams
    kind = "constant"
    output = "image"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        return Value("image", {"pixels": KEPT})


class Scribble(Node):
    """Write into the array that was read."""

    class Params(NodeParams):
        factor: float = 2.0

    kind = "scribble"
    inputs: ClassVar = {"image": Port("image")}
    output = "image"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        pixels = inputs["image"].arrays["pixels"][:, :, :]
        pixels *= params.factor
        return Value("image", {"pixels": pixels})


TEXT = """\
version: 1
nodes:
  a: {kind: %s}
  b: {kind: scribble, inputs: {image: a}}
  c: {kind: scribble, inputs: {image: a}, factor: 3.0}
  d: {kind: add, inputs: {image: b, other: c}}
  e: {kind: weigh, inputs: {image: d}}
  f: {kind: weigh, inputs: {image: a}}
"""


@pytest.mark.parametrize("kind", ["constant", "source"])
def test_a_node_that_writes_into_its_input_harms_nobody(
    bench: Any, kinds: dict[str, type[Node]], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setitem(kinds, "constant", Constant)
    monkeypatch.setitem(kinds, "scribble", Scribble)
    outcome = bench.run(TEXT % kind)
    sums = {
        step.spec.name: bench.store.find(bench.store.resolve(step.recipe)).record["facts"]
        for step in outcome.steps.values()
    }
    assert (sums["e"], sums["f"]) == ({"sum": 16 * 5.0}, {"sum": 16 * 1.0})
    assert KEPT.max() == 1.0
    assert bench.store.check() == []

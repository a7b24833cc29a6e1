"""Small node kinds and a workbench, so that the engine is tested without real nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field

from cache.memory import MemoryStore
from pipeline import events
from pipeline.code import CodeIndex
from pipeline.config import load_config
from pipeline.document import parse_yaml
from pipeline.files import FileDigests, hash_file
from pipeline.graph import build_graph
from pipeline.history import History
from pipeline.node import InputPath, Json, Node, NodeParams, OutputPath, Port, Value
from pipeline.plan import Planner, Step, Wishes
from pipeline.resources import Resources
from pipeline.runner import Runner, RunOutcome

calls: list[str] = []


def image(values: Any) -> Value:
    return Value("image", {"pixels": np.asarray(values, np.float32)}, {"encoding": "linear"})


class Source(Node):
    """Make a picture of one level."""

    class Params(NodeParams):
        level: float = Field(1.0, ge=0, le=10, description="grey level")
        size: int = Field(4, ge=1, description="side, pixels")
        path: InputPath | None = Field(None, description="adds the file's length to the level")

    kind = "source"
    output = "image"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        calls.append("source")
        level = params.level + (len(params.path.read_bytes()) if params.path else 0)
        return image(np.full((params.size, params.size, 1), level))


class Picky(Source):
    """Refuse an empty file."""

    kind = "picky"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        if not params.path.read_bytes():
            raise ValueError("nothing in it")
        return super().run(params, inputs, context)


class Count(Node):
    """Give another picture each time, as no node should."""

    Params = NodeParams
    kind = "count"
    output = "image"
    numbers = count()

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        return image(np.full((4, 4, 1), next(self.numbers)))


class Round(Node):
    """Round a picture: different inputs may give equal results."""

    class Params(NodeParams):
        mode: str = Field("even", description="ignored")

    kind = "round"
    inputs: ClassVar = {"image": Port("image")}
    output = "image"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        calls.append("round")
        pixels = inputs["image"].arrays["pixels"]
        result = context.new_array("pixels", pixels.shape)
        result[tuple(slice(0, n) for n in pixels.shape)] = np.round(pixels[:, :, :])
        context.progress(1, 1)
        return Value("image", {"pixels": result}, inputs["image"].facts, {"rounded": True})


class Add(Node):
    """Add two pictures."""

    class Params(NodeParams):
        factor: float = Field(1.0, description="of the second")

    kind = "add"
    inputs: ClassVar = {"image": Port("image"), "other": Port("image", optional=True)}
    output = "image"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        calls.append("add")
        total = inputs["image"].arrays["pixels"][:, :, :]
        if "other" in inputs:
            total = total + params.factor * inputs["other"].arrays["pixels"][:, :, :]
        return image(total)


class Bands(Node):
    """Fill a picture chunk by chunk, leaving out what is there."""

    Params = NodeParams
    kind = "bands"
    output = "image"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        result = context.new_array("pixels", (1200, 2, 1))
        for number, start in enumerate(range(0, 1200, 512)):
            context.check_cancelled()
            band = (slice(start, min(start + 512, 1200)),)
            if not result.is_written(band):
                calls.append(f"band {number}")
                result[band] = np.full((band[0].stop - start, 2, 1), number, np.float32)
            context.progress(number + 1, 3)
        return Value("image", {"pixels": result})


class Tag(Node):
    """Write on the back of a picture."""

    class Params(NodeParams):
        label: str = "none"

    kind = "tag"
    inputs: ClassVar = {"image": Port("image")}
    output = "image"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        calls.append("tag")
        arrays = {**inputs["image"].arrays, "back": np.frombuffer(params.label.encode(), np.uint8)}
        return Value("image", arrays, {"label": params.label})


class Weigh(Node):
    """Look at nothing but pixels."""

    Params = NodeParams
    kind = "weigh"
    inputs: ClassVar = {"image": Port("image", arrays=("pixels",))}
    output = "metrics"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        calls.append("weigh")
        assert list(inputs["image"].arrays) == ["pixels"]
        assert not inputs["image"].facts
        return Value(
            "metrics", facts={"sum": float(inputs["image"].arrays["pixels"][:, :, :].sum())}
        )


class Double(Node):
    """Make a picture brighter; what is written on its back stays."""

    class Params(NodeParams):
        factor: float = 2.0

    kind = "double"
    inputs: ClassVar = {"image": Port("image", arrays=("pixels",), passes=True)}
    output = "image"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        calls.append("double")
        assert list(inputs["image"].arrays) == ["pixels"]
        assert not inputs["image"].facts
        pixels = inputs["image"].arrays["pixels"][:, :, :] * params.factor
        return Value("image", {"pixels": pixels}, {"label": "nobody's"})


class Show(Node):
    """Tell everything about a picture."""

    class Params(NodeParams):
        path: OutputPath = Field(description="file")

    kind = "show"
    inputs: ClassVar = {"image": Port("image")}
    output = "file"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        calls.append("show")
        arrays, facts = inputs["image"].arrays, inputs["image"].facts
        back = bytes(arrays["back"][:]).decode() if "back" in arrays else ""
        params.path.write_text(f"{arrays['pixels'][:, :, :].mean()} {back} {facts.get('label')}")
        return Value("file", facts={"digest": hash_file(params.path)})


class Spot(Node):
    """Give a PSF."""

    Params = NodeParams
    kind = "spot"
    output = "psf"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        return Value("psf", {"psf": np.ones((1, 1), np.float32)})


class Write(Node):
    """Write a picture's mean to a file."""

    class Params(NodeParams):
        path: OutputPath = Field(description="file")

    kind = "write"
    inputs: ClassVar = {"image": Port("image", optional=True), "psf": Port("psf", optional=True)}
    exactly_one_of = ("image", "psf")
    output = "file"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        calls.append("write")
        mean = float(np.mean(inputs["image"].arrays["pixels"][:, :, :]))
        params.path.write_text(str(mean))
        facts: dict[str, Json] = {"digest": hash_file(params.path)}
        return Value("file", facts=facts, details={"mean": mean})


class Fail(Node):
    """Fail with a message."""

    class Params(NodeParams):
        error: str = "value"

    kind = "fail"
    output = "image"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        if params.error == "type":
            return Value("psf")
        raise {"value": ValueError, "memory": MemoryError}[params.error]("the sky is 3. Use 2.")


KINDS: dict[str, type[Node]] = {
    cls.kind: cls
    for cls in (
        Source,
        Count,
        Picky,
        Round,
        Add,
        Bands,
        Tag,
        Weigh,
        Double,
        Show,
        Spot,
        Write,
        Fail,
    )
}


class NoMemo:
    """Remembers nothing."""

    def get(self, path: Path) -> Json:
        return None

    def put(self, path: Path, value: Json) -> None:
        pass


def passing_store() -> AbstractContextManager[MemoryStore]:
    return nullcontext(MemoryStore())


@dataclass
class Workbench:
    """Runs YAML text against a store in memory."""

    folder: Path
    store: MemoryStore = field(default_factory=MemoryStore)
    events: list[events.Event] = field(default_factory=list)
    scratch: Callable[[], AbstractContextManager[MemoryStore]] = passing_store

    def plan(self, text: str, wishes: Wishes | None = None) -> Mapping[str, Step]:
        config, faults = load_config(parse_yaml(text, "test.yaml"), KINDS, self.folder)
        planner = Planner(
            self.store,
            CodeIndex(frozenset(), NoMemo()),
            FileDigests(NoMemo()),
            self.history.load(),
        )
        return planner.plan(build_graph(config, faults), config, wishes or Wishes())

    def run(self, text: str, wishes: Wishes | None = None) -> RunOutcome:
        calls.clear()
        runner = Runner(self.store, self.scratch, self.events.append, Resources(1, 2**30))
        outcome = runner.run(lambda w: self.plan(text, w), wishes or Wishes())
        self.history.save({name: step.ingredients for name, step in outcome.steps.items()})
        return outcome

    def damage(self, key: str) -> None:
        """Change a stored value behind the store's back."""
        for chunks in self.store._results[key].chunks.values():
            for block in chunks.values():
                block += 1

    @property
    def history(self) -> History:
        return History(self.folder / "history", "test.yaml")

    @property
    def calls(self) -> list[str]:
        return list(calls)


@pytest.fixture
def kinds() -> dict[str, type[Node]]:
    return KINDS


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


@pytest.fixture
def faults_of(tmp_path: Path) -> Callable[[str], list[str]]:
    """Give the faults that a YAML text is refused with."""
    from pipeline.errors import ConfigError

    def collect(text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            build_graph(*load_config(parse_yaml(text, "test.yaml"), KINDS, tmp_path))
        return [str(fault) for fault in caught.value.faults]

    return collect

"""The steps as node kinds, such as a package of somebody else would register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pipeline.node import Node, NodeParams, Port, Value
from pipeline.registry import register


@register("chain_make")
class Make(Node):
    """Make a picture of noise."""

    class Params(NodeParams):
        """Which noise."""

        seed: int = 0

    output = "image"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        """Make it."""
        from _chain.steps import make

        return Value("image", {"pixels": make(params.seed)})


@register("chain_shift")
class Shift(Node):
    """Add a constant."""

    class Params(NodeParams):
        """How much."""

        amount: float = 1.0

    inputs: ClassVar[Mapping[str, Port]] = {"image": Port("image")}
    output = "image"

    def run(self, params: Any, inputs: Mapping[str, Value], context: Any) -> Value:
        """Add it."""
        from _chain.steps import shift

        return Value("image", {"pixels": shift(inputs["image"].arrays["pixels"][:], params.amount)})

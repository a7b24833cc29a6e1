"""What happens during a run, as records; the report and tests listen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from pipeline.node import Json


@dataclass(frozen=True, slots=True)
class NodeHit:
    """A result came, or would come, from the cache."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class NodeStarted:
    """A node begins to compute, and why."""

    node: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class NodeProgressed:
    """A node has done a part of its work, such as a tile."""

    node: str
    done: float
    total: float


@dataclass(frozen=True, slots=True)
class NodeWaiting:
    """Another process computes the same result; we wait for it."""

    node: str


@dataclass(frozen=True, slots=True)
class NodeDone:
    """A node has computed and published its result."""

    node: str
    seconds: float
    details: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the user should know that does not stop the run."""

    node: str
    message: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something worth knowing that is as it should be."""

    node: str
    message: str


Event: TypeAlias = NodeHit | NodeStarted | NodeProgressed | NodeWaiting | NodeDone | Warned | Noted
Listener: TypeAlias = Callable[[Event], None]


def prepared(listener: Listener, prepare: Callable[[], object]) -> Listener:
    """Call `prepare` before the first node that computes is told of; in a cached run never."""
    waiting = [prepare]

    def listen(event: Event) -> None:
        if waiting and isinstance(event, NodeStarted):
            waiting.pop()()
        listener(event)

    return listen

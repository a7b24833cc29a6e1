"""What a running node may ask of its surroundings, joined with the run it is part of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cache.store import Draft
from pipeline import events
from pipeline.node import WritableArray
from pipeline.resources import held_memory

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from pipeline.runner import Runner

# Of the budget, kept for chunks that are read or written: a store's own buffers.
_STORE_SHARE = 64 * 2**20


@dataclass
class NodeContext:
    """The `pipeline.node.Context` of one running node."""

    name: str
    runner: Runner
    draft: Draft
    begun: set[str] = field(default_factory=set)

    @property
    def workers(self) -> int:
        """Threads that the node may use."""
        return self.runner.resources.workers

    @property
    def memory(self) -> int:
        """Bytes that the node may hold at one time."""
        return self.runner.resources.memory - held_memory() - _STORE_SHARE

    def new_array(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: DTypeLike = "float32",
        *,
        passing: bool = False,
        chunks: tuple[int, ...] | None = None,
    ) -> WritableArray:
        """Make an array of the node's result."""
        self.begun.add(name)
        return self.draft.new_array(name, shape, dtype, passing=passing, chunks=chunks)

    def progress(self, done: float, total: float) -> None:
        """Tell how far the node is."""
        self.runner.emit(events.NodeProgressed(self.name, done, total))

    def warn(self, message: str) -> None:
        """Tell the user something that does not stop the run."""
        self.runner.emit(events.Warned(self.name, message))

    def note(self, message: str) -> None:
        """Tell the user something that is as it should be."""
        self.runner.emit(events.Noted(self.name, message))

    def check_cancelled(self) -> None:
        """Raise `Cancelled` if the user asked to stop."""
        self.runner.check_cancelled()

"""One command's work on one configuration: plan it, run it, remember why."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import usage_error
from pipeline.loaded import are_edited

# As in `pipeline.cli`, everything else is imported where it is used.
if TYPE_CHECKING:
    from cache.store import KeptStore
    from pipeline.code import CodeIndex
    from pipeline.config import Config
    from pipeline.graph import Graph
    from pipeline.node import Node
    from pipeline.plan import Step, Wishes
    from pipeline.runner import RunOutcome


class Session:
    """A configuration joined with a store, to be planned and run.

    Parameters
    ----------
    config : Config
    graph : Graph
    root : Path
        The cache folder: what is known of files and code, and the history, lie there.
    store : KeptStore
    lessons : callable
        Gives a context in which nodes compute; entered when the first one does.
    purpose : str
        Keeps its history apart from that of other uses of the same file.
    """

    def __init__(
        self,
        config: Config,
        graph: Graph,
        root: Path,
        store: KeptStore,
        lessons: Callable[[], AbstractContextManager[None]],
        purpose: str = "",
    ) -> None:
        from cache.memo import FileMemo
        from pipeline.history import History

        self.config = config
        self.graph = graph
        self.root = root
        self.store = store
        self.lessons = lessons
        self.digests = FileMemo(root)
        self.code = FileMemo(root, "code")
        self.source = str(Path(config.source).resolve())
        self.history = History(root / "history", self.source + purpose)

    def of(self, config: Config, graph: Graph, purpose: str) -> Session:
        """Join another configuration with the same store."""
        return Session(config, graph, self.root, self.store, self.lessons, purpose)

    def check_names(self, names: Sequence[str]) -> None:
        """Raise `ConfigError` if an option names a node that is not there."""
        from pipeline.validation import suggest

        for name in names:
            if name not in self.config.nodes:
                hint = suggest(name, self.config.nodes)
                raise usage_error(self.config.source, f'"{name}" is no node of it. {hint}')

    def plan(self, wishes: Wishes) -> Mapping[str, Step]:
        """Plan afresh, as the store is now."""
        from pipeline.files import FileDigests
        from pipeline.plan import Planner

        planner = Planner(
            self.store, self._code_index(), FileDigests(self.digests), self.history.load()
        )
        return planner.plan(self.graph, self.config, wishes)

    def _code_index(self) -> CodeIndex:
        from pipeline.code import CodeIndex

        return CodeIndex(_followed_packages(), self.code)

    def _load_code(self, cls: type[Node]) -> str:
        """Load all code of a kind, then fingerprint it; what is edited later has no effect.

        Empty if some of it was loaded before it was edited.
        """
        index = self._code_index()
        for module in index.modules(cls):
            with suppress(ImportError):  # whoever needs it tells
                importlib.import_module(module)
        if are_edited(index.files(cls)):
            return ""
        return self._code_index().fingerprint(cls)

    def run(self, wishes: Wishes, *, quiet: bool) -> RunOutcome:
        """Run what is not cached, showing how far it is."""
        from pipeline.events import prepared
        from pipeline.interrupts import stoppable
        from pipeline.report import TerminalReport
        from pipeline.resources import (
            Resources,
            allow_many_files,
            memory_budget,
            usable_cores,
        )
        from pipeline.runner import Runner

        settings = self.config.run
        workers = usable_cores() if settings.workers == "auto" else settings.workers
        resources = Resources(workers, memory_budget(settings.memory))
        allow_many_files()
        self.store.sweep()
        with TerminalReport(quiet=quiet) as report, ExitStack() as stack:
            listener = prepared(report, lambda: stack.enter_context(self.lessons()))
            runner = Runner(
                self.store,
                self.store.scratch,
                listener,
                resources,
                made_by=self.source,
                load_code=self._load_code,
            )
            with stoppable(runner.cancelled.is_set, runner.cancelled.set):
                outcome = runner.run(self.plan, wishes)
                # A wish to stop comes too late by now: what follows is short and not to be cut.
                self.store.tidy()
                self.history.save({name: s.ingredients for name, s in outcome.steps.items()})
        return outcome


def _followed_packages() -> frozenset[str]:
    from pipeline.registry import kinds

    return frozenset({"numerics", *(cls.__module__.partition(".")[0] for cls in kinds().values())})

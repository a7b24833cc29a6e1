"""Executes a plan: computes what is needed, publishes it, tells what happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from cache.store import DamagedError, Entry, GoneError, Store, StoreError
from pipeline import events
from pipeline.context import NodeContext
from pipeline.errors import CacheError, Cancelled, MemoryShortage, NodeError, UnblurError
from pipeline.files import FileChangedError, check_unchanged
from pipeline.handover import Handover, lone_arrays, lone_value
from pipeline.node import Array, Json, Node, Port, Value
from pipeline.passing import passing, see, whole
from pipeline.plan import Status, Step, Wishes, find_result
from pipeline.resources import Resources
from pipeline.versions import library_versions

_MOST_REPAIRS = 100
_MOST_CHANGES = 3
# What part of it values may take that wait in memory for the next node.
_HANDOVER_SHARE = 8
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class NodeResult:
    """How a node ended.

    Attributes
    ----------
    status : str
        ``hit``, ``computed`` or ``unneeded``.
    """

    kind: str
    status: str
    reason: str
    fingerprint: str
    seconds: float = 0.0
    bytes: int = 0
    details: Mapping[str, Json] = field(default_factory=dict)


@dataclass
class Runner:
    """Runs plans against a store.

    Parameters
    ----------
    store : Store
        Keeps results.
    scratch : callable
        Makes a store for the results that are not kept; entered when the first is needed.
    emit : callable
        Listens to events.
    resources : Resources
    cancelled : threading.Event
        Set from outside to stop the run.
    made_by : str
        Names the configuration in the records of results.
    load_code : callable, optional
        Loads the code of a kind of node, and gives its fingerprint as it was loaded.
    """

    store: Store
    scratch: Callable[[], AbstractContextManager[Store]]
    emit: events.Listener
    resources: Resources
    cancelled: threading.Event = field(default_factory=threading.Event)
    made_by: str = ""
    load_code: Callable[[type[Node]], str] | None = None

    def run(self, make_plan: Callable[[Wishes], Mapping[str, Step]], wishes: Wishes) -> RunOutcome:
        """Plan and run; results found damaged or gone on the way are made anew.

        Parameters
        ----------
        make_plan : callable
            Plans afresh, knowing which results were found damaged.
        wishes : Wishes

        Raises
        ------
        NodeError
            If a node fails.
        CacheError
            If the cache can't be used.
        Cancelled
        """
        damaged: list[str] = []
        changes = 0
        done: dict[str, NodeResult] = {}
        with ExitStack() as stack:
            run = _Run(self, stack)
            for _ in range(_MOST_REPAIRS):
                forced = [name for name in wishes.force if name not in done]
                steps = make_plan(Wishes(wishes.until, forced, damaged))
                try:
                    run.hold_all(steps)
                    for name, step in steps.items():
                        result = run.settle(name, step)
                        if name not in done or result.status == "computed":
                            done[name] = result
                    done.update(run.late)
                    return RunOutcome(done, steps)
                except GoneError as error:  # somebody trimmed or cleared the cache meanwhile
                    run.forget(error.key)
                    problem: StoreError = error
                except FileChangedError as error:
                    changes += 1
                    if changes > _MOST_CHANGES:
                        message = f"{error}, time and again. Run again when it is complete."
                        raise NodeError(error.node, message) from error
                    self.emit(events.Warned(error.node, f"{error}: it is read again."))
                except DamagedError as error:
                    if error.key in damaged:
                        raise CacheError(f"{error} Again: check the disk.") from error
                    damaged.append(error.key)
                    self.emit(events.Warned("", f"{error} It is put aside and made anew."))
                    run.put_aside(error.key)
                    problem = error
            raise CacheError(f"{problem} Again and again: check the disk.") from problem

    def check_cancelled(self) -> None:
        """Raise `Cancelled` if somebody asked to stop."""
        if self.cancelled.is_set():
            raise Cancelled("stopped on request. What was finished is kept.")


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How every node ended, and the plan that was carried out last."""

    nodes: Mapping[str, NodeResult]
    steps: Mapping[str, Step]


@dataclass
class _Run:
    """One run: the results at hand so far."""

    runner: Runner
    stack: ExitStack
    entries: dict[str, tuple[Store, Entry]] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)
    steps: Mapping[str, Step] = field(default_factory=dict)
    late: dict[str, NodeResult] = field(default_factory=dict)
    handover: Handover = field(init=False)
    _held: set[str] = field(default_factory=set)
    _scratch: Store | None = None

    def __post_init__(self) -> None:
        self.handover = Handover(self.runner.resources.memory // _HANDOVER_SHARE)

    def hold_all(self, steps: Mapping[str, Step]) -> None:
        """Let nobody evict what the plan found, before it is needed."""
        self.steps = steps
        working = [step for step in steps.values() if step.works]
        self.wanted = {source for step in working for source in step.spec.inputs.values()}
        for step in steps.values():
            if step.entry is not None:
                self._hold(self.runner.store, step.entry.key)

    def settle(self, name: str, step: Step) -> NodeResult:
        """Make sure of one node's result, computing it if it must be."""
        status: Status = step.status
        if status == "unneeded":
            return NodeResult(step.spec.cls.kind, "unneeded", step.reason, step.recipe)
        if not step.spec.cached and self._is_at_hand(name, step):
            return self._result(step, "hit", "computed before", self.entries[name][1])
        there = status == "hit" and not step.rewrites and not self._inputs_differ(step)
        if there and step.entry is not None:
            self.entries[name] = (self.runner.store, step.entry)
            self.runner.emit(events.NodeHit(name, step.reason))
            return self._result(step, "hit", step.reason, step.entry)
        return self._make(name, step)

    def _is_at_hand(self, name: str, step: Step) -> bool:
        """Whether a result that is not kept was made in this run already, of the same recipe."""
        known = self.entries.get(name)
        return known is not None and known[1].record.get("recipe") == step.recipe

    def put_aside(self, key: str) -> None:
        """Take a damaged result out of the way, so that the next plan makes it anew."""
        stores = [store for store, entry in self.entries.values() if entry.key == key]
        for store in {id(s): s for s in [self.runner.store, *stores]}.values():
            store.quarantine(key)
        self.forget(key)

    def forget(self, key: str) -> None:
        """Take a result that is no longer there for one that was never at hand."""
        self._held.discard(key)
        self.entries = {n: known for n, known in self.entries.items() if known[1].key != key}

    def _hold(self, store: Store, key: str) -> None:
        if key not in self._held:
            self.stack.enter_context(store.hold(key))
            self._held.add(key)

    def _inputs_differ(self, step: Step) -> bool:
        """Whether an input was recomputed (by force) and came out other than before."""
        used = step.entry.record.get("inputs") if step.entry else None
        if not isinstance(used, dict):
            return True
        digests = {port: self._digest(step, port) for port in step.spec.inputs}
        return any(digest and used.get(port) != digest for port, digest in digests.items())

    def _make_sure_of(self, name: str, reader: Port) -> None:
        """Make what the plan took for unneeded, if it is not at hand and now it is needed.

        A node that was forced may come out otherwise than before; then nodes run that were hits.
        """
        step = self.steps[name]
        past = passing(step.spec)
        if past and past.matters_to(reader):
            self._make_sure_of(past.source, whole(past.port))
        if name not in self.entries:
            needed = replace(step, status="run", reason="needed after all")
            self.late[name] = self._make(name, needed)

    def _make(self, name: str, step: Step) -> NodeResult:
        for port, source in step.spec.inputs.items():
            self._make_sure_of(source, step.spec.cls.inputs[port])
        key = step.content_key(self._digests(step))
        store = self.runner.store if step.spec.cached else self._scratch_store()
        emit = self.runner.emit
        waiting = events.NodeWaiting(name)
        check = self.runner.check_cancelled
        with store.lock(key, on_wait=lambda: emit(waiting), check=check):
            entry = None if step.forced else self._take_over(store, step, key)
            if entry is not None:
                reason = "made from the same values before"
                emit(events.NodeHit(name, reason))
                result = self._result(step, "hit", reason, entry)
            else:
                entry, seconds = self._compute(name, step, store, key)
                status = "hit" if step.rewrites else "computed"
                result = self._result(step, status, step.reason, entry, seconds)
            if step.spec.cached:
                store.link(step.recipe, key)
            self._hold(store, key)
        self.entries[name] = (store, entry)
        return result

    def _take_over(self, store: Store, step: Step, key: str) -> Entry | None:
        if step.spec.cls.output == "file":  # the file itself is what is wanted
            return None
        return find_result(store, key, step.spec.cls)

    def _compute(self, name: str, step: Step, store: Store, key: str) -> tuple[Entry, float]:
        emit = self.runner.emit
        emit(events.NodeStarted(name, step.spec.cls.kind, step.reason))
        began = time.perf_counter()
        self._held.discard(key)  # an older one, which this replaces
        self._check_code(name, step)
        with store.begin(key) as draft:
            context = NodeContext(name, self.runner, draft)
            context.check_cancelled()
            value = self._call(name, step, context)
            self._put(value, context)
            check_unchanged(name, step.states)
            seconds = time.perf_counter() - began
            entry = draft.publish(self._record(name, step, value, seconds))
        emit(events.NodeDone(name, seconds, value.details))
        if name in self.wanted:
            blank = lone_value(value.arrays)
            self.handover.offer(entry.digest, lone_arrays(value, blank))
        return entry, seconds

    def _check_code(self, name: str, step: Step) -> None:
        """Refuse to run other code than what the key was made from.

        It is loaded when it is first needed, which may be minutes after the plan.
        """
        load = self.runner.load_code
        if load is not None and load(step.spec.cls) != step.ingredients.code:
            raise NodeError(name, "its code was changed after this run had begun. Run again.")

    def _put(self, value: Value, context: NodeContext) -> None:
        import numpy as np

        for array, values in value.arrays.items():
            if array not in context.begun:
                whole = np.asarray(values[(slice(None),) * len(values.shape)])
                context.draft.put_array(array, whole, context.workers)

    def _call(self, name: str, step: Step, context: NodeContext) -> Value:
        ports = step.spec.cls.inputs
        inputs = {p: self._value(source, ports[p]) for p, source in step.spec.inputs.items()}
        try:
            value = step.spec.cls().run(step.spec.params, inputs, context)
        except (UnblurError, DamagedError, GoneError):
            raise
        except StoreError as error:
            raise CacheError(str(error)) from error
        except MemoryShortage as error:
            raise NodeError(name, self._told_shortage(error, context)) from error
        except MemoryError as error:
            message = "there is not enough memory. Close other programs or use a smaller picture."
            raise NodeError(name, message) from error
        except Exception as error:
            check_unchanged(name, step.states)  # half of a file that is being written is no picture
            raise NodeError(name, _told(error)) from error
        if value.type != step.spec.cls.output:
            message = f"gave {value.type}, but its kind promises {step.spec.cls.output}."
            raise NodeError(name, f"{message} Mend {step.spec.cls.__module__}.")
        return value

    def _told_shortage(self, error: MemoryShortage, context: NodeContext) -> str:
        budget = self.runner.resources.memory
        least = budget + error.needed - context.memory
        return (
            f"a budget of {budget // _MIB} MiB is too little memory. "
            f"Set run.memory or --memory to {-(-least // _MIB)}MiB or more."
        )

    def _value(self, name: str, port: Port) -> Value:
        value = self._seen(name, port, self.handover.take(self.entries[name][1].digest))
        if port.arrays is None:
            return value
        return Value(value.type, {n: value.arrays[n] for n in port.arrays if n in value.arrays})

    def _seen(self, name: str, reader: Port, handed: Mapping[str, Array]) -> Value:
        """Open a node's result as a port sees it; what is `handed` over need not be read."""
        store, entry = self.entries[name]
        record: Any = entry.record
        arrays: dict[str, Array] = {**store.open(entry.key), **handed}
        own = Value(record["type"], arrays, record["facts"], record["details"])
        past = passing(self.steps[name].spec)
        if past is None or not past.matters_to(reader):
            return own
        return past.value(own, self._seen(past.source, whole(past.port), {}))

    def _digests(self, step: Step) -> dict[str, str]:
        return {port: self._digest(step, port) for port in step.spec.inputs}

    def _digest(self, step: Step, port: str) -> str:
        """Digest what a node sees of an input; empty if that is not at hand."""
        specs = {name: known.spec for name, known in self.steps.items()}
        entries = {name: entry for name, (_, entry) in self.entries.items()}
        reader = step.spec.cls.inputs[port]
        seen = see(step.spec.inputs[port], reader, specs, entries)
        return seen.digest_for(reader) if seen else ""

    def _record(self, name: str, step: Step, value: Value, seconds: float) -> dict[str, Json]:
        return {
            "node": name,
            "kind": step.spec.cls.kind,
            "code": step.ingredients.code,
            "made_by": self.runner.made_by,
            "versions": {**library_versions()},
            "type": value.type,
            "params": dict(step.ingredients.params),
            "files": {field: digest for field, (_, digest) in step.ingredients.files.items()},
            "inputs": dict(self._digests(step)),
            "recipe": step.recipe,
            "facts": dict(value.facts),
            "details": dict(value.details),
            "seconds": round(seconds, 6),
        }

    def _result(
        self, step: Step, status: str, reason: str, entry: Entry, seconds: float = 0.0
    ) -> NodeResult:
        details: Any = entry.record.get("details") or {}
        return NodeResult(
            step.spec.cls.kind, status, reason, step.recipe, seconds, entry.bytes, details
        )

    def _scratch_store(self) -> Store:
        if self._scratch is None:
            self._scratch = self.stack.enter_context(self.runner.scratch())
        return self._scratch


def _told(error: BaseException) -> str:
    """Give an error's message for the user; its type where there is none."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    return str(error) or type(error).__name__

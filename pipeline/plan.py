"""What would run, and why, without computing anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from cache.store import DamagedError, Entry, Store
from pipeline.code import CodeIndex
from pipeline.config import Config, NodeSpec
from pipeline.errors import ConfigError, Fault
from pipeline.files import FileDigests, State, file_state
from pipeline.fingerprint import content_key, recipe_key
from pipeline.graph import Graph, in_order, upstream
from pipeline.history import Ingredients, why_changed
from pipeline.node import Json, Node, Port
from pipeline.passing import passing

Status: TypeAlias = Literal["hit", "run", "unneeded"]


@dataclass(frozen=True, slots=True)
class Step:
    """One node of a plan.

    Attributes
    ----------
    spec : NodeSpec
    status : Status
        ``hit``: its result is there. ``run``: it must be computed. ``unneeded``: nothing that
        runs needs it.
    reason : str
        In the user's words.
    recipe : str
        Recipe key.
    ingredients : Ingredients
        What the key is made from.
    entry : Entry or None
        The stored result of a hit.
    rewrites : bool
        A hit whose file is missing or was changed: it is written again from cached values.
    forced : bool
        It runs because the user said so, though its result may be there.
    states : mapping of Path to State
        The files that it reads, as they were before they were hashed.
    """

    spec: NodeSpec
    status: Status
    reason: str
    recipe: str
    ingredients: Ingredients
    entry: Entry | None = None
    rewrites: bool = False
    forced: bool = False
    states: Mapping[Path, State] = field(default_factory=dict)

    @property
    def works(self) -> bool:
        """Whether it needs the values of its inputs."""
        return self.status == "run" or self.rewrites

    def content_key(self, digests: Mapping[str, str]) -> str:
        """Content key, given the digest of what the node sees of each input."""
        made = self.ingredients
        files = {field: digest for field, (_, digest) in made.files.items()}
        return content_key(made.kind, made.code, key_params(self.spec), files, digests)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked of a run beyond its configuration.

    Attributes
    ----------
    until : str or None
        Nothing that this node does not need is run.
    force : collection of str
        Nodes that run though their result is there.
    damaged : collection of str
        Content keys whose stored result was found damaged.
    """

    until: str | None = None
    force: Collection[str] = ()
    damaged: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Planner:
    """Finds out what is cached; reads records and hashes files, computes nothing.

    Parameters
    ----------
    store : Store
    code : CodeIndex
    files : FileDigests
    history : mapping of str to Ingredients
        What each node was made from last time, to say what changed.
    """

    store: Store
    code: CodeIndex
    files: FileDigests
    history: Mapping[str, Ingredients]

    def plan(self, graph: Graph, config: Config, wishes: Wishes = Wishes()) -> dict[str, Step]:
        """Decide for each node, in an order in which they can run.

        Raises
        ------
        ConfigError
            If a file that is read does not exist, with the line that names it.
        """
        order = in_order(graph)
        wanted = upstream(graph, wishes.until) if wishes.until else set(order)
        faults: list[Fault] = []
        recipes: dict[str, str] = {}
        made: dict[str, Ingredients] = {}
        states: dict[str, dict[Path, State]] = {}
        for name in order:
            if name in wanted:
                states[name] = _file_states(graph.specs[name])
                made[name] = self._ingredients(graph.specs[name], recipes, config, faults)
                recipes[name] = _recipe(graph.specs[name], made[name])
        if faults:
            raise ConfigError(faults)
        steps = {}
        for name in order:
            if name in wanted:
                step = self._look_up(graph.specs[name], recipes[name], made[name], wishes)
                steps[name] = replace(step, states=states[name])
        return _drop_unneeded(graph, steps)

    def _ingredients(
        self, spec: NodeSpec, recipes: Mapping[str, str], config: Config, faults: list[Fault]
    ) -> Ingredients:
        files: dict[str, tuple[str, str]] = {}
        for parameter, path in spec.paths("input"):
            try:
                files[parameter] = (path.name, self.files.digest(path))
            except OSError as error:
                message = _file_message(path, error)
                faults.append(config.document.fault(("nodes", spec.name, parameter), message))
                files[parameter] = (path.name, "")
        inputs = {port: (source, recipes[source]) for port, source in spec.inputs.items()}
        params = _shown_params(spec)
        return Ingredients(spec.cls.kind, self.code.fingerprint(spec.cls), params, files, inputs)

    def _look_up(self, spec: NodeSpec, recipe: str, made: Ingredients, wishes: Wishes) -> Step:
        if spec.name in wishes.force:
            return Step(spec, "run", "forced", recipe, made, forced=True)
        key = self.store.resolve(recipe) if spec.cached else None
        try:
            entry = find_result(self.store, key, spec.cls) if key else None
        except DamagedError:
            entry = None
            reason = "cached result damaged"
        else:
            reason = self._reason(spec, made, key, wishes)
        if entry is None:
            return Step(spec, "run", reason, recipe, made)
        fault = self._output_fault(spec, entry)
        reason = f"cached, {fault}: written again" if fault else "cached"
        return Step(spec, "hit", reason, recipe, made, entry, rewrites=bool(fault))

    def _reason(self, spec: NodeSpec, made: Ingredients, key: str | None, wishes: Wishes) -> str:
        if key in wishes.damaged:
            return "cached result damaged"
        if not spec.cached:
            return "not cached, by choice"
        changed = why_changed(spec.name, self.history.get(spec.name), made)
        return changed or "its cached result is gone"

    def _output_fault(self, spec: NodeSpec, entry: Entry) -> str:
        """Say what is wrong with the files that a hit would stand for; empty if nothing."""
        facts = entry.record.get("facts")
        recorded = facts.get("digest") if isinstance(facts, dict) else None
        for _, path in spec.paths("output"):
            try:
                if self.files.digest(path) != recorded:
                    return f"output {path.name} was changed"
            except OSError:
                return f"output {path.name} is missing"
        return ""


def find_result(store: Store, key: str, cls: type[Node]) -> Entry | None:
    """Look a node's result up.

    Raises
    ------
    DamagedError
        If its record does not say what that of any result of this kind does, whoever wrote it.
    """
    entry = store.find(key)
    if entry is None:
        return None
    record = entry.record
    told = all(isinstance(record.get(part), dict) for part in ("facts", "details"))
    if record.get("type") != cls.output or not told:
        raise DamagedError(key, f"cached result {key}: its record is not that of a {cls.kind}.")
    return entry


def key_params(spec: NodeSpec) -> dict[str, Any]:
    """Parameters as they enter keys: of a file that is written only its ending counts."""
    params = spec.params.model_dump(exclude={field for field, _ in spec.paths("input")})
    for parameter, path in spec.paths("output"):
        params[parameter] = path.suffix.lower()
    return params


def _shown_params(spec: NodeSpec) -> dict[str, Json]:
    hidden = {field for field, _ in [*spec.paths("input"), *spec.paths("output")]}
    shown: dict[str, Json] = spec.params.model_dump(mode="json", exclude=hidden)
    return shown


def _recipe(spec: NodeSpec, made: Ingredients) -> str:
    files = {field: digest for field, (_, digest) in made.files.items()}
    inputs = {port: key for port, (_, key) in made.inputs.items()}
    return recipe_key(made.kind, made.code, key_params(spec), files, inputs)


def _drop_unneeded(graph: Graph, steps: Mapping[str, Step]) -> dict[str, Step]:
    """Mark as unneeded what would run only for nodes that don't run."""
    kept: dict[str, Step] = {}
    seen_past: set[str] = set()
    for name in reversed(list(steps)):
        step = steps[name]
        users = [kept[user] for user in graph.users(name) if user in kept]
        idle = bool(users) and not any(user.works for user in users) and name not in seen_past
        if step.status == "run" and not step.forced and idle:
            step = replace(step, status="unneeded", reason="nothing that runs needs it")
        kept[name] = step
        past = passing(step.spec)
        readers = [port for user in users if user.works for port in _joints(user.spec, name)]
        if past and (name in seen_past or any(map(past.matters_to, readers))):
            seen_past.add(past.source)
    return {name: _settled(kept[name], kept) for name in steps}


def _joints(spec: NodeSpec, source: str) -> list[Port]:
    return [spec.cls.inputs[port] for port, name in spec.inputs.items() if name == source]


def _settled(step: Step, steps: Mapping[str, Step]) -> Step:
    """Turn a file that can't be written again from cached values alone into one that runs."""
    fresh = any(steps[source].status == "run" for source in step.spec.inputs.values())
    return (
        replace(step, status="run", entry=None, rewrites=False) if step.rewrites and fresh else step
    )


def _file_states(spec: NodeSpec) -> dict[Path, State]:
    """Look at the files that a node reads; those that are not there are told elsewhere."""
    states = {}
    for _, path in spec.paths("input"):
        with suppress(OSError):
            states[path] = file_state(path)
    return states


def _file_message(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist. Name a file that does."
    if isinstance(error, IsADirectoryError):
        return f"{path} is a folder. Name a file in it."
    return f"{path} can't be read ({error.strerror}). Check its permissions."

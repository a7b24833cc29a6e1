"""What a node's key is made from, and which stored result comes nearest to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cache.store import Entry
from pipeline.history import Ingredients, differences
from pipeline.node import Json
from pipeline.passing import see
from pipeline.plan import Step


@dataclass(frozen=True, slots=True)
class Nearest:
    """A stored result, and how what it was made from differs from what is wanted now."""

    entry: Entry
    differences: list[str]


def input_digests(step: Step, steps: Mapping[str, Step]) -> dict[str, str]:
    """Digest what the node sees of each input; empty where that has to be computed first."""
    specs = {name: known.spec for name, known in steps.items()}
    entries = {name: known.entry for name, known in steps.items() if known.entry is not None}
    digests = {}
    for port, source in step.spec.inputs.items():
        reader = step.spec.cls.inputs[port]
        seen = see(source, reader, specs, entries)
        digests[port] = seen.digest_for(reader) if seen else ""
    return digests


def find_nearest(
    step: Step, digests: Mapping[str, str], entries: Iterable[Entry]
) -> Nearest | None:
    """Find the stored result of the same kind that differs in the fewest ingredients.

    Parameters
    ----------
    step : Step
    digests : mapping of str to str
        Port to the digest of what is joined to it now.
    entries : iterable of Entry

    Returns
    -------
    Nearest or None
        None if there is no result of the kind.
    """
    sources = {port: (source, digests[port]) for port, source in step.spec.inputs.items()}
    made = step.ingredients
    now = Ingredients(made.kind, made.code, made.params, made.files, sources)
    found = (
        Nearest(entry, differences(step.spec.name, _ingredients(entry, now), now))
        for entry in entries
        if entry.record.get("kind") == made.kind
    )
    return min(found, key=lambda nearest: len(nearest.differences), default=None)


def _ingredients(entry: Entry, now: Ingredients) -> Ingredients:
    """Read from a record what `now` says of the node; names are those of now."""
    record = entry.record
    files, inputs = (_mapping(record.get(part)) for part in ("files", "inputs"))
    return Ingredients(
        now.kind,
        str(record.get("code")),
        _mapping(record.get("params")),
        {field: (now.files.get(field, ("", ""))[0], str(d)) for field, d in files.items()},
        {port: (now.inputs.get(port, ("nothing", ""))[0], str(d)) for port, d in inputs.items()},
    )


def _mapping(value: Json) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}

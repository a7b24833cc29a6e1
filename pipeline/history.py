"""What each node of a configuration was last made from: only to say why it runs again.

Nothing depends on this file but words. If it is missing or damaged, reasons become
"never run"; hits and results stay right.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import xxhash

from pipeline.node import Json


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a recipe key is made from, readable.

    Attributes
    ----------
    kind : str
    code : str
        Fingerprint of the node's code.
    params : mapping of str to Json
        Without files.
    files : mapping of str to (str, str)
        Parameter to the name and content hash of the file.
    inputs : mapping of str to (str, str)
        Port to the name and recipe key of the node joined.
    """

    kind: str
    code: str
    params: Mapping[str, Json]
    files: Mapping[str, tuple[str, str]]
    inputs: Mapping[str, tuple[str, str]]


class History:
    """Ingredients of the last run of one configuration, kept in a folder.

    Parameters
    ----------
    folder : Path
    scope : str
        Names the configuration, such as its absolute path.
    """

    def __init__(self, folder: Path, scope: str) -> None:
        self._path = folder / f"{xxhash.xxh3_128_hexdigest(scope.encode())}.json"

    def load(self) -> dict[str, Ingredients]:
        """Read the last ingredients by node name; empty where there are none."""
        try:
            stored = json.loads(self._path.read_bytes())
            return {name: _from_json(fields) for name, fields in stored.items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}

    def save(self, nodes: Mapping[str, Ingredients]) -> None:
        """Add to what is kept; silently nothing where the folder can't be written."""
        merged = {**self.load(), **nodes}
        text = json.dumps({name: asdict(item) for name, item in merged.items()})
        # One temporary name for all: a kill leaves one file at most, and a torn one costs words.
        beside = self._path.with_suffix(".tmp")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(text)
            beside.replace(self._path)


def why_changed(name: str, before: Ingredients | None, now: Ingredients) -> str:
    """Say in the user's words what makes a node run again.

    Returns
    -------
    str
        Such as ``psf.size: 15 -> 17`` or ``upstream sample changed``; empty if nothing changed.
    """
    return "never run" if before is None else ", ".join(differences(name, before, now))


def differences(name: str, before: Ingredients, now: Ingredients) -> list[str]:
    """List what differs, as `why_changed` says it."""
    if before.kind != now.kind:
        return [f"{name}.kind: {before.kind} -> {now.kind}"]
    changes = [
        f"{name}.{key}: {_show(before.params.get(key))} -> {_show(now.params.get(key))}"
        for key in {**before.params, **now.params}
        if before.params.get(key) != now.params.get(key)
    ]
    for key, (file, digest) in now.files.items():
        if before.files.get(key, ("", ""))[1] != digest:
            changes.append(f"input {file} changed")
    for port, (source, key) in now.inputs.items():
        old_source, old_key = before.inputs.get(port, ("nothing", ""))
        if key != old_key and source != old_source:
            changes.append(f"{name}.inputs.{port}: {old_source} -> {source}")
        elif key != old_key:
            changes.append(f"upstream {source} changed")
    changes.extend(f"{name}.inputs.{port} left open" for port in before.inputs.keys() - now.inputs)
    if before.code != now.code:
        changes.append("code changed")
    return changes


def _show(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _from_json(fields: Any) -> Ingredients:
    pairs = {key: {k: (v[0], v[1]) for k, v in fields[key].items()} for key in ("files", "inputs")}
    return Ingredients(str(fields["kind"]), str(fields["code"]), dict(fields["params"]), **pairs)

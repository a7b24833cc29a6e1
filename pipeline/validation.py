"""Plain data against pydantic models, with faults in the user's words."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pipeline.document import Document, Place
from pipeline.errors import Fault
from pipeline.node import Json

M = TypeVar("M", bound=BaseModel)


def validate(
    model: type[M],
    data: Mapping[str, Json],
    document: Document,
    place: Place,
    faults: list[Fault],
    context: Mapping[str, Any] | None = None,
) -> M | None:
    """Make a model of plain data; None, and faults added, where it can't be.

    Types are strict as JSON's are: a list may become a tuple and 1 a float, but "15" is no
    number and true is not 1.
    """
    try:
        return model.model_validate_json(json.dumps(data), strict=True, context=dict(context or {}))
    except ValidationError as error:
        told: set[Place] = set()
        for problem in error.errors():
            where = _written_place(problem["loc"], data)
            if where not in told:  # a union reports each of its branches
                told.add(where)
                faults.append(
                    document.fault((*place, *where), _message(model, problem, where, data))
                )
        return None


def suggest(word: str, known: Iterable[str]) -> str:
    """Say what could have been meant by a word that is unknown."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f'Did you mean "{close[0]}"?'
    return f"Use one of: {', '.join(names)}." if names else "There are none."


def describe(model: type[BaseModel], field: str) -> str:
    """Tell what values a field takes, such as ``a number from -1 to 1``."""
    schema = model.model_json_schema()
    return _describe(schema["properties"].get(field, {}), schema)


def _message(model: type[BaseModel], problem: Any, where: Place, data: Mapping[str, Json]) -> str:
    field = str(where[0]) if where else ""
    if problem["type"] == "extra_forbidden":
        return f'"{where[-1]}" is unknown. {suggest(str(where[-1]), model.model_fields)}'
    if problem["type"] == "missing":
        return f"is missing. Use {describe(model, field)}."
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    return f"got {_shown(_lookup(data, where))}. Use {describe(model, field)}."


def _written_place(location: tuple[str | int, ...], data: Mapping[str, Json]) -> Place:
    """Keep the part of pydantic's location that leads through the data (it adds union tags)."""
    here: Any = data
    place: list[str | int] = []
    for key in location:
        inside = isinstance(here, dict) and key in here
        inside = inside or (isinstance(here, list) and isinstance(key, int) and key < len(here))
        if not inside:
            return tuple(place) or location[:1]
        place.append(key)
        here = here[key]
    return tuple(place)


def _lookup(data: Any, place: Place) -> Any:
    for key in place:
        data = data[key]
    return data


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def _describe(part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    if "examples" in part:
        return f"a size, say {json.dumps(part['examples'][0])}"
    if "anyOf" in part:
        choices = [_describe(p, schema) for p in part["anyOf"] if p.get("type") != "null"]
        return " or ".join(dict.fromkeys(choices))
    if "enum" in part or "const" in part:
        values = part.get("enum", [part.get("const")])
        return " or ".join(json.dumps(v) for v in values)
    kind = str(part.get("type", "value"))
    if kind in ("number", "integer"):
        return {"number": "a number", "integer": "a whole number"}[kind] + _range(part)
    if kind == "array":
        items = [_describe(item, schema) for item in part.get("prefixItems", [])]
        return f"[{', '.join(items)}]" if items else "a list"
    return {"boolean": "true or false", "string": "text", "object": "a mapping"}.get(
        kind, "a value"
    )


def _range(part: Mapping[str, Any]) -> str:
    low, high = part.get("minimum"), part.get("maximum")
    above, below = part.get("exclusiveMinimum"), part.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    ends = [
        f"{word} {end:g}"
        for word, end in (("of at least", low), ("above", above), ("up to", high), ("below", below))
        if end is not None
    ]
    return (" " + " and ".join(ends)) if ends else ""

"""What kinds of nodes there are: a list for people, a JSON schema for editors."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic_core import PydanticUndefined

from pipeline.config import CacheSettings, RunSettings
from pipeline.node import Json, Node
from pipeline.validation import describe


def list_kinds(kinds: Mapping[str, type[Node]]) -> list[str]:
    """One line a kind: ports, output, and what it does."""
    return [f"{kind:<14}{_ports(cls):<34}{_summary(cls)}" for kind, cls in kinds.items()]


def describe_kind(cls: type[Node]) -> list[str]:
    """Describe one kind in lines: ports, parameters, units, ranges, defaults."""
    return [f"{cls.kind}: {_summary(cls)}", "", *_port_lines(cls), "", *_param_lines(cls)]


def config_schema(kinds: Mapping[str, type[Node]]) -> dict[str, Json]:
    """JSON schema of the YAML, for editors that complete and check while one types."""
    nodes = [_node_schema(cls) for cls in kinds.values()]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "unblur configuration",
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "nodes"],
        "properties": {
            "version": {"const": 1},
            "cache": CacheSettings.model_json_schema(),
            "run": RunSettings.model_json_schema(),
            "nodes": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {"oneOf": nodes},
            },
        },
    }


def _node_schema(cls: type[Node]) -> Json:
    schema: dict[str, Any] = cls.Params.model_json_schema()
    ports = {
        port: {"type": "string", "description": f"node that gives {info.type}. {info.help}".strip()}
        for port, info in cls.inputs.items()
    }
    needed = [port for port, info in cls.inputs.items() if not info.optional]
    schema["title"] = cls.kind
    schema["description"] = _summary(cls)
    schema["properties"] = {
        "kind": {"const": cls.kind},
        "inputs": {
            "type": "object",
            "properties": ports,
            "required": needed,
            "additionalProperties": False,
        },
        "cache": {"type": "boolean", "description": "keep the result"},
        **schema.get("properties", {}),
    }
    schema["required"] = ["kind", *(["inputs"] if needed else []), *schema.get("required", [])]
    result: Json = schema
    return result


def _summary(cls: type[Node]) -> str:
    return (inspect.getdoc(cls) or "").partition("\n")[0]


def _ports(cls: type[Node]) -> str:
    inputs = ", ".join(f"[{p}]" if info.optional else p for p, info in cls.inputs.items())
    return f"{inputs} -> {cls.output}" if inputs else f"-> {cls.output}"


def _port_lines(cls: type[Node]) -> Iterator[str]:
    for port, info in cls.inputs.items():
        optional = ", may be left open" if info.optional else ""
        yield f"  input {port}: {info.type}{optional}. {info.help}".rstrip()
    if cls.exactly_one_of:
        yield f"  exactly one of {' or '.join(cls.exactly_one_of)} is joined"
    yield f"  gives: {cls.output}"


def _param_lines(cls: type[Node]) -> Iterator[str]:
    for name, field in cls.Params.model_fields.items():
        default = field.get_default(call_default_factory=True)
        given = "needed" if default is PydanticUndefined else f"default {json.dumps(default)}"
        takes = describe(cls.Params, name)
        yield f"  {name} ({takes}; {given}): {field.description or ''}".rstrip(": ")

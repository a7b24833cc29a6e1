"""YAML text as plain data that remembers where each value stands.

YAML 1.2, so that ``no`` is a word and ``1e-3`` a number. Only plain data: tags that make objects
are refused, and so are duplicate keys, which most readers drop silently.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pipeline.errors import ConfigError, Fault
from pipeline.node import Json

Place: TypeAlias = tuple[str | int, ...]

_MAX_VALUES = 100_000
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written: a file and line, or an option of the command line (line 0)."""

    source: str
    line: int = 0


@dataclass
class Document:
    """Plain data, and the origin of each place in it.

    Attributes
    ----------
    data : Json
        Mappings, lists, text, numbers, booleans, None.
    origins : mapping of Place to Origin
        A place is the path of keys and indices; ``()`` is the whole.
    faults : list of Fault
        Duplicate keys and tags that were refused; the rest of the data is still there.
    """

    data: Json
    origins: dict[Place, Origin]
    faults: list[Fault] = field(default_factory=list)

    def fault(self, place: Place, message: str) -> Fault:
        """Name what is wrong at a place, or at the nearest enclosing one that was written."""
        origin = next(self.origins[p] for p in _outward(place) if p in self.origins)
        return Fault(origin.line, dotted(place), message, origin.source)

    def put(self, place: Place, value: Json, source: str) -> None:
        """Set a value, making mappings on the way; `source` says who asked for it.

        Raises
        ------
        ConfigError
            If the way leads through something that is no mapping.
        """
        if not isinstance(self.data, dict):  # an empty file: told when it is validated
            return
        here: Any = self.data
        for i, key in enumerate(place[:-1]):
            here = here.setdefault(key, {})
            if not isinstance(here, dict):
                where = dotted(place[: i + 1])
                message = f"{where} is not a mapping, got {here!r}. Name a parameter."
                raise ConfigError([Fault(0, "", message, source)])
        here[place[-1]] = value
        for known in [known for known in self.origins if known[: len(place)] == place]:
            del self.origins[known]
        self.origins[place] = Origin(source)

    def put_options(self, options: Mapping[str, str]) -> None:
        """Set what options of the command line ask for, such as ``{"run.workers": "2"}``."""
        for place, value in options.items():
            source = f"--{place.rpartition('.')[2]} {value}"
            self.put(tuple(place.split(".")), parse_option(value), source)


def dotted(place: Place) -> str:
    """Write a place as ``nodes.sample.center[0]``."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)
    return text.removeprefix(".")


def parse_option(text: str) -> Json:
    """Read an option that takes a whole number or a word."""
    return int(text) if text.removeprefix("-").isdecimal() else text


def parse_yaml(text: str, source: str) -> Document:
    """Read YAML text.

    Raises
    ------
    ConfigError
        If the text is no YAML; with the line, in words that a newcomer understands.
    """
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise ConfigError([_syntax_fault(error, text, source)]) from error
    except YAMLError as error:
        problem = " ".join(str(error).split())
        raise ConfigError([Fault(0, "", f"is no YAML: {problem}.", source)]) from error
    document = Document(None, {(): Origin(source, 1)})
    if root is not None:
        document.data = _Builder(document, source).build(root, ())
    return document


def parse_value(text: str, source: str) -> Json:
    """Read one YAML value as it is given on the command line, such as ``0.5`` or ``[10, 20]``."""
    return parse_yaml(text, source).data


class _Builder:
    """Turns composed YAML nodes into plain data, noting origins and faults."""

    def __init__(self, document: Document, source: str) -> None:
        self.document = document
        self.source = source
        self.built = 0

    def build(self, node: Node, place: Place) -> Json:
        self.built += 1
        if self.built > _MAX_VALUES or len(place) > _MAX_DEPTH:  # an alias may hold itself
            limit = f"more than {_MAX_VALUES} values or {_MAX_DEPTH} levels"
            fault = Fault(0, "", f"holds {limit}. Use fewer aliases.", self.source)
            raise ConfigError([fault])
        line = node.start_mark.line + 1
        self.document.origins[place] = Origin(self.source, line)
        if isinstance(node, MappingNode):
            return self._mapping(node, place)
        if isinstance(node, SequenceNode):
            return [self.build(child, (*place, i)) for i, child in enumerate(node.value)]
        assert isinstance(node, ScalarNode)  # ruamel composes no fourth kind
        return self._scalar(node, place)

    def _mapping(self, node: MappingNode, place: Place) -> Json:
        result: dict[str, Json] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            here = (*place, key)
            if key in result:
                message = f'"{key}" stands twice. Keep one of them.'
                line = key_node.start_mark.line + 1
                self.document.faults.append(Fault(line, dotted(place), message, self.source))
                continue
            result[key] = self.build(value_node, here)
            self.document.origins[here] = Origin(self.source, key_node.start_mark.line + 1)
        return result

    def _scalar(self, node: ScalarNode, place: Place) -> Json:
        tag = str(node.tag).rpartition(":")[2]
        text = str(node.value)
        if tag == "null":
            return None
        if tag == "bool":
            return text.lower() == "true"
        if tag == "int":
            return _integer(text)
        if tag == "float":
            return _float(text)
        if tag not in ("str", "timestamp"):
            message = f'tag "{node.tag}" is not allowed. Use plain values.'
            self.document.faults.append(self.document.fault(place, message))
        return text


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    return int(digits, 0 if re.match(r"[+-]?0[xob]", digits) else 10)


def _float(text: str) -> float:
    digits = text.replace("_", "").lower()
    if digits.endswith(".inf"):
        return -math.inf if digits.startswith("-") else math.inf
    return math.nan if digits == ".nan" else float(digits)


def _outward(place: Place) -> Iterator[Place]:
    for length in range(len(place), -1, -1):
        yield place[:length]


def _syntax_fault(error: MarkedYAMLError, text: str, source: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    lines = text.splitlines()
    if line and line <= len(lines) and "\t" in lines[line - 1]:
        return Fault(
            line, "", "a tab is used for spacing. Use spaces; YAML allows no tabs.", source
        )
    problem = error.problem or "the text ends too early"
    if not 0 < line <= len(lines):
        return Fault(line, "", f"is no YAML: {problem}. Close what was opened.", source)
    seen = lines[line - 1].strip()
    return Fault(line, "", f'is no YAML ({problem}), got "{seen}". Check its spacing.', source)

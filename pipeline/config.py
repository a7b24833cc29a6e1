"""YAML to frozen models: settings and nodes, all faults at once, each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ByteSize, ConfigDict, Field

from pipeline.document import Document, parse_value, parse_yaml
from pipeline.errors import ConfigError, Fault
from pipeline.node import Json, Node, NodeParams, file_fields
from pipeline.validation import suggest, validate

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SECTIONS = ("version", "cache", "run", "nodes")
_VERSION = 1


def _check_some(size: ByteSize) -> ByteSize:
    if size < 1:
        raise ValueError(f'got {size}. Use a size above 0, say "2 GiB".')
    return size


# Each limit belongs to one branch of a union: on the union itself it would meet "auto".
Workers = Annotated[int, Field(ge=1, le=1024)]
Size = Annotated[ByteSize, Field(examples=["2 GiB"]), AfterValidator(_check_some)]


class CacheSettings(BaseModel):
    """The ``cache:`` section."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | None = Field(None, description="folder of the cache; default: the user's")
    max_size: Size = Field(ByteSize(20 * 2**30), description="least recently used results go first")
    keep: bool = Field(True, description="false: this run's cache is removed when it ends")


class RunSettings(BaseModel):
    """The ``run:`` section."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: Workers | Literal["auto"] = Field(
        "auto", description="threads; default: the cores this process may use"
    )
    memory: Size | Literal["auto"] = Field(
        "auto", description="budget for the whole process; default: half of what is free"
    )


@dataclass(frozen=True, slots=True)
class Joints:
    """How one node was joined to others.

    Attributes
    ----------
    name : str
    cls : type of Node
    inputs : mapping of str to str
        Port to the name of the node joined to it.
    """

    name: str
    cls: type[Node]
    inputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NodeSpec(Joints):
    """One node as it was configured, its parameters validated and defaulted.

    Attributes
    ----------
    params : NodeParams
    cached : bool
        Whether its result is kept.
    """

    params: NodeParams
    cached: bool

    def paths(self, role: Literal["input", "output"]) -> list[tuple[str, Path]]:
        """Parameters that name files which are read (or written), and the files."""
        named = [
            (field, getattr(self.params, field)) for field in file_fields(self.cls.Params, role)
        ]
        return [(field, path) for field, path in named if path is not None]


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration whose every part is valid by itself; see `graph` for the whole.

    Attributes
    ----------
    source : str
        The file, as the user named it.
    nodes : mapping of str to NodeSpec
        Those that are valid.
    joints : mapping of str to Joints
        Of these, and of those of which only parameters are wrong.
    written : tuple of str
        Names of all nodes in the file, the faulty ones too.
    """

    source: str
    cache: CacheSettings
    run: RunSettings
    nodes: Mapping[str, NodeSpec]
    joints: Mapping[str, Joints]
    written: tuple[str, ...]
    document: Document


def read_document(path: Path, changes: Sequence[str] = ()) -> Document:
    """Read a YAML file and apply ``NODE.PARAM=VALUE`` changes to it.

    Raises
    ------
    ConfigError
        If the file can't be read, is no YAML, or a change has another form.
    """
    document = parse_yaml(_read_text(path), str(path))
    for change in changes:
        place, equals, value = change.partition("=")
        node, dot, parameter = place.strip().partition(".")
        source = f"--set {change}"
        if not (equals and dot and node and parameter):
            message = (
                "has another form than NODE.PARAM=VALUE. Write, say, --set sharp.priority=0.5."
            )
            raise ConfigError([Fault(0, "", message, source)])
        names = _mapping(_mapping(document.data).get("nodes"))
        if names and node not in names:
            message = f'"{node}" is no node of {path}. {suggest(node, names)}'
            raise ConfigError([Fault(0, "", message, source)])
        document.put(("nodes", node, *parameter.split(".")), parse_value(value, source), source)
    return document


def load_config(
    document: Document, kinds: Mapping[str, type[Node]], base: Path
) -> tuple[Config, list[Fault]]:
    """Validate a document part by part.

    Parameters
    ----------
    document : Document
    kinds : mapping of str to type of Node
    base : Path
        The folder that relative paths start from.

    Returns
    -------
    config : Config
        Holds the parts that are valid.
    faults : list of Fault
        Everything else; not raised, so that the graph's faults can be told with them.

    Raises
    ------
    ConfigError
        If there is no part to look at: an empty file, a list, another version.
    """
    data = document.data
    if not isinstance(data, dict) or not data:
        seen = "nothing" if not data else type(data).__name__
        raise ConfigError([document.fault((), f"holds {seen}. Write version, then nodes.")])
    faults = [*document.faults, *_section_faults(document, data)]
    cache = validate(CacheSettings, _mapping(data.get("cache")), document, ("cache",), faults)
    run = validate(RunSettings, _mapping(data.get("run")), document, ("run",), faults)
    joints: dict[str, Joints] = {}
    for name, body in _mapping(data.get("nodes")).items():
        reader = _NodeReader(document, kinds, base, faults)
        joined = reader.read(name, body)
        if joined is not None:
            joints[name] = joined
    nodes = {name: spec for name, spec in joints.items() if isinstance(spec, NodeSpec)}
    config = Config(
        document.origins[()].source,
        cache or CacheSettings(),
        run or RunSettings(),
        nodes,
        joints,
        tuple(_mapping(data.get("nodes"))),
        document,
    )
    return config, faults


def _section_faults(document: Document, data: Mapping[str, Json]) -> Iterator[Fault]:
    for key in data:
        if key not in _SECTIONS:
            yield document.fault((key,), f'"{key}" is unknown. {suggest(key, _SECTIONS)}')
    if "version" not in data:
        yield document.fault((), f"version is missing. Begin with: version: {_VERSION}")
    elif data["version"] != _VERSION or isinstance(data["version"], bool):
        yield document.fault(("version",), f"got {data['version']!r}. Use {_VERSION}.")
    for section in ("cache", "run", "nodes"):
        if data.get(section) is not None and not isinstance(data[section], dict):
            yield document.fault((section,), f"got {data[section]!r}. Use a mapping.")
    if not data.get("nodes"):
        yield document.fault(
            ("nodes",), "holds no node. Add one, say photo: {kind: load, path: …}."
        )


@dataclass(slots=True)
class _NodeReader:
    """Validates one ``nodes.<name>`` mapping; what is wrong goes to `faults`."""

    document: Document
    kinds: Mapping[str, type[Node]]
    base: Path
    faults: list[Fault]

    def read(self, name: str, body: Json) -> Joints | None:
        """Make a `NodeSpec`, or only its joints if parameters are wrong, or nothing."""
        place = ("nodes", name)
        if not _NAME.fullmatch(name):
            self._fault(place, f'"{name}" is no name. Use letters, digits, _ and -.')
            return None
        if not isinstance(body, dict):
            self._fault(place, f"got {body!r}. Use a mapping that begins with kind.")
            return None
        cls = self._class(name, body)
        inputs = self._inputs(name, body.get("inputs"))
        cached = self._cached(name, body.get("cache"))
        if cls is None or inputs is None:
            return None
        own = {k: v for k, v in body.items() if k not in ("kind", "inputs", "cache")}
        context = {"base": self.base, "from_shell": self._from_shell(name, own)}
        params = validate(cls.Params, own, self.document, place, self.faults, context)
        if params is None:
            return Joints(name, cls, inputs)
        return NodeSpec(name, cls, inputs, params, cls.cached if cached is None else cached)

    def _from_shell(self, name: str, own: Iterable[str]) -> set[str]:
        """Parameters that were given on the command line: they have an origin, but no line."""
        origins = self.document.origins
        places = {field: ("nodes", name, field) for field in own}
        return {f for f, place in places.items() if place in origins and not origins[place].line}

    def _class(self, name: str, body: Mapping[str, Json]) -> type[Node] | None:
        kind = body.get("kind")
        if "kind" not in body:
            self._fault(("nodes", name), f"kind is missing. Use one of {_listed(self.kinds)}.")
        elif not isinstance(kind, str) or kind not in self.kinds:
            hint = suggest(str(kind), self.kinds)
            self._fault(("nodes", name, "kind"), f'"{kind}" is unknown. {hint}')
        else:
            return self.kinds[kind]
        return None

    def _inputs(self, name: str, given: Json) -> Mapping[str, str] | None:
        place = ("nodes", name, "inputs")
        if given is None:
            return {}
        if not isinstance(given, dict):
            self._fault(place, f"got {given!r}. Use a mapping, say {{image: photo}}.")
            return None
        wrong = [port for port, source in given.items() if not isinstance(source, str)]
        for port in wrong:
            self._fault((*place, port), f"got {given[port]!r}. Use the name of a node.")
        return None if wrong else {port: str(source) for port, source in given.items()}

    def _cached(self, name: str, given: Json) -> bool | None:
        if given is None or isinstance(given, bool):
            return given
        self._fault(("nodes", name, "cache"), f"got {given!r}. Use true or false.")
        return None

    def _fault(self, place: tuple[str, ...], message: str) -> None:
        self.faults.append(self.document.fault(place, message))


def _mapping(value: Any) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(names)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        message = "does not exist. Name a YAML file."
    except IsADirectoryError:
        message = "is a folder. Name a YAML file in it."
    except UnicodeDecodeError:
        message = "is no text. Name a YAML file, or use: unblur deblur PHOTO -o OUT."
    except OSError as error:
        message = f"can't be read ({error.strerror}). Check its permissions."
    raise ConfigError([Fault(0, "", message, str(path))])

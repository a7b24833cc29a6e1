"""Fingerprints of code: which definitions a node's result depends on, and what they say.

Starting from the node's class, every name that a definition uses is followed, through imports,
to the definition that it stands for, as long as that lies in the packages that make pixels.
What is reached is hashed without comments, docstrings, formatting and the descriptions of
parameters. So editing a function invalidates the nodes that reach it, and no others.

What can't be seen in the source is not followed: ``getattr`` with a computed name, ``importlib``.
A module used as a whole (passed around, ``import *``) counts as a whole.
"""

from __future__ import annotations

import ast
import importlib.util
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ModuleSpec
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import xxhash

from pipeline.errors import UnblurError
from pipeline.node import Json

Definition: TypeAlias = tuple[str, str]
"""A module, and the name of a definition in it."""

_BODY = "<body>"
_SUFFIXES = (*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES)
_DESCRIBING = {"Field": {"description", "title", "examples"}, "Port": {"help"}}


class Memo(Protocol):
    """Small facts about files, remembered as long as the file stays as it is."""

    def get(self, path: Path) -> Json:
        """Recall what was put for this file; None if the file changed since."""

    def put(self, path: Path, value: Json) -> None:
        """Remember a fact about this file as it is now."""


@dataclass(frozen=True)
class ModuleCode:
    """A module's top-level definitions.

    Attributes
    ----------
    hashes : mapping of str to str
        Definition to the hash of its syntax tree; ``<body>`` stands for all other statements.
    uses : mapping of str to list of str
        Definition to the names that it reads, dotted where they are attributes of a name.
    imports : mapping of str to list of str
        Local name to the dotted names that it was imported from.
    """

    hashes: Mapping[str, str]
    uses: Mapping[str, list[str]]
    imports: Mapping[str, list[str]]


@dataclass
class CodeIndex:
    """Fingerprints of classes, by following their names through some packages.

    Parameters
    ----------
    packages : frozenset of str
        Top-level packages to follow names into: those that make pixels, ours and third parties'.
    memo : Memo
        Keeps what was read of each file between runs.
    """

    packages: frozenset[str]
    memo: Memo
    _modules: dict[str, ModuleCode | None] = field(default_factory=dict)
    _files: dict[str, Path] = field(default_factory=dict)
    _found: dict[str, ModuleSpec | None] = field(default_factory=dict)
    _needs: dict[Definition, list[Definition]] = field(default_factory=dict)

    def fingerprint(self, cls: type) -> str:
        """Hash everything in the followed packages that a class depends on."""
        reached = self._reached(cls)
        lines = (f"{module}:{name}:{digest}" for (module, name), digest in sorted(reached.items()))
        return xxhash.xxh3_128_hexdigest("\n".join(lines).encode())

    def modules(self, cls: type) -> set[str]:
        """Name the modules in which something lies that a class depends on."""
        return {module for module, _ in self._reached(cls)}

    def files(self, cls: type) -> set[Path]:
        """Name the files of these modules."""
        return {self._files[module] for module in self.modules(cls)}

    def _reached(self, cls: type) -> dict[Definition, str]:
        reached: dict[Definition, str] = {}
        # A module without source is one definition, its body.
        waiting = [(cls.__module__, cls.__qualname__.partition(".")[0]), (cls.__module__, _BODY)]
        while waiting:
            module, name = waiting.pop()
            code = self._module(module)
            if (module, name) in reached or code is None or name not in code.hashes:
                continue
            reached[module, name] = code.hashes[name]
            waiting.extend(self._needed(module, name, code))
        if not reached and cls.__module__.partition(".")[0] in self.packages:
            raise UnblurError(
                f"{cls.__module__}.{cls.__qualname__}: its file can't be found, so nothing would "
                "tell when it changes. Keep kinds of nodes in files of a package."
            )
        return reached

    def _needed(self, module: str, name: str, code: ModuleCode) -> list[Definition]:
        """Definitions that one depends on directly; found once, since many classes lead there."""
        known = self._needs.get((module, name))
        if known is None:
            used = {
                target for word in code.uses[name] for target in self._targets(module, code, word)
            }
            known = self._needs[module, name] = [(module, _BODY), *used]
        return known

    def _targets(self, module: str, code: ModuleCode, used: str) -> Iterator[Definition]:
        """Definitions that a name used in a module stands for."""
        head, _, rest = used.partition(".")
        if head in code.hashes:
            yield module, head
        for origin in code.imports.get(head, []):
            yield from self._resolve(f"{origin}.{rest}" if rest else origin)

    def _resolve(self, dotted: str) -> Iterator[Definition]:
        """Split a dotted name into a module and a definition in it; a bare module means all."""
        if dotted.partition(".")[0] not in self.packages:
            return
        module, code, rest = self._split(dotted)
        name = rest.partition(".")[0]
        if code is None:
            return
        if name in ("", "*"):
            yield from ((module, definition) for definition in code.hashes)
        elif name in code.hashes:
            yield module, name
        elif name in code.imports:
            yield from self._targets(module, code, rest)

    def _split(self, dotted: str) -> tuple[str, ModuleCode | None, str]:
        """Take the longest leading part of a dotted name that is a module."""
        module, rest = dotted, ""
        while module and self._module(module) is None:
            module, _, last = module.rpartition(".")
            rest = f"{last}.{rest}" if rest else last
        return module, self._module(module) if module else None, rest

    def _module(self, name: str) -> ModuleCode | None:
        if name not in self._modules:
            self._modules[name] = self._load(name)
        return self._modules[name]

    def _load(self, name: str) -> ModuleCode | None:
        top, *inner = name.split(".")
        if top not in self.packages:
            return None
        if top not in self._found:
            self._found[top] = importlib.util.find_spec(top)
        path = _locate(self._found[top], inner)
        if path is None:
            return None
        self._files[name] = path
        known = self.memo.get(path)
        if isinstance(known, dict) and set(known) == {"hashes", "uses", "imports"}:
            return ModuleCode(**known)  # type: ignore[arg-type]
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        code = read_module(path, package)
        self.memo.put(path, asdict(code))
        return code


def _locate(spec: ModuleSpec | None, inner: list[str]) -> Path | None:
    """Find the file of a module inside a package, without importing it as `find_spec` would."""
    if spec is None or not spec.submodule_search_locations:
        return Path(spec.origin) if spec and spec.origin and not inner else None
    place = os.path.join(spec.submodule_search_locations[0], *inner)
    endings = [f"{os.sep}__init__.py", *(_SUFFIXES if inner else ())]
    return next((Path(place + end) for end in endings if os.path.isfile(place + end)), None)


def read_module(path: Path, package: str) -> ModuleCode:
    """Read a module's definitions; one without source counts as a single definition."""
    if path.suffix != ".py":
        return ModuleCode({_BODY: xxhash.xxh3_128_hexdigest(path.read_bytes())}, {_BODY: []}, {})
    reader = _ModuleReader(package)
    for statement in ast.parse(path.read_bytes()).body:
        reader.read(statement)
    return reader.code


@dataclass
class _ModuleReader:
    package: str
    trees: dict[str, list[ast.stmt]] = field(default_factory=lambda: {_BODY: []})
    imports: dict[str, list[str]] = field(default_factory=dict)

    def read(self, statement: ast.stmt) -> None:
        """Take in one top-level statement."""
        for node in ast.walk(statement):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._read_import(node)
        if isinstance(statement, ast.Import | ast.ImportFrom) or _is_type_checking(statement):
            return
        for name in _defined_names(statement):
            self.trees.setdefault(name, []).append(statement)

    def _read_import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                self._note(alias.asname or whole, whole)
            return
        origin = node.module or ""
        if node.level:
            parents = self.package.split(".")
            origin = ".".join([*parents[: len(parents) - node.level + 1], *filter(None, [origin])])
        for alias in node.names:
            self._note(alias.asname or alias.name, f"{origin}.{alias.name}")

    def _note(self, local: str, origin: str) -> None:
        known = self.imports.setdefault(local, [])
        if origin not in known:
            known.append(origin)

    @cached_property
    def code(self) -> ModuleCode:
        hashes, uses = {}, {}
        for name, statements in self.trees.items():
            plain = _Stripper().visit(ast.Module(statements, []))
            hashes[name] = xxhash.xxh3_128_hexdigest(ast.dump(plain).encode())
            uses[name] = sorted(set(_used_names(plain)))
        if "*" in self.imports:  # whatever is used may come from there
            uses[_BODY] = sorted({*uses[_BODY], "*"})
        return ModuleCode(hashes, uses, self.imports)


class _Stripper(ast.NodeTransformer):
    """Takes out what does not change results: docstrings and descriptions."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        silent = _DESCRIBING.get(called, set())
        node.keywords = [keyword for keyword in node.keywords if keyword.arg not in silent]
        return self.generic_visit(node)


def _defined_names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    targets: list[Any] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names if names and len(names) == len(targets) else [_BODY]


def _used_names(tree: ast.AST) -> Iterator[str]:
    """Names that are read; ``a.b.c`` as a whole, so that a module's attribute can be followed."""
    dotted = _dotted(tree)
    if dotted:
        yield dotted
        return
    for child in ast.iter_child_nodes(tree):
        yield from _used_names(child)


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = _dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""


def _is_type_checking(statement: ast.stmt) -> bool:
    test = statement.test if isinstance(statement, ast.If) else None
    return test is not None and ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")

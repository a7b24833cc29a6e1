"""Kinds of nodes by name: a decorator fills it, entry points extend it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import TypeVar

from pipeline.errors import UnblurError
from pipeline.loaded import note_sources
from pipeline.node import Node

N = TypeVar("N", bound=type[Node])

_kinds: dict[str, type[Node]] = {}


def register(kind: str) -> Callable[[N], N]:
    """Make a `Node` class known under `kind`.

    Raises
    ------
    UnblurError
        If another class has that name already.
    """

    def decorate(cls: N) -> N:
        known = _kinds.get(kind)
        if known is not None and known.__qualname__ != cls.__qualname__:
            raise UnblurError(
                f'kind "{kind}": both {known.__module__} and {cls.__module__} define it. '
                "Rename or uninstall one of them."
            )
        cls.kind = kind
        _kinds[kind] = cls
        return cls

    return decorate


def kinds() -> Mapping[str, type[Node]]:
    """All kinds registered so far, by name."""
    return MappingProxyType(dict(sorted(_kinds.items())))


def load_plugins(group: str = "unblur.nodes") -> None:
    """Import the modules that other installed packages name in the entry-point group."""
    for point in entry_points(group=group):
        note_sources(point.module.partition(".")[0])
        point.load()

"""Every error that unblur raises on purpose.

::

    UnblurError                 exit code
    +-- ConfigError             2   the YAML or an option is wrong; holds all faults
    |   +-- GraphError          2   the nodes don't fit together
    +-- NodeError               1   a node failed while it ran
    +-- CacheError              1   the cache can't be used: no space, no permission
    +-- Cancelled             130   Ctrl-C

The folders below raise their own: ``numerics`` subclasses of ``ValueError``, ``cache`` those of
``cache.store.StoreError``. The runner wraps both and keeps ``__cause__``.

Messages have the form **where: what is wrong, the value seen. What would be right.**
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.interrupts import INTERRUPTED


class UnblurError(Exception):
    """Base of all errors that are told to the user in one line, without a traceback."""

    exit_code = 1


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong in a configuration.

    Attributes
    ----------
    line : int
        Line in the file, from 1; 0 where no line can be named.
    where : str
        Dotted place, such as ``nodes.sharp.priority``; may be empty.
    message : str
        What is wrong, the value seen, and what would be right.
    source : str
        File or option that the fault stands in.
    """

    line: int
    where: str
    message: str
    source: str = ""

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        return ": ".join(part for part in (place, self.where, self.message) if part)


class ConfigError(UnblurError):
    """The configuration or an option is wrong; `faults` holds everything found."""

    exit_code = 2

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


def usage_error(where: str, message: str) -> ConfigError:
    """Make the error for an option that can't be right."""
    return ConfigError([Fault(0, "", message, where)])


class GraphError(ConfigError):
    """The nodes don't fit together: a cycle, a missing input, ports of different types."""


class NodeError(UnblurError):
    """A node failed; `node` is its name, ``__cause__`` what it raised."""

    def __init__(self, node: str, message: str) -> None:
        self.node = node
        super().__init__(f'node "{node}": {message}')


class CacheError(UnblurError):
    """The cache can't be used; published results are untouched."""


class Cancelled(UnblurError):
    """The user asked to stop."""

    exit_code = INTERRUPTED


class MemoryShortage(Exception):
    """A node can't work in the memory it was given; `needed` bytes would do.

    Raised by nodes; the runner tells it as a `NodeError` that names the budget to set.
    """

    def __init__(self, needed: int) -> None:
        self.needed = needed
        super().__init__(f"{needed} bytes of memory are needed.")

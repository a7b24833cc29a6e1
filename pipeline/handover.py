"""Arrays that go from the node which made them to the next one without a way by the disk.

They have been digested and published by then; to read them back would only take time. Who reads
a stored array gets one of its own and may write to it. So does who takes one here: an array is
handed over only if nobody else refers to it, and once only. All others read it from the store.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from pipeline.node import Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays: TypeAlias = Mapping[str, NDArray[Any]]


class Handover:
    """Arrays of results, each until it is taken.

    Parameters
    ----------
    limit : int
        Bytes; the oldest go when there are more.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: dict[str, Arrays] = {}

    def offer(self, digest: str, arrays: Arrays) -> None:
        """Keep arrays of the result with this digest for who comes first."""
        if not arrays:
            return
        self._waiting[digest] = arrays
        while sum(map(_bytes, self._waiting.values())) > self._limit:
            del self._waiting[next(iter(self._waiting))]

    def take(self, digest: str) -> Arrays:
        """Give what is left of a result, and forget it."""
        return self._waiting.pop(digest, {})


def lone_value(names: Iterable[str]) -> Value:
    """Make a value with small arrays that nobody else refers to."""
    import numpy as np

    return Value("metrics", {name: np.empty(0) for name in names})


def lone_arrays(value: Value, lone: Value) -> Arrays:
    """Find the arrays of a value that nobody but this value refers to.

    A node may return what it keeps elsewhere, in its module say; that is not ours to give away.

    Parameters
    ----------
    value : Value
        Of the caller's only variable for it.
    lone : Value
        Of `lone_value`, in another such variable: how many references Python counts for a thing
        that has one owner depends on its version, so we look.
    """
    both = (value, lone)
    owners = [(_owners(one), _owners(one.arrays)) for one in both]
    if owners[0] != owners[1] or type(value.arrays) is not dict:
        return {}
    found = {}
    for name in value.arrays:
        is_lone = _owners(value.arrays[name]) == _owners(lone.arrays[name])
        if is_lone and _is_plain(value.arrays[name]):
            found[name] = value.arrays[name]
    return found


def _owners(thing: object) -> int:
    return sys.getrefcount(thing)


def _is_plain(array: Any) -> bool:
    """Whether it is what a store would give: an array of its own memory, in C order."""
    import numpy as np

    return type(array) is np.ndarray and bool(array.flags.owndata and array.flags.carray)


def _bytes(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())

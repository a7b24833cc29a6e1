"""Pictures as streams of rows: the same few steps for every node that must not hold them whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

    from numpy.typing import NDArray

Item = TypeVar("Item")
Result = TypeVar("Result")

BAND = 512
"""Rows (and columns) read at a time where no array prescribes its chunks, pixels."""


def spans(stop: int, step: int, start: int = 0) -> list[tuple[int, int]]:
    """Cut ``start:stop`` into pieces of `step`; the last may be shorter."""
    return [(at, min(at + step, stop)) for at in range(start, stop, step)]


def regroup(blocks: Iterable[NDArray[Any]], rows: int) -> Iterator[NDArray[Any]]:
    """Turn blocks of any heights into bands of `rows` rows; the last may be shorter."""
    import numpy as np

    held: list[NDArray[Any]] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += len(block)
        if count < rows:
            continue
        joined = np.concatenate(held) if len(held) > 1 else block
        whole = count - count % rows
        for start in range(0, whole, rows):
            yield joined[start : start + rows]
        held = [joined[whole:]]
        count -= whole
    if count:
        yield np.concatenate(held)


def map_ordered(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """Like `map`, on threads: results in order, never more than ``workers + 1`` on their way."""
    from concurrent.futures import ThreadPoolExecutor

    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) > workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()

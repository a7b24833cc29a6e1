"""What a store of results promises, and how it fails.

A result is a set of named arrays plus a small JSON record, kept under its *content key*. A
*recipe key* points to a content key, so that a result can be found before its inputs are
computed. Keys are 32 hexadecimal digits; who makes them is not the store's business.

::

    StoreError              the store can't do what was asked; what it holds is intact
    +-- DamagedError        a stored result is not what was published; `key` names it
    +-- GoneError           a result was removed or replaced meanwhile; `key` names it
    +-- StoreFullError      no space left; what was begun has been freed
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import DTypeLike, NDArray

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Region: TypeAlias = tuple[slice, ...]


class StoreError(Exception):
    """The store can't do what was asked; what it holds is intact."""


class DamagedError(StoreError):
    """A stored result is not what was published."""

    def __init__(self, key: str, message: str) -> None:
        self.key = key
        super().__init__(message)


class GoneError(StoreError):
    """A result is not there, or another than the one that was opened: look it up again."""

    def __init__(self, key: str, message: str) -> None:
        self.key = key
        super().__init__(message)


class StoreFullError(StoreError):
    """No space left; what was begun has been freed."""


class StoredArray(Protocol):
    """An array in the store. Every chunk that is read is held against its digest first."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape in elements."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""

    @property
    def chunks(self) -> tuple[int, ...]:
        """Shape of a chunk; reading whole ones saves a copy."""

    def __getitem__(self, region: Region, /) -> NDArray[Any]:
        """Read a region (slices of step 1). Safe from any thread.

        Raises `DamagedError`, or `GoneError` if the result was replaced meanwhile.

        Axes that the region does not name are read whole.
        """


class DraftArray(StoredArray, Protocol):
    """An array being written, chunk by chunk, each once, from any thread.

    What was written can be read back until the draft is published or discarded.
    """

    def __setitem__(self, region: Region, block: NDArray[Any], /) -> None:
        """Write whole chunks: from multiples of `chunks` to multiples, or to the array's end.

        Raises
        ------
        ValueError
            If the region is not made of whole chunks, or the block's shape or dtype is wrong.
        StoreFullError
            If no space is left.
        """

    def is_written(self, region: Region) -> bool:
        """Whether all of a region has its values already. Safe from any thread.

        Those may come from an earlier draft of the same key that was cut short, by a kill even:
        whole chunks of an array of the same name, shape and dtype, verified before they count.
        Asking makes the array one that can be continued in turn, so ask before the first write.
        """


class Draft(Protocol):
    """A result that is not published yet.

    Leaving the ``with`` block unpublished discards it, but for the finished chunks of arrays that
    can be continued. These go too if it ended because no space was left.
    """

    def new_array(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: DTypeLike,
        *,
        passing: bool = False,
        chunks: tuple[int, ...] | None = None,
    ) -> DraftArray:
        """Make an array of the result; one that is passing goes when the draft is published.

        Such holds what it takes to continue a draft that was cut short. `chunks` are the sides of
        a chunk, from the first axis on, if `cache.chunks.chunk_shape` shall not choose.

        Raises
        ------
        ValueError
            If the name is no identifier or taken, the dtype not of little-endian numbers, or
            the chunks not of 1 element or more.
        """

    def put_array(self, name: str, values: NDArray[Any], workers: int = 1) -> None:
        """Write a whole array that is in memory, on `workers` threads."""

    def publish(self, record: Mapping[str, Json]) -> Entry:
        """Make the result visible, all at once.

        Raises
        ------
        StoreError
            If an array has chunks that were never written.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A published result, without its arrays' values.

    Attributes
    ----------
    key : str
        Content key.
    digest : str
        32 hexadecimal digits over names, dtypes, shapes and values of all arrays and over
        ``record["facts"]``: what the stored values *are*.
    bytes : int
        Size on disk.
    record : mapping
        As it was published.
    arrays : mapping of str to str
        Digest of each array by itself.
    """

    key: str
    digest: str
    bytes: int
    record: Mapping[str, Json]
    arrays: Mapping[str, str]


class Store(Protocol):
    """Results under their keys. All methods are safe for several processes at once."""

    def find(self, key: str) -> Entry | None:
        """Look up the entry published under a content key; reads its record only.

        An unreadable record raises `DamagedError`.
        """

    def open(self, key: str) -> Mapping[str, StoredArray]:
        """Open the arrays of a published result, each chunk verified when it is read.

        Raises `GoneError` if there is no such result, and when it is read if it was removed or
        replaced by other values since.
        """

    def hold(self, key: str) -> AbstractContextManager[None]:
        """Keep a result from being evicted, by any process, for the length of the block.

        Notes that it was used now. Raises `GoneError` if there is no such result.
        """

    def begin(self, key: str) -> Draft:
        """Start writing a result. Publishing over an existing key replaces it."""

    def link(self, recipe: str, key: str) -> None:
        """Let a recipe key point to a content key."""

    def resolve(self, recipe: str) -> str | None:
        """Look up the content key that a recipe key points to, if any."""

    def lock(
        self,
        key: str,
        *,
        on_wait: Callable[[], None] | None = None,
        check: Callable[[], None] | None = None,
    ) -> AbstractContextManager[None]:
        """Hold a key against other processes and threads; the kernel frees it if we die.

        If somebody else holds it, `on_wait` is called once and `check` many times a second; what
        that raises ends the waiting. Not reentrant.
        """

    def delete(self, key: str) -> None:
        """Remove a result; unknown keys are no error."""

    def quarantine(self, key: str) -> None:
        """Put a damaged result aside, out of the readers' way."""

    def entries(self) -> Iterator[Entry]:
        """List all published results whose record can be read."""

    def check(self) -> list[str]:
        """List everything that is not as it should be, one line each; for tests and ``verify``."""


class KeptStore(Store, Protocol):
    """A store that outlives the process, as one that looks after a run's results sees it."""

    def scratch(self) -> AbstractContextManager[Store]:
        """Make a store beside this one that vanishes with the block, or with this process."""

    def sweep(self) -> None:
        """Remove what processes left that were killed."""

    def tidy(self) -> None:
        """End a run: remove what only it needed, and what is too much for the store's size.

        What costs least to make again goes first.
        """

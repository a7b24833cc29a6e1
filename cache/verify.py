"""Hold everything in a cache folder against its records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cache.chunks import Grid, slices
from cache.drafts import useless_drafts
from cache.files import folder_bytes
from cache.layout import Layout
from cache.record import is_key
from cache.store import DamagedError, KeptStore, Store, StoredArray


def check_result(store: Store, key: str) -> Iterator[str]:
    """Read every value of a result; one line for each fault."""
    try:
        arrays = store.open(key) if store.find(key) is not None else {}
    except DamagedError as error:
        yield str(error)
        return
    for array in arrays.values():
        yield from _check_array(array)


def _check_array(array: StoredArray) -> Iterator[str]:
    grid = Grid(array.shape, array.chunks)
    for cell in grid.cells():
        try:
            array[slices(grid.spans(cell))]
        except DamagedError as error:
            yield str(error)


@dataclass
class Verified:
    """What was found.

    Attributes
    ----------
    results, bytes : int
        How much was read.
    faults : list of str
        Everything that is not as it should be, one line each.
    mended : int
        How many of the faults are mended: put aside or removed.
    """

    results: int = 0
    bytes: int = 0
    faults: list[str] = field(default_factory=list)
    mended: int = 0

    def add(self, faults: list[str], mend: Callable[[], object] | None) -> None:
        """Note faults that have one cause, and remove it if that can be."""
        self.faults += faults
        if faults and mend is not None:
            mend()
            self.mended += len(faults)


def verify_folder(
    store: KeptStore, layout: Layout, progress: Callable[[int, int], None], *, fix: bool
) -> Verified:
    """Hold everything in a cache folder against its records, and put aside what is damaged.

    Recipes whose result is gone are as they should be: results may be deleted at any time.
    """
    found = Verified()
    sizes = {key: folder_bytes(layout.home(key)) for key in layout.keys()}
    for key, size in sizes.items():
        faults = list(check_result(store, key))
        found.add(faults, partial(store.quarantine, key) if fix else None)
        found.results += 1
        found.bytes += size
        progress(found.bytes, sum(sizes.values()))
    for path in _bad_recipes(store, layout):
        found.add([f"{path}: is no recipe"], path.unlink if fix else None)
    found.add(list(_others(layout)), None)
    # Of processes that died after the sweep before this: they may have been killed just now.
    left = [f"{path}: left behind by a process that died" for path in _left_behind(layout)]
    found.add(left, store.sweep if fix else None)
    return found


def _bad_recipes(store: Store, layout: Layout) -> list[Path]:
    return [
        path
        for path in sorted(layout.listed("recipes"))
        if not _is_in_place(path) or store.resolve(path.name) is None
    ]


def _others(layout: Layout) -> Iterator[str]:
    for path in sorted(layout.listed("objects")):
        if not _is_in_place(path):
            yield f"{path}: is no result"
    for path in layout.links():
        yield f"{path}: is a symbolic link"


def _left_behind(layout: Layout) -> list[Path]:
    return [*layout.leftovers(), *useless_drafts(layout)]


def _is_in_place(path: Path) -> bool:
    return is_key(path.name) and path.name[:2] == path.parent.name

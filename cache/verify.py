"""Hold everything in a cache folder against its records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cache.chunks import Grid, slices
from cache.drafts import useless_drafts
from cache.layout import Layout
from cache.record import is_key
from cache.store import DamagedError, Store, StoredArray


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


def check_folder(store: Store, layout: Layout) -> list[str]:
    """Everything in a cache folder that is not as it should be, one line each.

    Recipes whose result is gone are as they should be: results may be deleted at any time.
    """
    faults = [fault for key in layout.keys() for fault in check_result(store, key)]
    leftovers = [*layout.leftovers(), *useless_drafts(layout)]
    faults += [f"{path}: left behind by a process that died" for path in leftovers]
    return faults + list_strangers(store, layout)


def list_strangers(store: Store, layout: Layout) -> list[str]:
    """List what lies among results and recipes and is none, one line each."""
    objects, recipes = (sorted(layout.listed(name)) for name in ("objects", "recipes"))
    links = [
        folder
        for name in ("objects", "recipes")
        for folder in layout.folder(name).glob("*")
        if folder.is_symlink()
    ]
    return [
        *(f"{path}: is a symbolic link" for path in links),
        *(f"{path}: is no result" for path in objects if not _is_in_place(path)),
        *(
            f"{path}: is no recipe"
            for path in recipes
            if not _is_in_place(path) or store.resolve(path.name) is None
        ),
    ]


def _is_in_place(path: Path) -> bool:
    return is_key(path.name) and path.name[:2] == path.parent.name

"""An array's chunks in a zarr v3 array on disk. zarr is imported when the first one is needed."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from cache.arrays import BadChunkError, Block
from cache.chunks import Cell, Grid, slices
from cache.digest import text_digest
from cache.files import read_small, remove_tree, told

if TYPE_CHECKING:
    import zarr
    from numpy.typing import DTypeLike
    from zarr.abc.store import Store

Storage: TypeAlias = "Callable[[Path], Store]"
"""How zarr gets at a folder; tests give one that fails."""

GROUP_JSON = '{"attributes":{},"zarr_format":3,"node_type":"group"}'
_MAX_METADATA = 64 * 2**10


def local_storage(folder: Path) -> Store:
    """Use plain files."""
    from zarr.storage import LocalStore

    return LocalStore(folder)


class ZarrChunks:
    """A `ChunkSource` in ``<folder>/<name>``.

    Parameters
    ----------
    root : Path
        The cache folder, for error messages.
    folder : Path
        The result's zarr group.
    name : str
        The array's name in it.
    grid : Grid
    dtype : dtype
    storage : Storage
    metadata : str, optional
        What `metadata_digest` gave when the array was published.
    """

    def __init__(
        self,
        root: Path,
        folder: Path,
        name: str,
        grid: Grid,
        dtype: DTypeLike,
        storage: Storage,
        metadata: str | None = None,
    ) -> None:
        import numpy as np

        self._root = root
        self._folder = folder / name
        self._grid = grid
        self._dtype = np.dtype(dtype)
        self._plain: set[Path] = set()
        self._storage = storage
        self._metadata = metadata

    def create(self, keep: Collection[Cell] = ()) -> None:
        """Make the array: no codec, and no chunk left out because it is empty.

        Of what lies in its folder already, the chunks to `keep` stay and nothing else.
        """
        import zarr

        with told(self._root):
            if not keep or self._folder.is_symlink():
                remove_tree(self._folder)
            (self._folder / "zarr.json").unlink(missing_ok=True)
            self._array = zarr.create_array(
                self._storage(self._folder),
                shape=self._grid.shape,
                chunks=self._grid.chunks,
                dtype=self._dtype,
                compressors=None,
                filters=None,
                config={"write_empty_chunks": True},
            )
            self._metadata = self.metadata_digest()
            if keep:
                self._remove_others({self._path(cell) for cell in keep})

    def _remove_others(self, kept: Collection[Path]) -> None:
        kept = {*kept, self._folder / "zarr.json"}
        for parent, folders, names in os.walk(self._folder):
            paths = [Path(parent, name) for name in (*folders, *names)]
            for path in paths:
                if path not in kept and (path.is_symlink() or not path.is_dir()):
                    remove_tree(path)

    def write(self, cell: Cell, block: Block) -> None:
        """Write a whole chunk; raises `StoreFullError` or `StoreError`."""
        with told(self._root):
            self._array[slices(self._grid.spans(cell))] = block

    def read(self, cell: Cell) -> Block:
        """Read a whole chunk."""
        import numpy as np

        self.check(cell)
        with told(self._root), _bad_chunks():
            return np.asarray(self._array[slices(self._grid.spans(cell))])

    def check(self, cell: Cell) -> None:
        """Raise `BadChunkError` unless the chunk's file is there, ours, and whole.

        zarr takes a missing file for a chunk of zeros.
        """
        path = self._path(cell)
        with told(self._root), _bad_chunks():
            if not (self._is_checked and self._is_plain(path.parent)):
                raise BadChunkError("a symbolic link leads to it")
            size = os.lstat(path).st_size
        whole = math.prod(self._grid.chunks) * self._dtype.itemsize
        if size != whole:
            raise BadChunkError(f"its file has {size} of {whole} bytes")

    def metadata_digest(self) -> str | None:
        """Digest of the array's ``zarr.json``; None if it is gone."""
        text = read_small(self._folder / "zarr.json", _MAX_METADATA)
        return None if text is None else text_digest(text)

    @cached_property
    def _array(self) -> zarr.Array[Any]:
        import zarr

        return zarr.open_array(self._storage(self._folder), mode="r")

    @cached_property
    def _is_checked(self) -> bool:
        if self._folder.is_symlink() or self.metadata_digest() != self._metadata:
            raise BadChunkError("its zarr.json is not what was written")
        return True

    def _path(self, cell: Cell) -> Path:
        return self._folder.joinpath("c", *map(str, cell))

    def _is_plain(self, folder: Path) -> bool:
        """Whether no symbolic link leads from the result's folder to this one."""
        if folder not in self._plain and folder != self._folder.parent:
            if folder.is_symlink() or not self._is_plain(folder.parent):
                return False
            self._plain.add(folder)
        return True


@contextmanager
def _bad_chunks() -> Iterator[None]:
    """Tell damage from trouble that says nothing about the values, such as too many open files."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadChunkError("its file is missing") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadChunkError(f"it can't be decoded ({error})") from error
    except OSError as error:
        if error.errno == errno.EIO:
            raise BadChunkError("the disk can't read its file") from error
        raise

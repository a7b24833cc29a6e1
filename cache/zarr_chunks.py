"""An array's chunks in the files of a zarr v3 array."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cache.arrays import BadChunkError, Block
from cache.chunks import Cell, Grid, extent
from cache.digest import text_digest
from cache.files import read_small, remove_tree, told
from cache.zarr_format import SEPARATOR, Separator, array_json, chunk_path

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

_MAX_METADATA = 64 * 2**10


class ChunkFiles:
    """How the bytes of chunks get to files and back; tests give one that fails."""

    def write(self, path: Path, values: Block) -> None:
        """Write a contiguous array to a new file, in a folder that is made if need be."""
        with _new_file(path) as file:
            file.write(_bytes(values))

    def read(self, path: Path, values: Block) -> int:
        """Fill a contiguous array; give how many bytes the file had for it."""
        with path.open("rb") as file:
            return file.readinto(_bytes(values))


def _new_file(path: Path) -> IO[bytes]:
    """Open a file that is not there yet; what an earlier run left goes, links unfollowed."""
    try:
        return path.open("xb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        path.unlink(missing_ok=True)
    return path.open("xb")


def _bytes(values: Block) -> memoryview:
    return values.reshape(-1).view("u1").data


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
    files : ChunkFiles
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
        files: ChunkFiles,
        metadata: str | None = None,
    ) -> None:
        import numpy as np

        self._root = root
        self._folder = folder / name
        self._grid = grid
        self._dtype = np.dtype(dtype)
        self._plain: set[Path] = set()
        self._files = files
        self._metadata = metadata

    def create(self, keep: Collection[Cell] = ()) -> None:
        """Make the array: no codec, and no chunk left out because it is empty.

        Of what lies in its folder already, the chunks to `keep` stay and nothing else.
        """
        with told(self._root):
            if not keep or self._folder.is_symlink():
                remove_tree(self._folder)
            path = self._folder / "zarr.json"
            path.unlink(missing_ok=True)
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_text(array_json(self._grid, self._dtype), "utf-8")
            self._metadata = self.metadata_digest()
            if keep:
                self._remove_others({chunk_path(self._folder, cell) for cell in keep})

    def _remove_others(self, kept: Collection[Path]) -> None:
        kept = {*kept, self._folder / "zarr.json"}
        for parent, folders, names in os.walk(self._folder):
            paths = [Path(parent, name) for name in (*folders, *names)]
            for path in paths:
                if path not in kept and (path.is_symlink() or not path.is_dir()):
                    remove_tree(path)

    def write(self, cell: Cell, block: Block) -> None:
        """Write a whole chunk; raises `StoreFullError` or `StoreError`."""
        import numpy as np

        if block.shape != self._grid.chunks:
            # The last chunk of an axis has a file of full size too.
            whole = np.zeros(self._grid.chunks, self._dtype)
            whole[tuple(map(slice, block.shape))] = block
            block = whole
        with told(self._root):
            self._files.write(self._path(cell), np.asarray(block, order="C"))

    def read(self, cell: Cell) -> Block:
        """Read a whole chunk."""
        import numpy as np

        self.check(cell)
        whole = np.empty(self._grid.chunks, self._dtype)
        with told(self._root), _bad_chunks():
            size = self._files.read(self._path(cell), whole)
        if size != whole.nbytes:
            raise BadChunkError(f"its file gave {size} of {whole.nbytes} bytes")
        values = whole[tuple(map(slice, extent(self._grid.spans(cell))))]
        return np.asarray(values, order="C")

    def check(self, cell: Cell) -> None:
        """Raise `BadChunkError` unless the chunk's file is there, ours, and whole."""
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

    def _path(self, cell: Cell) -> Path:
        return chunk_path(self._folder, cell, self._separator)

    @cached_property
    def _separator(self) -> Separator:
        """How chunks are named: results of earlier versions have a folder for each row."""
        earlier = text_digest(array_json(self._grid, self._dtype, "/"))
        return "/" if self._metadata == earlier else SEPARATOR

    @cached_property
    def _is_checked(self) -> bool:
        if self._folder.is_symlink() or self.metadata_digest() != self._metadata:
            raise BadChunkError("its zarr.json is not what was written")
        return True

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
    except ValueError as error:
        raise BadChunkError(f"its zarr.json can't be read ({error})") from error
    except OSError as error:
        if error.errno == errno.EIO:
            raise BadChunkError("the disk can't read its file") from error
        raise

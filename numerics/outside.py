"""The samples of a tile that lie outside of the picture, and the parts in which they are sought."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from numerics.tiles import fast_side


class Inside(NamedTuple):
    """Which samples of a tile's planes lie inside of the picture: starts and stops."""

    rows: tuple[int, int]
    columns: tuple[int, int]

    def is_all(self, shape: tuple[int, int]) -> bool:
        """Tell whether nothing of planes (..., H, W) lies outside."""
        return self == ((0, shape[0]), (0, shape[1]))

    def regions(self, shape: tuple[int, int], width: int | None) -> tuple[Region, ...]:
        """Give the parts of planes (..., H, W) that lie outside, to be solved beside each other.

        Parameters
        ----------
        shape : (H, W)
        width : int or None
            Most pixels of a band along a border; bands overlap in corners. None: all at once.
        """
        if self.is_all(shape):
            return ()
        return (Outside(self, shape),) if width is None else self._bands(shape, width)

    def _bands(self, shape: tuple[int, int], width: int) -> tuple[Band, ...]:
        bands = []
        for axis, (start, stop) in enumerate(self):
            own = self.rows if axis else (0, shape[1])
            # Side by side, as planes are periodic, but bands of their own, so that those of a tile
            # are those of the whole picture.
            for span in ((max(0, start - width), start), (stop, min(stop + width, shape[axis]))):
                bands.append(Band(axis, *span, own, shape))
        return tuple(band for band in bands if band.width)


class Region(Protocol):
    """A part of the outside, and planes just large enough to filter it in."""

    @property
    def shape(self) -> tuple[int, int]:
        """Of these planes."""

    def cut(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """Copy the region out of a tile's plane."""

    def add(self, values: NDArray[np.float32], plane: NDArray[np.float32]) -> None:
        """Add it to a tile's plane."""

    def embed(self, values: NDArray[np.float32], plane: NDArray[np.float32]) -> None:
        """Lay it, and 0 around it, into a plane of its own."""

    def extract(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """View it in that, which holds nothing else any more."""


class Outside(NamedTuple):
    """All of the outside: a region whose planes are the tile's."""

    inside: Inside
    shape: tuple[int, int]

    def cut(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Region`."""
        values = plane.copy()
        values[tuple(slice(*span) for span in self.inside)] = 0
        return values

    def add(self, values: NDArray[np.float32], plane: NDArray[np.float32]) -> None:
        """See `Region`."""
        plane += values

    def embed(self, values: NDArray[np.float32], plane: NDArray[np.float32]) -> None:
        """See `Region`."""
        plane[...] = values

    def extract(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Region`."""
        plane[tuple(slice(*span) for span in self.inside)] = 0
        return plane


class Band(NamedTuple):
    """Samples of an axis that lie outside of the picture, on one side of it.

    Attributes
    ----------
    axis : 0 or 1
    start, stop : int
        The samples.
    own : (int, int)
        Samples of the other axis that count: in corners, those of the rows' bands.
    tile : (int, int)
        Shape of the tile's planes.
    """

    axis: int
    start: int
    stop: int
    own: tuple[int, int]
    tile: tuple[int, int]

    @property
    def width(self) -> int:
        """Samples outside."""
        return self.stop - self.start

    @property
    def shape(self) -> tuple[int, int]:
        """See `Region`."""
        sides = list(self.tile)
        # So much beside the band that none of it feels the wrap.
        sides[self.axis] = min(fast_side(2 * self.width), sides[self.axis])
        return sides[0], sides[1]

    def cut(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Region`."""
        return self._lines(plane)[self.start : self.stop].copy()

    def add(self, values: NDArray[np.float32], plane: NDArray[np.float32]) -> None:
        """See `Region`."""
        own = slice(*self.own)
        self._lines(plane)[self.start : self.stop, own] += values[:, own]

    def embed(self, values: NDArray[np.float32], plane: NDArray[np.float32]) -> None:
        """See `Region`."""
        lines = self._lines(plane)
        lines[: self.width] = values
        lines[self.width :] = 0

    def extract(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Region`."""
        return self._lines(plane)[: self.width]

    def _lines(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return plane if self.axis == 0 else plane.T

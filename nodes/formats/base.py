"""What every picture format offers: a `Picture` to read from, a `Writer` to write with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FormatError(ValueError):
    """The file is no picture, is damaged, or is of a kind that can't be used."""


class Picture(ABC):
    """An open picture file.

    Attributes
    ----------
    shape : (height, width, channels)
        One channel (gray) or three (RGB).
    dtype : numpy.dtype
        uint8, uint16, float16, float32 or float64, in native byte order.
    notes : sequence of str
        What of the file is left out, for the user.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    notes: Sequence[str] = ()

    @abstractmethod
    def blocks(self, workers: int) -> Iterator[NDArray[Any]]:
        """Read the picture from top to bottom, in blocks of rows of any heights.

        Parameters
        ----------
        workers : int
            Threads that may decode at the same time.

        Yields
        ------
        (rows, width, channels) in `dtype`
        """

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Layout:
    """What a file to be written looks like.

    Attributes
    ----------
    shape : (height, width, channels)
    dtype : numpy.dtype
        uint8, uint16 or float32.
    compression : str
        For TIFF: ``none``, ``deflate`` or ``zstd``.
    quality : int
        For JPEG, 1 to 100.
    icc, metadata : bytes
        Colour profile and packed metadata, empty for none.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    compression: str = "none"
    quality: int = 95
    icc: bytes = b""
    metadata: bytes = b""


class Writer(ABC):
    """Writes a picture from top to bottom.

    Give it, in order, the rows that ``encode`` made; `encode` is safe from any thread.

    Attributes
    ----------
    rows : int
        Height of the blocks that it takes; only the last may be shorter.
    notes : sequence of str
        What was left out, for the user; complete after `finish`.
    """

    rows: ClassVar[int] = 64
    notes: Sequence[str] = ()

    @abstractmethod
    def encode(self, block: NDArray[Any]) -> Any:
        """Compress a block of rows as far as the format allows."""

    @abstractmethod
    def append(self, encoded: Any) -> None:
        """Write what `encode` returned."""

    @abstractmethod
    def finish(self) -> None:
        """Write what comes last; the file is a picture then."""

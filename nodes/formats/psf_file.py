"""Point spread functions in files: .npy and float TIFF to keep them, PNG to look at them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from nodes.formats import FormatError, Layout, make_writer, open_picture

LARGEST = 255
"""Longest side of a PSF that is read, pixels."""

_VIEW = 256  # least side of a PNG to look at
_GAMMA = 2.2  # shows the faint parts


def read_psf(path: Path) -> NDArray[np.float32]:
    """Read (h, w) or (h, w, 3) values as they are; equal channels become one plane.

    Raises
    ------
    FormatError
        If the file holds no such array.
    """
    values = _read_npy(path) if path.suffix.lower() == ".npy" else _read_picture(path)
    if values.ndim not in (2, 3) or values.dtype.kind not in "uif" or 0 in values.shape:
        raise FormatError(
            f"{path.name}: array of shape {values.shape} and type {values.dtype}. "
            "Use numbers of shape (height, width) or (height, width, 3)."
        )
    if max(values.shape[:2]) > LARGEST:
        raise FormatError(
            f"{path.name}: {values.shape[1]} x {values.shape[0]} px is too large for a PSF. "
            f"Use at most {LARGEST} px a side; of what export writes, the .npy or .tif."
        )
    if not np.all(np.isfinite(values)):
        raise FormatError(f"{path.name}: holds values that are no numbers. Write it again.")
    return _one_plane(values.astype(np.float32))


def write_psf(path: Path, file: BinaryIO, psf: NDArray[np.float32]) -> None:
    """Write a PSF in the format of `path`'s ending: exact as .npy and .tif, for the eye as .png."""
    if path.suffix.lower() == ".npy":
        np.save(file, psf, allow_pickle=False)
        return
    picture: NDArray[Any] = psf.reshape(*psf.shape[:2], -1)
    if path.suffix.lower() == ".png":
        picture = _viewable(picture)
    writer = make_writer(path, file, Layout(picture.shape, picture.dtype))
    for start in range(0, len(picture), writer.rows):
        writer.append(writer.encode(picture[start : start + writer.rows]))
    writer.finish()


def _read_npy(path: Path) -> NDArray[Any]:
    if path.is_dir():
        raise FormatError(f"{path}: is a folder. Name a file in it.")
    try:
        values = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise FormatError(f"{path.name}: is no array in .npy format. Write it again.") from error
    return np.asarray(values)


def _read_picture(path: Path) -> NDArray[Any]:
    with open_picture(path) as picture:
        if max(picture.shape[:2]) > LARGEST:
            return np.broadcast_to(np.float32(0), picture.shape)
        return np.concatenate(list(picture.blocks(1)))


def _one_plane(values: NDArray[np.float32]) -> NDArray[np.float32]:
    if values.ndim == 3 and np.all(values == values[:, :, :1]):
        return values[:, :, 0]
    return values


def _viewable(psf: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale the brightest value to white, brighten the faint, enlarge each pixel to a square."""
    shown = (psf / psf.max()) ** (1 / _GAMMA)
    factor = -(-_VIEW // max(psf.shape[:2]))
    enlarged = np.kron(shown, np.ones((factor, factor, 1)))
    return np.asarray(np.rint(enlarged * 255), np.uint8)

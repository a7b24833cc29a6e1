"""TIFF out: read back by tifffile, which shares no code with the writer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from nodes.formats import Layout
from nodes.formats.tiff_writer import TiffWriter


def write(path: Path, values: np.ndarray, **options: str | bytes) -> None:
    layout = Layout(values.shape, values.dtype, **options)  # type: ignore[arg-type]
    with path.open("wb") as file:
        writer = TiffWriter(file, layout)
        for start in range(0, len(values), writer.rows):
            writer.append(writer.encode(values[start : start + writer.rows]))
        writer.finish()


@pytest.mark.parametrize("compression", ["none", "deflate", "zstd"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_others_read_it(tmp_path: Path, dtype: str, channels: int, compression: str) -> None:
    scale = 1 if dtype == "f4" else np.iinfo(dtype).max
    values = (np.random.default_rng(0).random((131, 45, channels)) * scale).astype(dtype)
    write(tmp_path / "a.tif", values, compression=compression)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages.first
        assert page.photometric.name == ("RGB" if channels == 3 else "MINISBLACK")
        assert np.array_equal(page.asarray().reshape(values.shape), values)


def test_profile_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", np.zeros((3, 3, 3), np.uint8), icc=b"profile bytes")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages.first.iccprofile == b"profile bytes"


def test_same_picture_same_bytes(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 255, (70, 20, 3), np.uint8)
    for name in ("a.tif", "b.tif"):
        write(tmp_path / name, values, compression="deflate")
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_pictures_beyond_4_gb_become_bigtiff(tmp_path: Path) -> None:
    # Only the first strip is written: the list of strips and the directory are what differs.
    layout = Layout((40_000, 30_000, 3), np.dtype("u2"), metadata=b"left out")
    strip = np.random.default_rng(0).integers(0, 65535, (64, 30_000, 3), np.uint16)
    with (tmp_path / "a.tif").open("wb") as file:
        writer = TiffWriter(file, layout)
        writer.append(writer.encode(strip))
        writer.finish()
    assert writer.notes == ["a TIFF of more than 4 GB takes no Exif: metadata are left out."]
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff
        page = file.pages.first
        assert (page.imagelength, page.imagewidth) == (40_000, 30_000)
        file.filehandle.seek(page.dataoffsets[0])
        assert file.filehandle.read(page.databytecounts[0]) == strip.tobytes()

"""PNG and JPEG, in and out."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow
from skimage import data

from nodes.formats import FormatError, Layout, make_writer, open_picture


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    return np.asarray(data.chelsea()[:64, :80])


def read(path: Path) -> NDArray[Any]:
    with open_picture(path) as picture:
        return np.concatenate(list(picture.blocks(2)))


def write(path: Path, values: NDArray[Any], **options: Any) -> None:
    with path.open("wb") as file:
        writer = make_writer(path, file, Layout(values.shape, values.dtype, **options))
        for start in range(0, len(values), writer.rows):
            writer.append(writer.encode(values[start : start + writer.rows]))
        writer.finish()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_png_there_and_back(tmp_path: Path, dtype: str, channels: int) -> None:
    shape = (130, 40, channels)
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    write(tmp_path / "a.png", values)
    assert np.array_equal(read(tmp_path / "a.png"), values)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_there_and_back(tmp_path: Path, photo: NDArray[np.uint8], channels: int) -> None:
    values = photo[:, :, :channels]
    write(tmp_path / "a.jpg", values, quality=98)
    assert np.abs(read(tmp_path / "a.jpg").astype(int) - values).mean() < 1.5


def test_quality_sets_the_size(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    for name, quality in (("low.jpg", 40), ("high.jpg", 95)):
        write(tmp_path / name, photo, quality=quality)
    assert (tmp_path / "low.jpg").stat().st_size < (tmp_path / "high.jpg").stat().st_size / 2


@pytest.mark.parametrize(("mode", "channels"), [("LA", 1), ("RGBA", 3)])
def test_alpha_is_left_out_and_told(
    tmp_path: Path, photo: NDArray[np.uint8], mode: str, channels: int
) -> None:
    Pillow.fromarray(photo).convert(mode).save(tmp_path / "a.png")
    with open_picture(tmp_path / "a.png") as picture:
        assert picture.shape[2] == channels
        assert picture.notes == ["a.png: the alpha channel is left out."]


def test_content_decides_not_the_ending(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    write(tmp_path / "a.png", photo)
    (tmp_path / "a.png").rename(tmp_path / "a.tif")
    assert np.array_equal(read(tmp_path / "a.tif"), photo)


def as_bytes(photo: NDArray[np.uint8], kind: str, mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = Pillow.fromarray(photo)
    image = image.quantize(16) if mode == "P" else image.convert(mode)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "P"), ("JPEG", "CMYK")])
def test_colour_modes_that_can_not_be_used_are_told(
    tmp_path: Path, photo: NDArray[np.uint8], kind: str, mode: str
) -> None:
    (tmp_path / "a.png").write_bytes(as_bytes(photo, kind, mode))
    with pytest.raises(FormatError, match=r"a\.png: colour mode \w+\. Export it as gray or RGB\."):
        open_picture(tmp_path / "a.png")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True})]
)
def test_truncated_file_is_told(
    tmp_path: Path, photo: NDArray[np.uint8], kind: str, options: dict[str, Any], share: float
) -> None:
    data = as_bytes(photo, kind, **options)
    (tmp_path / "a.jpg").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(FormatError, match=r"^a\.jpg: .*Export it again\.$"):
        open_picture(tmp_path / "a.jpg")


def test_damaged_png_is_told(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    data = bytearray(as_bytes(photo, "PNG"))
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(FormatError, match=r"^a\.png: can't be read as PNG, it is damaged\."):
        open_picture(tmp_path / "a.png")


def test_profile_stands_under_a_proper_name(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    profile = imagecodecs.cms_profile("srgb")
    for name in ("a.png", "a.jpg"):
        write(tmp_path / name, photo, icc=profile)
        with Pillow.open(tmp_path / name) as image:
            assert image.info["icc_profile"] == profile

"""PSFs made, written and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from nodes.export import Export
from nodes.load_psf import LoadPsf
from nodes.make_psf import MakePsf
from nodes.resize_psf import ResizePsf
from numerics.psf import check_psf
from pipeline.node import Value


def make(context: Any, **options: Any) -> Value:
    value = MakePsf().run(MakePsf.Params(**options), {}, context)
    check_psf(value.arrays["psf"][:, :])
    return value


def load(context: Any, path: Path) -> NDArray[Any]:
    value = LoadPsf().run(LoadPsf.Params(path=path), {}, context)
    psf = value.arrays["psf"][:, :]
    check_psf(psf)
    return psf


def export(context: Any, psf: Value, path: Path) -> Path:
    Export().run(Export.Params(path=path), {"psf": psf}, context)
    return path


@pytest.mark.parametrize(
    "options",
    [
        {"shape": "gaussian", "sigma": 1.5},
        {"shape": "disc", "radius": 3.3},
        {"shape": "motion", "length": 9, "angle": 30},
        {"shape": "airy", "radius": 2.0},
        {"shape": "gaussian", "sigma": 1.5, "size": 21},
    ],
)
def test_every_shape(context: Any, options: dict[str, Any]) -> None:
    psf = make(context, **options)
    assert psf.type == "psf"
    assert psf.details["size"] == options.get("size", psf.arrays["psf"].shape[0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape": "disc", "sigma": 2}, r"shape disc with sigma\. Give radius\."),
        ({"shape": "gaussian"}, r"shape gaussian with no size\. Give sigma\."),
        ({"shape": "motion", "length": 3}, r"Give angle and length\."),
        ({"shape": "disc", "radius": 2, "size": 4}, r"size: got 4\. Use an odd number of pixels\."),
        ({"shape": "disc", "radius": -2}, "greater than 0"),
        ({"shape": "star", "radius": 2}, "'gaussian', 'disc', 'motion', 'shake' or 'airy'"),
    ],
)
def test_wrong_parameters_are_told(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MakePsf.Params(**options)


@pytest.mark.parametrize("ending", [".npy", ".tif"])
def test_written_psf_comes_back_exactly(tmp_path: Path, context: Any, ending: str) -> None:
    psf = make(context, shape="gaussian", sigma=1.2)
    path = export(context, psf, tmp_path / f"psf{ending}")
    assert np.allclose(load(context, path), psf.arrays["psf"][:, :], rtol=1e-6, atol=0)


@pytest.mark.parametrize("ending", [".npy", ".tif"])
def test_estimated_psf_with_its_centroid_off_the_middle_comes_back(
    tmp_path: Path, context: Any, ending: str
) -> None:
    values = np.zeros((9, 9), np.float32)
    values[2:8, 3] = values[7, 3:6] = 1 / 8  # its centroid lies nearest to row 5, column 3
    psf = values / values.sum()
    path = export(context, Value("psf", {"psf": psf}), tmp_path / f"psf{ending}")
    first = load(context, path)
    assert np.array_equal(first, psf[2:9, 1:6])
    again = export(context, Value("psf", {"psf": first}), tmp_path / f"again{ending}")
    assert np.array_equal(load(context, again), first)


@pytest.mark.parametrize("ending", [".npy", ".tif"])
def test_psf_for_each_channel_comes_back(tmp_path: Path, context: Any, ending: str) -> None:
    planes = [make(context, shape="disc", radius=r, size=9).arrays["psf"][:, :] for r in (2, 3, 4)]
    psf = Value("psf", {"psf": np.stack(planes, axis=-1)})
    path = export(context, psf, tmp_path / f"psf{ending}")
    assert np.allclose(load(context, path), psf.arrays["psf"][:, :], rtol=1e-6, atol=0)


def test_png_is_for_the_eye(tmp_path: Path, context: Any) -> None:
    psf = make(context, shape="motion", length=15, angle=45)
    shown = imagecodecs.png_decode(export(context, psf, tmp_path / "psf.png").read_bytes())
    assert min(shown.shape) >= 256
    assert shown.dtype == np.uint8
    assert shown.max() == 255


def test_psf_that_is_an_outside_picture(tmp_path: Path, context: Any) -> None:
    values = np.zeros((8, 10, 3), np.uint8)
    values[2:5, 5:8] = [[[40], [80], [40]], [[80], [255], [80]], [[40], [80], [40]]]
    (tmp_path / "psf.png").write_bytes(imagecodecs.png_encode(values))
    psf = load(context, tmp_path / "psf.png")
    assert psf.shape == (3, 3)
    assert psf[1, 1] == pytest.approx(255 / 735)


def test_psf_drawn_in_16_bits(tmp_path: Path, context: Any) -> None:
    psf = make(context, shape="gaussian", sigma=1.2).arrays["psf"][:, :]
    drawn = np.rint(np.pad(psf, ((3, 0), (0, 4))) / psf.max() * 65535).astype(np.uint16)
    (tmp_path / "psf.png").write_bytes(imagecodecs.png_encode(drawn))
    tifffile.imwrite(tmp_path / "psf.tif", drawn, metadata=None)
    for name in ("psf.png", "psf.tif"):
        read = load(context, tmp_path / name)
        rim = (psf.shape[0] - read.shape[0]) // 2  # too faint for 16 bits
        assert read == pytest.approx(psf[rim : len(psf) - rim, rim : len(psf) - rim], abs=2e-5)


def test_negative_values_are_clipped(tmp_path: Path, context: Any) -> None:
    np.save(tmp_path / "psf.npy", np.array([[-1, 0, 0], [0, 3.0, 0], [0, 1, 0]]))
    assert load(context, tmp_path / "psf.npy").tolist() == [[0.0], [0.75], [0.25]]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((3, 3)), r"psf\.npy: psf has no positive value"),
        (np.ones(5), r"psf\.npy: array of shape \(5,\) and type float64\. Use numbers of shape"),
        (np.ones((3, 3), complex), "type complex128"),
        (np.full((3, 3), np.nan), "holds values that are no numbers"),
        (np.ones((400, 300)), r"300 x 400 px is too large for a PSF\. Use at most 255 px a side"),
    ],
)
def test_arrays_that_are_no_psf_are_told(
    tmp_path: Path, context: Any, values: NDArray[Any], words: str
) -> None:
    np.save(tmp_path / "psf.npy", values)
    with pytest.raises(ValueError, match=words):
        load(context, tmp_path / "psf.npy")


@pytest.mark.parametrize(("name", "content"), [("psf.npy", b"text"), ("psf.npy", b"")])
def test_files_that_are_no_array_are_told(
    tmp_path: Path, context: Any, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"psf\.npy: is no array in \.npy format"):
        load(context, tmp_path / name)


def test_pickled_arrays_are_refused(tmp_path: Path, context: Any) -> None:
    np.save(tmp_path / "psf.npy", np.array([{"run": "me"}]), allow_pickle=True)
    with pytest.raises(ValueError, match=r"is no array in \.npy format"):
        load(context, tmp_path / "psf.npy")


def test_photograph_is_no_psf(tmp_path: Path, context: Any) -> None:
    tifffile.imwrite(tmp_path / "photo.tif", np.ones((500, 600, 3), np.uint8), metadata=None)
    with pytest.raises(ValueError, match="600 x 500 px is too large for a PSF"):
        load(context, tmp_path / "photo.tif")


def test_a_psf_is_scaled_with_its_picture(context: Any) -> None:
    wide = make(context, shape="gaussian", sigma=4.0)
    value = ResizePsf().run(ResizePsf.Params(scale=0.25), {"psf": wide}, context)
    narrow = value.arrays["psf"][:, :]
    check_psf(narrow)
    assert value.details["size"] == list(narrow.shape[::-1])
    offsets = np.arange(len(narrow)) - len(narrow) // 2
    assert np.sqrt(narrow.sum(axis=0) @ offsets**2) == pytest.approx(1.0, abs=0.1)

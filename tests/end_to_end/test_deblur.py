"""One photograph without YAML: ``unblur deblur``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from imagecodecs import jpeg8_decode, jpeg8_encode
from scipy.ndimage import gaussian_filter
from skimage import data

from nodes.load_psf import LoadPsf


def test_a_photo_is_deblurred_and_the_second_time_found(unblur: Any, photo: Path) -> None:
    out = photo.parent / "new" / "out.tif"
    words = ("deblur", photo, "-o", out, "--blur", "7", "--json")
    first = unblur(*words)
    assert first.code == 0, first.err
    assert set(first.statuses.values()) == {"computed"}
    assert list(first.statuses) == ["photo", "sample", "psf", "sharp", "result"]
    assert first.json["outputs"] == [str(out)]
    sample = first.json["nodes"]["sample"]["details"]
    assert sample["center"] == [80, 64]  # smaller than the window: all of it
    assert sample["size"] == [160, 128]
    before, after = tifffile.imread(photo), tifffile.imread(out)
    assert (after.dtype, after.shape) == (before.dtype, before.shape)
    steps = [np.abs(np.diff(picture.astype(float), axis=1)).mean() for picture in (before, after)]
    assert steps[1] > 1.2 * steps[0]  # sharper
    assert set(unblur(*words).statuses.values()) == {"hit"}
    again = unblur(*words, "--priority", "0.5")
    assert again.statuses["psf"] == "hit"
    assert again.json["nodes"]["sharp"]["reason"] == "sharp.priority: 0.0 -> 0.5"


def test_options_reach_their_nodes(
    unblur: Any, photo: Path, monkeypatch: Any, context: Any
) -> None:
    monkeypatch.chdir(photo.parent)
    options = "--blur 5 --at 70,60 --sample 99 --priority -0.5 --quality fast --psf psf.tif"
    done = unblur("deblur", "photo.tif", "-o", "out.jpg", *options.split(), "--workers", "1")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-3:-1] == ["output: out.jpg", "output: psf.tif"]
    assert "center=70,60" in done.out
    assert "sharp: deconvolve (never run)" in done.err
    assert (photo.parent / "out.jpg").is_file()
    params = LoadPsf.Params(path=photo.parent / "psf.tif")
    psf = LoadPsf().run(params, {}, context).arrays["psf"][:, :]
    assert max(psf.shape) <= 5
    listed = unblur("cache", "list", "--json").json["results"]
    assert {result["node"] for result in listed} >= {"photo", "sample", "psf", "sharp"}


def compress(pixels: np.ndarray) -> np.ndarray:
    return jpeg8_decode(jpeg8_encode(np.round(pixels * 255).astype(np.uint8), level=85)) / 255


def write(path: Path, pixels: np.ndarray) -> None:
    encoded = np.clip(pixels, 0, 1) * 65535
    tifffile.imwrite(path, encoded.astype(np.uint16), photometric="rgb")


def test_a_sharp_photo_is_given_back(unblur: Any, photo: Path) -> None:
    write(photo, data.coffee()[80:240, 180:380] / 255)
    done = unblur("deblur", photo, "-o", photo.parent / "out.tif", "--json")
    assert done.code == 0, done.err
    details = done.json["nodes"]["psf"]["details"]
    assert (details["kind"], details["result"]) == ("none", "no blur found")
    assert "psf: no blur found" in done.err
    before, after = tifffile.imread(photo), tifffile.imread(photo.parent / "out.tif")
    assert np.abs(before.astype(int) - after).max() <= 1


def test_a_soft_photo_is_sharpened(unblur: Any, photo: Path) -> None:
    sharp = data.astronaut()[40:230, 110:320] / 255
    soft = gaussian_filter(sharp**2.2, (1.5, 1.5, 0)) ** (1 / 2.2)
    write(photo, soft + 0.004 * np.random.default_rng(0).standard_normal(soft.shape))
    done = unblur("deblur", photo, "-o", photo.parent / "out.tif", "--json")
    assert done.code == 0, done.err
    details = done.json["nodes"]["psf"]["details"]
    assert details["kind"] == "gaussian"
    assert abs(details["sigma"] - 1.5) < 0.15
    errors = [
        np.square(tifffile.imread(path)[16:-16, 16:-16] / 65535 - sharp[16:-16, 16:-16]).mean()
        for path in (photo, photo.parent / "out.tif")
    ]
    assert errors[1] < 0.6 * errors[0]


@pytest.mark.parametrize("name", ["flat", "noise", "compressed noise", "no edges"])
def test_a_photo_that_does_not_tell_its_blur_fails(unblur: Any, photo: Path, name: str) -> None:
    numbers = np.random.default_rng(0).standard_normal((160, 160, 3))
    clouds = gaussian_filter(numbers, (25, 25, 0), mode="wrap")
    pictures = {
        "flat": np.full((160, 160, 3), 0.4),
        "noise": 0.4 + 0.02 * numbers,
        "compressed noise": compress(0.4 + 0.02 * numbers),
        "no edges": 0.5 + 0.1 * clouds / clouds.std() + 0.003 * numbers,
    }
    write(photo, pictures[name])
    options = "--at 80,80 --sample 159 --json"
    done = unblur("deblur", photo, "-o", photo.parent / "out.tif", *options.split())
    assert done.code == 1
    assert "nothing to measure the blur on" in done.json["error"]
    assert "Choose a window with edges" in done.json["error"]
    assert not (photo.parent / "out.tif").exists()


def test_a_photo_that_is_none_fails(unblur: Any, photo: Path) -> None:
    photo.write_bytes(b"no picture at all")
    done = unblur("deblur", photo, "-o", photo.parent / "out.tif", "--json")
    assert done.code == 1
    assert done.json["status"] == "failed"
    assert done.json["error"].startswith('node "photo": photo.tif: is no TIFF')
    assert not (photo.parent / "out.tif").exists()

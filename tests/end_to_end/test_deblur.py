"""One photograph without YAML: ``unblur deblur``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

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


def test_a_photo_that_is_none_fails(unblur: Any, photo: Path) -> None:
    photo.write_bytes(b"no picture at all")
    done = unblur("deblur", photo, "-o", photo.parent / "out.tif", "--json")
    assert done.code == 1
    assert done.json["status"] == "failed"
    assert done.json["error"].startswith('node "photo": photo.tif: is no TIFF')
    assert not (photo.parent / "out.tif").exists()

"""``unblur preview``: the same graph at screen size."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import skimage.data
import tifffile
from scipy.ndimage import convolve
from skimage.metrics import peak_signal_noise_ratio as psnr
from skimage.transform import resize

from numerics.colour import srgb_to_linear

GRAPH = """\
version: 1
nodes:
  photo: {kind: load, path: photo.tif}
  sample: {kind: crop, inputs: {image: photo}, size: 95}
  psf: {kind: estimate_psf, inputs: {image: sample}, size: 7, family: free}
  sharp: {kind: deconvolve, inputs: {image: photo, psf: psf}}
  part: {kind: crop, inputs: {image: sharp}, center: [60, 40], size: [80, 60]}
  gain: {kind: compare, inputs: {image: sharp, reference: photo}}
  result: {kind: export, inputs: {image: sharp}, path: out/sharp.tif}
  twice: {kind: export, inputs: {image: sharp}, path: out/again.jpg}
  detail: {kind: export, inputs: {image: part}, path: out/detail.png, bit_depth: 8}
  blur: {kind: export, inputs: {psf: psf}, path: out/psf.png}
"""


@pytest.fixture
def measured(tmp_path: Path, photo: Path) -> Path:
    """A graph that measures the blur of `photo`, 160 x 128 px."""
    path = tmp_path / "measured.yaml"
    path.write_text(GRAPH)
    return path


def test_a_preview_is_the_picture_made_small(unblur: Any, config: Path, tmp_path: Path) -> None:
    sharp = skimage.data.astronaut()[60:188, 150:310] / 255
    blurred = convolve(sharp, np.full((1, 11, 1), 1 / 11)).astype(np.float32)
    tifffile.imwrite(tmp_path / "photo.tif", blurred, photometric="rgb")
    file = tmp_path / "seen.tif"
    line = "--set", "psf.length=11", "--set", "psf.angle=0"
    done = unblur("preview", config, "--width", 80, "-o", file, "--json", *line)
    assert done.code == 0, done.err
    assert done.json["outputs"] == [str(file)]
    seen = tifffile.imread(file)
    assert (seen.shape, seen.dtype) == ((64, 80, 3), np.uint8)
    light = srgb_to_linear(seen)
    small, still_blurred = (resize(picture, seen.shape) for picture in (sharp, blurred))
    inside = np.s_[8:-8, 8:-8]
    before, after = (
        psnr(small[inside], picture[inside], data_range=1) for picture in (still_blurred, light)
    )
    assert after > before + 6


def test_the_blur_is_measured_at_full_size_and_kept(
    unblur: Any, measured: Path, tmp_path: Path
) -> None:
    done = unblur("preview", measured, "--width", 100, "--json")
    assert done.code == 0, done.err
    nodes = done.json["nodes"]
    assert nodes["psf"]["details"]["size"] == 7
    assert nodes["psf_small"]["details"]["size"] == [5, 5]
    assert not {"gain", "blur", "result", "twice"} & set(nodes)
    files = ["detail.preview.png", "sharp.preview.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == files
    assert imagecodecs.imread(tmp_path / "out" / files[0]).shape == (37, 50, 3)
    again = unblur("run", measured, "--json").statuses
    assert [again[name] for name in ("photo", "sample", "psf")] == ["hit"] * 3
    assert again["sharp"] == "computed"


def test_the_second_preview_is_found(unblur: Any, config: Path) -> None:
    words = ("preview", config, "--width", 80, "--json")
    assert unblur(*words).code == 0
    assert set(unblur(*words).statuses.values()) == {"hit"}
    changed = unblur(*words, "--set", "sharp.priority=0.5").json["nodes"]
    assert changed["sharp"]["reason"] == "sharp.priority: 0.0 -> 0.5"
    assert changed["photo_small"]["status"] == "hit"


def test_previews_leave_no_trace_in_the_reasons_of_runs(unblur: Any, config: Path) -> None:
    assert unblur("run", config).code == 0
    assert unblur("preview", config, "--width", 80, "--set", "sharp.priority=1").code == 0
    plan = unblur("plan", config, "--set", "sharp.priority=0.5", "--json").json["nodes"]
    assert plan["sharp"]["reason"] == "sharp.priority: 0.0 -> 0.5"


def test_a_small_picture_is_not_made_larger(unblur: Any, config: Path, tmp_path: Path) -> None:
    done = unblur("preview", config, "--json")
    assert "photo_small" not in done.json["nodes"]
    assert imagecodecs.imread(tmp_path / "out" / "sharp.preview.png").shape == (128, 160, 3)


def test_a_picture_that_is_not_kept_can_be_shown(unblur: Any, config: Path) -> None:
    config.write_text(config.read_text().replace("photo.tif}", "photo.tif, cache: false}"))
    assert unblur("preview", config, "--width", 80).code == 0


def test_any_picture_can_be_shown(unblur: Any, measured: Path, tmp_path: Path) -> None:
    done = unblur("preview", measured, "--until", "sample", "--width", 40, "--json")
    assert done.json["outputs"] == [str(tmp_path / "sample.preview.png")]
    assert set(done.json["nodes"]) == {"photo", "photo_small", "sample", "sample_preview"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-o", "seen.png"), "is one file for sharp, part. Choose one of them with --until."),
        (("--until", "psf"), "--until psf: is no picture. Name a node that makes or exports one."),
        (("--until", "sharpp"), '"sharpp" is no node of it. Did you mean "sharp"?'),
        (("--until", "sharp", "-o", "seen.gif"), 'ending ".gif" is unknown.'),
        (("--until", "sharp", "-o", "photo.tif"), 'can\'t be written: node "photo" loads it.'),
        (("--until", "sharp", "-o", "out/psf.png"), 'node "blur" writes it too.'),
        (("--width", "0"), "Invalid value for '--width'"),
    ],
)
def test_mistakes_are_told_before_anything_runs(
    unblur: Any,
    measured: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = unblur("preview", measured, *words)
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "out").exists()


def test_a_graph_without_pictures_is_told(unblur: Any, tmp_path: Path, photo: Path) -> None:
    config = tmp_path / "none.yaml"
    shutil.copy(photo, tmp_path / "p.tif")
    config.write_text("version: 1\nnodes: {photo: {kind: load, path: p.tif}}\n")
    done = unblur("preview", config)
    assert (done.code, done.err) == (
        2,
        f"{config}: exports no picture. Add an export, or name a picture with --until.\n",
    )

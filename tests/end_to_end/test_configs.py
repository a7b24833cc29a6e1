"""Every example in configs/ runs, and does what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import pytest
import tifffile

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted(path.name for path in (ROOT / "configs").glob("*.yaml"))


def test_no_example_is_forgotten() -> None:
    assert CONFIGS == ["deblur.yaml", "demo.yaml", "known_psf.yaml"]


def test_demo(unblur: Any, tmp_path: Path) -> None:
    outputs = {"blurred_file": "blurred.png", "psf_file": "psf.png", "result": "sharp.png"}
    sets = [
        word
        for node, file in outputs.items()
        for word in ("--set", f"{node}.path={tmp_path / file}")
    ]
    done = unblur("run", ROOT / "configs" / "demo.yaml", "--json", *sets)
    assert done.code == 0, done.err
    nodes = done.json["nodes"]
    gain = nodes["after"]["details"]["psnr"] - nodes["before"]["details"]["psnr"]
    assert gain > 5.0
    assert imagecodecs.imread(tmp_path / "sharp.png").shape == (512, 512, 3)
    again = unblur("run", ROOT / "configs" / "demo.yaml", "--json", *sets)
    assert set(again.statuses.values()) == {"hit"}


def test_deblur(unblur: Any, photo: Path, tmp_path: Path) -> None:
    done = unblur(
        "run",
        ROOT / "configs" / "deblur.yaml",
        "--json",
        *("--set", f"photo.path={photo}"),
        *("--set", "sample.size=127"),
        *("--set", "psf.size=9"),
        *("--set", f"result.path={tmp_path / 'out.tif'}"),
    )
    assert done.code == 0, done.err
    assert list(done.json["nodes"]) == ["photo", "sample", "psf", "sharp", "result"]
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert (file.pages[0].dtype, file.pages[0].shape) == ("uint16", (128, 160, 3))


def test_known_psf(unblur: Any, tmp_path: Path) -> None:
    output = tmp_path / "sharp.png"
    config = ROOT / "configs" / "known_psf.yaml"
    done = unblur("run", config, "--json", "--set", f"result.path={output}")
    assert done.code == 0, done.err
    assert done.json["nodes"]["gain"]["details"]["psnr"] > 30
    assert output.is_file()


@pytest.mark.parametrize("name", CONFIGS)
def test_examples_are_drawn(unblur: Any, name: str, photo: Path, tmp_path: Path) -> None:
    sets = ["--set", f"photo.path={photo}"] if name == "deblur.yaml" else []
    done = unblur("graph", ROOT / "configs" / name, *sets)
    assert done.code == 0
    assert done.out.startswith("flowchart LR")
    drawn = tmp_path / "graph.svg"
    assert unblur("graph", ROOT / "configs" / name, "-o", drawn, *sets).code == 0
    assert drawn.read_text().count("<title>") == done.out.count(":::")

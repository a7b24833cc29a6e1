"""The command line as a user meets it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from pipeline.cli import guarded

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def statuses(self) -> dict[str, str]:
        return {name: node["status"] for name, node in self.json["nodes"].items()}


class Unblur:
    """Runs commands in this process, with a cache folder of its own unless that is None."""

    def __init__(self, capsys: pytest.CaptureFixture[str], cache: Path) -> None:
        self._capsys = capsys
        self.cache: Path | None = cache

    def __call__(self, *words: object) -> Done:
        self._capsys.readouterr()
        uses_cache = (
            words[0] in ("run", "plan", "preview", "graph", "cache", "deblur")
            and "--cache" not in words
        )
        folder = ["--cache", str(self.cache)] if self.cache and uses_cache else []
        code = guarded([*(str(word) for word in words), *folder])
        captured = self._capsys.readouterr()
        return Done(code, captured.out, captured.err)


@pytest.fixture(scope="session", autouse=True)
def user_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the user's own cache out of the tests; FFT wisdom is shared among them."""
    folder = tmp_path_factory.mktemp("user_cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNBLUR_CACHE", str(folder))
        yield folder


@pytest.fixture
def unblur(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Unblur:
    """Run ``unblur`` with a cache of its own."""
    return Unblur(capsys, tmp_path / "cache")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A shaken 16-bit photograph of 160 x 128 px."""
    import skimage.data
    from scipy.ndimage import convolve

    sharp = skimage.data.astronaut()[60:188, 150:310].astype(float) / 255
    psf = np.eye(5)[:, :, None] / 5
    blurred = np.clip(convolve(sharp, psf) + 0.0, 0, 1)
    path = tmp_path / "photo.tif"
    tifffile.imwrite(path, (blurred * 65535).astype(np.uint16), photometric="rgb")
    return path


@pytest.fixture
def config(tmp_path: Path, photo: Path) -> Path:
    """A known blur taken out of `photo`: four nodes that run in a moment."""
    path = tmp_path / "config.yaml"
    path.write_text(
        """\
version: 1
nodes:
  photo: {kind: load, path: photo.tif}
  psf: {kind: make_psf, shape: motion, length: 5, angle: -45}
  sharp: {kind: deconvolve, inputs: {image: photo, psf: psf}, priority: 0.0}
  result: {kind: export, inputs: {image: sharp}, path: out/sharp.tif, bit_depth: 16}
"""
    )
    return path

"""Whole runs: what is computed, what comes from the cache, what is written."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import exiv2
import numpy as np
import pytest
import tifffile

from pipeline.cli import guarded

ROOT = Path(__file__).resolve().parents[2]


def test_the_second_run_computes_nothing(unblur: Any, config: Path) -> None:
    first = unblur("run", config, "--json")
    assert first.code == 0, first.err
    assert set(first.statuses.values()) == {"computed"}
    assert first.json["status"] == "done"
    assert first.json["peak_memory_bytes"] > 2**20
    assert first.json["nodes"]["sharp"]["reason"] == "never run"
    second = unblur("run", config, "--json")
    assert set(second.statuses.values()) == {"hit"}
    assert second.json["nodes"]["sharp"]["details"] == first.json["nodes"]["sharp"]["details"]


def test_the_output_is_as_deep_and_as_large_as_the_input(unblur: Any, config: Path) -> None:
    assert unblur("run", config).code == 0
    before = tifffile.imread(config.parent / "photo.tif")
    after = tifffile.imread(config.parent / "out" / "sharp.tif")
    assert (after.dtype, after.shape) == (before.dtype, before.shape)
    assert np.abs(after.astype(float) - before).mean() > 100  # something was done


def test_plan_says_what_a_change_would_run(unblur: Any, config: Path) -> None:
    unblur("run", config)
    change = ("--set", "sharp.priority=0.5", "--json")
    planned = unblur("plan", config, *change)
    assert planned.statuses == {"photo": "hit", "psf": "hit", "sharp": "run", "result": "run"}
    assert planned.json["nodes"]["sharp"]["reason"] == "sharp.priority: 0.0 -> 0.5"
    assert planned.json["nodes"]["result"]["reason"] == "upstream sharp changed"
    done = unblur("run", config, *change)
    assert done.statuses == {
        "photo": "hit",
        "psf": "hit",
        "sharp": "computed",
        "result": "computed",
    }
    back = unblur("run", config, "--json")
    assert set(back.statuses.values()) == {"hit"}
    reason = back.json["nodes"]["result"]["reason"]
    assert reason == "cached, output sharp.tif was changed: written again"
    assert set(unblur("run", config, "--json").statuses.values()) == {"hit"}


def test_touched_moved_and_renamed_inputs_are_hits(unblur: Any, config: Path, photo: Path) -> None:
    unblur("run", config)
    photo.touch()
    assert set(unblur("run", config, "--json").statuses.values()) == {"hit"}
    (config.parent / "moved").mkdir()
    photo.rename(config.parent / "moved" / "renamed.tif")
    config.write_text(config.read_text().replace("photo.tif", "moved/renamed.tif"))
    assert set(unblur("run", config, "--json").statuses.values()) == {"hit"}
    shutil.copy(config.parent / "moved" / "renamed.tif", config.parent / "copy.tif")
    other = unblur("run", config, "--json", "--set", f"photo.path={config.parent / 'copy.tif'}")
    assert set(other.statuses.values()) == {"hit"}


def test_one_changed_byte_runs_load_and_what_follows(
    unblur: Any, config: Path, photo: Path
) -> None:
    unblur("run", config)
    data = bytearray(photo.read_bytes())
    data[len(data) // 2] ^= 1
    photo.write_bytes(data)
    done = unblur("run", config, "--json")
    assert done.statuses == {
        "photo": "computed",
        "psf": "hit",
        "sharp": "computed",
        "result": "computed",
    }
    assert done.json["nodes"]["photo"]["reason"] == "input photo.tif changed"


def test_another_exif_costs_no_deconvolution_and_reaches_the_output(
    unblur: Any, config: Path, photo: Path
) -> None:
    def write_artist(name: str) -> None:
        image = exiv2.ImageFactory.open(str(photo))
        image.readMetadata()
        image.exifData()["Exif.Image.Artist"] = name
        image.writeMetadata()

    def read_artist(output: str) -> str:
        image = exiv2.ImageFactory.open(output)
        image.readMetadata()
        return str(image.exifData()["Exif.Image.Artist"].toString())

    write_artist("Ann")
    done = unblur("run", config, "--json")
    [output] = done.json["outputs"]
    before = tifffile.imread(output)
    assert read_artist(output) == "Ann"
    write_artist("Bob")
    done = unblur("run", config, "--json")
    assert done.statuses == {
        "photo": "computed",
        "psf": "hit",
        "sharp": "hit",
        "result": "computed",
    }
    assert read_artist(output) == "Bob"
    assert np.array_equal(tifffile.imread(output), before)


def test_what_is_shown_to_people(unblur: Any, config: Path) -> None:
    done = unblur("run", config)
    assert "sharp: deconvolve (never run)" in done.err
    assert "sharp   deconvolve  computed  never run" in done.out
    assert f"output: {config.parent / 'out' / 'sharp.tif'}" in done.out
    assert "4 of 4 nodes computed" in done.out
    again = unblur("plan", config)
    assert again.out.splitlines()[0] == "photo   load        hit  cached"


def test_graph_shows_what_is_cached(unblur: Any, config: Path, tmp_path: Path) -> None:
    unblur("run", config, "--until", "psf")
    drawn = unblur("graph", config).out
    assert 'n_psf["psf<br/>make_psf: cached"]:::hit' in drawn
    assert 'n_sharp["sharp<br/>deconvolve: to run"]:::run' in drawn
    assert unblur("graph", config, "-o", tmp_path / "new" / "graph.dot").code == 0
    assert '"photo" -> "sharp" [label="image"];' in (tmp_path / "new" / "graph.dot").read_text()


def test_nodes_are_listed_and_described(unblur: Any) -> None:
    listed = unblur("nodes").out
    for kind in ("load", "crop", "resize", "make_psf", "load_psf", "estimate_psf", "deconvolve"):
        assert f"\n{kind} " in f"\n{listed}"
    one = unblur("nodes", "deconvolve").out
    assert "priority (a number from -1 to 1; default 0.0)" in one
    assert "input psf: psf" in one


def test_every_parameter_is_described(unblur: Any) -> None:
    for line in unblur("nodes").out.splitlines():
        kind = line.split()[0]
        for told in unblur("nodes", kind).out.splitlines():
            assert not told.endswith(")"), f"{kind}:{told} has no description"


def test_the_schema_accepts_the_examples(unblur: Any) -> None:
    schema = unblur("schema").json
    kinds = {
        node["properties"]["kind"]["const"]
        for node in schema["properties"]["nodes"]["additionalProperties"]["oneOf"]
    }
    assert {"load", "deconvolve", "export"} <= kinds
    assert schema["properties"]["version"] == {"const": 1}


def test_the_cache_is_listed_and_cleared(unblur: Any, config: Path) -> None:
    unblur("run", config)
    listed = unblur("cache", "list", "--json").json
    assert {result["kind"] for result in listed["results"]} == {
        "load",
        "make_psf",
        "deconvolve",
        "export",
    }
    assert listed["bytes"] == sum(result["bytes"] for result in listed["results"])
    assert "4 results" in unblur("cache", "list").out
    assert "4 results removed" in unblur("cache", "clear").out
    assert unblur("cache", "list", "--json").json["results"] == []
    assert set(unblur("run", config, "--json").statuses.values()) == {"computed"}


def test_a_cache_that_is_not_kept_is_gone(unblur: Any, config: Path) -> None:
    config.write_text(config.read_text().replace("nodes:", "cache: {keep: false}\nnodes:"))
    assert unblur("run", config).code == 0
    assert unblur("cache", "list", "--json").json["results"] == []
    assert not list(unblur.cache.rglob("c.*"))


def test_the_cache_folder_is_the_options_then_the_environments_then_the_files(
    unblur: Any, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(config.read_text().replace("nodes:", "cache: {path: beside}\nnodes:"))
    unblur.cache = None
    monkeypatch.setenv("UNBLUR_CACHE", str(tmp_path / "environment"))
    unblur("run", config, "--until", "psf")
    assert (tmp_path / "environment" / "objects").is_dir()
    unblur("run", config, "--until", "psf", "--cache", tmp_path / "option")
    assert (tmp_path / "option" / "objects").is_dir()
    monkeypatch.delenv("UNBLUR_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    unblur("run", config, "--until", "psf")
    assert (config.parent / "beside" / "objects").is_dir()


def test_workers_change_no_pixel(unblur: Any, config: Path, tmp_path: Path) -> None:
    outputs = []
    for workers in (1, 3):
        unblur("run", config, "--workers", workers, "--cache", tmp_path / f"cache{workers}")
        outputs.append((config.parent / "out" / "sharp.tif").read_bytes())
    assert outputs[0] == outputs[1]


def test_an_all_cached_run_imports_nothing_heavy(unblur: Any, config: Path) -> None:
    unblur("run", config)
    code = (
        "import sys; from pipeline.cli import guarded; "
        f"assert guarded(['run', {str(config)!r}, '--json']) == 0; "
        "heavy = {'numpy', 'numba', 'pyfftw', 'scipy', 'zarr', 'skimage', 'dask', 'tifffile',"
        " 'imagecodecs', 'exiv2', 'networkx', 'rich', 'asyncio', 'concurrent.futures'}; "
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "UNBLUR_CACHE": str(unblur.cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_before_all_is_imported(number: signal.Signals) -> None:
    code = f"""
import os, sys
class Interrupter:
    def find_spec(self, name, *_):
        if name == "typer":
            os.kill(os.getpid(), {int(number)})
sys.meta_path.insert(0, Interrupter())
from pipeline.start import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize("words", [[], ["cache"]])
def test_no_command_shows_which_there_are(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert guarded(words) == 2
    told = capsys.readouterr().err
    assert told.startswith(" ".join(["Usage: unblur", *words]) + " [OPTIONS] COMMAND")
    assert "See unblur" not in told


def test_automatic_limits_can_be_asked_for(unblur: Any, config: Path) -> None:
    text = config.read_text()
    config.write_text(text.replace("nodes:", "run: {workers: auto, memory: auto}\nnodes:", 1))
    assert unblur("run", config).code == 0
    assert unblur("run", config, "--workers", "auto", "--memory", "auto").code == 0


def test_ctrl_c_ends_with_130_and_loses_nothing(unblur: Any, config: Path, tmp_path: Path) -> None:
    large = np.random.default_rng(1).integers(0, 2**16, (3000, 3000, 3), np.uint16)
    tifffile.imwrite(tmp_path / "photo.tif", large, photometric="rgb")
    process = subprocess.Popen(
        [sys.executable, "-c", "from pipeline.cli import main; main()", "run", str(config)],
        env={**os.environ, "UNBLUR_CACHE": str(unblur.cache)},
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("sharp: deconvolve"):
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    rest = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert "stopped on request" in rest
    assert "Traceback" not in rest
    assert time.monotonic() - began < 10  # the machine may be busy; idle it is one tile's time
    assert not (config.parent / "out").exists()
    assert unblur("plan", config, "--json").statuses == {
        "photo": "hit",
        "psf": "hit",
        "sharp": "run",
        "result": "run",
    }

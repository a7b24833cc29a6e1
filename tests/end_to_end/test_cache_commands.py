"""``unblur cache``, and caches that are small, passing, or can't be written."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cache.disk import DiskStore

ROOT = Path(__file__).resolve().parents[2]


def chunks(cache: Path) -> list[Path]:
    return sorted(cache.glob("objects/*/*/*/c.*"))


def harm(cache: Path) -> None:
    path = max(chunks(cache), key=lambda path: path.stat().st_size)
    data = bytearray(path.read_bytes())
    data[100] ^= 4
    path.write_bytes(data)


def leave_a_draft(cache: Path) -> None:
    with DiskStore(cache).begin("d" * 32) as draft:
        array = draft.new_array("pixels", (600, 4), "f4")
        array.is_written(())
        array[0:512,] = np.ones((512, 4), np.float32)


def test_list_tells_what_was_made_by_what_and_when(unblur: Any, config: Path) -> None:
    unblur("run", config)
    leave_a_draft(unblur.cache)
    listed = unblur("cache", "list", "--json").json
    (psf,) = [result for result in listed["results"] if result["node"] == "psf"]
    assert psf["kind"] == "make_psf"
    assert psf["made_by"] == str(config.resolve())
    assert psf["seconds"] > 0
    age = datetime.now(UTC) - datetime.fromisoformat(psf["last_used"])
    assert timedelta(seconds=-2) < age < timedelta(minutes=5)
    assert [draft["key"] for draft in listed["unfinished"]] == ["d" * 32]
    told = unblur("cache", "list").out
    assert "config.yaml" in told
    assert " ago " in told
    assert "unfinished" in told
    assert told.splitlines()[-1].startswith("4 results, ")


def test_verify_finds_damage_and_fix_puts_it_aside(unblur: Any, config: Path) -> None:
    unblur("run", config)
    sound = unblur("cache", "verify")
    assert (sound.code, sound.out.endswith(": all sound\n")) == (0, True)
    harm(unblur.cache)
    found = unblur("cache", "verify", "--json")
    assert found.code == 1
    assert (found.json["status"], found.json["results"]) == ("damaged", 4)
    assert "its values are not those" in found.json["faults"][0]
    assert unblur("cache", "verify").code == 1
    mended = unblur("cache", "verify", "--fix", "--json")
    assert (mended.code, mended.json["status"], mended.json["mended"]) == (0, "mended", 1)
    assert unblur("cache", "verify", "--json").json["status"] == "sound"
    assert list(unblur("run", config, "--json").statuses.values()).count("computed") <= 2


def test_what_verify_cannot_mend_stays_a_fault(unblur: Any, config: Path) -> None:
    unblur("run", config, "--until", "psf")
    (unblur.cache / "objects" / "notes").mkdir()
    (unblur.cache / "objects" / "notes" / "mine").write_text("")
    done = unblur("cache", "verify", "--fix")
    assert done.code == 1
    assert "mine: is no result" in done.out


def test_trim_leaves_what_took_most_seconds_a_byte(unblur: Any, config: Path) -> None:
    def worths() -> dict[str, float]:
        results = unblur("cache", "list", "--json").json["results"]
        return {result["key"]: result["seconds"] / result["bytes"] for result in results}

    unblur("run", config)
    before = worths()
    done = unblur("cache", "trim", "--max-size", "20 KiB", "--json").json
    assert done["left"] <= 20 * 1024
    left = worths()
    gone = [worth for key, worth in before.items() if key not in left]
    assert left
    assert len(gone) == done["removed"] >= 1
    # Those used some seconds later are worth a little more.
    assert min(left.values()) > 0.8 * max(gone)
    assert "left: " in unblur("cache", "trim", "--max-size", "1GB").out
    assert unblur("cache", "verify").code == 0


@pytest.mark.parametrize("size", ["much", "-5", ""])
def test_a_size_that_is_none_is_told(unblur: Any, size: str) -> None:
    done = unblur("cache", "trim", f"--max-size={size}")
    assert done.code == 2
    assert "is no size. Use" in done.err


def test_clear_takes_history_and_drafts_too(unblur: Any, config: Path) -> None:
    unblur("run", config)
    leave_a_draft(unblur.cache)
    assert unblur("cache", "clear", "--json").json["removed"] == 4
    assert not unblur.cache.exists()
    assert unblur("run", config, "--json").json["nodes"]["psf"]["reason"] == "never run"


def test_there_may_be_nothing_to_clear(unblur: Any, tmp_path: Path) -> None:
    for folder in (tmp_path / "none", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        done = unblur("cache", "clear", "--json", "--cache", folder)
        assert (done.code, done.json) == (0, {"removed": 0, "bytes": 0})


def test_why_names_the_difference_to_the_nearest_result(unblur: Any, config: Path) -> None:
    unblur("run", config)
    here = unblur("cache", "why", config, "sharp", "--json").json
    assert (here["status"], here["nearest"]["differences"]) == ("hit", [])
    assert here["nearest"]["key"] == here["content"]
    assert here["ingredients"]["inputs"]["psf"]["node"] == "psf"
    assert here["ingredients"]["params"]["priority"] == 0.0
    change = ("--set", "sharp.priority=0.5")
    changed = unblur("cache", "why", config, "sharp", "--json", *change).json
    assert changed["status"] == "run"
    assert changed["nearest"]["differences"] == ["sharp.priority: 0.0 -> 0.5"]
    assert changed["nearest"]["made_by"] == str(config.resolve())
    assert changed["recipe"] != here["recipe"]
    unblur("run", config, *change)
    made = unblur("cache", "why", config, "sharp", "--json", *change).json
    assert (made["status"], made["content"]) == ("hit", changed["content"])
    upstream = unblur("cache", "why", config, "sharp", "--set", "psf.length=7").out
    assert upstream.splitlines()[-1].endswith("upstream psf changed")
    assert "(to be computed)" in upstream


@pytest.mark.parametrize("command", ["run", "plan", "verify", "list"])
def test_a_file_in_place_of_the_cache_folder_is_told(
    unblur: Any, config: Path, tmp_path: Path, command: str
) -> None:
    file = tmp_path / "photo.tif"
    file.write_text("mine")
    words = (command, config) if command in ("run", "plan") else ("cache", command)
    done = unblur(*words, "--cache", str(file))
    assert (done.code, done.err) == (1, f"cache folder {file}: is a file. Name a folder.\n")
    assert file.read_text() == "mine"


def test_a_link_that_leads_nowhere_in_place_of_the_cache_folder_is_told(
    unblur: Any, config: Path, tmp_path: Path
) -> None:
    link = tmp_path / "cache_link"
    link.symlink_to(tmp_path / "nowhere")
    done = unblur("run", config, "--cache", str(link))
    message = f"cache folder {link}: is a link that leads nowhere. Name a folder.\n"
    assert (done.code, done.err) == (1, message)


def test_why_without_any_result_says_so(unblur: Any, config: Path) -> None:
    assert "no result of this kind" in unblur("cache", "why", config, "psf").out
    assert 'Did you mean "psf"' in unblur("cache", "why", config, "pfs").err


def test_the_configured_size_is_kept_to(unblur: Any, config: Path) -> None:
    config.write_text(config.read_text().replace("nodes:", "cache: {max_size: 1 MiB}\nnodes:"))
    for priority in (0.1, 0.2, 0.3, 0.4, 0.5):
        done = unblur("run", config, "--set", f"sharp.priority={priority}")
        assert done.code == 0
        assert "max_size" not in done.err
        assert unblur("cache", "list", "--json").json["bytes"] < 2**20
    kinds = [result["kind"] for result in unblur("cache", "list", "--json").json["results"]]
    assert kinds.count("make_psf") == 1


def test_a_size_too_small_is_warned_about_once_and_the_run_succeeds(
    unblur: Any, config: Path
) -> None:
    config.write_text(config.read_text().replace("nodes:", "cache: {max_size: 100 KiB}\nnodes:"))
    done = unblur("run", config)
    assert done.code == 0
    assert done.err.count("warning: ") == 1
    assert "more than cache.max_size, 102400" in done.err
    assert (config.parent / "out" / "sharp.tif").exists()
    assert unblur("cache", "list", "--json").json["bytes"] <= 102400


def test_a_passing_cache_that_was_killed_goes_when_the_next_begins(
    unblur: Any, config: Path
) -> None:
    config.write_text(config.read_text().replace("nodes:", "cache: {keep: false}\nnodes:"))
    code = (
        "import os, signal, numerics.half_quadratic as solver; "
        "solver.TileSolver.solve = lambda *_: os.kill(os.getpid(), signal.SIGKILL); "
        f"from pipeline.cli import guarded; guarded(['run', {str(config)!r}])"
    )
    environment = {**os.environ, "UNBLUR_CACHE": str(unblur.cache)}
    killed = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=False, cwd=ROOT, capture_output=True
    )
    assert killed.returncode == -9, killed.stderr
    assert os.listdir(unblur.cache / "scratch") != []
    assert unblur("run", config).code == 0
    assert os.listdir(unblur.cache / "scratch") == []


class TestReadOnly:
    @pytest.fixture
    def locked(
        self, unblur: Any, config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> Path:
        """A cache of one run that may not be written any more, not even by root."""
        unblur("run", config)
        (tmp_path / "tmp").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
        folder: Path = unblur.cache
        may = os.access
        monkeypatch.setattr(
            os, "access", lambda path, mode: (path, mode) != (folder, os.W_OK) and may(path, mode)
        )
        return folder

    def files(self, folder: Path) -> set[Path]:
        return {path for name in ("objects", "recipes") for path in (folder / name).rglob("*")}

    def test_what_is_there_is_used_and_what_is_not_is_computed(
        self, unblur: Any, config: Path, locked: Path, tmp_path: Path
    ) -> None:
        before = self.files(locked)
        again = unblur("run", config, "--json")
        assert set(again.statuses.values()) == {"hit"}
        assert "can't be written: what is computed is not kept" in again.err
        done = unblur("run", config, "--json", "--set", "sharp.priority=0.4")
        assert done.code == 0, done.err
        assert done.statuses == {
            "photo": "hit",
            "psf": "hit",
            "sharp": "computed",
            "result": "computed",
        }
        assert self.files(locked) == before
        assert [p for p in (tmp_path / "tmp").rglob("*") if p.name == "objects"] == []

    def test_damage_in_it_is_computed_anew(self, unblur: Any, config: Path, locked: Path) -> None:
        harm(locked)
        (config.parent / "out" / "sharp.tif").unlink()
        done = unblur("run", config, "--json", "--set", "sharp.priority=0.4")
        assert done.code == 0, done.err
        assert unblur("cache", "verify").code == 1

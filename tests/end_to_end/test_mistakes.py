"""What a newcomer gets wrong: one clear line each, the right exit code, nothing written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

EDITS = {
    "a wrong key": ("priority: 0.0", "prioriti: 0.0", 2, '"prioriti" is unknown. Did you mean'),
    "a wrong kind": ("deconvolve", "deconvolv", 2, 'Did you mean "deconvolve"?'),
    "a missing file": ("photo.tif", "foto.tif", 2, "foto.tif does not exist."),
    "a folder for a file": ("path: photo.tif", "path: .", 2, "is a folder."),
    "a value out of range": (
        "0.0",
        "3",
        2,
        "nodes.sharp.priority: got 3. Use a number from -1 to 1.",
    ),
    "an even psf": ("angle: -45", "angle: -45, size: 14", 2, "odd"),
    "a cycle": ("{image: photo, psf: psf}", "{image: sharp, psf: psf}", 2, "cycle: sharp -> sharp"),
    "a wrong type": ("psf: psf", "psf: photo", 2, '"photo" (load) gives an image, but deconvolve'),
    "an open port": (", psf: psf", "", 2, "input psf is missing."),
    "an output on the input": ("out/sharp.tif", "photo.tif", 2, 'node "photo" loads it.'),
    "an unknown node": (
        "image: photo",
        "image: foto",
        2,
        '"foto" is no node. Did you mean "photo"?',
    ),
    "an unknown ending": ("sharp.tif", "sharp.gif", 2, ".gif"),
    "a tab": ("  photo:", "\tphoto:", 2, "Use spaces; YAML allows no tabs."),
}


@pytest.mark.parametrize("mistake", EDITS)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_in_the_yaml(unblur: Any, config: Path, mistake: str, command: str) -> None:
    old, new, code, told = EDITS[mistake]
    assert old in config.read_text()
    config.write_text(config.read_text().replace(old, new, 1))
    done = unblur(command, config)
    assert (done.code, done.out) == (code, "")
    assert told in done.err
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith(f"{config}:")
    assert not (config.parent / "out").exists()


def test_an_empty_yaml(unblur: Any, config: Path) -> None:
    config.write_text("")
    done = unblur("run", config)
    assert (done.code, done.err) == (2, f"{config}:1: holds nothing. Write version, then nodes.\n")


def test_several_mistakes_are_told_at_once(unblur: Any, config: Path) -> None:
    text = (
        config.read_text()
        .replace("priority: 0.0", "priority: x")
        .replace("kind: load", "kind: lod")
    )
    config.write_text(text)
    done = unblur("run", config)
    assert [line.split(":")[1] for line in done.err.splitlines()] == ["3", "5"]


def test_a_crop_outside_the_picture(unblur: Any, config: Path) -> None:
    text = config.read_text() + "  part: {kind: crop, inputs: {image: photo}, size: 500}\n"
    config.write_text(text)
    done = unblur("run", config, "--until", "part")
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith('node "part": ')
    assert "160 x 128" in done.err


@pytest.mark.parametrize("content", [b"", b"II*\0", b"no picture at all", "half"])
def test_a_file_that_is_no_whole_picture(
    unblur: Any, config: Path, photo: Path, content: bytes | str
) -> None:
    whole = photo.read_bytes()
    photo.write_bytes(whole[: len(whole) // 2] if content == "half" else os.fsencode(content))
    done = unblur("run", config)
    assert done.code == 1
    line = done.err.splitlines()[-1]
    assert line.startswith('node "photo": photo.tif: ')
    assert "Traceback" not in done.err
    assert not (config.parent / "out").exists()


def test_a_missing_output_folder_is_made(unblur: Any, config: Path) -> None:
    config.write_text(config.read_text().replace("out/", "new/deep/"))
    assert unblur("run", config).code == 0
    assert (config.parent / "new" / "deep" / "sharp.tif").is_file()


def test_an_output_folder_that_is_a_file(unblur: Any, config: Path) -> None:
    (config.parent / "out").write_text("mine")
    done = unblur("run", config)
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith('node "result": ')
    assert (config.parent / "out").read_text() == "mine"


def test_an_output_that_is_a_folder(unblur: Any, config: Path) -> None:
    (config.parent / "out" / "sharp.tif").mkdir(parents=True)
    done = unblur("run", config)
    assert done.code in (1, 2)
    assert "is a folder" in done.err
    assert list((config.parent / "out" / "sharp.tif").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run"], "Missing argument 'CONFIG'"),
        (["run", "CONFIG", "--sett", "x"], "No such option"),
        (["rum", "CONFIG"], "No such command 'rum'. Did you mean 'run'? See unblur --help."),
        (["photo.tif"], "For one photograph: unblur deblur PHOTO -o OUT."),
        (["run", "none.yaml"], "none.yaml: does not exist."),
        (["run", "."], "is a folder."),
        (["run", "CONFIG", "--set", "sharp.priority"], "has another form than NODE.PARAM=VALUE."),
        (["run", "CONFIG", "--set", "shrp.priority=0"], 'Did you mean "sharp"?'),
        (
            ["run", "CONFIG", "--set", "sharp.priority=7"],
            "--set sharp.priority=7: nodes.sharp.priority",
        ),
        (["run", "CONFIG", "--until", "shap"], 'Did you mean "sharp"?'),
        (["run", "CONFIG", "--force", "shap"], 'Did you mean "sharp"?'),
        (["run", "CONFIG", "--workers", "0"], "--workers 0: run.workers: got 0."),
        (["run", "CONFIG", "--workers", "x"], 'Use a whole number from 1 to 1024 or "auto".'),
        (["run", "CONFIG", "--memory", "much"], 'got "much". Use a size, say "2 GiB" or "auto".'),
        (["run", "CONFIG", "--memory", "0"], 'got 0. Use a size above 0, say "2 GiB".'),
        (["graph", "CONFIG", "-o", "CONFIG/a.mmd"], "a.mmd: can't be written (File exists)."),
        (["graph", "CONFIG", "-o", "graph.png"], "Use a name ending in .svg, .mmd or .dot."),
        (["nodes", "deconvolv"], 'Did you mean "deconvolve"?'),
    ],
)
def test_on_the_command_line(unblur: Any, config: Path, words: list[str], told: str) -> None:
    done = unblur(*[word.replace("CONFIG", str(config)) for word in words])
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Missing argument 'PHOTO'. See unblur deblur --help."),
        (["PHOTO"], "Missing option '-o' / '--output'. See unblur deblur --help."),
        (["PHOTO", "OUT"], "Missing option '-o'"),
        (["none.tif", "-o", "OUT"], "unblur deblur none.tif: none.tif does not exist."),
        ([".", "-o", "OUT"], ". is a folder."),
        (["PHOTO", "-o", "PHOTO"], 'can\'t be written: node "photo" loads it.'),
        (["PHOTO", "-o", "a.gif"], '-o a.gif: ending ".gif" is unknown. Use .tif, .png or .jpg'),
        (["PHOTO", "-o", "a.npy"], "-o a.npy: a.npy: can't hold a picture. Use .tif, .png"),
        (["PHOTO", "-o", "OUT", "--psf", "a.jpg"], "--psf a.jpg: a.jpg: can't hold a PSF."),
        (["PHOTO", "-o", "OUT", "--blur", "8"], "--blur 8: got 8. Use an odd number of pixels"),
        (["PHOTO", "-o", "OUT", "--blur", "0"], "--blur 0: got 0. Use a whole number from 3 to 65"),
        (["PHOTO", "-o", "OUT", "--blur", "x"], '--blur x: got "x". Use a whole number from 3'),
        (["PHOTO", "-o", "OUT", "--priority", "2"], "--priority 2: got 2.0. Use a number from -1"),
        (["PHOTO", "-o", "OUT", "--quality", "best"], '--quality best: got "best". Use "fast"'),
        (["PHOTO", "-o", "OUT", "--sample", "0"], "--sample 0: got 0."),
        (["PHOTO", "-o", "OUT", "--at", "12"], "--at 12: is no place in the picture. Use X,Y"),
        (["PHOTO", "-o", "OUT", "--at", "-3,5"], "--at -3,5: is no place in the picture."),
        (["PHOTO", "-o", "OUT", "--workers", "0"], "--workers 0: got 0."),
    ],
)
def test_in_deblur(unblur: Any, photo: Path, words: list[str], told: str) -> None:
    out = photo.parent / "out.tif"
    done = unblur("deblur", *[{"PHOTO": photo, "OUT": out}.get(word, word) for word in words])
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert len(done.err.splitlines()) == 1
    assert "nodes." not in done.err
    assert not out.exists()


@pytest.mark.parametrize("at", ["5000,12", "3,4"])
def test_deblur_with_a_window_outside_the_picture(unblur: Any, photo: Path, at: str) -> None:
    out = photo.parent / "out.tif"
    done = unblur("deblur", photo, "-o", out, "--at", at, "--sample", "65")
    assert (done.code, done.out) == (2, "")
    told = done.err.splitlines()[-1]
    assert told.startswith(f"--at {at}: window of 65 x 65 px around")
    assert told.endswith("Use a center from (32, 32) to (127, 95).")
    assert not out.exists()


def test_a_photo_given_to_run(unblur: Any, photo: Path) -> None:
    done = unblur("run", photo)
    assert done.code == 2
    assert done.err.endswith("Name a YAML file, or use: unblur deblur PHOTO -o OUT.\n")


@pytest.mark.parametrize(("node", "name"), [("result", "sharp.npy"), ("shown", "psf.jpg")])
def test_an_ending_that_does_not_suit_is_told_at_once(
    unblur: Any, config: Path, node: str, name: str
) -> None:
    text = config.read_text().replace(", bit_depth: 16", "")
    config.write_text(text + "  shown: {kind: export, inputs: {psf: psf}, path: psf.png}\n")
    done = unblur("run", config, "--set", f"{node}.path={name}")
    assert (done.code, done.out) == (2, "")
    assert f"nodes.{node}.path: {name}: can't hold a" in done.err
    assert len(done.err.splitlines()) == 1


def test_with_json_a_mistake_is_one_object_too(unblur: Any, config: Path) -> None:
    done = unblur("run", config, "--json", "--set", "sharp.priority=7")
    assert done.code == 2
    assert done.json["status"] == "failed"
    assert "Use a number from -1 to 1." in done.json["error"]

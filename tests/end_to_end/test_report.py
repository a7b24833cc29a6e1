"""``unblur run --report``: how a run went, as one HTML file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest


def read(path: Path) -> ElementTree.Element:
    return ElementTree.fromstring(path.read_text().removeprefix("<!DOCTYPE html>"))


def test_a_report_tells_every_node_and_shows_the_psf(
    unblur: Any, config: Path, tmp_path: Path
) -> None:
    file = tmp_path / "reports" / "run.html"
    done = unblur("run", config, "--json", "--report", file)
    assert done.code == 0, done.err
    assert set(done.statuses.values()) == {"computed"}
    report = read(file)
    rows = [["".join(cell.itertext()) for cell in row] for row in report.iter("tr")]
    assert [row[:4] for row in rows[1:]] == [
        [name, node["kind"], node["status"], node["reason"]]
        for name, node in done.json["nodes"].items()
    ]
    assert "steps: 5" in rows[3][-1]
    (caption,) = report.iter("figcaption")
    assert re.fullmatch(r"psf, (\d+) x \1 px", str(caption.text))
    assert [item.text for item in report.iter("li")] == done.json["outputs"]
    assert [path.name for path in file.parent.iterdir()] == ["run.html"]


def test_a_report_of_a_cached_run_is_the_same_but_for_what_was_computed(
    unblur: Any, config: Path, tmp_path: Path
) -> None:
    file = tmp_path / "run.html"
    assert unblur("run", config).code == 0
    assert unblur("run", config, "--report", file).code == 0
    rows = list(read(file).iter("tr"))[1:]
    assert [row[2].text for row in rows] == ["hit"] * 4
    assert len(list(read(file).iter("figcaption"))) == 1


def test_names_of_files_are_no_html(unblur: Any, config: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.html"
    told = f"result.path={tmp_path / '<b>&.tif'}"
    assert unblur("run", config, "--set", told, "--report", file).code == 0
    assert [str(item.text) for item in read(file).iter("li")] == [str(tmp_path / "<b>&.tif")]


@pytest.mark.parametrize("name", ["report.txt", "report"])
def test_another_ending_is_refused_before_anything_runs(
    unblur: Any, config: Path, tmp_path: Path, name: str
) -> None:
    done = unblur("run", config, "--report", tmp_path / name)
    assert (done.code, done.err) == (
        2,
        f"--report {tmp_path / name}: is no HTML file. Use a name ending in .html.\n",
    )
    assert not (tmp_path / "out").exists()

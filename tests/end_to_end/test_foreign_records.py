"""Records that are whole, checksum and all, but were written by somebody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cache.digest import seal, unseal
from cache.record import ArrayRecord, result_digest

SHARPER = ("--set", "sharp.priority=0.5")


def rewrite(cache: Path, kind: str, edit: Callable[[dict[str, Any]], object]) -> None:
    """Edit the record of the result of a kind, and seal it as its author would."""
    for path in cache.glob("objects/*/*/record.json"):
        body = unseal(path.read_text())
        if body["record"]["kind"] == kind:
            edit(body["record"])
            arrays = {name: ArrayRecord.from_json(data) for name, data in body["arrays"].items()}
            body["digest"] = result_digest(arrays, body["record"].get("facts"))
            path.write_text(seal(body))


@pytest.mark.parametrize("kind", ["load", "deconvolve"])
@pytest.mark.parametrize(
    "edit",
    [
        lambda record: record.pop("type"),
        lambda record: record.update(type="psf"),
        lambda record: record.pop("facts"),
        lambda record: record.update(facts=[1]),
        lambda record: record.update(details=5),
        lambda record: record.pop("details"),
    ],
)
def test_a_record_that_lacks_what_results_have_is_made_anew(
    unblur: Any, config: Path, kind: str, edit: Callable[[dict[str, Any]], object]
) -> None:
    output = config.parent / "out" / "sharp.tif"
    assert unblur("run", config, *SHARPER).code == 0
    sharper = output.read_bytes()
    assert unblur("run", config).code == 0
    rewrite(unblur.cache, kind, edit)
    done = unblur("run", config, *SHARPER)
    assert done.code == 0
    assert "it is put aside and made anew" in done.err.lower()
    assert output.read_bytes() == sharper
    assert unblur("cache", "verify").code == 0


def test_what_a_record_says_does_nothing_to_the_terminal(unblur: Any, config: Path) -> None:
    unblur("run", config)
    words = "\x1b[2J\x9b31m\rgone"
    rewrite(unblur.cache, "load", lambda record: record.update(made_by=words, node=words))
    for command in (("cache", "list"), ("cache", "why", config, "photo")):
        told = unblur(*command).out
        assert "gone" in told
        assert not set(told) & set("\x1b\x9b\r")
    listed = unblur("cache", "list", "--json").out
    assert words in [result["node"] for result in json.loads(listed)["results"]]

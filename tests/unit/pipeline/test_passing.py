"""What goes past a node unread: it runs nothing again, and always comes out as it is now."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.node import Port
from pipeline.plan import Wishes

TEXT = """\
version: 1
nodes:
  a: {kind: source, level: %s}
  b: {kind: tag, label: %s, inputs: {image: a}}
  c: {kind: double, inputs: {image: b}}
  d: {kind: double, inputs: {image: c}}
  out: {kind: show, path: out.txt, inputs: {image: d}}
  sum: {kind: weigh, inputs: {image: d}}
"""
SUMMER = TEXT % (1.0, "summer")


def shown(bench: Any) -> str:
    text: str = (bench.folder / "out.txt").read_text()
    return text


def test_what_passes_a_node_by_comes_out_behind_it(bench: Any) -> None:
    bench.run(SUMMER)
    assert shown(bench) == "4.0 summer summer"
    assert bench.run(SUMMER).nodes["out"].status == "hit"
    assert bench.calls == []
    assert bench.store.check() == []


def test_what_passes_nodes_by_runs_none_of_them_again_and_comes_out_new(bench: Any) -> None:
    bench.run(SUMMER)
    outcome = bench.run(TEXT % (1.0, "winter"))
    assert bench.calls == ["tag", "show"]
    assert shown(bench) == "4.0 winter winter"
    assert outcome.nodes["d"].reason == "made from the same values before"
    bench.run(SUMMER)
    assert bench.calls == ["show"]
    assert shown(bench) == "4.0 summer summer"


def test_other_pixels_run_all_again(bench: Any) -> None:
    bench.run(SUMMER)
    bench.run(TEXT % (3.0, "summer"))
    assert bench.calls == ["source", "tag", "double", "double", "show", "weigh"]
    assert shown(bench) == "12.0 summer summer"


def test_what_passed_by_and_is_gone_is_made_for_who_reads_it(bench: Any) -> None:
    bench.run(SUMMER)
    bench.store.delete(bench.plan(SUMMER)["b"].entry.key)
    assert bench.run(SUMMER).nodes["b"].status == "unneeded"
    (bench.folder / "out.txt").unlink()
    plan = bench.plan(SUMMER)
    assert [plan[name].status for name in "abcd"] == ["hit", "run", "hit", "hit"]
    bench.run(SUMMER)
    assert bench.calls == ["tag", "show"]
    assert shown(bench) == "4.0 summer summer"


def test_what_passed_by_and_is_not_kept_is_made_for_who_reads_it(bench: Any) -> None:
    text = SUMMER.replace("{kind: tag,", "{kind: tag, cache: false,")
    bench.run(text)
    bench.run(text)
    assert bench.calls == []
    bench.run(text.replace("out.txt", "new.txt"))
    assert bench.calls == ["tag", "show"]
    assert (bench.folder / "new.txt").read_text() == "4.0 summer summer"


def test_what_passed_by_is_not_made_for_who_does_not_read_it(bench: Any) -> None:
    bench.run(SUMMER)
    bench.store.delete(bench.plan(SUMMER)["b"].entry.key)
    outcome = bench.run(SUMMER, Wishes(force=("sum",)))
    assert outcome.nodes["b"].status == "unneeded"
    assert bench.calls == ["weigh"]


def test_damage_to_what_passed_by_is_mended(bench: Any) -> None:
    bench.run(SUMMER)
    bench.damage(bench.plan(SUMMER)["b"].entry.key)
    (bench.folder / "out.txt").unlink()
    bench.run(SUMMER)
    assert bench.calls == ["show", "tag", "show"]
    assert shown(bench) == "4.0 summer summer"


def test_a_port_that_passes_on_the_rest_names_what_it_reads() -> None:
    with pytest.raises(ValueError, match="must name what is: arrays"):
        Port("image", passes=True)


def test_a_hit_whose_input_came_out_otherwise_gets_the_others_too(bench: Any) -> None:
    text = (
        "version: 1\nnodes:\n  a: {kind: count}\n  b: {kind: source}\n"
        "  c: {kind: add, inputs: {image: a, other: b}}\n"
    )
    first = bench.run(text)
    bench.store.delete(bench.plan(text)["b"].entry.key)
    again = bench.run(text, Wishes(force=("a",)))
    assert first.nodes["c"].status == again.nodes["c"].status == "computed"
    assert bench.calls == ["source", "add"]
    assert again.nodes["b"].reason == "needed after all"

"""Plans and runs of small graphs: what is computed, what is not, and why."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import events
from pipeline.errors import CacheError, Cancelled, ConfigError, NodeError
from pipeline.plan import Wishes
from pipeline.resources import Resources
from pipeline.runner import Runner, RunOutcome

TEXT = """\
version: 1
nodes:
  a: {kind: source, level: %s}
  b: {kind: round, inputs: {image: a}}
  c: {kind: add, factor: %s, inputs: {image: b}}
  d: {kind: write, path: out.txt, inputs: {image: c}}
"""
PLAIN = TEXT % (1.0, 2.0)


def statuses(outcome: RunOutcome) -> str:
    return " ".join(result.status for result in outcome.nodes.values())


def test_the_first_run_computes_everything_and_the_second_nothing(bench: Any) -> None:
    assert statuses(bench.run(PLAIN)) == "computed computed computed computed"
    assert (bench.folder / "out.txt").read_text() == "1.0"
    assert statuses(bench.run(PLAIN)) == "hit hit hit hit"
    assert bench.calls == []
    assert bench.store.check() == []


def test_a_changed_parameter_runs_what_depends_on_it_and_says_why(bench: Any) -> None:
    bench.run(PLAIN)
    changed = TEXT % (1.0, 3.0)
    plan = bench.plan(changed)
    assert {name: (step.status, step.reason) for name, step in plan.items()} == {
        "a": ("hit", "cached"),
        "b": ("hit", "cached"),
        "c": ("run", "c.factor: 2.0 -> 3.0"),
        "d": ("run", "upstream c changed"),
    }
    assert statuses(bench.run(changed)) == "hit hit computed computed"
    assert bench.calls == ["add", "write"]


def test_the_old_value_again_is_a_hit_but_for_the_output_on_disk(bench: Any) -> None:
    bench.run(PLAIN)
    bench.run(TEXT % (5.0, 2.0))
    assert (bench.folder / "out.txt").read_text() == "5.0"
    plan = bench.plan(PLAIN)
    assert [step.status for step in plan.values()] == ["hit", "hit", "hit", "hit"]
    assert plan["d"].reason == "cached, output out.txt was changed: written again"
    assert statuses(bench.run(PLAIN)) == "hit hit hit hit"
    assert bench.calls == ["write"]
    assert (bench.folder / "out.txt").read_text() == "1.0"


def test_equal_inputs_from_another_recipe_cut_the_run_off_early(bench: Any) -> None:
    bench.run(PLAIN)
    outcome = bench.run(TEXT % (1.2, 2.0))  # rounds to the same
    assert statuses(outcome) == "computed computed hit computed"
    assert outcome.nodes["c"].reason == "made from the same values before"
    assert bench.plan(TEXT % (1.2, 2.0))["c"].status == "hit"


def test_what_a_node_does_not_read_does_not_run_it_again(bench: Any) -> None:
    text = (
        "version: 1\nnodes:\n  a: {kind: source, level: %s}\n"
        "  b: {kind: tag, label: %s, inputs: {image: a}}\n  c: {kind: weigh, inputs: {image: b}}\n"
    )
    bench.run(text % (1.0, "summer"))
    outcome = bench.run(text % (1.0, "winter"))
    assert statuses(outcome) == "hit computed hit"
    assert outcome.nodes["c"].reason == "made from the same values before"
    assert statuses(bench.run(text % (1.0, "winter"), Wishes(force=("b",)))) == "hit computed hit"
    assert statuses(bench.run(text % (2.0, "winter"))) == "computed computed computed"


def test_a_missing_output_is_written_again_and_nothing_else_runs(bench: Any) -> None:
    bench.run(PLAIN)
    (bench.folder / "out.txt").unlink()
    plan = bench.plan(PLAIN)
    assert plan["d"].reason == "cached, output out.txt is missing: written again"
    bench.run(PLAIN)
    assert bench.calls == ["write"]
    assert (bench.folder / "out.txt").read_text() == "1.0"


def test_an_output_whose_picture_is_gone_too_runs_what_it_needs(bench: Any) -> None:
    bench.run(PLAIN)
    (bench.folder / "out.txt").unlink()
    bench.store.delete(bench.plan(PLAIN)["c"].entry.key)
    outcome = bench.run(PLAIN)
    assert statuses(outcome) == "hit hit computed computed"
    assert (bench.folder / "out.txt").read_text() == "1.0"


def test_another_name_for_the_output_writes_it_there(bench: Any) -> None:
    bench.run(PLAIN)
    bench.run(PLAIN.replace("out.txt", "new.txt"))
    assert bench.calls == ["write"]
    assert (bench.folder / "new.txt").read_text() == "1.0"


def test_renaming_a_node_costs_nothing(bench: Any) -> None:
    bench.run(PLAIN)
    bench.run(PLAIN.replace("a:", "first:").replace("image: a", "image: first"))
    assert bench.calls == []


def test_until_runs_what_a_node_needs_and_no_more(bench: Any) -> None:
    outcome = bench.run(PLAIN, Wishes(until="b"))
    assert list(outcome.nodes) == ["a", "b"]
    assert bench.calls == ["source", "round"]


def test_force_runs_a_node_again_and_what_follows_only_if_it_differs(bench: Any) -> None:
    bench.run(PLAIN)
    outcome = bench.run(PLAIN, Wishes(force=("b",)))
    assert statuses(outcome) == "hit computed hit hit"
    assert outcome.nodes["b"].reason == "forced"
    assert bench.calls == ["round"]


def test_what_is_not_kept_runs_only_when_something_needs_it(bench: Any) -> None:
    text = PLAIN.replace("{kind: round,", "{kind: round, cache: false,")
    assert statuses(bench.run(text)) == "computed computed computed computed"
    again = bench.run(text)
    assert statuses(again) == "hit unneeded hit hit"
    assert again.nodes["b"].reason == "nothing that runs needs it"
    assert bench.calls == []
    changed = bench.run(text.replace("factor: 2.0", "factor: 4.0"))
    assert statuses(changed) == "hit computed computed computed"
    assert changed.nodes["b"].reason == "not cached, by choice"


def test_an_input_file_counts_by_content(bench: Any) -> None:
    text = PLAIN.replace("level: 1.0", "level: 1.0, path: x.bin")
    file: Path = bench.folder / "x.bin"
    file.write_bytes(b"abc")
    bench.run(text)
    file.touch()
    bench.run(text)
    assert bench.calls == []
    file.rename(bench.folder / "y.bin")
    bench.run(text.replace("x.bin", "y.bin"))
    assert bench.calls == []
    (bench.folder / "y.bin").write_bytes(b"abd")
    plan = bench.plan(text.replace("x.bin", "y.bin"))
    assert plan["a"].reason == "input y.bin changed"
    assert plan["b"].reason == "upstream a changed"


def test_a_missing_input_file_is_told_with_its_line(bench: Any) -> None:
    with pytest.raises(ConfigError, match=r"test.yaml:3: nodes.a.path: .*x.bin does not exist"):
        bench.plan(PLAIN.replace("level: 1.0", "path: x.bin"))


def test_a_folder_instead_of_a_file_is_told(bench: Any) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        bench.plan(PLAIN.replace("level: 1.0", "path: ."))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("value", 'node "a": the sky is 3. Use 2.'),
        ("memory", 'node "a": there is not enough memory.'),
        ("type", 'node "a": gave psf, but its kind promises image.'),
    ],
)
def test_a_failing_node_is_named_and_leaves_nothing(bench: Any, error: str, told: str) -> None:
    text = f"version: 1\nnodes:\n  a: {{kind: fail, error: {error}}}\n"
    with pytest.raises(NodeError) as caught:
        bench.run(text)
    assert str(caught.value).startswith(told)
    assert caught.value.node == "a"
    assert list(bench.store.entries()) == []
    assert bench.store.check() == []


def test_nodes_before_a_failing_one_are_kept(bench: Any) -> None:
    text = "version: 1\nnodes:\n  a: {kind: source}\n  b: {kind: fail}\n"
    with pytest.raises(NodeError):
        bench.run(text)
    assert [step.status for step in bench.plan(text).values()] == ["hit", "run"]


def test_a_stopped_run_says_so_and_can_be_continued(bench: Any) -> None:
    cancelled = threading.Event()

    def stop_after_first(event: events.Event) -> None:
        if isinstance(event, events.NodeDone):
            cancelled.set()

    runner = Runner(
        bench.store, bench.scratch, stop_after_first, Resources(1, 1), cancelled=cancelled
    )
    with pytest.raises(Cancelled):
        runner.run(lambda wishes: bench.plan(PLAIN, wishes), Wishes())
    assert [s.status for s in bench.plan(PLAIN).values()] == ["hit", "run", "run", "run"]


def test_a_long_node_that_was_stopped_is_continued(bench: Any) -> None:
    text = "version: 1\nnodes:\n  a: {kind: bands}\n"
    cancelled = threading.Event()

    def stop_after_two(event: events.Event) -> None:
        if isinstance(event, events.NodeProgressed) and event.done == 2:
            cancelled.set()

    runner = Runner(
        bench.store, bench.scratch, stop_after_two, Resources(1, 1), cancelled=cancelled
    )
    with pytest.raises(Cancelled, match="What was finished is kept"):
        runner.run(lambda wishes: bench.plan(text, wishes), Wishes())
    outcome = bench.run(text)
    assert bench.calls == ["band 2"]
    key = bench.store.resolve(outcome.steps["a"].recipe)
    assert sorted(set(bench.store.open(key)["pixels"][:, :, :].ravel().tolist())) == [0, 1, 2]


def test_a_damaged_result_is_told_and_made_anew(bench: Any) -> None:
    bench.run(PLAIN)
    bench.damage(bench.plan(PLAIN)["b"].entry.key)
    changed = TEXT % (1.0, 3.0)
    bench.events.clear()
    outcome = bench.run(changed)
    assert statuses(outcome) == "hit computed computed computed"
    assert outcome.nodes["b"].reason == "cached result damaged"
    (warning,) = [e for e in bench.events if isinstance(e, events.Warned)]
    assert "It is put aside and made anew." in warning.message
    assert bench.store.check() == []
    assert statuses(bench.run(changed)) == "hit hit hit hit"


def test_damage_that_comes_back_ends_the_run(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.run(PLAIN)
    bench.damage(bench.plan(PLAIN)["b"].entry.key)
    # A disk so ill that what is damaged can't even be put aside.
    monkeypatch.setattr(bench.store, "quarantine", lambda key: None)
    with pytest.raises(CacheError, match="check the disk"):
        bench.run(TEXT % (1.0, 3.0))


def test_code_that_changed_is_the_reason(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.run(PLAIN)
    from pipeline.code import CodeIndex

    monkeypatch.setattr(CodeIndex, "fingerprint", lambda self, cls: cls.kind)
    plan = bench.plan(PLAIN)
    assert [step.reason for step in plan.values()] == [
        "code changed",
        "upstream a changed, code changed",
        "upstream b changed, code changed",
        "upstream c changed, code changed",
    ]


def test_a_lost_history_costs_only_words(bench: Any) -> None:
    bench.run(PLAIN)
    for file in (bench.folder / "history").iterdir():
        file.write_text("{broken")
    assert statuses(bench.run(PLAIN)) == "hit hit hit hit"
    (next((bench.folder / "history").iterdir())).unlink()
    assert bench.plan(TEXT % (1.0, 3.0))["c"].reason == "never run"


def test_results_are_what_was_computed(bench: Any) -> None:
    outcome = bench.run(TEXT % (2.0, 1.0))
    entry = outcome.steps["c"]
    key = bench.store.resolve(entry.recipe)
    np.testing.assert_array_equal(bench.store.open(key)["pixels"][:, :, :], np.full((4, 4, 1), 2.0))
    record = bench.store.find(key).record
    assert record["facts"] == {"encoding": "linear"}
    assert record["kind"] == "add"
    assert record["versions"]["numpy"] == np.__version__

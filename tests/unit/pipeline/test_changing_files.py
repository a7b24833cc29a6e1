"""Files that are written to while a run reads them: no result gets the key of other values."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import events
from pipeline.errors import NodeError
from pipeline.plan import Wishes
from pipeline.resources import Resources
from pipeline.runner import Runner, RunOutcome

TEXT = """\
version: 1
nodes:
  a: {kind: source, path: in.txt, level: 0}
  b: {kind: write, path: out.txt, inputs: {image: a}}
"""


@pytest.fixture
def file(bench: Any) -> Path:
    path: Path = bench.folder / "in.txt"
    path.write_text("12")
    return path


def run(
    bench: Any,
    text: str,
    at_start: Callable[[str], object],
    at_warning: Callable[[], object] = lambda: None,
) -> RunOutcome:
    """Run, and do something whenever a node begins, and whenever something is told."""

    def listen(event: events.Event) -> None:
        bench.events.append(event)
        if isinstance(event, events.NodeStarted):
            at_start(event.node)
        if isinstance(event, events.Warned):
            at_warning()

    runner = Runner(bench.store, bench.scratch, listen, Resources(1, 2**30))
    return runner.run(lambda wishes: bench.plan(text, wishes), Wishes())


def once(work: Callable[[], object], node: str = "a") -> Callable[[str], object]:
    waiting = [work]
    return lambda name: waiting.pop()() if name == node and waiting else None


def warnings(bench: Any) -> list[str]:
    return [event.message for event in bench.events if isinstance(event, events.Warned)]


def written(bench: Any) -> str:
    text: str = (bench.folder / "out.txt").read_text()
    return text


def test_a_file_that_changes_after_it_was_hashed_gets_its_own_result(bench: Any, file: Path):
    run(bench, TEXT, once(lambda: file.write_text("12345")))
    assert written(bench) == "5.0"
    assert warnings(bench) == [f"{file} changed while it was read: it is read again."]
    file.write_text("12")
    bench.run(TEXT)
    assert written(bench) == "2.0"
    file.write_text("12345")
    bench.run(TEXT)
    assert bench.calls == ["write"]
    assert written(bench) == "5.0"
    assert bench.store.check() == []


def test_a_change_of_the_same_size_and_time_is_noticed(bench: Any, file: Path):
    status = file.stat()

    def change() -> None:
        file.write_text("ab")
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    run(bench, TEXT, once(change))
    assert len(warnings(bench)) == 1


def test_a_file_that_is_there_and_back_again_is_read_again(bench: Any, file: Path):
    def there_and_back() -> None:
        file.write_text("12345")
        file.write_text("12")

    run(bench, TEXT, once(there_and_back))
    assert len(warnings(bench)) == 1
    assert written(bench) == "2.0"


def test_a_linked_file_that_is_swapped_is_noticed(bench: Any, file: Path):
    other = file.with_name("other.txt")
    other.write_text("12345")
    file.rename(file.with_name("real.txt"))
    file.symlink_to("real.txt")

    def swap() -> None:
        file.unlink()
        file.symlink_to("other.txt")

    run(bench, TEXT, once(swap))
    assert written(bench) == "5.0"
    file.unlink()
    file.symlink_to("real.txt")
    bench.run(TEXT)
    assert written(bench) == "2.0"


def test_a_file_that_never_rests_is_told(bench: Any, file: Path):
    with pytest.raises(NodeError, match=r'"a": .*in\.txt changed while it was read, time and'):
        run(bench, TEXT, lambda _: file.write_text(file.read_text() + "+"))
    assert list(bench.store.entries()) == []


def test_half_a_file_is_read_again_when_it_is_whole(bench: Any, file: Path):
    text = TEXT.replace("kind: source", "kind: picky")
    run(bench, text, once(lambda: file.write_text("")), lambda: file.write_text("1234"))
    assert written(bench) == "4.0"


def test_what_is_not_kept_is_not_taken_for_that_of_a_changed_file(bench: Any, file: Path):
    text = (
        "version: 1\nnodes:\n  a: {kind: source, path: in.txt, level: 0, cache: false}\n"
        "  b: {kind: source, path: in.txt, level: 1}\n"
        "  c: {kind: add, inputs: {image: a, other: b}}\n"
        "  d: {kind: write, path: out.txt, inputs: {image: c}}\n"
    )
    run(bench, text, once(lambda: file.write_text("12345"), "b"))
    assert written(bench) == "11.0"
    bench.run(text.replace("cache: false", "cache: true"))
    assert written(bench) == "11.0"

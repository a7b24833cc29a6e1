from __future__ import annotations

import pytest

from pipeline import events
from pipeline.report import TerminalReport

HIT = events.NodeHit("photo", "cached")
STARTED = events.NodeStarted("sharp", "deconvolve", "never run")


def test_what_computing_needs_is_prepared_once_and_for_a_cached_run_never() -> None:
    seen: list[object] = []
    listener = events.prepared(seen.append, lambda: seen.append("prepared"))
    listener(HIT)
    assert seen == [HIT]
    listener(STARTED)
    listener(STARTED)
    assert seen == [HIT, "prepared", STARTED, STARTED]


def test_notes_are_told_without_alarm_even_if_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with TerminalReport(quiet=True) as report:
        report(events.Noted("sharp", "compiling"))
    assert capsys.readouterr().err == "sharp: compiling\n"

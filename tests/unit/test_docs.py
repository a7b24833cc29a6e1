"""The documentation names what there is."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_tests_that_the_documentation_names_exist() -> None:
    sources = (path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"def (test_\w+)", "\n".join(sources)))
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "cache.md").read_text())
    assert len(named) > 40
    assert set(named) - there == set()

from __future__ import annotations

from typing import Any

from pipeline.drawing import draw_dot, draw_mermaid

TEXT = """\
version: 1
nodes:
  end: {kind: source}
  half-way: {kind: round, inputs: {image: end}}
"""


def test_mermaid_marks_what_is_cached(bench: Any) -> None:
    drawn = draw_mermaid(bench.plan(TEXT))
    assert 'n_end["end<br/>source: to run"]:::run' in drawn
    assert "n_end -->|image| n_half_m_way" in drawn
    bench.run(TEXT)
    assert 'n_end["end<br/>source: cached"]:::hit' in draw_mermaid(bench.plan(TEXT))


def test_dot_marks_what_is_cached(bench: Any) -> None:
    bench.run(TEXT)
    drawn = draw_dot(bench.plan(TEXT))
    assert drawn.startswith("digraph unblur {")
    assert '"end" [label="end\\nsource: cached", fillcolor="#cdeccd"];' in drawn
    assert '"end" -> "half-way" [label="image"];' in drawn

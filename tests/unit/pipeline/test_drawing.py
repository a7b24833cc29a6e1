from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from pipeline.drawing import draw_dot, draw_mermaid, draw_svg

SVG = "{http://www.w3.org/2000/svg}"

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


def test_svg_marks_what_is_cached_and_says_why(bench: Any) -> None:
    root = ElementTree.fromstring(draw_svg(bench.plan(TEXT)))
    assert [text.text for text in root.iter(f"{SVG}title")] == ["never run", "never run"]
    bench.run(TEXT)
    drawn = draw_svg(bench.plan(TEXT))
    root = ElementTree.fromstring(drawn)
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts == ["image", "end", "source: cached", "half-way", "round: cached"]
    assert drawn.count('fill="#cdeccd"') == 2


def test_svg_lies_within_its_borders(bench: Any) -> None:
    root = ElementTree.fromstring(draw_svg(bench.plan(TEXT)))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for node in root.findall(f"{SVG}g/{SVG}rect"):
        left, top, across, down = (float(node.attrib[k]) for k in ("x", "y", "width", "height"))
        assert left >= 0
        assert top >= 0
        assert left + across <= width
        assert top + down <= height

"""The graph drawn: as SVG, or as text that other programs draw, Mermaid and Graphviz."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from pipeline.placement import place_nodes
from pipeline.plan import Step

# Fill, border and text of a node, by its status.
_COLOURS = {
    "hit": ("#cdeccd", "#3a7d3a", "#000000"),
    "run": ("#ffffff", "#555555", "#000000"),
    "unneeded": ("#eeeeee", "#bbbbbb", "#777777"),
}
# Of an SVG, pixels: a letter and a node; between columns and rows; around everything.
_LETTER, _HEIGHT = 7.5, 44
_GAP, _ROW, _MARGIN = 80, 64, 16
_PADDING = 24


def draw_svg(steps: Mapping[str, Step]) -> str:
    """Draw a plan as a picture; cached nodes are filled and say so, a pointer on one why."""
    placement = place_nodes({name: list(step.spec.inputs.values()) for name, step in steps.items()})
    letters = max(len(text) for name, step in steps.items() for text in (name, _label(step)))
    width = round(_LETTER * letters + _PADDING)

    def corner(place: tuple[int, int]) -> tuple[int, int]:
        return _MARGIN + place[0] * (width + _GAP), _MARGIN + place[1] * _ROW

    right, bottom = corner((placement.columns, placement.rows))
    size = f"{right - _GAP + _MARGIN} {bottom - _ROW + _HEIGHT + _MARGIN}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{size.split()[0]}"'
        ' font-family="sans-serif" font-size="13" text-anchor="middle">',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for name, step in steps.items():  # nodes are drawn over their joints
        # From above to below, so that lines don't cross on their last way.
        joined = sorted(
            (placement.routes[source, name][-2][1], port, source)
            for port, source in step.spec.inputs.items()
        )
        for number, (_, port, source) in enumerate(joined, 1):
            route = [corner(place) for place in placement.routes[source, name]]
            share = number / (len(joined) + 1)
            lines.append(_svg_joint(route, width, port, share))
    for name, step in steps.items():
        lines.append(_svg_node(corner(placement.places[name]), width, name, step))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _svg_node(corner: tuple[int, int], width: int, name: str, step: Step) -> str:
    left, top = corner
    fill, border, colour = _COLOURS[step.status]
    middle = left + width / 2
    return (
        f"<g><title>{escape(step.reason)}</title>"
        f'<rect x="{left}" y="{top}" width="{width}" height="{_HEIGHT}" rx="6" fill="{fill}"'
        f' stroke="{border}"/>'
        f'<text x="{middle:g}" y="{top + 18}" fill="{colour}" font-weight="bold">'
        f'{escape(name)}</text><text x="{middle:g}" y="{top + 35}" fill="{colour}">'
        f"{escape(_label(step))}</text></g>"
    )


def _svg_joint(route: list[tuple[int, int]], width: int, port: str, share: float) -> str:
    """Draw a line from the right side of a node to the left side of another, `share` down it."""
    (left, top), *others = route
    x, y = left + width, top + _HEIGHT / 2
    begin, curves = f"M{x} {y:g} ", []
    for number, (left, top) in enumerate(others, 1):
        end = top + _HEIGHT * (share if number == len(others) else 1 / 2)
        curves.append(f"C{x + _GAP / 2:g} {y:g} {left - _GAP / 2:g} {end:g} {left} {end:g}")
        x, y = left + width, end
    path = begin + f" h{width} ".join(curves)
    return (
        f'<path d="{path}" fill="none" stroke="#888"/>'
        f'<text x="{left - 6}" y="{y - 4:g}" fill="#666" font-size="11" text-anchor="end">'
        f"{escape(port)}</text>"
    )


def draw_mermaid(steps: Mapping[str, Step]) -> str:
    """Draw a plan as a Mermaid flow chart; cached nodes are filled and say so."""
    lines = ["flowchart LR"]
    for name, step in steps.items():
        lines.append(f'    {_identifier(name)}["{name}<br/>{_label(step)}"]:::{step.status}')
    for source, port, name in _edges(steps):
        lines.append(f"    {_identifier(source)} -->|{port}| {_identifier(name)}")
    for status, (fill, border, text) in _COLOURS.items():
        lines.append(f"    classDef {status} fill:{fill},stroke:{border},color:{text}")
    return "\n".join(lines) + "\n"


def draw_dot(steps: Mapping[str, Step]) -> str:
    """Draw a plan as a Graphviz digraph; cached nodes are filled and say so."""
    lines = ["digraph unblur {", "    rankdir=LR;", "    node [shape=box, style=filled];"]
    for name, step in steps.items():
        label = f"{name}\\n{_label(step)}"
        lines.append(f'    "{name}" [label="{label}", fillcolor="{_COLOURS[step.status][0]}"];')
    for source, port, name in _edges(steps):
        lines.append(f'    "{source}" -> "{name}" [label="{port}"];')
    return "\n".join([*lines, "}"]) + "\n"


def _label(step: Step) -> str:
    cached = {"hit": "cached", "run": "to run", "unneeded": "not needed"}
    return f"{step.spec.cls.kind}: {cached[step.status]}"


def _edges(steps: Mapping[str, Step]) -> list[tuple[str, str, str]]:
    return [
        (source, port, name)
        for name, step in steps.items()
        for port, source in step.spec.inputs.items()
    ]


def _identifier(name: str) -> str:
    # Mermaid trips over some words ("end") and over dashes.
    return "n_" + name.replace("-", "_m_")


FORMATS = {".svg": draw_svg, ".mmd": draw_mermaid, ".dot": draw_dot}
"""What draws a file of which ending."""

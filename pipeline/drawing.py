"""The graph as text that other programs draw: Mermaid and Graphviz."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.plan import Step

FORMATS = (".mmd", ".dot")


def draw_mermaid(steps: Mapping[str, Step]) -> str:
    """Draw a plan as a Mermaid flow chart; cached nodes are filled and say so."""
    lines = ["flowchart LR"]
    for name, step in steps.items():
        lines.append(f'    {_identifier(name)}["{name}<br/>{_label(step)}"]:::{step.status}')
    for source, port, name in _edges(steps):
        lines.append(f"    {_identifier(source)} -->|{port}| {_identifier(name)}")
    lines += [
        "    classDef hit fill:#cdeccd,stroke:#3a7d3a,color:#000",
        "    classDef run fill:#fff,stroke:#555,color:#000",
        "    classDef unneeded fill:#eee,stroke:#bbb,color:#777",
    ]
    return "\n".join(lines) + "\n"


def draw_dot(steps: Mapping[str, Step]) -> str:
    """Draw a plan as a Graphviz digraph; cached nodes are filled and say so."""
    fills = {"hit": "#cdeccd", "run": "#ffffff", "unneeded": "#eeeeee"}
    lines = ["digraph unblur {", "    rankdir=LR;", "    node [shape=box, style=filled];"]
    for name, step in steps.items():
        label = f"{name}\\n{_label(step)}"
        lines.append(f'    "{name}" [label="{label}", fillcolor="{fills[step.status]}"];')
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

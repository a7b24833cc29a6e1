"""How a run went, as one HTML file that needs no other: ``unblur run --report FILE.html``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

from cache.store import Store, StoreError
from pipeline.drawing import draw_svg
from pipeline.node import Json
from pipeline.report import output_names, readable_size, readable_value
from pipeline.resources import peak_memory
from pipeline.runner import NodeResult, RunOutcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Side of a drawn PSF, pixels of the screen.
_PSF_SIDE = 200
# Brightness as a power of the light: the faint parts of a PSF show.
_GAMMA = 0.5
_STYLE = """\
body { font: 14px/1.5 sans-serif; color: #222; margin: 2em; }
table { border-collapse: collapse; }
td, th { padding: 0.2em 1em 0.2em 0; text-align: left; vertical-align: top; }
tr { border-bottom: 1px solid #ddd; }
.number { text-align: right; }
.details { color: #555; font-size: 12px; }
figure { display: inline-block; margin: 0 2em 1em 0; }
svg { max-width: 100%; height: auto; }"""


def html_report(outcome: RunOutcome, seconds: float, source: str, store: Store) -> str:
    """Write a run's report.

    Parameters
    ----------
    outcome : RunOutcome
    seconds : float
        That the run took.
    source : str
        Its configuration.
    store : Store
        Holds the PSFs, which are shown as far as they are still there.
    """
    computed = sum(result.status == "computed" for result in outcome.nodes.values())
    summary = (
        f"{computed} of {len(outcome.nodes)} nodes computed in {seconds:.1f} s, "
        f"at most {readable_size(peak_memory())} of memory"
    )
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="en"><head><meta charset="utf-8"/><title>{escape(source)}</title>',
        f"<style>\n{_STYLE}\n</style></head><body>",
        f"<h1>{escape(source)}</h1><p>{summary}</p>",
        draw_svg(outcome.steps),
        _psfs(outcome, store),
        _table(outcome.nodes),
        _list("Outputs", output_names(outcome.steps)),
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _table(nodes: Mapping[str, NodeResult]) -> str:
    heads = "".join(f"<th>{head}</th>" for head in ("node", "kind", "status", "why", "s", "size"))
    rows = [f"<tr>{heads}<th>learnt</th></tr>", *(_row(*item) for item in nodes.items())]
    return "<h2>Nodes</h2><table>\n" + "\n".join(rows) + "\n</table>"


def _row(name: str, result: NodeResult) -> str:
    cells = [name, result.kind, result.status, result.reason]
    numbers = [f"{result.seconds:.2f}", readable_size(result.bytes)]
    learnt = "<br/>".join(f"{key}: {_shown(value)}" for key, value in result.details.items())
    return (
        "<tr>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "".join(f'<td class="number">{number}</td>' for number in numbers)
        + f'<td class="details">{learnt}</td></tr>'
    )


def _shown(value: Json) -> str:
    return escape(readable_value(value))


def _list(title: str, items: Iterable[str]) -> str:
    lines = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<h2>{title}</h2><ul>{lines}</ul>" if lines else ""


def _psfs(outcome: RunOutcome, store: Store) -> str:
    figures = []
    for name, step in outcome.steps.items():
        if step.spec.cls.output == "psf" and outcome.nodes[name].status != "unneeded":
            try:
                psf = store.open(store.resolve(step.recipe) or "")["psf"]
                figures.append(_figure(name, psf[(slice(None),) * len(psf.shape)]))
            except (StoreError, ValueError, KeyError):  # not kept, or gone meanwhile
                continue
    return "<h2>Blurs</h2>" + "".join(figures) if figures else ""


def _figure(name: str, psf: NDArray[np.float32]) -> str:
    """Draw a PSF pixel by pixel, in colour if it has channels."""
    import numpy as np

    height, width, *_ = psf.shape
    planes = np.broadcast_to(psf.reshape(height, width, -1), (height, width, 3))
    light = (255 * (planes / max(float(planes.max()), 1e-9)) ** _GAMMA).round().astype(int)
    pixels = "".join(
        f'<rect x="{x}" y="{y}" width="1" height="1" fill="#{r:02x}{g:02x}{b:02x}"/>'
        for y, row in enumerate(light.tolist())
        for x, (r, g, b) in enumerate(row)
        if r or g or b
    )
    return (
        f'<figure><svg viewBox="0 0 {width} {height}" width="{_PSF_SIDE}" '
        f'shape-rendering="crispEdges"><rect width="100%" height="100%" fill="#000"/>{pixels}</svg>'
        f"<figcaption>{escape(name)}, {width} x {height} px</figcaption></figure>"
    )

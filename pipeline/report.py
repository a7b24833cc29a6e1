"""What the user sees: progress on stderr, results on stdout. The only module that prints."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pipeline import events
from pipeline.node import Json
from pipeline.plan import Step
from pipeline.resources import peak_memory
from pipeline.runner import NodeResult, RunOutcome

# What moves a terminal's cursor or colours it: records of a shared cache are other people's words.
_HARMLESS = {code: "?" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


class TerminalReport:
    """Listens to a run and shows it on stderr: a bar for each node that computes.

    Without a terminal it writes one line when a node begins and one when it is done.

    Parameters
    ----------
    quiet : bool
        Show bars and warnings only; for ``--json``.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._bars = _Bars() if sys.stderr.isatty() else None
        self._quiet = quiet
        self._stack = ExitStack()

    def __enter__(self) -> TerminalReport:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self, event: events.Event) -> None:
        """Take one event; safe from any thread."""
        if self._bars:
            self._bars.show(event, self._stack)
        if isinstance(event, events.Warned):
            where = f'node "{event.node}": ' if event.node else ""
            _tell(f"warning: {where}{event.message}")
        elif isinstance(event, events.Noted):
            _tell(f"{event.node}: {event.message}")
        elif isinstance(event, events.NodeWaiting):
            _tell(f"{event.node}: another run computes this already; waiting for it")
        elif not self._quiet and not self._bars:
            self._line(event)

    def _line(self, event: events.Event) -> None:
        if isinstance(event, events.NodeStarted):
            _tell(f"{event.node}: {event.kind} ({event.reason})")
        elif isinstance(event, events.NodeDone):
            _tell(f"{event.node}: done in {event.seconds:.1f} s")


class _Bars:
    """Progress bars, made when the first node computes: a cached run needs no rich."""

    def __init__(self) -> None:
        self._progress: Any = None
        self._tasks: dict[str, Any] = {}

    def show(self, event: events.Event, stack: ExitStack) -> None:
        if isinstance(event, events.NodeStarted):
            self._begin(event, stack)
        elif isinstance(event, events.NodeProgressed):
            task, share = self._tasks[event.node], _share(event.done, event.total)
            self._progress.update(task, completed=event.done, total=event.total, share=share)
        elif isinstance(event, events.NodeDone):
            task = self._tasks[event.node]
            total = self._progress.tasks[task].total or 1
            self._progress.update(task, total=total, completed=total, share="done")

    def _begin(self, event: events.NodeStarted, stack: ExitStack) -> None:
        if self._progress is None:
            self._progress = stack.enter_context(_make_progress())
        self._tasks[event.node] = self._progress.add_task(event.node, total=None, share="")


def _share(done: float, total: float) -> str:
    """Count what can be counted, such as tiles; else give a percentage."""
    return f"{done:.0f}/{total:.0f}" if 1 < total < 10_000 else f"{done / total:.0%}"


def _make_progress() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[share]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def run_record(outcome: RunOutcome, seconds: float) -> dict[str, Json]:
    """Make the object that ``run --json`` prints."""
    return {
        "status": "done",
        "seconds": round(seconds, 3),
        "peak_memory_bytes": peak_memory(),
        "nodes": {name: _node_record(result) for name, result in outcome.nodes.items()},
        "outputs": [*output_names(outcome.steps)],
    }


def plan_record(steps: Mapping[str, Step]) -> dict[str, Json]:
    """Make the object that ``plan --json`` prints."""
    return {
        "status": "planned",
        "nodes": {
            name: {
                "kind": step.spec.cls.kind,
                "status": step.status,
                "reason": step.reason,
                "fingerprint": step.recipe,
            }
            for name, step in steps.items()
        },
        "outputs": [*output_names(steps)],
    }


def _node_record(result: NodeResult) -> dict[str, Json]:
    return {
        "kind": result.kind,
        "status": result.status,
        "seconds": round(result.seconds, 3),
        "bytes": result.bytes,
        "fingerprint": result.fingerprint,
        "reason": result.reason,
        "details": dict(result.details),
    }


def output_names(steps: Mapping[str, Step]) -> list[str]:
    """Files that the nodes of a plan write; relative where they lie below the shell's folder."""
    here = Path.cwd()
    paths = [
        Path(os.path.abspath(path))
        for step in steps.values()
        for _, path in step.spec.paths("output")
    ]
    return [str(p.relative_to(here) if p.is_relative_to(here) else p) for p in paths]


def print_json(record: Json) -> None:
    """Print one JSON object on stdout; infinities, which JSON lacks, become null."""
    print(json.dumps(_finite(record), ensure_ascii=False, allow_nan=False))


def print_outcome(outcome: RunOutcome, seconds: float, *, as_json: bool) -> None:
    """Print how a run ended, for people or as one JSON object."""
    if as_json:
        print_json(run_record(outcome, seconds))
    else:
        print_run(outcome, seconds)


def print_run(outcome: RunOutcome, seconds: float) -> None:
    """Print how each node ended, what was measured, and where the outputs lie."""
    rows = [
        (name, result.kind, result.status, result.reason, _learnt(result))
        for name, result in outcome.nodes.items()
    ]
    print_table(rows)
    for path in output_names(outcome.steps):
        print(f"output: {path}")
    computed = sum(result.status == "computed" for result in outcome.nodes.values())
    print(f"{computed} of {len(outcome.nodes)} nodes computed in {seconds:.1f} s")


def print_plan(steps: Mapping[str, Step]) -> None:
    """Print what is cached, what would run, and why."""
    print_table([(n, s.spec.cls.kind, s.status, s.reason) for n, s in steps.items()])


def readable_size(size: float) -> str:
    """Write a number of bytes as people do, such as ``432.0 MiB``."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def print_lines(lines: Sequence[str]) -> None:
    """Print plain lines on stdout."""
    for line in lines:
        print(line.translate(_HARMLESS))


def print_warning(message: str) -> None:
    """Print a warning on stderr."""
    _tell(f"warning: {message}")


def print_error(message: str) -> None:
    """Print an error on stderr."""
    _tell(message)


def _learnt(result: NodeResult) -> str:
    """Pick what fits on a line: numbers, words and pairs of numbers."""
    return " ".join(
        f"{key}={readable_value(value)}" for key, value in result.details.items() if _fits(value)
    )


def _fits(value: Json) -> bool:
    if isinstance(value, list):
        return len(value) == 2 and all(isinstance(item, int | float) for item in value)
    return isinstance(value, int | float | str)


def readable_value(value: Json) -> str:
    """Write what a node learnt, numbers with four digits."""
    if isinstance(value, list):
        return ",".join(readable_value(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows with their columns aligned."""
    if not rows:
        return
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)]
        print("  ".join([*cells, row[-1]]).translate(_HARMLESS).rstrip())


def _finite(value: Any) -> Json:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    plain: Json = value
    return plain


def _tell(message: str) -> None:
    print(message.translate(_HARMLESS), file=sys.stderr, flush=True)

"""What ``unblur cache`` shows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from cache.store import Entry
from pipeline.nearest import Nearest
from pipeline.node import Json
from pipeline.plan import Step
from pipeline.report import print_lines, print_table, readable_size

Listed: TypeAlias = "Sequence[tuple[Entry, float]]"
"""Results, and when each was last used, seconds since 1970."""

Unfinished: TypeAlias = "Sequence[tuple[str, int, float]]"
"""Key, bytes and last use of what was begun and can be continued."""


def list_record(listed: Listed, unfinished: Unfinished) -> dict[str, Json]:
    """Make the object that ``cache list --json`` prints."""
    return {
        "bytes": sum(entry.bytes for entry, _ in listed),
        "results": [_entry_record(entry, last_used) for entry, last_used in listed],
        "unfinished": [
            {"key": key, "bytes": size, "last_used": _iso(last_used)}
            for key, size, last_used in unfinished
        ],
    }


def _entry_record(entry: Entry, last_used: float) -> Json:
    told = ("kind", "node", "seconds", "made_by")
    return {
        "key": entry.key,
        "bytes": entry.bytes,
        "last_used": _iso(last_used),
        **{name: entry.record.get(name) for name in told},
    }


def print_list(listed: Listed, unfinished: Unfinished) -> None:
    """Print what is cached, largest first, and the sum."""
    now = time.time()
    largest_first = sorted(listed, key=lambda pair: -pair[0].bytes)
    rows = [_row(entry, now - last_used) for entry, last_used in largest_first]
    rows += [
        ("unfinished", "", readable_size(size), "", f"{_age(now - last_used)} ago", "", key)
        for key, size, last_used in unfinished
    ]
    print_table(rows)
    total = readable_size(sum(entry.bytes for entry, _ in listed))
    begun = f", {len(unfinished)} unfinished" if unfinished else ""
    print_lines([f"{len(listed)} results, {total}{begun}"])


def _row(entry: Entry, age: float) -> tuple[str, ...]:
    record = entry.record
    seconds = record.get("seconds")
    return (
        str(record.get("node")),
        str(record.get("kind")),
        readable_size(entry.bytes),
        f"took {seconds:.3g} s" if isinstance(seconds, int | float) else "",
        f"{_age(age)} ago",
        Path(str(record.get("made_by") or "")).name,
        entry.key,
    )


def why_record(step: Step, digests: Mapping[str, str], nearest: Nearest | None) -> dict[str, Any]:
    """Make the object that ``cache why --json`` prints."""
    made = step.ingredients
    content = step.content_key(digests) if all(digests.values()) else None
    return {
        "node": step.spec.name,
        "status": step.status,
        "reason": step.reason,
        "recipe": step.recipe,
        "content": step.entry.key if step.entry else content,
        "ingredients": {
            "kind": made.kind,
            "code": made.code,
            "params": dict(made.params),
            "files": {field: {"name": n, "digest": d} for field, (n, d) in made.files.items()},
            "inputs": {
                port: {"node": source, "recipe": recipe, "digest": digests[port] or None}
                for port, (source, recipe) in made.inputs.items()
            },
        },
        "nearest": _nearest_record(nearest),
    }


def _nearest_record(nearest: Nearest | None) -> Json:
    if nearest is None:
        return None
    record = nearest.entry.record
    return {
        "key": nearest.entry.key,
        "node": record.get("node"),
        "made_by": record.get("made_by"),
        "differences": [*nearest.differences],
    }


def print_why(record: Mapping[str, Any]) -> None:
    """Print the ingredients of a key, one a line, and what the nearest result has other."""
    parts = record["ingredients"]
    print_lines([f"{record['node']}: {record['status']}, {record['reason']}"])
    print_table(
        [
            ("recipe key", str(record["recipe"])),
            ("content key", str(record["content"] or "known when the inputs are")),
            ("kind", parts["kind"]),
            ("code", parts["code"]),
            *((f"param {name}", str(value)) for name, value in parts["params"].items()),
            *((f"file {f['name']}", f["digest"]) for f in parts["files"].values()),
            *(
                (f"input {port}", f"{i['node']} {i['digest'] or '(to be computed)'}")
                for port, i in parts["inputs"].items()
            ),
        ]
    )
    print_lines([_nearest_line(record["nearest"])])


def _nearest_line(nearest: Mapping[str, Any] | None) -> str:
    if nearest is None:
        return "nearest: no result of this kind is stored"
    place = f"{nearest['key']} of node {nearest['node']} in {nearest['made_by'] or 'a config'}"
    return f"nearest: {place}: {', '.join(nearest['differences']) or 'the same'}"


@contextmanager
def byte_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr if that is a terminal; the block tells it bytes done and in all."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(title), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _age(seconds: float) -> str:
    """Write a span of time as people do, such as ``3 h``."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"

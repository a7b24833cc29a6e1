"""The command line, and the one place where the parts are put together.

Results go to stdout, progress and messages to stderr. Exit codes: 0 done, 1 a node failed,
2 a bad configuration or usage, 130 interrupted. A traceback only with ``--debug``.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import networkx as nx
import typer

import nodes  # noqa: F401 - registers the built-in kinds
from cache.disk import DiskStore
from cache.memo import FileMemo
from cache.store import StoreError
from numerics import fft
from pipeline import catalog, drawing, report
from pipeline.code import CodeIndex
from pipeline.config import Config, load_config, read_document
from pipeline.errors import CacheError, Cancelled, ConfigError, Fault, UnblurError
from pipeline.files import FileDigests
from pipeline.graph import build_graph
from pipeline.history import History
from pipeline.plan import Planner, Step, Wishes
from pipeline.registry import kinds, load_plugins
from pipeline.resources import memory_budget, usable_cores
from pipeline.runner import Resources, Runner, RunOutcome
from pipeline.validation import suggest
from pipeline.wisdom import kept_wisdom

app = typer.Typer(
    help="Take the blur out of photographs, as a YAML file says. Add --debug for tracebacks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cache_app = typer.Typer(help="Look after the cache.", no_args_is_help=True)
app.add_typer(cache_app, name="cache")

ConfigFile: TypeAlias = Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML file.")]
Changes: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NODE.PARAM=VALUE", help="Change a parameter; repeatable."),
]
CacheFolder: TypeAlias = Annotated[
    Path | None, typer.Option("--cache", metavar="DIR", help="Cache folder of this run.")
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Until: TypeAlias = Annotated[
    str | None, typer.Option("--until", metavar="NODE", help="Run what this node needs, no more.")
]


@dataclass(frozen=True)
class Session:
    """A configuration with everything that is needed to plan and run it."""

    config: Config
    graph: nx.DiGraph
    store: DiskStore
    memo: FileMemo
    history: History

    def plan(self, wishes: Wishes) -> Mapping[str, Step]:
        """Plan afresh, as the store is now."""
        planner = Planner(
            self.store,
            CodeIndex(_followed_packages(), self.memo),
            FileDigests(self.memo),
            self.history.load(),
        )
        return planner.plan(self.graph, self.config, wishes)


@app.command()
def run(
    config: ConfigFile,
    changes: Changes = None,
    until: Until = None,
    force: Annotated[
        list[str] | None,
        typer.Option("--force", metavar="NODE", help="Run this node again; repeatable."),
    ] = None,
    cache: CacheFolder = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads; default: the cores there are.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run what is not cached yet."""
    began = time.perf_counter()
    with _session(config, changes, cache) as session:
        wishes = Wishes(until=until, force=tuple(force or ()))
        _check_names(session, [*wishes.force, *([until] if until else [])])
        outcome = _run(session, wishes, workers, quiet=as_json)
    seconds = time.perf_counter() - began
    if as_json:
        report.print_json(report.run_record(outcome, seconds))
    else:
        report.print_run(outcome, seconds)


@app.command()
def plan(
    config: ConfigFile,
    changes: Changes = None,
    until: Until = None,
    cache: CacheFolder = None,
    as_json: AsJson = False,
) -> None:
    """Tell what is cached, what would run, and why."""
    with _session(config, changes, cache) as session:
        _check_names(session, [until] if until else [])
        steps = session.plan(Wishes(until=until))
    if as_json:
        report.print_json(report.plan_record(steps))
    else:
        report.print_plan(steps)


@app.command()
def graph(
    config: ConfigFile,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help=".mmd or .dot; default: print .mmd."),
    ] = None,
    changes: Changes = None,
    cache: CacheFolder = None,
) -> None:
    """Draw the graph, cached nodes marked."""
    ending = output.suffix.lower() if output else ".mmd"
    if ending not in drawing.FORMATS:
        formats = " or ".join(drawing.FORMATS)
        raise _usage(f"-o {output}", f'"{ending}" can\'t be drawn. Use a name ending in {formats}.')
    with _session(config, changes, cache) as session:
        steps = session.plan(Wishes())
    text = drawing.draw_dot(steps) if ending == ".dot" else drawing.draw_mermaid(steps)
    if output is None:
        report.print_lines([text.rstrip()])
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
        report.print_lines([f"written: {output}"])


@app.command("nodes")
def list_nodes(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="One kind in full.")] = None,
) -> None:
    """List the kinds of nodes; with KIND its ports, parameters, units and defaults."""
    known = _all_kinds()
    if kind is None:
        report.print_lines(catalog.list_kinds(known))
    elif kind in known:
        report.print_lines(catalog.describe_kind(known[kind]))
    else:
        raise _usage("nodes", f'"{kind}" is unknown. {suggest(kind, known)}')


@app.command()
def schema() -> None:
    """Print the JSON schema of the YAML, for editors."""
    report.print_json(catalog.config_schema(_all_kinds()))


@cache_app.command("list")
def cache_list(cache: CacheFolder = None, as_json: AsJson = False) -> None:
    """List what is cached: kind, node, size, seconds it took."""
    entries = list(DiskStore(_cache_folder(cache)).entries())
    if as_json:
        report.print_json(report.cache_record(entries))
    else:
        report.print_cache(entries)


@cache_app.command("clear")
def cache_clear(cache: CacheFolder = None) -> None:
    """Remove everything from the cache, and nothing else."""
    store = DiskStore(_cache_folder(cache))
    entries = list(store.entries())
    store.clear()
    size = report.readable_size(sum(entry.bytes for entry in entries))
    report.print_lines([f"{len(entries)} results removed, {size}: {store.root}"])


def main() -> None:
    """Entry point of the ``unblur`` command."""
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    sys.exit(_guarded(arguments, debug))


def _guarded(arguments: list[str], debug: bool) -> int:
    """Run a command; turn what it raises into a message and an exit code."""
    try:
        code = app(arguments, prog_name="unblur", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except (Exception, KeyboardInterrupt) as error:
        message, code = _told(error)
        if debug:
            traceback.print_exception(error)
    if "--json" in arguments:
        report.print_json({"status": "failed", "error": message})
    report.print_error(message)
    return code


def _told(error: BaseException) -> tuple[str, int]:
    if isinstance(error, UnblurError):
        return str(error), error.exit_code
    if isinstance(error, StoreError):
        return str(error), CacheError.exit_code
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "interrupted", Cancelled.exit_code
    if hasattr(error, "format_message"):  # typer's own: unknown options, missing arguments
        return f"unblur: {error.format_message()} See unblur --help.", ConfigError.exit_code
    if isinstance(error, BrokenPipeError):  # as when the output is piped into head
        return "", 1
    return f"{type(error).__name__}: {error}. This is a bug; --debug shows where.", 1


@contextmanager
def _session(path: Path, changes: list[str] | None, cache: Path | None) -> Iterator[Session]:
    document = read_document(path, changes or ())
    config, faults = load_config(document, _all_kinds(), path.absolute().parent)
    joined = build_graph(config, faults)
    root = _cache_folder(cache, config, path)
    memo = FileMemo(root)
    history = History(root / "history", str(path.resolve()))
    store = DiskStore(root)
    if config.cache.keep:
        yield Session(config, joined, store, memo, history)
    else:
        with store.scratch() as passing:
            yield Session(config, joined, passing, memo, history)


def _run(session: Session, wishes: Wishes, workers: int | None, *, quiet: bool) -> RunOutcome:
    settings = session.config.run
    threads = workers or (usable_cores() if settings.workers == "auto" else settings.workers)
    resources = Resources(threads, memory_budget(settings.memory))
    with report.TerminalReport(quiet=quiet) as listener:
        runner = Runner(session.store, session.store.scratch, listener, resources)
        with _stoppable(runner.cancelled), _wisdom():
            outcome = runner.run(session.plan, wishes)
    session.history.save({name: step.ingredients for name, step in outcome.steps.items()})
    return outcome


@contextmanager
def _stoppable(cancelled: threading.Event) -> Iterator[None]:
    """Let Ctrl-C ask the run to stop, so that it ends in order; a second one ends it at once."""

    def ask(number: int, _frame: Any) -> None:
        if cancelled.is_set():
            raise KeyboardInterrupt
        cancelled.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _wisdom() -> Iterator[None]:
    path = _user_cache() / "wisdom" / "fftw"
    with kept_wisdom(path, fft.import_wisdom, fft.export_wisdom):
        yield


def _cache_folder(
    option: Path | None, config: Config | None = None, path: Path | None = None
) -> Path:
    if option is not None:
        return option.expanduser().absolute()
    if config and path and config.cache.path and not os.environ.get("UNBLUR_CACHE"):
        return path.absolute().parent / Path(config.cache.path).expanduser()
    return _user_cache()


def _user_cache() -> Path:
    chosen = os.environ.get("UNBLUR_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("unblur"))


def _all_kinds() -> Mapping[str, Any]:
    load_plugins()
    return kinds()


def _followed_packages() -> frozenset[str]:
    return frozenset({"numerics", *(cls.__module__.partition(".")[0] for cls in kinds().values())})


def _check_names(session: Session, names: list[str]) -> None:
    for name in names:
        if name not in session.config.nodes:
            hint = suggest(name, session.config.nodes)
            raise _usage(session.config.source, f'"{name}" is no node of it. {hint}')


def _usage(where: str, message: str) -> ConfigError:
    return ConfigError([Fault(0, "", message, where)])

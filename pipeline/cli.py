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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline import options
from pipeline.cache_cli import app as cache_app

# Everything else is imported where it is used: ``unblur --help`` needs none of it.
if TYPE_CHECKING:
    from cache.disk import DiskStore
    from cache.readonly import ReadOnlyStore
    from pipeline.config import CacheSettings, Config
    from pipeline.errors import ConfigError
    from pipeline.node import Node
    from pipeline.plan import Step, Wishes
    from pipeline.runner import RunOutcome

app = typer.Typer(
    help="Take the blur out of photographs, as a YAML file says. Add --debug for tracebacks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(cache_app, name="cache")


@app.command()
def run(
    config: options.ConfigFile,
    changes: options.Changes = None,
    until: options.Until = None,
    force: Annotated[
        list[str] | None,
        typer.Option("--force", metavar="NODE", help="Run this node again; repeatable."),
    ] = None,
    cache: options.CacheFolder = None,
    workers: Annotated[
        int | None, typer.Option(help="Threads; default: the cores there are.")
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Budget, say 2GiB; default: half of the free."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Run what is not cached yet."""
    from pipeline import report
    from pipeline.plan import Wishes

    began = time.perf_counter()
    limits = {"run.workers": workers, "run.memory": memory}
    with open_session(config, changes, cache, limits) as session:
        wishes = Wishes(until=until, force=tuple(force or ()))
        session.check_names([*wishes.force, *([until] if until else [])])
        outcome = session.run(wishes, quiet=as_json)
    seconds = time.perf_counter() - began
    if as_json:
        report.print_json(report.run_record(outcome, seconds))
    else:
        report.print_run(outcome, seconds)


@app.command()
def plan(
    config: options.ConfigFile,
    changes: options.Changes = None,
    until: options.Until = None,
    cache: options.CacheFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Tell what is cached, what would run, and why."""
    from pipeline import report
    from pipeline.plan import Wishes

    with open_session(config, changes, cache) as session:
        session.check_names([until] if until else [])
        steps = session.plan(Wishes(until=until))
    if as_json:
        report.print_json(report.plan_record(steps))
    else:
        report.print_plan(steps)


@app.command()
def graph(
    config: options.ConfigFile,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help=".mmd or .dot; default: print .mmd."),
    ] = None,
    changes: options.Changes = None,
    cache: options.CacheFolder = None,
) -> None:
    """Draw the graph, cached nodes marked."""
    from pipeline import drawing, report
    from pipeline.plan import Wishes

    ending = output.suffix.lower() if output else ".mmd"
    if ending not in drawing.FORMATS:
        formats = " or ".join(drawing.FORMATS)
        raise usage_error(
            f"-o {output}", f'"{ending}" can\'t be drawn. Use a name ending in {formats}.'
        )
    with open_session(config, changes, cache) as session:
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
    from pipeline import catalog, report
    from pipeline.validation import suggest

    known = _all_kinds()
    if kind is None:
        report.print_lines(catalog.list_kinds(known))
    elif kind in known:
        report.print_lines(catalog.describe_kind(known[kind]))
    else:
        raise usage_error("nodes", f'"{kind}" is unknown. {suggest(kind, known)}')


@app.command()
def schema() -> None:
    """Print the JSON schema of the YAML, for editors."""
    from pipeline import catalog, report

    report.print_json(catalog.config_schema(_all_kinds()))


def main() -> None:
    """Entry point of the ``unblur`` command."""
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        # Parallelism comes from tiles. BLAS threads of their own spin and wait beside them: on
        # a busy machine they double the time of a PSF. Read when numpy is first imported.
        os.environ.setdefault(variable, "1")
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = guarded(arguments, debug=len(arguments) < len(sys.argv) - 1)
    for number in (signal.SIGINT, signal.SIGTERM):
        # What follows is over in a moment, and tidies up.
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)


def guarded(arguments: Sequence[str], *, debug: bool = False) -> int:
    """Run a command; turn what it raises into a message and an exit code."""
    try:
        code = app(list(arguments), prog_name="unblur", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except (Exception, KeyboardInterrupt) as error:
        from pipeline import report

        message, code = _told(error)
        if debug:
            traceback.print_exception(error)
    if "--json" in arguments:
        report.print_json({"status": "failed", "error": message})
    report.print_error(message)
    return code


def _told(error: BaseException) -> tuple[str, int]:
    from cache.store import StoreError
    from pipeline.errors import CacheError, Cancelled, ConfigError, UnblurError

    if isinstance(error, UnblurError):
        return str(error), error.exit_code
    if isinstance(error, StoreError):
        return str(error), CacheError.exit_code
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "interrupted", Cancelled.exit_code
    if hasattr(error, "format_message"):  # typer's own: unknown options, missing arguments
        return f"unblur: {error.format_message()} See unblur --help.", ConfigError.exit_code
    return f"{type(error).__name__}: {error}. This is a bug; --debug shows where.", 1


class Session:
    """A configuration joined with the kinds there are and with a store: the parts together."""

    def __init__(
        self, config: Config, graph: Any, root: Path, store: DiskStore | ReadOnlyStore
    ) -> None:
        from cache.memo import FileMemo
        from pipeline.history import History

        self.config = config
        self.graph = graph
        self.store = store
        self.digests = FileMemo(root)
        self.code = FileMemo(root, "code")
        self.source = str(Path(config.source).resolve())
        self.history = History(root / "history", self.source)

    def check_names(self, names: Sequence[str]) -> None:
        """Raise `ConfigError` if an option names a node that is not there."""
        from pipeline.validation import suggest

        for name in names:
            if name not in self.config.nodes:
                hint = suggest(name, self.config.nodes)
                raise usage_error(self.config.source, f'"{name}" is no node of it. {hint}')

    def plan(self, wishes: Wishes) -> Mapping[str, Step]:
        """Plan afresh, as the store is now."""
        from pipeline.code import CodeIndex
        from pipeline.files import FileDigests
        from pipeline.plan import Planner

        code = CodeIndex(_followed_packages(), self.code)
        planner = Planner(self.store, code, FileDigests(self.digests), self.history.load())
        return planner.plan(self.graph, self.config, wishes)

    def run(self, wishes: Wishes, *, quiet: bool) -> RunOutcome:
        """Run what is not cached, showing how far it is."""
        from pipeline.report import TerminalReport
        from pipeline.resources import memory_budget, usable_cores
        from pipeline.runner import Resources, Runner

        settings = self.config.run
        workers = usable_cores() if settings.workers == "auto" else settings.workers
        resources = Resources(workers, memory_budget(settings.memory))
        self.store.sweep()
        with TerminalReport(quiet=quiet) as listener:
            runner = Runner(
                self.store, self.store.scratch, listener, resources, made_by=self.source
            )
            with _stoppable(runner.cancelled.is_set, runner.cancelled.set), _wisdom():
                outcome = runner.run(self.plan, wishes)
        self.store.keep_to_size()
        self.history.save({name: step.ingredients for name, step in outcome.steps.items()})
        return outcome


@contextmanager
def open_session(
    path: Path,
    changes: list[str] | None,
    cache: Path | None,
    limits: Mapping[str, Any] | None = None,
) -> Iterator[Session]:
    """Join a configuration, changed as told, with its store."""
    from pipeline.config import load_config, read_document
    from pipeline.graph import build_graph

    document = read_document(path, changes or ())
    document.put_options({k: v for k, v in (limits or {}).items() if v is not None})
    config, faults = load_config(document, _all_kinds(), path.absolute().parent)
    joined = build_graph(config, faults)
    root = _cache_folder(cache, config, path)
    with _opened_store(root, config.cache) as store:
        yield Session(config, joined, root, store)


@contextmanager
def _stoppable(is_asked: Callable[[], bool], ask: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C ask the run to stop, so that it ends in order; a second one ends it at once."""

    def handle(_number: int, _frame: Any) -> None:
        if is_asked():
            raise KeyboardInterrupt
        ask()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _wisdom() -> Iterator[None]:
    from numerics import fft
    from pipeline.wisdom import kept_wisdom

    path = _user_cache() / "wisdom" / "fftw"
    with kept_wisdom(path, fft.import_wisdom, fft.export_wisdom):
        yield


@contextmanager
def _opened_store(root: Path, settings: CacheSettings) -> Iterator[DiskStore | ReadOnlyStore]:
    """Make the store of a run: kept, passing, or beside a folder that can only be read."""
    from cache.disk import DiskStore
    from pipeline.report import print_warning

    store = DiskStore(root, max_size=settings.max_size, warn=print_warning)
    if store.is_read_only():
        from cache.readonly import ReadOnlyStore, passing_store

        print_warning(f"cache folder {root} can't be written: what is computed is not kept.")
        with passing_store() as passing:
            yield ReadOnlyStore(store, passing)
    elif settings.keep:
        yield store
    else:
        with store.scratch() as passing:
            yield passing


def open_cache(option: Path | None) -> DiskStore:
    """Make the store of a cache folder, to look after it."""
    from cache.disk import DiskStore

    return DiskStore(_cache_folder(option))


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


def _all_kinds() -> Mapping[str, type[Node]]:
    import nodes  # noqa: F401 - registers the built-in kinds
    from pipeline.registry import kinds, load_plugins

    load_plugins()
    return kinds()


def _followed_packages() -> frozenset[str]:
    from pipeline.registry import kinds

    return frozenset({"numerics", *(cls.__module__.partition(".")[0] for cls in kinds().values())})


def usage_error(where: str, message: str) -> ConfigError:
    """Make the error for an option that can't be right."""
    from pipeline.errors import ConfigError, Fault

    return ConfigError([Fault(0, "", message, where)])


if __name__ == "__main__":
    main()

"""The command line, and the one place where the parts are put together.

Results go to stdout, progress and messages to stderr. Exit codes: 0 done, 1 a node failed,
2 a bad configuration or usage, 130 interrupted. A traceback only with ``--debug``.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline import options
from pipeline.cache_cli import app as cache_app
from pipeline.errors import usage_error
from pipeline.guard import guard
from pipeline.session import Session

# Everything else is imported where it is used: ``unblur --help`` needs none of it.
if TYPE_CHECKING:
    from cache.disk import DiskStore
    from cache.readonly import ReadOnlyStore
    from pipeline.config import CacheSettings, Config
    from pipeline.document import Document
    from pipeline.node import Node

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
    force: options.Force = None,
    cache: options.CacheFolder = None,
    workers: options.Workers = None,
    memory: options.Memory = None,
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
    report.print_outcome(outcome, time.perf_counter() - began, as_json=as_json)


@app.command()
def deblur(
    photo: options.Photo,
    output: options.Output,
    blur: options.BlurSize = None,
    at: options.Place = None,
    sample: options.SampleSize = 255,
    priority: options.Priority = 0.0,
    quality: options.Quality = "normal",
    psf: options.PsfFile = None,
    cache: options.CacheFolder = None,
    workers: options.Workers = None,
    memory: options.Memory = None,
    as_json: options.AsJson = False,
) -> None:
    """Take the blur out of one photograph; no YAML needed."""
    from pipeline import report
    from pipeline.deblur import Task, deblur_document, told_with_option
    from pipeline.errors import NodeError
    from pipeline.plan import Wishes

    began = time.perf_counter()
    task = Task(photo, output, blur, at, sample, priority, quality, psf)
    limits = {"run.workers": workers, "run.memory": memory}
    with _opened(deblur_document(task), Path.cwd(), cache, limits) as session:
        try:
            outcome = session.run(Wishes(), quiet=as_json)
        except NodeError as error:
            raise told_with_option(error, task) from error
    report.print_outcome(outcome, time.perf_counter() - began, as_json=as_json)


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
    return guard(app, arguments, debug=debug)


@contextmanager
def open_session(
    path: Path,
    changes: list[str] | None,
    cache: Path | None,
    limits: Mapping[str, Any] | None = None,
) -> Iterator[Session]:
    """Join a configuration, changed as told, with its store."""
    from pipeline.config import read_document

    document = read_document(path, changes or ())
    with _opened(document, path.absolute().parent, cache, limits) as session:
        yield session


@contextmanager
def _opened(
    document: Document, base: Path, cache: Path | None, limits: Mapping[str, Any] | None = None
) -> Iterator[Session]:
    """Join a configuration whose relative paths start from `base`."""
    from pipeline.config import load_config
    from pipeline.graph import build_graph

    document.put_options({k: v for k, v in (limits or {}).items() if v is not None})
    config, faults = load_config(document, _all_kinds(), base)
    joined = build_graph(config, faults)
    root = _cache_folder(cache, config, base)
    with _opened_store(root, config.cache) as store:
        yield Session(config, joined, root, store, _lessons)


@contextmanager
def _lessons() -> Iterator[None]:
    """Get ready to compute: with which transforms, plans and kernels kept from earlier runs."""
    import numerics
    from numerics import fft, fftw
    from pipeline.resources import give_freed_memory_back
    from pipeline.wisdom import kept_wisdom

    give_freed_memory_back()
    try:
        fft.choose_engine(os.environ.get("UNBLUR_FFT") or None)
    except ValueError as error:
        raise usage_error("UNBLUR_FFT", str(error)) from error
    if not os.access(numerics.__path__[0], os.W_OK):  # else numba keeps them beside the sources
        os.environ.setdefault("NUMBA_CACHE_DIR", str(_user_cache() / "kernels"))
    path = _user_cache() / "wisdom" / "fftw"
    with kept_wisdom(path, fftw.import_wisdom, fftw.export_wisdom):
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
    option: Path | None, config: Config | None = None, base: Path | None = None
) -> Path:
    if option is not None:
        return option.expanduser().absolute()
    if config and base and config.cache.path and not os.environ.get("UNBLUR_CACHE"):
        return base / Path(config.cache.path).expanduser()
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


if __name__ == "__main__":
    main()

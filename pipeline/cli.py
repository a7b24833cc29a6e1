"""The command line.

Results go to stdout, progress and messages to stderr. Exit codes: 0 done, 1 a node failed,
2 a bad configuration or usage, 130 interrupted. A traceback only with ``--debug``.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pipeline import assembly, options
from pipeline.cache_cli import app as cache_app
from pipeline.errors import usage_error
from pipeline.guard import guard
from pipeline.interrupts import raise_once, set_handler

# Everything else is imported where it is used: ``unblur --help`` needs none of it.

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
    html: options.HtmlFile = None,
) -> None:
    """Run what is not cached yet."""
    from pipeline import report
    from pipeline.plan import Wishes

    began = time.perf_counter()
    if html is not None and html.suffix.lower() not in (".html", ".htm"):
        raise usage_error(f"--report {html}", "is no HTML file. Use a name ending in .html.")
    limits = {"run.workers": workers, "run.memory": memory}
    with assembly.open_session(config, changes, cache, limits) as session:
        wishes = Wishes(until=until, force=tuple(force or ()))
        session.check_names([*wishes.force, *([until] if until else [])])
        outcome = session.run(wishes, quiet=as_json)
        seconds = time.perf_counter() - began
        if html is not None:
            from pipeline.html_report import html_report

            text = html_report(outcome, seconds, str(config), session.store)
            _write_text(f"--report {html}", html, text)
    report.print_outcome(outcome, seconds, as_json=as_json)


@app.command()
def deblur(
    photo: options.Photo,
    output: options.Output,
    blur: options.BlurSize = "auto",
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
    with assembly.open_document(deblur_document(task), Path.cwd(), cache, limits) as session:
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

    with assembly.open_session(config, changes, cache) as session:
        session.check_names([until] if until else [])
        steps = session.plan(Wishes(until=until))
    if as_json:
        report.print_json(report.plan_record(steps))
    else:
        report.print_plan(steps)


@app.command()
def preview(
    config: options.ConfigFile,
    width: options.Width = 1920,
    output: options.PreviewFile = None,
    changes: options.Changes = None,
    until: options.Shown = None,
    cache: options.CacheFolder = None,
    workers: options.Workers = None,
    memory: options.Memory = None,
    as_json: options.AsJson = False,
) -> None:
    """Run the same graph at screen size; the blur is measured at full size."""
    from pipeline import report
    from pipeline.preview import make_preview

    began = time.perf_counter()
    limits = {"run.workers": workers, "run.memory": memory}
    with assembly.open_session(config, changes, cache, limits) as session:
        session.check_names([until] if until else [])
        outcome = make_preview(session, width, until, output, quiet=as_json)
    report.print_outcome(outcome, time.perf_counter() - began, as_json=as_json)


@app.command()
def graph(
    config: options.ConfigFile,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help=".svg, .mmd or .dot; default: print .mmd."
        ),
    ] = None,
    changes: options.Changes = None,
    cache: options.CacheFolder = None,
) -> None:
    """Draw the graph, cached nodes marked."""
    from pipeline import drawing, report
    from pipeline.plan import Wishes

    ending = output.suffix.lower() if output else ".mmd"
    if ending not in drawing.FORMATS:
        message = f'"{ending}" can\'t be drawn. Use a name ending in .svg, .mmd or .dot.'
        raise usage_error(f"-o {output}", message)
    with assembly.open_session(config, changes, cache) as session:
        steps = session.plan(Wishes())
    text = drawing.FORMATS[ending](steps)
    if output is None:
        report.print_lines([text.rstrip()])
    else:
        _write_text(f"-o {output}", output, text)
        report.print_lines([f"written: {output}"])


def _write_text(option: str, path: Path, text: str) -> None:
    from pipeline.files import replace_text

    try:
        replace_text(path, text)
    except OSError as error:
        message = f"can't be written ({error.strerror}). Name a file in a folder of yours."
        raise usage_error(option, message) from error


@app.command("nodes")
def list_nodes(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="One kind in full.")] = None,
) -> None:
    """List the kinds of nodes; with KIND its ports, parameters, units and defaults."""
    from pipeline import catalog, report
    from pipeline.validation import suggest

    known = assembly.all_kinds()
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

    report.print_json(catalog.config_schema(assembly.all_kinds()))


def main() -> None:
    """Run the command that the process was started with, and exit."""
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        # Parallelism comes from tiles. BLAS threads of their own spin and wait beside them: on
        # a busy machine they double the time of a PSF. Read when numpy is first imported.
        os.environ.setdefault(variable, "1")
    # What is imported stays to the end. To search it for unused cycles, again and again and once
    # more at the end, takes 30 ms; the search begins when a node computes.
    gc.disable()
    atexit.register(gc.freeze)
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    set_handler(raise_once)
    code = guarded(arguments, debug=len(arguments) < len(sys.argv) - 1)
    set_handler(signal.SIG_IGN)  # what follows is over in a moment, and tidies up
    sys.exit(code)


def guarded(arguments: Sequence[str], *, debug: bool = False) -> int:
    """Run a command; turn what it raises into a message and an exit code."""
    return guard(app, arguments, debug=debug)


if __name__ == "__main__":
    main()

"""``unblur cache``: what is kept, whether it is sound, and how to get rid of it."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline import assembly, options

# As in `pipeline.cli`, everything else is imported where it is used.

app = typer.Typer(help="Look after the cache.", no_args_is_help=True)


@app.command("list")
def list_results(cache: options.CacheFolder = None, as_json: options.AsJson = False) -> None:
    """List what is cached: which node, how large, how long it took, when it was last used."""
    from pipeline import cache_report, report

    store = assembly.open_cache(cache)
    listed = [(entry, store.last_used(entry.key)) for entry in store.entries()]
    unfinished = [(draft.key, draft.bytes, draft.last_used) for draft in store.unfinished()]
    if as_json:
        report.print_json(cache_report.list_record(listed, unfinished))
    else:
        cache_report.print_list(listed, unfinished)


@app.command()
def verify(
    fix: Annotated[bool, typer.Option("--fix", help="Put damaged results aside.")] = False,
    cache: options.CacheFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Read everything and hold it against its digests; exit 1 if damage was found and stays."""
    from pipeline import cache_report, report

    with cache_report.byte_bar("verifying") as progress:
        found = assembly.open_cache(cache).verify(fix=fix, progress=progress)
    stays = len(found.faults) > found.mended
    if as_json:
        status = "damaged" if stays else "mended" if found.faults else "sound"
        report.print_json(
            {
                "status": status,
                "results": found.results,
                "bytes": found.bytes,
                "faults": [*found.faults],
                "mended": found.mended,
            }
        )
    else:
        size = report.readable_size(found.bytes)
        told = f"{len(found.faults)} faults, {found.mended} mended" if found.faults else "all sound"
        report.print_lines([*found.faults, f"{found.results} results, {size}: {told}"])
    if stays:
        raise typer.Exit(1)


@app.command()
def trim(
    max_size: Annotated[
        str, typer.Option("--max-size", metavar="SIZE", help="Bytes to leave, say 5GiB.")
    ],
    cache: options.CacheFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Remove what is least worth keeping until no more than SIZE is left."""
    from pipeline import report

    store = assembly.open_cache(cache)
    trimmed = store.trim(_bytes(max_size))
    if as_json:
        report.print_json(
            {"removed": trimmed.removed, "bytes": trimmed.bytes, "left": trimmed.left}
        )
    else:
        size, left = report.readable_size(trimmed.bytes), report.readable_size(trimmed.left)
        report.print_lines(
            [f"{trimmed.removed} results removed, {size}; {left} left: {store.root}"]
        )


@app.command()
def clear(cache: options.CacheFolder = None, as_json: options.AsJson = False) -> None:
    """Remove everything from the cache, and nothing else."""
    from pipeline import report

    store = assembly.open_cache(cache)
    entries = list(store.entries())
    store.clear()
    size = sum(entry.bytes for entry in entries)
    if as_json:
        report.print_json({"removed": len(entries), "bytes": size})
    else:
        told = f"{len(entries)} results removed, {report.readable_size(size)}: {store.root}"
        report.print_lines([told])


@app.command()
def why(
    config: options.ConfigFile,
    node: Annotated[str, typer.Argument(metavar="NODE", help="A node of it.")],
    changes: options.Changes = None,
    cache: options.CacheFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Tell what a node's key is made from, and how the nearest stored result differs."""
    from pipeline import cache_report, report
    from pipeline.nearest import find_nearest, input_digests
    from pipeline.plan import Wishes

    with assembly.open_session(config, changes, cache) as session:
        session.check_names([node])
        steps = session.plan(Wishes(until=node))
        digests = input_digests(steps[node], steps)
        nearest = find_nearest(steps[node], digests, session.store.entries())
    record = cache_report.why_record(steps[node], digests, nearest)
    if as_json:
        report.print_json(record)
    else:
        cache_report.print_why(record)


def _bytes(text: str) -> int:
    from pydantic import ByteSize, TypeAdapter, ValidationError

    from pipeline.errors import usage_error

    try:
        return TypeAdapter(ByteSize).validate_python(text)
    except ValidationError as error:
        message = "is no size. Use a number of bytes, or say 500MiB or 5GiB."
        raise usage_error(f"--max-size {text}", message) from error

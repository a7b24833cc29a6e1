"""The one place where the parts are put together: kinds of nodes, numerics, stores.

As in `pipeline.cli`, everything is imported where it is used.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import usage_error
from pipeline.session import Session

if TYPE_CHECKING:
    from cache.disk import DiskStore
    from cache.readonly import ReadOnlyStore
    from pipeline.config import CacheSettings, Config
    from pipeline.document import Document
    from pipeline.node import Node


@contextmanager
def open_session(
    path: Path,
    changes: list[str] | None,
    cache: Path | None,
    limits: Mapping[str, str | None] | None = None,
) -> Iterator[Session]:
    """Join a configuration, changed as told, with its store."""
    from pipeline.config import read_document

    document = read_document(path, changes or ())
    with open_document(document, path.absolute().parent, cache, limits) as session:
        yield session


@contextmanager
def open_document(
    document: Document,
    base: Path,
    cache: Path | None,
    limits: Mapping[str, str | None] | None = None,
) -> Iterator[Session]:
    """Join a configuration whose relative paths start from `base`."""
    from pipeline.config import load_config
    from pipeline.graph import build_graph

    document.put_options({k: v for k, v in (limits or {}).items() if v is not None})
    config, faults = load_config(document, all_kinds(), base)
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

    gc.freeze()
    gc.enable()
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
    locked = store.locked_folder()
    if locked is not None:
        from cache.readonly import ReadOnlyStore, passing_store

        print_warning(f"cache folder {locked} can't be written: what is computed is not kept.")
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


def all_kinds() -> Mapping[str, type[Node]]:
    """Give all kinds of nodes, those of other packages too."""
    from pipeline.loaded import note_sources
    from pipeline.registry import kinds, load_plugins

    for package in ("nodes", "numerics"):
        note_sources(package)
    import nodes  # noqa: F401 - registers the built-in kinds

    load_plugins()
    return kinds()

"""FFTW's transforms and what its planner has learnt.

FFTW runs single threaded: parallelism comes from tiles, and threads inside threads only get in
each other's way.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

# FFTW's planner is the one part of FFTW that must not run in two threads at once.
_planner = threading.RLock()
_staged: list[bytes] = []


@cache
def _fftw() -> Any:
    """Import FFTW on first use, and hand it the wisdom."""
    pyfftw = _import_without_interfaces()
    while _staged:
        pyfftw.import_wisdom(_split(_staged.pop()))
    return pyfftw


def _import_without_interfaces() -> Any:
    """Import pyfftw, but not what it offers to users of scipy.fftpack and dask.array.

    It imports those two along, which takes ten times as long as all the rest. Who wants its
    interfaces still gets them by importing them.
    """
    name = "pyfftw.interfaces"
    if name in sys.modules:
        return importlib.import_module("pyfftw")
    sys.modules[name] = ModuleType(name)
    try:
        return importlib.import_module("pyfftw")
    finally:
        del sys.modules[name]


def plan(
    planes: NDArray[Any], spectrum: NDArray[Any], *, measured: bool
) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Plan both directions between two buffers; see `numerics.fft_engines.Engine`.

    `measured` lets FFTW time candidates: 0.1 to 1 s a shape, kept as wisdom.
    """
    effort = "FFTW_MEASURE" if measured else "FFTW_ESTIMATE"
    with _planner:
        pyfftw = _fftw()
        forward = pyfftw.FFTW(planes, spectrum, axes=(-2, -1), flags=(effort,), threads=1)
        inverse = pyfftw.FFTW(
            spectrum,
            planes,
            axes=(-2, -1),
            direction="FFTW_BACKWARD",
            flags=(effort, "FFTW_DESTROY_INPUT"),
            threads=1,
        )
    return forward.execute, inverse.execute


def export_wisdom() -> bytes:
    """Give what FFTW's planner has learnt in this process; empty if it was not needed."""
    if not _fftw.cache_info().currsize:
        return b""
    with _planner:
        double, single, _ = _fftw().export_wisdom()
    return bytes(single) + b"\0" + bytes(double)


def import_wisdom(wisdom: bytes) -> bool:
    """Take over what `export_wisdom` gave earlier, now or when FFTW is first needed.

    Returns
    -------
    bool
        False if it is known that FFTW can't use it.
    """
    if not _fftw.cache_info().currsize:
        _staged.append(wisdom)
        return True
    with _planner:
        return all(_fftw().import_wisdom(_split(wisdom))[:2])


def _split(wisdom: bytes) -> tuple[bytes, bytes, bytes]:
    single, _, double = wisdom.partition(b"\0")
    return double, single, b""

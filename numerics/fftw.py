"""FFTW's transforms and what its planner has learnt.

FFTW runs single threaded: parallelism comes from tiles, and threads inside threads only get in
each other's way.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Sequence
from functools import cache, partial
from types import ModuleType
from typing import Any, TypeAlias

from numpy.typing import NDArray

Execute: TypeAlias = Callable[[], Any]

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
) -> tuple[Execute, Execute]:
    """Plan both directions between two buffers; see `numerics.fft_engines.Engine`.

    `measured` lets FFTW time candidates: 0.1 to 1 s a shape, kept as wisdom.
    """
    with _planner:
        return _measured(planes, spectrum) if measured else _quick(planes, spectrum)


def _measured(planes: NDArray[Any], spectrum: NDArray[Any]) -> tuple[Execute, Execute]:
    forward = _fftw().FFTW(planes, spectrum, axes=(-2, -1), flags=("FFTW_MEASURE",), threads=1)
    inverse = _fftw().FFTW(
        spectrum,
        planes,
        axes=(-2, -1),
        direction="FFTW_BACKWARD",
        flags=("FFTW_MEASURE", "FFTW_DESTROY_INPUT"),
        threads=1,
    )
    return forward.execute, inverse.execute


def _quick(planes: NDArray[Any], spectrum: NDArray[Any]) -> tuple[Execute, Execute]:
    """Plan rows and columns apart, one plane at a time, without timing anything.

    FFTW's guess at both together takes up to half as long again: it transforms columns in place.
    The same plans are made each time, and round alike.
    """
    planes = planes.reshape(-1, *planes.shape[-2:])
    spectrum = spectrum.reshape(-1, *spectrum.shape[-2:])
    between = _fftw().empty_aligned(spectrum.shape[1:], spectrum.dtype)
    flags = ("FFTW_ESTIMATE", "FFTW_DESTROY_INPUT")

    def transform(source: NDArray[Any], result: NDArray[Any], axis: int, way: str) -> Execute:
        plan = _fftw().FFTW(source, result, axes=(axis,), direction=way, flags=flags, threads=1)
        execute: Execute = plan.execute
        return execute

    forward, inverse = [], []
    for plane, half in zip(planes, spectrum, strict=True):
        forward.append(transform(plane, between, 1, "FFTW_FORWARD"))
        forward.append(transform(between, half, 0, "FFTW_FORWARD"))
        inverse.append(transform(half, between, 0, "FFTW_BACKWARD"))
        inverse.append(transform(between, plane, 1, "FFTW_BACKWARD"))
    return partial(_run, forward), partial(_run, inverse)


def _run(plans: Sequence[Execute]) -> None:
    for execute in plans:
        execute()


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

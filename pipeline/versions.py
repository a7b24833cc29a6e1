"""Versions of what computes pixels, for the record of a result; they are no part of its key."""

from __future__ import annotations

import platform
from functools import cache

_LIBRARIES = ("unblur", "numpy", "scipy", "pyfftw", "numba")


@cache
def library_versions() -> dict[str, str]:
    """Give the versions of Python and of the libraries that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

"""The libraries that can transform: which are installed, and how each is asked.

An engine plans a pair of real two-dimensional transforms between two buffers and gives back two
functions that run them. All leave both directions unnormalised, work on the last two axes and
use one thread. Their results agree to about 1e-6 of the largest value.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Protocol

from numpy.typing import NDArray

from numerics import fftw
from numerics.fftw import Execute


class Engine(Protocol):
    """Plans both directions between `planes` and `spectrum`, whose addresses stay the same."""

    def __call__(
        self, planes: NDArray[Any], spectrum: NDArray[Any], *, measured: bool
    ) -> tuple[Execute, Execute]:
        """Give `forward` and `inverse`; `measured` allows time for finding the fastest."""


class EngineError(ValueError):
    """There is no such engine here."""


def plan_mkl(
    planes: NDArray[Any], spectrum: NDArray[Any], *, measured: bool
) -> tuple[Execute, Execute]:
    """Use Intel's MKL: fast on Intel's processors, plans within."""
    from mkl_fft import irfft2, rfft2

    shape = planes.shape[-2:]
    planes, spectrum = planes.reshape(-1, *shape), spectrum.reshape(-1, *spectrum.shape[-2:])

    def forward() -> None:
        for plane, half in zip(planes, spectrum, strict=True):
            rfft2(plane, out=half)

    def inverse() -> None:
        for plane, half in zip(planes, spectrum, strict=True):
            irfft2(half, s=shape, norm="forward", out=plane)

    return forward, inverse


def plan_scipy(
    planes: NDArray[Any], spectrum: NDArray[Any], *, measured: bool
) -> tuple[Execute, Execute]:
    """Use scipy's pocketfft: nothing to plan, always there."""
    from scipy.fft import irfft2, rfft2

    def forward() -> None:
        spectrum[...] = rfft2(planes)

    def inverse() -> None:
        planes[...] = irfft2(spectrum, s=planes.shape[-2:], norm="forward", overwrite_x=True)

    return forward, inverse


# In order of preference. Who installs the extra for MKL wants it used.
_ENGINES: dict[str, tuple[str, Engine]] = {
    "mkl": ("mkl_fft", plan_mkl),
    "fftw": ("pyfftw", fftw.plan),
    "scipy": ("scipy", plan_scipy),
}


def installed_engines() -> tuple[str, ...]:
    """Names of the engines that can be used here, the preferred one first."""
    return tuple(name for name, (package, _) in _ENGINES.items() if find_spec(package))


def find_engine(name: str) -> Engine:
    """Look an engine up.

    Raises
    ------
    EngineError
        If there is none of that name, or it is not installed.
    """
    if name not in _ENGINES:
        raise EngineError(f'got "{name}". Use {", ".join(_ENGINES)}, or leave it out.')
    package, engine = _ENGINES[name]
    if not find_spec(package):
        raise EngineError(
            f'got "{name}", but {package} is not installed. Install it, or use '
            f"{' or '.join(installed_engines())}."
        )
    return engine

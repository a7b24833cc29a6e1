"""Real 2-D Fourier transforms: plans and wisdom in one place.

`rfft2` and `irfft2` serve occasional transforms. `Transform` owns aligned buffers and a measured
pair of plans for solvers that transform the same shape again and again. All of them are single
threaded: parallelism comes from tiles, and threads inside threads only get in each other's way.
"""

from __future__ import annotations

import threading
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]
Spectrum = NDArray[np.complex64]

# FFTW's planner is the one part of FFTW that must not run in two threads at once.
_planner = threading.RLock()
_FAST_FACTORS = (2, 3, 5, 7)
_local = threading.local()
_staged: list[bytes] = []


@cache
def _fftw() -> Any:
    """Import FFTW on first use, since that takes most of a second, and hand it the wisdom."""
    import pyfftw

    while _staged:
        pyfftw.import_wisdom(_split(_staged.pop()))
    return pyfftw


class Transform:
    """A pair of in-place-buffered real transforms of ``(..., height, width)``.

    Attributes
    ----------
    planes : (..., H, W) real
        Input of `forward`, output of `inverse`.
    spectrum : (..., H, W // 2 + 1) complex
        Output of `forward`, input of `inverse` (which destroys it).

    Parameters
    ----------
    shape : tuple of int
        Shape of `planes`, two axes or more; the last two are transformed.
    dtype : float32 or float64
    measured : bool
        Let FFTW time candidates (0.1 to 1 s a shape, kept as wisdom) instead of guessing.
    """

    def __init__(
        self, shape: tuple[int, ...], dtype: Any = np.float32, *, measured: bool = True
    ) -> None:
        real = np.dtype(dtype)
        complex_ = np.result_type(real, np.complex64)
        effort = "FFTW_MEASURE" if measured else "FFTW_ESTIMATE"
        half = (*shape[:-1], shape[-1] // 2 + 1)
        with _planner:
            pyfftw = _fftw()
            self.planes: NDArray[Any] = pyfftw.empty_aligned(shape, real)
            self.spectrum: NDArray[Any] = pyfftw.empty_aligned(half, complex_)
            self._forward = pyfftw.FFTW(
                self.planes, self.spectrum, axes=(-2, -1), flags=(effort,), threads=1
            )
            self._inverse = pyfftw.FFTW(
                self.spectrum,
                self.planes,
                axes=(-2, -1),
                direction="FFTW_BACKWARD",
                flags=(effort, "FFTW_DESTROY_INPUT"),
                threads=1,
            )
        self.scale = 1.0 / (shape[-2] * shape[-1])

    def forward(self) -> None:
        """Transform `planes` into `spectrum`, unnormalised."""
        self._forward.execute()

    def inverse(self) -> None:
        """Transform `spectrum` into `planes`, unnormalised: multiply by `scale` somewhere."""
        self._inverse.execute()


def rfft2(planes: NDArray[Any]) -> NDArray[Any]:
    """Half-spectrum of the last two axes; float32 gives complex64, float64 complex128.

    Parameters
    ----------
    planes : (..., H, W) float32 or float64

    Returns
    -------
    (..., H, W // 2 + 1) complex
    """
    transform = _transform(planes.shape, planes.dtype.char)
    transform.planes[...] = planes
    transform.forward()
    return transform.spectrum.copy()


def irfft2(spectrum: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    """Inverse of `rfft2`, normalised.

    Parameters
    ----------
    spectrum : (..., H, W // 2 + 1) complex64 or complex128
    shape : (H, W)
        Needed since an odd and an even width have half-spectra of one size.

    Returns
    -------
    (..., H, W) real
    """
    real = np.empty(0, spectrum.dtype).real.dtype
    transform = _transform((*spectrum.shape[:-2], *shape), real.char)
    transform.spectrum[...] = spectrum
    transform.inverse()
    planes: NDArray[Any] = transform.planes * real.type(transform.scale)
    return planes


def next_fast_size(n: int) -> int:
    """Smallest even size >= `n` whose only prime factors are 2, 3, 5 and 7."""
    size = n + n % 2
    while not _is_fast(size):
        size += 2
    return size


def _is_fast(n: int) -> bool:
    for factor in _FAST_FACTORS:
        while n % factor == 0:
            n //= factor
    return n == 1


def _transform(shape: tuple[int, ...], char: str) -> Transform:
    # One cache a thread: the buffers belong to a transform and must not be shared.
    cache = getattr(_local, "transforms", None)
    if cache is None:
        cache = _local.transforms = lru_cache(maxsize=16)(
            lambda shape, char: Transform(shape, np.dtype(char), measured=False)
        )
    result: Transform = cache(shape, char)
    return result


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

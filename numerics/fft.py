"""Real 2-D Fourier transforms: buffers, plans and the choice of the engine in one place.

`rfft2` and `irfft2` serve occasional transforms, `PlaneTransforms` a solver that transforms the
same planes again and again.
"""

from __future__ import annotations

import math
import threading
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numerics.fft_engines import find_engine, installed_engines
from numerics.fftw import Execute

Planes = NDArray[np.float32]
Spectrum = NDArray[np.complex64]

_FAST_FACTORS = (2, 3, 5, 7)
# Bytes; what the widest vector instructions want.
_ALIGNMENT = 64
# Values; so each row of a spectrum begins where vector instructions want it.
_ROW_UNIT = 4
_local = threading.local()
_chosen: list[str] = []


def choose_engine(name: str | None) -> None:
    """Choose the engine of all transforms planned from now on; None: the preferred one.

    Raises
    ------
    EngineError
        If there is none of that name, or it is not installed.
    """
    if name is not None:
        find_engine(name)
    _chosen[:] = [] if name is None else [name]


def engine_name() -> str:
    """Name of the engine that transforms: ``mkl``, ``fftw`` or ``scipy``."""
    return _chosen[0] if _chosen else _preferred()


@lru_cache
def _preferred() -> str:
    return installed_engines()[0]


class PlaneTransforms:
    """Pairs of real transforms, one for each plane, that share one spectrum.

    A plane whose spectrum is worked on and transformed back before the next plane's turn stays
    in the processor's cache meanwhile. The engine may time its candidates once for each shape.

    Attributes
    ----------
    planes : (channel, H, W) float32
    spectrum : (H, half_width(W)) complex64
        Output of `forward`, input of `inverse` (which destroys it). What pads its rows is 0 until
        it is written to, and ignored.
    scale : float
        1 / (H W): what `inverse` leaves to be multiplied with.

    Parameters
    ----------
    channels : int
    shape : (H, W)
    """

    def __init__(self, channels: int, shape: tuple[int, int]) -> None:
        height, width = shape
        self.planes: Planes = _aligned((channels, height, width), np.dtype(np.float32))
        self.spectrum: Spectrum = _aligned((height, half_width(width)), np.dtype(np.complex64))
        self.spectrum[...] = 0
        used = self.spectrum[:, : width // 2 + 1]
        self._pairs = [_plan(plane, used, measured=True) for plane in self.planes]
        self.scale = 1.0 / (height * width)

    @staticmethod
    def bytes_needed(channels: int, shape: tuple[int, int]) -> int:
        """Bytes of all buffers."""
        height, width = shape
        return height * (4 * channels * width + 8 * half_width(width))

    def forward(self, channel: int) -> None:
        """Transform a plane into `spectrum`, unnormalised."""
        self._pairs[channel][0]()

    def inverse(self, channel: int) -> None:
        """Transform `spectrum` into a plane, unnormalised: multiply by `scale` somewhere."""
        self._pairs[channel][1]()


def half_width(width: int) -> int:
    """Columns of a half-spectrum whose rows are padded to whole vectors.

    With W // 2 + 1 values, an odd number for all widths that transform fast, every other row would
    begin where FFTW can't use vector instructions.
    """
    return _ROW_UNIT * -(-(width // 2 + 1) // _ROW_UNIT)


def _plan(
    planes: NDArray[Any], spectrum: NDArray[Any], *, measured: bool
) -> tuple[Execute, Execute]:
    return find_engine(engine_name())(planes, spectrum, measured=measured)


def _aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    size = math.prod(shape) * dtype.itemsize
    room = np.empty(size + _ALIGNMENT, np.uint8)
    start = -room.ctypes.data % _ALIGNMENT
    return room[start : start + size].view(dtype).reshape(shape)


def rfft2(planes: NDArray[Any]) -> NDArray[Any]:
    """Half-spectrum of the last two axes; float32 gives complex64, float64 complex128.

    Parameters
    ----------
    planes : (..., H, W) float32 or float64

    Returns
    -------
    (..., H, W // 2 + 1) complex
    """
    transform = batch_transforms(planes.shape, planes.dtype)
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
    transform = batch_transforms((*spectrum.shape[:-2], *shape), real)
    transform.spectrum[...] = spectrum
    transform.inverse()
    planes: NDArray[Any] = transform.planes * real.type(transform.scale)
    return planes


def squared_norm(spectra: NDArray[Any], width: int) -> float:
    """Sum of the squares of real planes `width` px wide, from their half-spectra (Parseval).

    Parameters
    ----------
    spectra : (..., H, W // 2 + 1) complex
    width : int
        W, which may be even or odd.
    """
    squares = np.sum(spectra.real**2 + spectra.imag**2, axis=tuple(range(spectra.ndim - 1)))
    # Columns that have no mirror image in the half that is left out count once, others twice.
    once = squares[0] if width % 2 else squares[0] + squares[-1]
    return float((2 * squares.sum() - once) / (spectra.shape[-2] * width))


class BatchTransforms:
    """A pair of real transforms of ``(..., height, width)`` between two buffers, hastily planned.

    Attributes
    ----------
    planes : (..., H, W) real
        Input of `forward` (which destroys it), output of `inverse`.
    spectrum : (..., H, W // 2 + 1) complex
        Output of `forward`, input of `inverse` (which destroys it).
    scale : float
        1 / (H W): what `inverse` leaves to be multiplied with.

    Parameters
    ----------
    shape : tuple of int
        Shape of `planes`, two axes or more; the last two are transformed.
    dtype : float32 or float64
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        real = np.dtype(dtype)
        half = (*shape[:-1], shape[-1] // 2 + 1)
        self.planes: NDArray[Any] = _aligned(shape, real)
        self.spectrum: NDArray[Any] = _aligned(half, np.result_type(real, np.complex64))
        self._forward, self._inverse = _plan(self.planes, self.spectrum, measured=False)
        self.scale = 1.0 / (shape[-2] * shape[-1])

    def forward(self) -> None:
        """Transform `planes` into `spectrum`, unnormalised."""
        self._forward()

    def inverse(self) -> None:
        """Transform `spectrum` into `planes`, unnormalised: multiply by `scale` somewhere."""
        self._inverse()


def batch_transforms(shape: tuple[int, ...], dtype: Any) -> BatchTransforms:
    """Give the transforms of that shape, for code that works on their buffers.

    They are kept, one of each kind for each thread: the next `rfft2` or `irfft2` of that shape and
    `dtype` overwrites the buffers.
    """
    # One cache a thread: the buffers belong to a transform and must not be shared.
    cache = getattr(_local, "transforms", None)
    if cache is None:
        cache = _local.transforms = lru_cache(maxsize=16)(
            lambda shape, char, _engine: BatchTransforms(shape, char)
        )
    result: BatchTransforms = cache(shape, np.dtype(dtype).char, engine_name())
    return result


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

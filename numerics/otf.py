"""A psf in the Fourier domain, and what a deconvolution's steps make of it."""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from numerics.fft import Planes, Spectrum, half_width


class Filter(NamedTuple):
    """What a step does to the spectrum of one channel.

    Attributes
    ----------
    conjugate : (H, half_width(W)) complex64
        Conjugate of the otf K.
    power : (H, half_width(W)) float32
        Its squared modulus.
    rows, columns : (H,), (half_width(W),) float32
        Squared modulus of D, which is the sum of the two.
    weight : float32
        lambda / beta.
    """

    conjugate: Spectrum
    power: NDArray[np.float32]
    rows: NDArray[np.float32]
    columns: NDArray[np.float32]
    weight: np.float32


class Blur:
    """A psf in the Fourier domain, shared by all tiles of one shape. Never written again.

    Attributes
    ----------
    conjugate : (1 or channel, H, half_width(W)) complex64
        Conjugate of the otf; 0 where rows are padded.
    power : (1 or channel, H, half_width(W)) float32
        Its squared modulus.
    rows, columns : (H,), (half_width(W),) float32
        Squared modulus of D, which is the sum of the two.
    """

    def __init__(self, psf: NDArray[np.float32], shape: tuple[int, int]) -> None:
        height, width = shape
        channels = np.atleast_3d(psf).transpose(2, 0, 1)
        otf = np.zeros((len(channels), height, half_width(width)), np.complex64)
        self.shape = shape
        for channel, spectrum in zip(channels, otf, strict=True):
            spectrum[:, self.frequencies] = _transform(channel, shape)
        self.conjugate: Spectrum = otf.conj()
        self.power: Planes = otf.real**2 + otf.imag**2
        self.rows = _difference_power(np.arange(height) / height)
        self.columns = _difference_power(np.arange(half_width(width)) / width)
        self._zeros, self._ones = np.zeros_like(self.rows), np.ones_like(self.columns)
        self._psf = psf
        self._others: dict[tuple[int, int], Blur] = {}
        self._making = threading.Lock()

    @property
    def frequencies(self) -> slice:
        """Columns that are frequencies, not padding."""
        return slice(self.shape[1] // 2 + 1)

    def of_shape(self, shape: tuple[int, int]) -> Blur:
        """Give the same psf for planes of another shape, made once for all threads."""
        if shape == self.shape:
            return self
        with self._making:
            if shape not in self._others:
                self._others[shape] = Blur(self._psf, shape)
            return self._others[shape]

    @property
    def psf_size(self) -> int:
        """Longer side of the psf, pixels."""
        return int(max(self._psf.shape[:2]))

    def conjugate_of(self, channel: int) -> Spectrum:
        """Give the conjugate of a channel's otf."""
        return self._of(channel)[0]

    def step(self, channel: int, weight: float) -> Filter:
        """Put together what a step does to a channel; `weight` is lambda / beta."""
        return Filter(*self._of(channel), self.rows, self.columns, np.float32(weight))

    def block_step(self, channel: int, weight: float) -> Filter:
        """Put together what a `BlockStep` does to a channel; `weight` is 1 / a."""
        return Filter(*self._of(channel), self._zeros, self._ones, np.float32(weight))

    def _of(self, channel: int) -> tuple[Spectrum, NDArray[np.float32]]:
        own = min(channel, len(self.power) - 1)
        return self.conjugate[own], self.power[own]

    @staticmethod
    def bytes_needed(psf: NDArray[np.float32], *shapes: tuple[int, int]) -> int:
        """Most bytes that it takes to make one for each of these shapes."""
        channels = psf.shape[2] if psf.ndim == 3 else 1
        half = sum(height * half_width(width) for height, width in shapes)
        return (8 + 8 + 4) * channels * half


def _transform(psf: NDArray[np.float32], shape: tuple[int, int]) -> Spectrum:
    """Give the half-spectrum of a psf around the origin, as a product of matrices.

    A psf fills few rows and columns: that takes a fifth of a fast transform's time at 19 px, less
    than half at 65. Nor does it depend, as FFTW's way does, on what was planned before: a sweep
    that goes on after a kill shall give the same pixels to the last bit.
    """
    height, width = shape
    rows = _waves(psf.shape[0], height, height)
    columns = _waves(psf.shape[1], width, width // 2 + 1)
    spectrum: Spectrum = rows @ (psf @ columns.T)
    return spectrum


def _waves(size: int, period: int, count: int) -> Spectrum:
    """Waves (count, size) of frequencies 0 to count - 1 around the middle of `size` samples."""
    phase = np.outer(np.arange(count), np.arange(size) - size // 2) % period
    waves: Spectrum = np.exp(-2j * np.pi / period * phase).astype(np.complex64)
    return waves


def _difference_power(frequency: NDArray[np.float64]) -> NDArray[np.float32]:
    return (4.0 * np.sin(np.pi * frequency) ** 2).astype(np.float32)

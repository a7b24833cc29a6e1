"""Highlights that are clipped: how bright they were, found before a tile is deconvolved.

Where a picture is clipped it was brighter than the data say, and an inverse filter that believes
them rings; where lights at night were many times white, over all of the picture. Richardson and
Lucy's iteration [1]_ [2]_ suits such places, as light is never negative there; clipped pixels only
pull it up, never down [3]_. It finds x on windows around them, with momentum [4]_, which halves the
iterations. Of its result, two things are used. Clipped pixels of the blurred picture become k * x.
And what of x lies well above the level of clipping, the excess, is taken out of the blurred picture
and added to the latent one in the end: what is left to the priors of photographs has the range of
photographs.

Windows are cut at the same places of the picture in all tiles, and momentum is the same everywhere:
tiles that share a window find the same.

References
----------
.. [1] Richardson, Bayesian-based iterative method of image restoration, J. Optical Society of
       America 62(1), 1972.
.. [2] Lucy, An iterative technique for the rectification of observed distributions, Astronomical
       Journal 79(6), 1974.
.. [3] Whyte, Sivic & Zisserman, Deblurring shaken and partially saturated images, Int. J. Computer
       Vision 110(2), 2014.
.. [4] Biggs & Andrews, Acceleration of iterative image restoration algorithms, Applied Optics
       36(8), 1997; the momentum is Nesterov's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from numerics.clipping import clipped_range
from numerics.fft import Planes, PlaneTransforms, Spectrum
from numerics.otf import Blur
from numerics.outside import Inside

Plane = NDArray[np.float32]

_kernel = numba.njit(nogil=True, cache=True, error_model="numpy")

# Pixels: smaller windows are mostly margin, larger ones mostly light that is not clipped.
_SMALLEST_SIDE = 256
# Of the side, at most.
_MOST_MARGIN = 1 / 6
# Lights that turn out so many times as bright as the level of clipping take longer: twice as many
# iterations more.
_MUCH_BRIGHTER = 2.0
_AGAIN = 2
# Values that differ by less, in levels, are one value, read from 16 bits by a curve. Of the bright
# pixels of a window so many must have it; of white with noise that just reaches the level half do,
# of clipped light in JPEGs two thirds.
_SAME = 1e-4
_LEAST_AT_LEVEL = 0.6
# Of full scale: what is darker is taken for it, as a ratio of noise around 0 says nothing.
_DARKEST = np.float32(1e-4)
_LEAST_FACTOR = np.float32(1e-3)
_LEAST_LIGHT = np.float32(1e-5)
# In levels of clipping. What is hardly brighter is left to the priors: the iteration has none, and
# adds ripples where the data were right.
_EXCESS = 1.25
# What the pixels of a window say.
_KNOWN, _CLIPPED, _OUTSIDE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Clipping:
    """Where a picture is clipped, and how long its highlights are sought.

    Attributes
    ----------
    levels : tuple of float
        Of each channel, linear light. None: no highlights are sought.
    iterations : int
        Of Richardson and Lucy's; three times as many where lights are much brighter.
    spread : float
        In levels: how far below them clipped light may lie beside some that lies at them, as
        JPEG's rounding makes it.
    """

    levels: tuple[float, ...] = ()
    iterations: int = 0
    spread: float = 0.0


NOT_CLIPPED = Clipping()


class _Part(NamedTuple):
    """A part of an axis of a tile: its core, and where its window starts, which may wrap."""

    core: tuple[int, int]
    window: int

    @property
    def own(self) -> slice:
        """The core in the tile."""
        return slice(*self.core)

    @property
    def inner(self) -> slice:
        """The core in the window."""
        return slice(self.core[0] - self.window, self.core[1] - self.window)


@dataclass(frozen=True, slots=True, eq=False)
class _Highlight:
    """What was found in a core.

    Attributes
    ----------
    rows, columns : _Part
    excess : (h, w) float32
        What of the latent core lies well above the level of clipping.
    clipped : (h, w) bool
    blurred : (n,) float32
        What the clipped pixels were.
    """

    rows: _Part
    columns: _Part
    excess: Plane
    clipped: NDArray[np.bool_]
    blurred: Plane

    def of(self, plane: Plane) -> Plane:
        """View the core of a tile's plane."""
        return plane[self.rows.own, self.columns.own]


class Highlights:
    """Finds the highlights of one tile after another, in buffers of its own.

    Parameters
    ----------
    blur : Blur
        Of planes of the tiles' shape.
    clipping : Clipping
    """

    def __init__(self, blur: Blur, clipping: Clipping) -> None:
        self._clipping = clipping
        self._margin = blur.psf_size
        self._blur = blur.of_shape(window_shape(blur.shape, blur.psf_size))
        shape = self._blur.shape
        self._transforms = PlaneTransforms(1, shape)
        self._blurred, self._latent, self._ahead = np.empty((3, *shape), np.float32)
        self._state = np.empty(shape, np.uint8)
        # Of the channel in work.
        self._conjugate = self._blur.conjugate_of(0)
        self._otf = self._conjugate.conj()
        self._excesses: list[tuple[int, _Part, _Part, Plane]] = []

    @staticmethod
    def bytes_needed(channels: int, shape: tuple[int, int], psf_size: int) -> int:
        """Most bytes of its own buffers, and of what it finds in a tile."""
        window = window_shape(shape, psf_size)
        scratch = PlaneTransforms.bytes_needed(1, window) + (3 * 4 + 4 + 1) * math.prod(window)
        return scratch + (4 * channels + 5) * math.prod(shape)

    def take_out(self, planes: Planes, inside: Inside, origin: tuple[int, int]) -> None:
        """Fill in what is clipped in blurred planes, and take the excess out.

        Parameters
        ----------
        planes : (channel, H, W) float32
            Periodic; changed.
        inside : Inside
            What of them lies inside of the picture.
        origin : (int, int)
            Row and column of the picture at which the planes begin.
        """
        self._excesses = []
        for channel, level in enumerate(self._clipping.levels):
            plane = planes[channel]
            self._conjugate = self._blur.conjugate_of(channel)
            np.conjugate(self._conjugate, out=self._otf)
            # All windows see the blurred picture as it was.
            found = list(self._find(plane, level, inside, origin))
            for highlight in found:
                highlight.of(plane)[highlight.clipped] = highlight.blurred
            for highlight in found:
                rows, columns, excess = highlight.rows, highlight.columns, highlight.excess
                if excess.any():
                    self._subtract(plane, rows, columns, excess)
                    self._excesses.append((channel, rows, columns, excess))

    def put_back(self, planes: Planes) -> None:
        """Add the excess to the latent planes."""
        for channel, rows, columns, excess in self._excesses:
            planes[channel, rows.own, columns.own] += excess
        self._excesses = []

    def _find(
        self, plane: Plane, level: float, inside: Inside, origin: tuple[int, int]
    ) -> Iterator[_Highlight]:
        low, high = (np.float32(value) for value in clipped_range(level))
        shape = self._blur.shape
        parts = (
            list(_cut(start, span, size, side, self._margin))
            for start, span, size, side in zip(origin, inside, plane.shape, shape, strict=True)
        )
        for rows, columns in product(*parts):
            if _is_any_between(plane[rows.own, columns.own], low, high):
                spread = np.float32(self._clipping.spread * level)
                self._look(plane, rows, columns, inside, low - spread, high)
                if self._is_worth_it(level, low):
                    yield self._solve(level, rows, columns)

    def _look(
        self,
        plane: Plane,
        rows: _Part,
        columns: _Part,
        inside: Inside,
        low: np.float32,
        high: np.float32,
    ) -> None:
        """Read a window, and tell what its pixels say."""
        y, x = self._indices(plane, rows, columns)
        np.maximum(plane[y, x], _DARKEST, out=self._blurred)
        self._state[...] = _KNOWN
        self._state[(low <= self._blurred) & (self._blurred <= high)] = _CLIPPED
        outside = (y < inside.rows[0]) | (y >= inside.rows[1])
        outside = outside | (x < inside.columns[0]) | (x >= inside.columns[1])
        self._state[outside] = _OUTSIDE

    def _is_worth_it(self, level: float, low: np.float32) -> bool:
        """Tell whether the light of the window was clipped, and something says how bright it was.

        Clipped light has one value. White that just reaches the level has noise, of which half was
        clipped.
        """
        clipped = self._blurred[(self._state == _CLIPPED) & (self._blurred >= low)]
        at_level = np.abs(clipped - np.float32(level)) <= _SAME * level
        return bool(np.any(self._state == _KNOWN) and at_level.mean() > _LEAST_AT_LEVEL)

    def _indices(
        self, plane: Plane, rows: _Part, columns: _Part
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Give the rows and columns of a window in the periodic plane of a tile."""
        y, x = (
            (part.window + np.arange(side)) % size
            for part, side, size in zip((rows, columns), self._blur.shape, plane.shape, strict=True)
        )
        return y[:, None], x[None, :]

    def _solve(self, level: float, rows: _Part, columns: _Part) -> _Highlight:
        latent, ahead, plane = self._latent, self._ahead, self._transforms.planes[0]
        scale = np.float32(self._transforms.scale)
        inner = rows.inner, columns.inner
        latent[...] = ahead[...] = self._blurred
        steps = self._clipping.iterations
        for number in range((1 + _AGAIN) * steps):
            if number == steps and latent[inner].max() < _MUCH_BRIGHTER * level:
                break
            self._filter(ahead, self._otf)
            _divide(plane, self._blurred, self._state, scale)
            self._filter(plane, self._conjugate)
            _advance(plane, latent, ahead, scale, np.float32((number + 1) / (number + 4)))
        self._filter(latent, self._otf)
        clipped = self._state[inner] == _CLIPPED
        return _Highlight(
            rows,
            columns,
            np.maximum(latent[inner] - np.float32(_EXCESS * level), 0),
            clipped,
            scale * plane[inner][clipped],
        )

    def _subtract(self, plane: Plane, rows: _Part, columns: _Part, excess: Plane) -> None:
        """Take what an excess was blurred to out of a tile's plane."""
        window = self._transforms.planes[0]
        window[...] = 0
        window[rows.inner, columns.inner] = excess
        self._filter(window, self._otf)
        plane[self._indices(plane, rows, columns)] -= np.float32(self._transforms.scale) * window

    def _filter(self, source: Plane, by: Spectrum) -> None:
        """Blur a window into that of the transforms, unnormalised; or back, by the conjugate."""
        transforms = self._transforms
        transforms.planes[0] = source
        transforms.forward(0)
        np.multiply(transforms.spectrum, by, out=transforms.spectrum)
        transforms.inverse(0)


def window_shape(shape: tuple[int, int], psf_size: int) -> tuple[int, int]:
    """Give the shape of the windows of tiles; an axis of a small tile is a window as it is."""
    least = max(_SMALLEST_SIDE, math.ceil(psf_size / _MOST_MARGIN))
    # A power of two: its transforms take a third less time a pixel than others of that size.
    side = 1 << (least - 1).bit_length()
    return min(side, shape[0]), min(side, shape[1])


def _cut(
    origin: int, inside: tuple[int, int], size: int, side: int, margin: int
) -> Iterator[_Part]:
    """Cut what of an axis lies inside of the picture, at the same places in all tiles."""
    if side == size:
        yield _Part(inside, 0)
        return
    step = side - 2 * margin
    for start in range(-(origin % step), size, step):
        core = max(start, inside[0]), min(start + step, inside[1])
        if core[0] < core[1]:
            yield _Part(core, start - margin)


@_kernel  # type: ignore[untyped-decorator]
def _is_any_between(plane: Any, low: Any, high: Any) -> Any:
    count = 0
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            count += (low <= plane[y, x]) & (plane[y, x] <= high)
    return count > 0


@_kernel  # type: ignore[untyped-decorator]
def _divide(plane: Any, blurred: Any, state: Any, scale: Any) -> None:
    """Turn what x would be blurred to into the ratio of what the pixels say to it."""
    one = np.float32(1)
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            ratio = blurred[y, x] / max(scale * plane[y, x], _DARKEST)
            if state[y, x] == _CLIPPED:
                ratio = max(ratio, one)
            elif state[y, x] == _OUTSIDE:
                ratio = one
            plane[y, x] = ratio


@_kernel  # type: ignore[untyped-decorator]
def _advance(plane: Any, latent: Any, ahead: Any, scale: Any, momentum: Any) -> None:
    """Multiply by the blurred ratio, and go on a little as before."""
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            new = ahead[y, x] * max(scale * plane[y, x], _LEAST_FACTOR)
            further = new + momentum * (new - latent[y, x])
            latent[y, x] = new
            ahead[y, x] = max(further, _LEAST_LIGHT)

"""Borders: how a cut-out of a picture becomes periodic planes for the Fourier transform.

**Edge replication** continues the picture beyond its own border. **The fold** makes any tile
periodic: a few more samples are read than the transform holds, and around the wrap both sides
fade into what really lies there. Along each axis, with n samples in the transform, w more read
and ``u = (t + w/2) / w`` across the wrap at t = 0,

    y(t) <- S(u) y(t) + (1 - S(u)) y(t + n),    S(u) = u^3 (10 - 15 u + 6 u^2).

Real, blurred pixels then stand on both sides of the wrap, and an inverse filter that reaches
across it finds nothing to ring about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from numerics.fft import Planes

_kernel = numba.njit(nogil=True, cache=True, error_model="numpy")


@dataclass(frozen=True, slots=True)
class Fold:
    """Where each sample of a periodic axis comes from.

    Attributes
    ----------
    start, stop : int
        Span of the picture that has to be read; never beyond its borders.
    first, second : (n,) intp
        Two samples of the span, counted from `start`. They differ only around the wrap.
    share : (n,) float32
        Share of `first`; that of `second` is the rest.
    inside : (int, int)
        Start and stop of the samples that lie inside of the picture.
    plain : (int, int)
        Those of samples that are neighbouring ones of the picture, as they are.
    """

    start: int
    stop: int
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    share: NDArray[np.float32]
    inside: tuple[int, int]
    plain: tuple[int, int]


def fold_axis(origin: int, n: int, width: int, size: int) -> Fold:
    """Plan the fold of one axis.

    Parameters
    ----------
    origin : int
        Coordinate in the picture of the transform's first sample; may be negative.
    n : int
        Samples in the transform.
    width : int
        Samples across which the two sides of the wrap fade into each other: even, 0 to n.
    size : int
        Samples in the picture. Those beyond it repeat the nearest one.
    """
    t = np.arange(n)
    half = width // 2
    other = np.where(t < half, t + n, np.where(t >= n - half, t - n, t))
    from_wrap = np.where(t < half, t, n - 1 - t) + 0.5
    share = smootherstep(np.minimum(0.5 + from_wrap / max(width, 1), 1.0))
    first, second = (np.clip(origin + at, 0, size - 1) for at in (t, other))
    start, stop = int(min(first.min(), second.min())), int(max(first.max(), second.max())) + 1
    inside = max(-origin, 0), min(size - origin, n)
    begin = max(inside[0], half)
    plain = begin, max(begin, min(inside[1], n - half))
    return Fold(start, stop, first - start, second - start, share.astype(np.float32), inside, plain)


def smootherstep(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rise from 0 to 1 for u in 0..1 with two continuous derivatives at both ends."""
    result: NDArray[np.float64] = u**3 * (10.0 - 15.0 * u + 6.0 * u**2)
    return result


def fold_planes(
    block: NDArray[np.float32],
    rows: Fold,
    columns: Fold,
    planes: Planes,
    units: NDArray[np.float32],
) -> None:
    """Fill periodic planes from a cut-out of the picture.

    Parameters
    ----------
    block : (rows.stop - rows.start, columns.stop - columns.start, channel) float32
    rows, columns : Fold
    planes : (channel, H, W) float32
        Overwritten.
    units : (channel,) float32
        Light for which 1 stands in each plane.
    """
    _fold(
        np.ascontiguousarray(block),
        (rows.first, rows.second, rows.share),
        (columns.first, columns.second, columns.share),
        columns.plain,
        np.empty(block.shape[1:], np.float32),
        planes,
        np.float32(1) / units,
    )


@_kernel  # type: ignore[untyped-decorator]
def _fold(
    block: Any, rows: Any, columns: Any, plain: Any, mixed: Any, planes: Any, factors: Any
) -> None:
    first_row, second_row, row_share = rows
    begin, end = plain
    for y in range(planes.shape[1]):
        line = block[first_row[y]]
        if row_share[y] < 1:
            _mix(line, block[second_row[y]], row_share[y], mixed)
            line = mixed
        for c in range(planes.shape[0]):
            _fold_line(line[:, c], columns, 0, begin, factors[c], planes[c, y])
            if end > begin:
                _scale(line[columns[0][begin] :, c], factors[c], planes[c, y, begin:end])
            _fold_line(line[:, c], columns, end, planes.shape[2], factors[c], planes[c, y])


# Each loop is a function of its own with few arrays, see shrinkage.
@_kernel  # type: ignore[untyped-decorator]
def _fold_line(line: Any, columns: Any, begin: Any, end: Any, factor: Any, out: Any) -> None:
    first, second, share = columns
    for x in range(begin, end):
        here, there = line[first[x]], line[second[x]]
        out[x] = factor * (there + share[x] * (here - there))


@_kernel  # type: ignore[untyped-decorator]
def _scale(line: Any, factor: Any, out: Any) -> None:
    for x in range(out.size):
        out[x] = factor * line[x]


@_kernel  # type: ignore[untyped-decorator]
def _mix(here: Any, there: Any, share: Any, line: Any) -> None:
    for x in range(line.shape[0]):
        for c in range(line.shape[1]):
            line[x, c] = there[x, c] + share * (here[x, c] - there[x, c])

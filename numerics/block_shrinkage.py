"""Shrinkage of overlapping blocks: a second prior, for what gradients can't tell.

A block of 8 x 8 pixels of a photograph has few cosine coefficients that matter, and these matter
in all channels at once [1]_ [2]_. So every coefficient whose length over the channels, m, is
below a threshold T vanishes, others are multiplied by ``1 - (T / m)^4``, and each pixel becomes
the mean of the four blocks that cover it. The mean of a block stays as it is.

A block row is transformed downwards, then across. Columns of blocks lie 4 px apart, so pixels are
kept in 4 phases: then all loops run over neighbours in memory and become vector instructions.

References
----------
.. [1] Yaroslavsky, Egiazarian & Astola, Transform domain image restoration methods, SPIE 4304,
       2001.
.. [2] Dabov, Foi, Katkovnik & Egiazarian, Image restoration by sparse 3D transform-domain
       collaborative filtering, SPIE 6812, 2008: as the prior of a deconvolution.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from numerics.fft import Planes
from numerics.shrinkage import ANY_LIGHT

BLOCK = 8
STRIDE = 4
"""Pixels from one block to the next, along both axes; sides of planes are multiples of it."""

# As in shrinkage: fastmath for vector instructions, on values that are finite.
_kernel = numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
_MEAN = np.float32(1 / (BLOCK // STRIDE) ** 2)
# Cosines of k pi / 16, halved: rows of the orthonormal transform of 8 values.
_C1, _C2, _C3, _C4, _C5, _C6, _C7 = (
    np.float32(0.5 * np.cos(k * np.pi / 16)) for k in range(1, BLOCK)
)


class BlockLines(NamedTuple):
    """Scratch of `shrink_blocks`: a few rows that stay in the processor's cache.

    Attributes
    ----------
    ring : (channel, 2, 4, phase, columns + 1) float32
        The pixels of a block row, upper and lower half, which change places from one to the next.
    block : (channel, 8, phase, columns + 1) float32
        What becomes of them.
    coefficients : (channel, 8, columns) float32
        One row of coefficients of all blocks.
    done : (channel, 4, phase, columns) float32
        The lower half of the last block row, which the next one overlaps.
    first : (channel, 4, phase, columns) float32
        Those of the first rows, which the last blocks reach again.
    length : (columns,) float32
    line : (width + 8,) float32
    flat_ring, flat_block : float32
        Views of `ring` and `block`, phases and columns as one axis.
    """

    ring: NDArray[np.float32]
    block: NDArray[np.float32]
    coefficients: NDArray[np.float32]
    done: NDArray[np.float32]
    first: NDArray[np.float32]
    length: NDArray[np.float32]
    line: NDArray[np.float32]
    flat_ring: NDArray[np.float32]
    flat_block: NDArray[np.float32]

    @classmethod
    def allocate(cls, channels: int, width: int) -> BlockLines:
        """Make room for planes of (channels, any height, width)."""
        columns = width // STRIDE
        shapes = (
            (channels, 2, STRIDE, STRIDE, columns + 1),
            (channels, BLOCK, STRIDE, columns + 1),
            (channels, BLOCK, columns),
            (channels, STRIDE, STRIDE, columns),
            (channels, STRIDE, STRIDE, columns),
            (columns,),
            (width + BLOCK,),
        )
        ring, block, *others = (np.empty(shape, np.float32) for shape in shapes)
        flat = (lines.reshape(*lines.shape[:-2], -1) for lines in (ring, block))
        return cls(ring, block, *others, *flat)


def shrink_blocks(
    planes: Planes,
    threshold: float,
    *,
    offset: tuple[int, int] = (0, 0),
    lines: BlockLines | None = None,
    darkest: float = ANY_LIGHT,
) -> None:
    """Shrink the blocks of planes, all channels together, in one sweep; borders wrap.

    Parameters
    ----------
    planes : (channel, H, W) float32
        Overwritten. Sides are multiples of 4, 8 or more; values must be finite.
    threshold : float
        Length, root mean square over the channels, of the longest coefficient that vanishes. White
        noise has coefficients of its own standard deviation.
    offset : (int, int)
        Row and column of the first block, 0 to 3.
    lines : BlockLines, optional
        Scratch to be used again.
    darkest : float, optional
        What is below, before or after, is taken for that.
    """
    if lines is None:
        lines = BlockLines.allocate(planes.shape[0], planes.shape[2])
    square = np.float32(max(threshold, 1e-12) ** 2 * planes.shape[0])
    _sweep(planes, square, offset[0], offset[1], np.float32(darkest), *lines)


@_kernel  # type: ignore[untyped-decorator]
def _sweep(
    planes: Any,
    limit: Any,
    top: Any,
    left: Any,
    darkest: Any,
    ring: Any,
    block: Any,
    coefficients: Any,
    done: Any,
    first: Any,
    length: Any,
    line: Any,
    flat_ring: Any,
    flat_block: Any,
) -> None:
    """Walk down the block rows; four rows of pixels are complete after each."""
    channels, height, _ = planes.shape
    for number in range(height // STRIDE):
        row = number * STRIDE + top
        upper, lower = number % 2, 1 - number % 2
        for c in range(channels):
            if number == 0:
                _split_rows(planes[c], row, left, darkest, line, ring[c, upper])
            _split_rows(planes[c], row + STRIDE, left, darkest, line, ring[c, lower])
            _transform_down(flat_ring[c, upper], flat_ring[c, lower], flat_block[c])
        for k in range(BLOCK):
            for c in range(channels):
                _transform_across(block[c, k], coefficients[c])
            _shrink(coefficients, limit, k == 0, length)
            for c in range(channels):
                _transform_back(coefficients[c])
                _join(coefficients[c], block[c, k])
        for c in range(channels):
            _transform_back(flat_block[c])
            for i in range(STRIDE):
                if number:
                    _merge(
                        block[c, i], done[c, i], left, darkest, line, planes[c, (row + i) % height]
                    )
                else:
                    _copy(block[c, i], first[c, i])
                _copy(block[c, i + STRIDE], done[c, i])
    for c in range(channels):
        for i in range(STRIDE):
            _merge(done[c, i], first[c, i], left, darkest, line, planes[c, (top + i) % height])


# Each loop is a function of its own with few arrays, see shrinkage. None is of another file: what
# numba keeps compiled it would not compile anew when that changes.
@_kernel  # type: ignore[untyped-decorator]
def _split_rows(plane: Any, row: Any, left: Any, darkest: Any, line: Any, half: Any) -> None:
    for i in range(STRIDE):
        _split(plane[(row + i) % plane.shape[0]], left, darkest, line, half[i])


@_kernel  # type: ignore[untyped-decorator]
def _split(row: Any, left: Any, darkest: Any, line: Any, phases: Any) -> None:
    """Sort the pixels of a row, from column `left` on and wrapping, by their phases."""
    _turn(row, left, darkest, line)
    for q in range(phases.shape[1]):
        phases[0, q] = line[4 * q]
        phases[1, q] = line[4 * q + 1]
        phases[2, q] = line[4 * q + 2]
        phases[3, q] = line[4 * q + 3]


@_kernel  # type: ignore[untyped-decorator]
def _turn(row: Any, left: Any, darkest: Any, line: Any) -> None:
    width = row.size
    for i in range(width - left):
        line[i] = max(row[i + left], darkest)
    for i in range(left + line.size - width):
        line[width - left + i] = max(row[i], darkest)


@_kernel  # type: ignore[untyped-decorator]
def _merge(block: Any, done: Any, left: Any, darkest: Any, line: Any, row: Any) -> None:
    """Put the means of the blocks back into a row: the opposite of `_split`."""
    width = row.size
    for q in range(done.shape[1]):
        line[4 * q] = _MEAN * (block[0, q] + done[0, q])
        line[4 * q + 1] = _MEAN * (block[1, q] + done[1, q])
        line[4 * q + 2] = _MEAN * (block[2, q] + done[2, q])
        line[4 * q + 3] = _MEAN * (block[3, q] + done[3, q])
    for i in range(width - left):
        row[i + left] = max(line[i], darkest)
    for i in range(left):
        row[i] = max(line[width - left + i], darkest)


@_kernel  # type: ignore[untyped-decorator]
def _shrink(coefficients: Any, limit: Any, has_means: Any, length: Any) -> None:
    """Shrink a row of each block's coefficients; the first of all is the block's mean."""
    for k in range(1 if has_means else 0, BLOCK):
        _clear(length)
        for c in range(coefficients.shape[0]):
            _add_squares(coefficients[c, k], length)
        _squares_to_factors(length, limit)
        for c in range(coefficients.shape[0]):
            _multiply(coefficients[c, k], length)


@_kernel  # type: ignore[untyped-decorator]
def _clear(line: Any) -> None:
    for i in range(line.size):
        line[i] = np.float32(0.0)


@_kernel  # type: ignore[untyped-decorator]
def _add_squares(values: Any, total: Any) -> None:
    for i in range(total.size):
        total[i] += values[i] * values[i]


@_kernel  # type: ignore[untyped-decorator]
def _squares_to_factors(squares: Any, limit: Any) -> None:
    for i in range(squares.size):
        u = limit / max(squares[i], limit)
        squares[i] = np.float32(1.0) - u * u


@_kernel  # type: ignore[untyped-decorator]
def _multiply(values: Any, factors: Any) -> None:
    for i in range(values.size):
        values[i] *= factors[i]


@_kernel  # type: ignore[untyped-decorator]
def _join(blocks: Any, phases: Any) -> None:
    """Add up the halves of neighbouring blocks, which overlap; the last meets the first."""
    last = blocks.shape[1] - 1
    for phase in range(STRIDE):
        _add_shifted(blocks[phase], blocks[phase + STRIDE], phases[phase])
        phases[phase, 0] = blocks[phase, 0] + blocks[phase + STRIDE, last]


@_kernel  # type: ignore[untyped-decorator]
def _add_shifted(here: Any, before: Any, total: Any) -> None:
    for i in range(1, here.size):
        total[i] = here[i] + before[i - 1]


@_kernel  # type: ignore[untyped-decorator]
def _copy(block: Any, done: Any) -> None:
    for phase in range(STRIDE):
        for q in range(done.shape[1]):
            done[phase, q] = block[phase, q]


@_kernel  # type: ignore[untyped-decorator]
def _transform_down(upper: Any, lower: Any, v: Any) -> None:
    """Transform columns of 8 pixels, (4, n) and (4, n)."""
    x, y = upper, lower
    for i in range(v.shape[1]):
        v[0, i], v[1, i], v[2, i], v[3, i], v[4, i], v[5, i], v[6, i], v[7, i] = _cosines(
            x[0, i], x[1, i], x[2, i], x[3, i], y[0, i], y[1, i], y[2, i], y[3, i]
        )


@_kernel  # type: ignore[untyped-decorator]
def _transform_back(v: Any) -> None:
    for i in range(v.shape[1]):
        v[0, i], v[1, i], v[2, i], v[3, i], v[4, i], v[5, i], v[6, i], v[7, i] = _from_cosines(
            v[0, i], v[1, i], v[2, i], v[3, i], v[4, i], v[5, i], v[6, i], v[7, i]
        )


@_kernel  # type: ignore[untyped-decorator]
def _transform_across(x: Any, v: Any) -> None:
    """Transform 8 pixels in a row, which lie in two columns of the 4 phases."""
    for i in range(v.shape[1]):
        v[0, i], v[1, i], v[2, i], v[3, i], v[4, i], v[5, i], v[6, i], v[7, i] = _cosines(
            x[0, i], x[1, i], x[2, i], x[3, i], x[0, i + 1], x[1, i + 1], x[2, i + 1], x[3, i + 1]
        )


@_kernel  # type: ignore[untyped-decorator]
def _cosines(x0: Any, x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any, x7: Any) -> Any:
    """Discrete cosine transform of 8 values, orthonormal, even and odd parts apart."""
    s0, s1, s2, s3 = x0 + x7, x1 + x6, x2 + x5, x3 + x4
    d0, d1, d2, d3 = x0 - x7, x1 - x6, x2 - x5, x3 - x4
    return (
        _C4 * (s0 + s3 + s1 + s2),
        _C1 * d0 + _C3 * d1 + _C5 * d2 + _C7 * d3,
        _C2 * (s0 - s3) + _C6 * (s1 - s2),
        _C3 * d0 - _C7 * d1 - _C1 * d2 - _C5 * d3,
        _C4 * (s0 + s3 - s1 - s2),
        _C5 * d0 - _C1 * d1 + _C7 * d2 + _C3 * d3,
        _C6 * (s0 - s3) - _C2 * (s1 - s2),
        _C7 * d0 - _C5 * d1 + _C3 * d2 - _C1 * d3,
    )


@_kernel  # type: ignore[untyped-decorator]
def _from_cosines(c0: Any, c1: Any, c2: Any, c3: Any, c4: Any, c5: Any, c6: Any, c7: Any) -> Any:
    """Inverse, and transpose, of `_cosines`."""
    a0, a1 = _C4 * (c0 + c4), _C4 * (c0 - c4)
    b0, b1 = _C2 * c2 + _C6 * c6, _C6 * c2 - _C2 * c6
    s0, s1, s2, s3 = a0 + b0, a1 + b1, a1 - b1, a0 - b0
    d0 = _C1 * c1 + _C3 * c3 + _C5 * c5 + _C7 * c7
    d1 = _C3 * c1 - _C7 * c3 - _C1 * c5 - _C5 * c7
    d2 = _C5 * c1 - _C1 * c3 + _C7 * c5 + _C3 * c7
    d3 = _C7 * c1 - _C5 * c3 + _C3 * c5 - _C1 * c7
    return s0 + d0, s1 + d1, s2 + d2, s3 + d3, s3 - d3, s2 - d2, s1 - d1, s0 - d0

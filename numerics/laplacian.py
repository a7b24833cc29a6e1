"""Fused passes of derivatives and back: ``D^T W D``, with weights or a threshold as ``W``.

One pass over the rows, in place, instead of one for each derivative, weight and adjoint, which are
memory traffic and little else. For first derivatives the sums are those of `numerics.derivatives`,
in the same order: results are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from numerics.derivatives import Field

Plane = NDArray[np.float32]
Planes = NDArray[np.float32]

_kernel = numba.njit(nogil=True, cache=True, error_model="numpy")


def weigh_gradient(plane: Plane, weights: Sequence[Plane] | Field) -> None:
    """Differentiate, weigh both directions of each pixel, and apply the adjoint: in place.

    Parameters
    ----------
    plane : (H, W) float32
        Borders wrap. Becomes ``gradient_adjoint(weights * gradient(plane))``.
    weights : two of (H, W) float32
        Of the differences down and along the rows.
    """
    _weigh(plane, *weights)


def keep_edges(plane: Plane, threshold: float) -> None:
    """Keep of a plane's derivatives those of edges, and apply the adjoint: in place.

    Parameters
    ----------
    plane : (H, W) float32
        Borders wrap.
    threshold : float
        Both directions of a pixel become 0 where their squares sum to less.
    """
    _keep_edges(plane, np.float32(threshold))


def weigh_two_orders(plane: Plane, first: Field, second: NDArray[np.float32]) -> None:
    """Differentiate once and twice, weigh both, and apply the adjoints: in place.

    Parameters
    ----------
    plane : (H, W) float32
        Borders wrap. Becomes the sum of ``D^T (weights * D plane)`` over the derivatives D.
    first : (2, H, W) float32
        Weights of the derivatives y, x.
    second : (3, H, W) float32
        Those of yy, xx, xy.
    """
    _weigh_two_orders(plane, first, second)


@_kernel  # type: ignore[untyped-decorator]
def _weigh(plane: Any, down_weights: Any, along_weights: Any) -> None:
    height, width = plane.shape
    above, down = np.empty(width, np.float32), np.empty(width, np.float32)
    along = np.empty(width, np.float32)
    first = plane[0].copy()
    _differentiate(plane[height - 1], first, above, along)
    _multiply(above, down_weights[height - 1])
    for y in range(height):
        _differentiate(plane[y], plane[y + 1] if y + 1 < height else first, down, along)
        _multiply(down, down_weights[y])
        _multiply(along, along_weights[y])
        _diverge(above, down, along, plane[y])
        above, down = down, above


@_kernel  # type: ignore[untyped-decorator]
def _keep_edges(plane: Any, threshold: Any) -> None:
    height, width = plane.shape
    above, down = np.empty(width, np.float32), np.empty(width, np.float32)
    along = np.empty(width, np.float32)
    first = plane[0].copy()
    _differentiate(plane[height - 1], first, above, along)
    _zero_weak(above, along, threshold)
    for y in range(height):
        _differentiate(plane[y], plane[y + 1] if y + 1 < height else first, down, along)
        _zero_weak(down, along, threshold)
        _diverge(above, down, along, plane[y])
        above, down = down, above


@_kernel  # type: ignore[untyped-decorator]
def _weigh_two_orders(plane: Any, first: Any, second: Any) -> None:
    height, width = plane.shape
    down, along = np.empty_like(plane), np.empty_like(plane)
    for y in range(height):
        _differentiate(plane[y], plane[(y + 1) % height], down[y], along[y])
    twice = np.empty_like(second)
    row, unused = np.empty(width, np.float32), np.empty(width, np.float32)
    for y in range(height):
        below = (y + 1) % height
        _differentiate(down[y], down[below], twice[0, y], twice[2, y])
        _differentiate(along[y], along[below], unused, twice[1, y])
    for y in range(height):
        for number in range(3):
            _multiply(twice[number, y], second[number, y])
        _multiply(down[y], first[0, y])
        _multiply(along[y], first[1, y])
    for y in range(height):
        _diverge(twice[0, y - 1], twice[0, y], twice[2, y], row)
        _add(down[y], row)
        _diverge_along(twice[1, y], row)
        _add(along[y], row)
    for y in range(height):
        _diverge(down[y - 1], down[y], along[y], plane[y])


@_kernel  # type: ignore[untyped-decorator]
def _differentiate(row: Any, below: Any, down: Any, along: Any) -> None:
    """Forward differences of one row."""
    width = row.size
    for x in range(width):
        down[x] = below[x] - row[x]
    for x in range(width - 1):
        along[x] = row[x + 1] - row[x]
    along[width - 1] = row[0] - row[width - 1]


@_kernel  # type: ignore[untyped-decorator]
def _add(line: Any, other: Any) -> None:
    for x in range(line.size):
        line[x] += other[x]


@_kernel  # type: ignore[untyped-decorator]
def _multiply(line: Any, weights: Any) -> None:
    for x in range(line.size):
        line[x] *= weights[x]


@_kernel  # type: ignore[untyped-decorator]
def _zero_weak(down: Any, along: Any, threshold: Any) -> None:
    for x in range(down.size):
        strong = down[x] * down[x] + along[x] * along[x] >= threshold
        down[x] = down[x] if strong else np.float32(0)
        along[x] = along[x] if strong else np.float32(0)


@_kernel  # type: ignore[untyped-decorator]
def _diverge(above: Any, down: Any, along: Any, out: Any) -> None:
    """Adjoint of the differences, for one row."""
    width = out.size
    out[0] = ((-down[0] - along[0]) + above[0]) + along[width - 1]
    for x in range(1, width):
        out[x] = ((-down[x] - along[x]) + above[x]) + along[x - 1]


@_kernel  # type: ignore[untyped-decorator]
def _diverge_along(along: Any, out: Any) -> None:
    """Adjoint of the differences along one row."""
    width = out.size
    out[0] = along[width - 1] - along[0]
    for x in range(1, width):
        out[x] = along[x - 1] - along[x]

"""Fused passes of derivatives and back: ``D^T W D``, with weights or a threshold as ``W``.

One pass over the rows instead of one for each derivative, weight and adjoint, which are memory
traffic and little else. The sums are those of `numerics.derivatives`, in the same order: results
are the same to the last bit.
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


def weighted_laplacian(planes: Planes, weights: Sequence[Plane] | Field) -> Planes:
    """Differentiate, weigh both directions of each pixel, and apply the adjoint.

    Parameters
    ----------
    planes : (n, H, W) float32
        Borders wrap.
    weights : two of (H, W) float32
        Of the differences down and along the rows.

    Returns
    -------
    (n, H, W) float32
        ``gradient_adjoint(weights * gradient(plane))`` of each plane.
    """
    result = np.empty_like(planes)
    down, along = weights
    for plane, out in zip(planes, result, strict=True):
        _weigh(plane, down, along, out)
    return result


def laplacian_of_edges(plane: Plane, threshold: float) -> Plane:
    """Keep of a plane's derivatives those of edges, and apply the adjoint.

    Parameters
    ----------
    plane : (H, W) float32
        Borders wrap.
    threshold : float
        Both directions of a pixel become 0 where their squares sum to less.

    Returns
    -------
    (H, W) float32
    """
    result = np.empty_like(plane)
    _keep_edges(plane, np.float32(threshold), result)
    return result


@_kernel  # type: ignore[untyped-decorator]
def _weigh(plane: Any, down_weights: Any, along_weights: Any, out: Any) -> None:
    height, width = plane.shape
    above, down = np.empty(width, np.float32), np.empty(width, np.float32)
    along = np.empty(width, np.float32)
    _differentiate(plane, height - 1, above, along)
    _multiply(above, down_weights[height - 1])
    for y in range(height):
        _differentiate(plane, y, down, along)
        _multiply(down, down_weights[y])
        _multiply(along, along_weights[y])
        _diverge(above, down, along, out[y])
        above, down = down, above


@_kernel  # type: ignore[untyped-decorator]
def _keep_edges(plane: Any, threshold: Any, out: Any) -> None:
    height, width = plane.shape
    above, down = np.empty(width, np.float32), np.empty(width, np.float32)
    along = np.empty(width, np.float32)
    _differentiate(plane, height - 1, above, along)
    _zero_weak(above, along, threshold)
    for y in range(height):
        _differentiate(plane, y, down, along)
        _zero_weak(down, along, threshold)
        _diverge(above, down, along, out[y])
        above, down = down, above


@_kernel  # type: ignore[untyped-decorator]
def _differentiate(plane: Any, y: Any, down: Any, along: Any) -> None:
    """Forward differences of one row."""
    height, width = plane.shape
    row, below = plane[y], plane[(y + 1) % height]
    for x in range(width):
        down[x] = below[x] - row[x]
    for x in range(width - 1):
        along[x] = row[x + 1] - row[x]
    along[width - 1] = row[0] - row[width - 1]


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

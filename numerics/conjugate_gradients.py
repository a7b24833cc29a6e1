"""Solve symmetric positive definite systems whose matrix is known by what it does to planes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.float32]
Operator = Callable[[Planes], Planes]


def conjugate_gradients(
    apply: Operator,
    target: Planes,
    start: Planes | None,
    steps: int,
    precondition: Operator | None = None,
    *,
    tolerance: float = 0.0,
) -> Planes:
    """Go some steps of conjugate gradients towards the solution of ``apply(x) == target``.

    Parameters
    ----------
    apply : callable
        Linear, symmetric, positive definite; must treat each plane by itself. What it gives is
        used up before it, or `precondition`, is called again: it may be the same array each time.
    target, start : (..., H, W) float32
        Each plane is a system of its own. No start: from 0.
    steps : int
        At most.
    precondition : callable, optional
        Approximate inverse of `apply`; symmetric, positive definite.
    tolerance : float, optional
        No further steps once what is left of every plane's target, as long as the preconditioner
        measures it, is no longer than this share of the target. By default all steps are gone.

    Returns
    -------
    (..., H, W) float32
    """
    solution = np.zeros_like(target) if start is None else start.copy()
    residual = target.copy() if start is None else target - apply(start)
    direction = np.zeros_like(residual)
    last = np.full((*residual.shape[:-2], 1, 1), np.inf, np.float32)
    enough = None
    if tolerance:
        conditioned = target if precondition is None else precondition(target)
        enough = tolerance**2 * _product(target, conditioned)
    for _ in range(steps):
        conditioned = residual if precondition is None else precondition(residual)
        energy = _product(residual, conditioned)
        if enough is not None and np.all(energy <= enough):
            break
        # In place: planes of tiles are so large that fresh memory costs more than the arithmetic.
        direction *= _ratio(energy, last)
        direction += conditioned
        image = apply(direction)
        length = _ratio(energy, _product(direction, image))
        solution += length * direction
        residual -= np.multiply(image, length, out=image)
        last = energy
    return solution


def _product(a: Planes, b: Planes) -> NDArray[np.float32]:
    return np.asarray(np.sum(a * b, axis=(-2, -1), keepdims=True))


def _ratio(over: Planes, under: Planes) -> Planes:
    """Divide, giving 0 where a plane is solved already and nothing is left to divide by."""
    return np.divide(over, under, out=np.zeros_like(over), where=np.greater(under, 0))

"""Find where in a picture a blur is best measured.

That is where edges lie in many directions, nothing is burnt out and noise is low. A picture is
judged in blocks, so that it can stream: `measure_blocks` sums what a block holds, `choose_window`
compares all windows by means over their blocks. Contrast is measured on the square root of the
light, in which the noise of a sensor is about even: dark parts, all noise, and bright ones, all
light, count for no more than their detail stands out of the noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Blocks = NDArray[np.float32]
"""(6, rows, columns): contrast, cos 2a, sin 2a, cos 4a, sin 4a, clipped, of `measure_blocks`."""

_CONTRAST, _CLIPPED = 0, 5
_HARMONICS = slice(0, 5)
_ANGLES = np.arange(8) * (np.pi / 8)
# cos^4 x = 3/8 + cos(2 x) / 2 + cos(4 x) / 8
_COS4 = np.stack(
    [
        np.full(8, 3 / 8),
        np.cos(2 * _ANGLES) / 2,
        np.sin(2 * _ANGLES) / 2,
        np.cos(4 * _ANGLES) / 8,
        np.sin(4 * _ANGLES) / 8,
    ],
    axis=1,
)
_WHITE = 0.98
_OFFSET = 1e-3  # light added before the root, which is too steep at 0
# White noise adds its variance to the power of each of both derivatives. It is taken off twice:
# noise that was smoothed by a camera has less power in the fine filter than in the derivatives.
_NOISE_MARGIN = 2.0
_TOLERATED_CLIPPED = 0.03  # share of clipped pixels that costs a window 63 % of its score
# Share of directions at which a window has half its score. On 57 windows of photographs contrast
# foretold the likeness of the PSF best, directions little; only without any it is lost.
_HALF_DIRECTIONS = 0.05
_LARGEST_BLOCK = 32
_STRIP = 128  # rows at a time, a multiple of any block: they stay in the processor's cache
_BLOCKS_A_WINDOW = 4


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture, and how it was judged.

    Attributes
    ----------
    left, top, width, height : int
        Pixels.
    contrast : float
        Mean over the blocks of the RMS slope per pixel of the square root of the light, noise
        taken off; 0 if there is nothing to see.
    directions : float
        0: edges in one direction only; 1: in all alike.
    clipped : float
        Share of the pixels that have a channel at white.
    """

    left: int
    top: int
    width: int
    height: int
    contrast: float
    directions: float
    clipped: float


def block_side(size: tuple[int, int]) -> int:
    """Side of the blocks for windows of `size` (width, height): a power of 2 up to 32, pixels."""
    side = _LARGEST_BLOCK
    while side > 4 and side * _BLOCKS_A_WINDOW > min(size):
        side //= 2
    return side


def measure_blocks(light: NDArray[np.float32], side: int) -> Blocks:
    """Sum up what the blocks of a part of the picture hold.

    The slope g is that between opposite edges of 2 x 2 pixels of the root of the mean of the
    channels, at the angle a. Noise is told by the filter [1 -2 1] x [1 -2 1] / 6, which straight
    edges and blurred texture hardly pass.

    Parameters
    ----------
    light : (H, W, channel) float32
        Linear light, 1 is white.
    side : int
        Of a block, pixels. What is left over at the right and below is not looked at.

    Returns
    -------
    (6, H // side, W // side) float32
        Contrast ``c = sqrt(|g|^2 - noise)``; the second and fourth harmonic of the directions,
        c times the means of cos 2a, sin 2a, cos 4a, sin 4a, weighted by ``|g|^2``; the share of
        clipped pixels.
    """
    height, width = (n // side * side for n in light.shape[:2])
    if 0 in (height, width):
        return np.zeros((6, height // side, width // side), np.float32)
    strips = [light[top : min(top + _STRIP, height), :width] for top in range(0, height, _STRIP)]
    return np.concatenate([_measure(strip, side) for strip in strips], axis=1)


def choose_window(
    blocks: Blocks, side: int, shape: tuple[int, int], size: tuple[int, int]
) -> Window:
    """Find the window that tells most of the blur.

    Its score is ``contrast * directions / (directions + 0.05) * exp(-clipped / 0.03)``. Contrast
    in the direction d is the mean of ``c cos^4(a - d)``, which follows from the harmonics;
    directions is the least over d, relative to that of even edges. A block counts by its
    contrast, not by the square of it: one hard edge does not stand for a window.

    Parameters
    ----------
    blocks : (6, rows, columns) float32
        Of `measure_blocks`, put together for the whole picture.
    side : int
        Of a block, pixels.
    shape : (int, int)
        Height and width of the picture.
    size : (int, int)
        Width and height of the window; along an axis where the picture is smaller, all of it.

    Returns
    -------
    Window
        The best of those that begin at a block; the middle if no window shows anything.
    """
    height, width = shape
    wide, high = min(size[0], width), min(size[1], height)
    middle = (width // 2 - wide // 2, height // 2 - high // 2)
    if 0 in blocks.shape:
        return _judged(*middle, wide, high, np.zeros(6))
    count = (max(1, high // side), max(1, wide // side))
    means = _window_means(blocks, count)
    score = _score(means)
    row, column = np.unravel_index(int(np.argmax(score)), score.shape)
    best = means[:, row, column]
    if not score[row, column] > 0:
        return _judged(*middle, wide, high, best)
    left = _start(int(column), count[1], side, wide, width)
    top = _start(int(row), count[0], side, high, height)
    return _judged(left, top, wide, high, best)


def _measure(light: NDArray[np.float32], side: int) -> Blocks:
    """Do the work of `measure_blocks` for whole blocks."""
    brightest, mean = _brightest_and_mean(light)
    root = np.sqrt(np.maximum(mean, 0.0) + np.float32(_OFFSET))
    power, harmonics = _directions(root, side)
    noise = 2 * _NOISE_MARGIN * _block_means(_fine(root) ** 2, side)
    signal = np.maximum(power - noise, 0.0)
    contrast = np.sqrt(signal)
    share = np.divide(contrast, signal, out=np.zeros_like(signal), where=signal > 0)
    clipped = _block_means((brightest >= _WHITE).astype(np.float32), side)
    return np.stack([contrast, *(share * harmonic for harmonic in harmonics), clipped])


def _brightest_and_mean(
    light: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Maximum and mean of the channels; one by one, since numpy is slow along a short axis."""
    first, *others = np.moveaxis(light, 2, 0)
    if not others:
        return first, first
    brightest, total = first.copy(), first.copy()
    for channel in others:
        np.maximum(brightest, channel, out=brightest)
        total += channel
    total /= np.float32(light.shape[2])
    return brightest, total


def _directions(
    plane: NDArray[np.float32], side: int
) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """Mean power of the slope in each block, and its harmonics: cos 2a, sin 2a, cos 4a, sin 4a.

    In the differences u, v along both diagonals they need no angle: ``|g|^2 = (u^2 + v^2) / 2``,
    ``|g|^2 cos 2a = -u v``, ``|g|^2 sin 2a = (u^2 - v^2) / 2``.
    """
    u = _extended(plane[1:, 1:] - plane[:-1, :-1], 0)
    v = _extended(plane[1:, :-1] - plane[:-1, 1:], 0)
    cos2 = -u * v
    u *= u
    v *= v
    power = (u + v) * np.float32(0.5)
    sin2 = (u - v) * np.float32(0.5)
    turned = sin2 / (power + np.float32(1e-20))
    cos4 = power - 2 * sin2 * turned
    sin4 = 2 * cos2 * turned
    means = [_block_means(part, side) for part in (power, cos2, sin2, cos4, sin4)]
    return means[0], means[1:]


def _fine(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Filter by [1 -2 1] x [1 -2 1] / 6, which keeps the deviation of white noise."""
    down = plane[:-2] + plane[2:] - 2 * plane[1:-1]
    both = down[:, :-2] + down[:, 2:] - 2 * down[:, 1:-1]
    return _extended(both / np.float32(6), 1)


def _extended(plane: NDArray[np.float32], before: int) -> NDArray[np.float32]:
    """Repeat the values at the rim: one row and column at the end, `before` at the begin."""
    return np.pad(plane, (before, 1), mode="edge")


def _block_means(plane: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    height, width = plane.shape
    rows = plane.reshape(height // side, side, width).sum(axis=1)
    sums = rows.reshape(height // side, width // side, side).sum(axis=2)
    return np.asarray(sums / side**2, np.float32)


def _window_means(blocks: Blocks, count: tuple[int, int]) -> NDArray[np.float64]:
    """Means over all windows of ``count`` (rows, columns) blocks, by an integral image."""
    sums = np.pad(blocks.astype(np.float64).cumsum(1).cumsum(2), ((0, 0), (1, 0), (1, 0)))
    rows, columns = (min(n, size) for n, size in zip(count, blocks.shape[1:], strict=True))
    tall = sums[:, rows:] - sums[:, :-rows]
    means: NDArray[np.float64] = (tall[:, :, columns:] - tall[:, :, :-columns]) / (rows * columns)
    return means


def _score(means: NDArray[np.float64]) -> NDArray[np.float64]:
    directions = _evenness(means)
    spread = directions / (directions + _HALF_DIRECTIONS)
    burnt = np.exp(-means[_CLIPPED] / _TOLERATED_CLIPPED)
    return np.asarray(means[_CONTRAST] * spread * burnt)


def _evenness(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Contrast in the direction that has least of it, over that of even edges: 0 to 1."""
    least = np.tensordot(_COS4, means[_HARMONICS], axes=1).min(axis=0)
    even = _COS4[0, 0] * np.maximum(means[_CONTRAST], 1e-12)
    return np.asarray(np.clip(least / even, 0.0, 1.0))


def _start(block: int, count: int, side: int, length: int, limit: int) -> int:
    """Begin of a window of `length` px whose middle is that of its `count` blocks."""
    start = block * side - (length - count * side) // 2
    return min(max(start, 0), limit - length)


def _judged(left: int, top: int, width: int, height: int, means: NDArray[np.float64]) -> Window:
    contrast, clipped = float(means[_CONTRAST]), float(means[_CLIPPED])
    return Window(left, top, width, height, contrast, float(_evenness(means)), clipped)

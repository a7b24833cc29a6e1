"""Deconvolution with a known psf by half-quadratic splitting.

Minimises, over the latent picture x,

    lambda / 2 |k * x - y|^2  +  sum |D x|^p,

D being first differences and the length |.| of a gradient taken over both directions and all
channels. The gradients get a variable w of their own, tied to D x by ``beta / 2 |w - D x|^2``
with beta growing from step to step. Each step shrinks the gradients (see `shrinkage`), then
solves for x, which is one division in the Fourier domain:

    X = (lambda conj(K) Y + beta F(D^T w)) / (lambda |K|^2 + beta |D|^2).

One pair of transforms a channel and step is all there is to it. The first step takes w for 0, as
all gradients of a blurred picture are so small beside its beta that they vanish.

Last come steps with another prior: z, the latent picture with its blocks shrunk (see
`block_shrinkage`), takes the place of the gradients,

    X = (conj(K) Y + a Z) / (|K|^2 + a),

a being the variance of the blurred picture's noise over that of the latent's errors. Gradients
alone leave noise that has the form of edges, which blocks tell from edges; blocks alone take many
more steps to find them [3]_.

Light is not negative: what of the latent picture is darker than anything can be is ringing, and is
cut off before its gradients or blocks are shrunk. Highlights that are clipped are found before, see
`highlights`.

Where a tile reaches beyond the picture, what lies there is sought after some of the steps (see
`unknown_border`), which costs more pairs.

References
----------
.. [1] Krishnan & Fergus, Fast image deconvolution using hyper-Laplacian priors, NIPS 2009.
.. [2] Wang, Yang, Yin & Zhang, A new alternating minimization algorithm for total variation
       image reconstruction, SIAM J. Imaging Sciences 1(3), 2008.
.. [3] Venkatakrishnan, Bouman & Wohlberg, Plug-and-play priors for model based reconstruction,
       GlobalSIP 2013.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numba
import numpy as np

from numerics.block_shrinkage import STRIDE, BlockLines, shrink_blocks
from numerics.fft import Planes, PlaneTransforms, Spectrum, half_width
from numerics.highlights import NOT_CLIPPED, Clipping, Highlights
from numerics.otf import Blur
from numerics.outside import Inside
from numerics.shrinkage import ANY_LIGHT, Lines, shrink_gradients
from numerics.unknown_border import NO_CORRECTION, Correction, StepOf, UnknownBorder

# As in shrinkage: fastmath for vector instructions, on values that are finite.
_kernel = numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")


class NotFiniteError(ValueError):
    """The picture holds NaN or infinity, which a transform would spread over all of it."""


@dataclass(frozen=True, slots=True)
class BlockStep:
    """A step whose prior are sparse blocks.

    Attributes
    ----------
    weight : float
        Of the latent picture with its blocks shrunk, beside the data: a.
    threshold : float
        See `shrink_blocks`; of full scale.
    """

    weight: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is settled once for a picture, before its tiles.

    Attributes
    ----------
    fidelity : float
        Weight of the data term, lambda in [1]_: less noise, more weight.
    exponent : float in (0, 1]
        p: 2/3 or somewhat less fits the gradients of photographs, 1 is total variation.
    betas : tuple of float
        Coupling of w and D x, one a step, growing. In the first step w is 0.
    blocks : tuple of BlockStep
        Steps after those.
    correction : Correction
        Of what lies beyond the picture's border.
    clipping : Clipping
        Where highlights are clipped.
    darkest : float
        Linear light; nothing is darker.
    """

    fidelity: float
    exponent: float
    betas: tuple[float, ...]
    blocks: tuple[BlockStep, ...] = ()
    correction: Correction = NO_CORRECTION
    clipping: Clipping = NOT_CLIPPED
    darkest: float = ANY_LIGHT

    @property
    def steps(self) -> int:
        """Number of all steps."""
        return len(self.betas) + len(self.blocks)

    def transform_pairs(self, shape: tuple[int, int], inside: Inside) -> float:
        """Pairs of transforms a channel for a tile; those of bands by their share of it.

        Those that highlights take depend on the picture, and are left out.
        """
        corrections = sum(step < self.steps for step in self.correction.steps)
        return self.steps + corrections * self.correction.transform_pairs(inside, shape)


def growing_betas(start: float, first: float, last: float, count: int) -> tuple[float, ...]:
    """Coupling for a start and `count` more steps, from `first` to `last` by one factor."""
    return start, *np.geomspace(first, last, count).tolist()


class TileSolver:
    """Deconvolves periodic planes in buffers of its own: one for each thread, used again.

    Fill `planes` (see `boundary.fold_planes`), call `solve`, and find the latent picture there.

    Parameters
    ----------
    blur : Blur
    channels : int
    schedule : Schedule

    Attributes
    ----------
    planes : (channel, H, W) float32
        Linear light, in units in which all channels have as much noise, as is what the schedule
        says of light; neither clipped before nor after.
    """

    def __init__(self, blur: Blur, channels: int, schedule: Schedule) -> None:
        self._blur = blur
        self._schedule = schedule
        self._transforms = PlaneTransforms(channels, blur.shape)
        half = self._transforms.spectrum.shape
        self._targets: Spectrum = np.empty((channels, *half), np.complex64)
        self._lines = Lines.allocate(channels, blur.shape[1])
        self._block_lines = BlockLines.allocate(channels, blur.shape[1])
        self._border: UnknownBorder | None = None
        self._border_now: UnknownBorder | None = None
        self._highlights: Highlights | None = None
        if schedule.clipping.levels:
            self._highlights = Highlights(blur, schedule.clipping)
        self.planes: Planes = self._transforms.planes

    @staticmethod
    def bytes_needed(
        shape: tuple[int, int],
        channels: int,
        schedule: Schedule,
        insides: Iterable[Inside],
        psf_size: int,
    ) -> int:
        """Most bytes that a solver of planes of `shape`, with these insides, will hold."""
        height, width = shape
        targets = 8 * channels * height * half_width(width)
        needed = PlaneTransforms.bytes_needed(channels, shape) + targets
        if schedule.correction.steps:
            needed += UnknownBorder.bytes_needed(channels, shape, insides, schedule.correction)
        if schedule.clipping.levels:
            needed += Highlights.bytes_needed(channels, shape, psf_size)
        return needed

    def solve(self, inside: Inside | None = None, origin: tuple[int, int] = (0, 0)) -> None:
        """Replace `planes` by the latent picture.

        Parameters
        ----------
        inside : Inside, optional
            What of the planes lies inside of the picture; all of it if not given.
        origin : (int, int)
            Row and column of the picture at which the planes begin: blocks lie at the same places
            of the picture in all its tiles.

        Raises
        ------
        NotFiniteError
            If `planes` holds NaN or infinity.
        """
        schedule = self._schedule
        rows, columns = self._blur.shape
        inside = Inside((0, rows), (0, columns)) if inside is None else inside
        if self._highlights:
            self._highlights.take_out(self.planes, inside, origin)
        self._border_now = self._load_border(inside)
        for number, beta in enumerate(schedule.betas):
            if number:
                shrink_gradients(
                    self.planes,
                    beta,
                    schedule.exponent,
                    self._lines,
                    darkest=schedule.darkest,
                )
            self._solve_for_picture(number, partial(Blur.step, weight=schedule.fidelity / beta))
        for number, step in enumerate(schedule.blocks):
            # Every other step has its blocks in between those of the one before.
            top, left = ((number % 2 * STRIDE // 2 - start) % STRIDE for start in origin)
            shrink_blocks(
                self.planes,
                step.threshold,
                offset=(top, left),
                lines=self._block_lines,
                darkest=schedule.darkest,
            )
            self._solve_for_picture(
                len(schedule.betas) + number,
                partial(Blur.block_step, weight=1.0 / step.weight),
            )
        if self._highlights:
            self._highlights.put_back(self.planes)

    def _solve_for_picture(self, number: int, step_of: StepOf) -> None:
        """Turn planes of D^T w, or z, into the latent picture; first those of the blurred one."""
        transforms, schedule = self._transforms, self._schedule
        corrected = self._border_now if number in schedule.correction.steps else None
        scale = np.float32(transforms.scale)
        for channel, target in enumerate(self._targets):
            step = step_of(self._blur, channel)
            transforms.forward(channel)
            spectrum = transforms.spectrum
            if number:
                _divide(spectrum, target, *step[1:], scale)
            else:
                # The zero frequency sums all pixels, so it tells for free whether all are finite.
                if not np.isfinite(spectrum[0, 0]):
                    message = "picture holds NaN or infinite pixels. Repair them first."
                    raise NotFiniteError(message)
                _begin(spectrum, target, *step, scale)
            if corrected:
                corrected.correct(channel, step_of, target)
            transforms.inverse(channel)

    def _load_border(self, inside: Inside) -> UnknownBorder | None:
        correction = self._schedule.correction
        if inside.is_all(self._blur.shape) or not correction.steps:
            return None
        if self._border is None:
            self._border = UnknownBorder(self._blur, self._transforms, correction)
        self._border.load(inside)
        return self._border


@_kernel  # type: ignore[untyped-decorator]
def _begin(
    spectrum: Any,
    target: Any,
    conjugate: Any,
    power: Any,
    rows: Any,
    columns: Any,
    weight: Any,
    scale: Any,
) -> None:
    """Keep conj(K) Y, all that the steps need of the blurred picture, and take w for 0."""
    for y in range(spectrum.shape[0]):
        _move_line(spectrum[y], conjugate[y], target[y])
        _divide_line(spectrum[y], target[y], power[y], columns, rows[y], weight, scale)


@_kernel  # type: ignore[untyped-decorator]
def _move_line(line: Any, factor: Any, product: Any) -> None:
    for x in range(line.size):
        product[x] = factor[x] * line[x]
        line[x] = np.float32(0)


@_kernel  # type: ignore[untyped-decorator]
def _divide(
    spectrum: Any, target: Any, power: Any, rows: Any, columns: Any, weight: Any, scale: Any
) -> None:
    """Turn F(D^T w) into the scaled spectrum of the picture, in one pass."""
    for y in range(spectrum.shape[0]):
        _divide_line(spectrum[y], target[y], power[y], columns, rows[y], weight, scale)


@_kernel  # type: ignore[untyped-decorator]
def _divide_line(
    line: Any, target: Any, power: Any, columns: Any, row: Any, weight: Any, scale: Any
) -> None:
    for x in range(line.size):
        share = scale / (weight * power[x] + (row + columns[x]))
        line[x] = (weight * target[x] + line[x]) * share

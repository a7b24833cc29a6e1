"""Refine a PSF: average over the latents that it allows, instead of trusting the best one.

The latent is taken as gaussian, each of its derivatives with a variance of its own. What
deconvolution leaves uncertain in it is coloured, as deep as the frequencies that the PSF swallows.
One random latent of that distribution, which one more right-hand side gives [2]_, shows it whole:
its autocorrelation enters the equations of the PSF.

So taught, a PSF that is somewhat too blurred sharpens for dozens of iterations, by less and less.
Steps that resemble each other are extrapolated [3]_.

References
----------
.. [1] Levin, Weiss, Durand & Freeman, Efficient marginal likelihood optimization in blind
       deconvolution, CVPR 2011.
.. [2] Papandreou & Yuille, Gaussian sampling by local perturbations, NIPS 2010.
.. [3] Varadhan & Roland, Simple and globally convergent methods for accelerating the convergence of
       any EM algorithm, Scandinavian Journal of Statistics 35(2), 2008.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from numerics.canvas import Canvas
from numerics.derivatives import (
    Field,
    gradient,
    gradient_adjoint,
    gradient_power,
    gradient_response,
)
from numerics.fft import irfft2, rfft2, squared_norm
from numerics.laplacian import weigh_gradient
from numerics.latent_system import LatentSystem
from numerics.psf import normalise, psf_to_otf
from numerics.psf_cleaning import clean_psf
from numerics.psf_step import solve_non_negative, spectral_equations
from numerics.work import Work

Plane = NDArray[np.float32]
Planes = NDArray[np.float32]
Psf = NDArray[np.float32]
Spectrum = NDArray[np.complex64]
Spectra = NDArray[np.complex64]

# Of the sample's derivatives, what is unexplained besides noise. Falling, so that the first
# iterations forgive what is wrong with the first PSF.
_FIRST_MISFIT = 2e-4
LEAST_MISFIT = 4e-6
"""What a PSF that is the same everywhere leaves over on photographs, at the end."""
_ITERATIONS = 7
# After these: cycles of three iterations, the third from where the first two lead in so many steps
# at most.
_CYCLES, _FARTHEST = 3, 8.0
_LEAST_VARIANCE = np.float32(1e-4)
# Share of what its own square says in a derivative's variance; the rest says the mean of both
# directions. Edges have one direction, but an estimate that has it wrong must be able to turn.
_OF_ITS_OWN = np.float32(0.5)
# Of the latent's derivatives, everywhere: texture that is too faint to show. Without it a PSF that
# sharpens explains what such texture does to the sample.
_TEXTURE_VARIANCE = np.float32(1e-5)
_NOISE_TO_SIGNAL = np.float32(0.02)
# Towards the latent: most steps, what may be left over, and the noise at which half of that may.
# Noise leaves the latent to its prior, whose variances differ from pixel to pixel by orders of
# magnitude: it takes three times as many steps, and where they end too early, PSFs grow dust.
_CG_STEPS, _CG_TOLERANCE, _CG_NOISE = 40, 0.08, 0.03
# While the PSF settles, differences between its steps count; each begins where the last one ended.
_SETTLING_STEPS, _SETTLING_TOLERANCE = 12, 0.01
# Of the squared latent, whose mean its derivatives don't tell.
_MEAN_WEIGHT = 1e-4
# Of the PSF, as a share of the power of the latent's derivatives: keeps its equations regular.
_RIDGE = 1e-5
# What is left of dust is uniform and faint; thin parts of a PSF are hardly brighter.
_FAINTEST, _SPECK = 0.02, 0.05
_COST = 6.0


def refinement_cost(canvas: Canvas, *, settle: bool = False) -> float:
    """Work that `refine_psf` reports, in iterations of a climb times pixels."""
    return _COST * (_ITERATIONS + 3 * _CYCLES * settle) * canvas.plane.size


def refine_psf(
    canvas: Canvas,
    psf: Psf,
    noise: float,
    work: Work,
    *,
    misfit: float = LEAST_MISFIT,
    settle: bool = False,
) -> Psf:
    """Improve a PSF that is about right already.

    Parameters
    ----------
    canvas : Canvas
        The sample at full scale, of range about 0.75.
    psf : (size, size) float32
        To begin with.
    noise : float
        Standard deviation of the sample's noise.
    work : Work
    misfit : float
        Variance of what besides noise stays unexplained of the sample's derivatives at the end.
    settle : bool
        Go on at the end until the PSF hardly changes any more, which takes twice the time.

    Returns
    -------
    (size, size) float32
        Cleaned, not recentred.
    """
    refinement = _Refinement(canvas, psf, noise, work)
    misfits = _misfits(noise, misfit)
    for forgiven in misfits:
        psf = refinement.improve(psf, forgiven, refinement.draw(), _CG_STEPS, _CG_TOLERANCE)
    if settle:
        psf = _settle(refinement, psf, misfits[-1])
    return clean_psf(psf, faintest=_FAINTEST, speck=_SPECK)


def _settle(refinement: _Refinement, psf: Psf, misfit: np.float32) -> Psf:
    """Iterate, and go each third time from where the last two steps lead."""
    # The same for all, lest steps differ by chance.
    draws = refinement.draw()

    def improve(psf: Psf) -> Psf:
        return refinement.improve(psf, misfit, draws, _SETTLING_STEPS, _SETTLING_TOLERANCE)

    for _ in range(_CYCLES):
        first = improve(psf)
        second = improve(first)
        psf = improve(_extrapolate(psf, first, second))
    return psf


def _extrapolate(psf: Psf, first: Psf, second: Psf) -> Psf:
    """Go on from a PSF by its next two as far as their steps resemble each other (SQUAREM, S3)."""
    step, bend = first - psf, (second - first) - (first - psf)
    length, change = float(np.linalg.norm(step)), float(np.linalg.norm(bend))
    steps = _FARTHEST if length >= _FARTHEST * change else max(length / change, 1.0)
    ahead = psf + np.float32(2 * steps) * step + np.float32(steps**2) * bend
    return normalise(np.maximum(ahead, 0))


def _misfits(noise: float, last: float) -> NDArray[np.float32]:
    """Go down to the last misfit, or to the noise: below, the lowest frequencies decide all."""
    last = max(last, noise**2)
    return np.geomspace(max(_FIRST_MISFIT, last), last, _ITERATIONS, dtype=np.float32)


def _whitening(shape: tuple[int, int], noise: float, misfit: np.float32) -> Plane:
    """Weight each frequency so that derivatives of noise and misfit together become white.

    Misfit is about white in derivatives, as pictures are; noise is white in light.
    """
    power = 1 + np.float32(noise**2 / misfit) * gradient_power(shape)
    return np.asarray(np.reciprocal(np.sqrt(power)), np.float32)


def _filter(planes: Planes, response: Plane | Spectrum) -> Planes:
    return irfft2(rfft2(planes) * response, (planes.shape[-2], planes.shape[-1]))


def _wiener(planes: Field, psf: Psf) -> Field:
    otf = psf_to_otf(psf, (planes.shape[-2], planes.shape[-1]))
    return _filter(planes, np.conj(otf) / (np.abs(otf) ** 2 + _NOISE_TO_SIGNAL))


def _variances(derivatives: Field) -> Field:
    """Variances of derivatives, as their squares tell them."""
    squares = derivatives**2
    shared = np.mean(squares, axis=0)
    return np.asarray(shared + _OF_ITS_OWN * (squares - shared))


class _Refinement:
    """What is thought of the latent, while the PSF gets better."""

    def __init__(self, canvas: Canvas, psf: Psf, noise: float, work: Work) -> None:
        self._canvas, self._noise, self._work = canvas, noise, work
        self._random = np.random.default_rng(0)
        derivatives = gradient(canvas.plane)
        self._derivatives, self._known = rfft2(derivatives), canvas.inner
        self._variance = _variances(_wiener(derivatives, psf)) + _LEAST_VARIANCE
        mean = canvas.plane - canvas.plane.mean()
        self._latents = rfft2(np.stack([mean, np.zeros_like(mean)]))

    def draw(self) -> Planes:
        """Draw noise for the deviation of the latent: of the data, and of its prior."""
        return self._random.standard_normal((2, 2, *self._canvas.shape), np.float32)

    def improve(
        self, psf: Psf, misfit: np.float32, draws: Planes, steps: int, tolerance: float
    ) -> Psf:
        """Find the latents that a PSF leads to, and the PSF that they lead to."""
        shape = self._canvas.shape
        otf = psf_to_otf(psf, shape)
        whitening = _whitening(shape, self._noise, misfit)
        white = irfft2(self._derivatives * whitening, shape)
        problem = _Problem(white, self._known, otf, whitening, misfit, self._variance)
        left = tolerance / (1 + self._noise / _CG_NOISE)
        self._latents = problem.expect(self._latents, draws, steps, left)
        self._variance = problem.spread(self._latents, psf) + _TEXTURE_VARIANCE
        self._work.advance(_COST * self._canvas.plane.size)
        return problem.measure_psf(self._latents, psf)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """The sample's derivatives where they are known, one PSF, what is thought of the latent.

    The derivatives are whitened; `misfit` is then the variance of what is wrong with them.
    `variance` is that of the latent's, which aren't. Latents are half-spectra: of what is done to
    them, only weights that differ from pixel to pixel need transforms.
    """

    derivatives: Field
    known: NDArray[np.bool_]
    otf: Spectrum
    whitening: Plane
    misfit: np.float32
    variance: Field

    @property
    def _shape(self) -> tuple[int, int]:
        height, width = self.known.shape
        return height, width

    def expect(self, latents: Spectra, draws: Planes, steps: int, tolerance: float) -> Spectra:
        """Find the mean of the latent, and a random deviation from it; begins with `latents`.

        Right-hand sides made of noise (`draws`, of deviation 1), of the variances that data and
        prior have, are solved by deviations of the latent's own distribution.
        """
        precision = np.reciprocal(self.variance)
        noise, prior = draws
        seen = [self.derivatives / self.misfit, noise / np.sqrt(self.misfit)]
        right = [gradient_adjoint(self.known * field) for field in seen]
        right.append(gradient_adjoint(np.sqrt(precision) * prior))
        blur = self.otf * self.whitening
        *target, of_prior = rfft2(np.stack(right))
        target = np.conj(blur) * np.stack(target)
        target[1] += of_prior
        known = self.known.astype(np.float32) / self.misfit

        def weigh(planes: Planes) -> None:
            *blurred, sharp, deviation = planes
            for plane in blurred:
                weigh_gradient(plane, (known, known))
            for plane in sharp, deviation:
                weigh_gradient(plane, precision)

        conditioner = np.reciprocal(self._response(precision))
        system = LatentSystem(self._shape, blur, weigh, conditioner, _MEAN_WEIGHT)
        return system.solve(target, latents, steps, tolerance=tolerance)

    def spread(self, latents: Spectra, psf: Psf) -> Field:
        """Find the variances of the latent's derivatives.

        Of the deviation only the mean is well known; how it varies follows from the variances.
        """
        sharp, deviation = (gradient(plane) for plane in irfft2(latents, self._shape))
        data = np.sum(psf**2) * np.mean(self.whitening**2) / self.misfit
        local = np.reciprocal(data + 1 / self.variance)
        scale = np.mean(deviation**2) / local.mean()
        return np.asarray(_variances(sharp) + scale * local)

    def measure_psf(self, latents: Spectra, psf: Psf) -> Psf:
        """Find the PSF that leads from the latent's derivatives to those of the sample."""
        response = gradient_response(self._shape) * self.whitening
        sharp, deviation = response * latents[0], response * latents[1]
        blurred, uncertain = irfft2(np.stack([self.otf * sharp, deviation]), self._shape)
        planes = [np.where(self.known, self.derivatives, blurred), self.known * uncertain]
        target, uncertain = rfft2(np.stack(planes))
        power = squared_norm(sharp, self._shape[1])
        equations = spectral_equations(
            sharp, target, self._shape, psf.shape[0], _RIDGE * power, uncertain
        )
        measured = solve_non_negative(equations, psf)
        return normalise(measured) if measured.max() > 0 else psf

    def _response(self, precision: Field) -> Plane:
        """Average what the system does to each frequency."""
        power = np.abs(self.otf * self.whitening) ** 2
        data = np.float32(self.known.mean()) * power / self.misfit
        prior = np.exp(np.mean(np.log(precision)))
        response = (data + prior) * gradient_power(self._shape) + _MEAN_WEIGHT
        return np.asarray(response, np.float32)

"""Refine a PSF: average over the latents that it allows, instead of trusting the best one.

The latent is taken as gaussian, the derivatives of each pixel with a variance of their own. What
deconvolution leaves uncertain in it is coloured, as deep as the frequencies that the PSF swallows.
One random latent of that distribution, which one more right-hand side gives [2]_, shows it whole:
its autocorrelation enters the equations of the PSF.

References
----------
.. [1] Levin, Weiss, Durand & Freeman, Efficient marginal likelihood optimization in blind
       deconvolution, CVPR 2011.
.. [2] Papandreou & Yuille, Gaussian sampling by local perturbations, NIPS 2010.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from numerics.canvas import Canvas
from numerics.conjugate_gradients import conjugate_gradients
from numerics.derivatives import Field, gradient, gradient_adjoint, gradient_power
from numerics.fft import irfft2, rfft2
from numerics.psf import normalise, psf_to_otf
from numerics.psf_cleaning import clean_psf
from numerics.psf_step import normal_equations, solve_non_negative
from numerics.work import Work

Plane = NDArray[np.float32]
Planes = NDArray[np.float32]
Psf = NDArray[np.float32]

# Falling, so that the first iterations forgive what is wrong with the first PSF. At the end, what
# a PSF that is the same everywhere leaves unexplained on photographs, unless noise is more.
_FIRST_NOISE_VARIANCE = 2e-4
_LAST_NOISE_VARIANCE = 1e-5
_ITERATIONS = 7
_LEAST_VARIANCE = np.float32(1e-4)
_NOISE_TO_SIGNAL = np.float32(0.02)
_CG_STEPS = 10
# Of the squared latent, whose mean its derivatives don't tell.
_MEAN_WEIGHT = np.float32(1e-4)
# Of the PSF, as a share of the power of the latent's derivatives: keeps its equations regular.
_RIDGE = 1e-5
# What is left of dust is uniform and faint; thin parts of a PSF are hardly brighter.
_FAINTEST, _SPECK = 0.02, 0.05
_COST = 6.0


def refinement_cost(canvas: Canvas) -> float:
    """Work that `refine_psf` reports, in iterations of a climb times pixels."""
    return _COST * _ITERATIONS * canvas.plane.size


def refine_psf(canvas: Canvas, psf: Psf, noise: float, work: Work) -> Psf:
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

    Returns
    -------
    (size, size) float32
        Cleaned, not recentred.
    """
    random = np.random.default_rng(0)
    derivatives, known = gradient(canvas.plane), canvas.inner
    variance = np.mean(_wiener(derivatives, psf) ** 2, axis=0) + _LEAST_VARIANCE
    mean = canvas.plane - canvas.plane.mean()
    latents = np.stack([mean, np.zeros_like(mean)])
    for noise_variance in _noise_variances(noise):
        otf = psf_to_otf(psf, canvas.shape)
        problem = _Problem(derivatives, known, otf, noise_variance, variance)
        latents = problem.expect(latents, random)
        sharp, deviation = _gradients(latents)
        local = np.reciprocal(np.sum(psf**2) / noise_variance + 1 / variance)
        scale = np.mean(deviation**2) / local.mean()
        variance = np.mean(sharp**2, axis=0) + scale * local
        psf = problem.measure_psf(sharp, deviation, psf)
        work.advance(_COST * canvas.plane.size)
    return clean_psf(psf, faintest=_FAINTEST, speck=_SPECK)


def _noise_variances(noise: float) -> NDArray[np.float32]:
    last = max(_LAST_NOISE_VARIANCE, noise**2)
    return np.geomspace(max(_FIRST_NOISE_VARIANCE, last), last, _ITERATIONS, dtype=np.float32)


def _wiener(planes: Field, psf: Psf) -> Field:
    shape = (planes.shape[-2], planes.shape[-1])
    otf = psf_to_otf(psf, shape)
    inverse = np.conj(otf) / (np.abs(otf) ** 2 + _NOISE_TO_SIGNAL)
    return irfft2(rfft2(planes) * inverse, shape)


def _gradients(planes: Planes) -> Planes:
    return np.stack([gradient(plane) for plane in planes])


def _gradients_adjoint(fields: Planes) -> Planes:
    return np.stack([gradient_adjoint(field) for field in fields])


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """The sample's derivatives where they are known, one PSF, what is thought of the latent.

    `noise` is the variance of the sample's derivatives, `variance` that of the latent's.
    """

    derivatives: Field
    known: NDArray[np.bool_]
    otf: NDArray[np.complex64]
    noise: np.float32
    variance: Plane

    def expect(self, latents: Planes, random: np.random.Generator) -> Planes:
        """Find the mean of the latent, and a random deviation from it; begins with `latents`.

        Right-hand sides made of noise, of the variances that data and prior have, are solved by
        deviations of the latent's own distribution.
        """
        precision = np.reciprocal(self.variance)
        noise, prior = random.standard_normal((2, *self.derivatives.shape), np.float32)
        seen = np.stack([self.derivatives / self.noise, noise / np.sqrt(self.noise)])
        target = self._blur(_gradients_adjoint(self.known * seen), adjoint=True)
        target[1] += gradient_adjoint(np.sqrt(precision) * prior)
        response = self._response(precision)

        def apply(planes: Planes) -> Planes:
            blurred = _gradients(self._blur(planes))
            data = self._blur(_gradients_adjoint(self.known * blurred), adjoint=True)
            inner = _gradients_adjoint(precision * _gradients(planes))
            return data / self.noise + inner + _MEAN_WEIGHT * planes

        def precondition(planes: Planes) -> Planes:
            return irfft2(rfft2(planes) / response, self.known.shape)

        return conjugate_gradients(apply, target, latents, _CG_STEPS, precondition)

    def measure_psf(self, sharp: Field, deviation: Field, psf: Psf) -> Psf:
        """Find the PSF that leads from the latent's derivatives to those of the sample."""
        target = np.where(self.known, self.derivatives, self._blur(sharp))
        ridge = _RIDGE * float(np.sum(sharp**2))
        uncertain = self.known * deviation
        equations = normal_equations(sharp, target, psf.shape[0], ridge, uncertain)
        measured = solve_non_negative(equations, psf)
        return normalise(measured) if measured.max() > 0 else psf

    def _response(self, precision: Plane) -> Plane:
        """Average what the system does to each frequency."""
        data = np.float32(self.known.mean()) * np.abs(self.otf) ** 2 / self.noise
        prior = np.exp(np.mean(np.log(precision)))
        response = (data + prior) * gradient_power(self.known.shape) + _MEAN_WEIGHT
        return np.asarray(response, np.float32)

    def _blur(self, planes: Planes, *, adjoint: bool = False) -> Planes:
        otf = np.conj(self.otf) if adjoint else self.otf
        return irfft2(rfft2(planes) * otf, self.known.shape)

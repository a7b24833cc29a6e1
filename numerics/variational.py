"""Refine a PSF: average over the latents that it allows, instead of trusting the best one.

The latent's derivatives are taken as gaussian, each pixel with a variance of its own. What
deconvolution leaves uncertain in them enters the equations of the PSF as a ridge.

References
----------
Levin, Weiss, Durand & Freeman, Efficient marginal likelihood optimization in blind
deconvolution, CVPR 2011.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from numerics.canvas import Canvas
from numerics.conjugate_gradients import conjugate_gradients
from numerics.derivatives import Field, gradient
from numerics.fft import irfft2, rfft2
from numerics.psf import normalise, psf_to_otf
from numerics.psf_cleaning import clean_psf
from numerics.psf_step import normal_equations, solve_non_negative
from numerics.work import Work

Plane = NDArray[np.float32]
Psf = NDArray[np.float32]

# Falling, so that the first iterations forgive what is wrong with the first PSF. At the end, what
# a PSF that is the same everywhere leaves unexplained on photographs, unless noise is more.
_FIRST_NOISE_VARIANCE = 2e-4
_LAST_NOISE_VARIANCE = 1e-5
_ITERATIONS = 10
_LEAST_VARIANCE = np.float32(1e-4)
_NOISE_TO_SIGNAL = np.float32(0.02)
_CG_STEPS = 8
_FAINTEST = 0.03
_COST = 4.0


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
    derivatives = gradient(canvas.plane)
    latent = _wiener(derivatives, psf)
    variance = np.mean(latent**2, axis=0) + _LEAST_VARIANCE
    for noise_variance in _noise_variances(noise):
        otf = psf_to_otf(psf, canvas.shape)
        problem = _Problem(derivatives, canvas.inner, otf, noise_variance)
        latent = problem.expect(latent, variance)
        uncertainty = np.reciprocal(np.sum(psf**2) / noise_variance + 1 / variance)
        variance = np.mean(latent**2, axis=0) + uncertainty
        psf = problem.measure_psf(latent, uncertainty, psf)
        work.advance(_COST * canvas.plane.size)
    return clean_psf(psf, faintest=_FAINTEST)


def _noise_variances(noise: float) -> NDArray[np.float32]:
    last = max(_LAST_NOISE_VARIANCE, noise**2)
    return np.geomspace(max(_FIRST_NOISE_VARIANCE, last), last, _ITERATIONS, dtype=np.float32)


def _wiener(planes: Field, psf: Psf) -> Field:
    shape = (planes.shape[-2], planes.shape[-1])
    otf = psf_to_otf(psf, shape)
    inverse = np.conj(otf) / (np.abs(otf) ** 2 + _NOISE_TO_SIGNAL)
    return irfft2(rfft2(planes) * inverse, shape)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """The sample's derivatives where they are known, one PSF, one variance of the noise."""

    derivatives: Field
    known: NDArray[np.bool_]
    otf: NDArray[np.complex64]
    noise: np.float32

    def expect(self, latent: Field, variance: Plane) -> Field:
        """Find the mean of the latent's derivatives, given the variance of each.

        Solved for ``latent / sqrt(variance)``, which conditions it well.
        """
        scale = np.sqrt(variance)

        def apply(scaled: Field) -> Field:
            seen = self.known * self._blur(scale * scaled)
            return scaled + scale * self._blur_adjoint(seen) / self.noise

        target = scale * self._blur_adjoint(self.known * self.derivatives) / self.noise
        start = np.asarray(latent / scale, np.float32)
        return scale * conjugate_gradients(apply, target, start, _CG_STEPS)

    def measure_psf(self, latent: Field, uncertainty: Plane, psf: Psf) -> Psf:
        """Find the PSF that leads from the latent to the sample; uncertainty is its ridge."""
        target = np.where(self.known, self.derivatives, self._blur(latent))
        ridge = float(np.sum(uncertainty[self.known]))
        equations = normal_equations(latent, target, psf.shape[0], ridge)
        measured = solve_non_negative(equations, psf)
        return normalise(measured) if measured.max() > 0 else psf

    def _blur(self, planes: Field) -> Field:
        return irfft2(rfft2(planes) * self.otf, self.known.shape)

    def _blur_adjoint(self, planes: Field) -> Field:
        return irfft2(rfft2(planes) * np.conj(self.otf), self.known.shape)

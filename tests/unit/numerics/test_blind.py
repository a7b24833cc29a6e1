"""Blind estimation from end to end, on a photograph with a known shake."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from numerics import blind
from numerics.blind import (
    STARTS,
    estimate_psf,
    estimate_psf_and_size,
)
from numerics.climb import Start, build_levels, climb, climb_cost
from numerics.consensus import similarity
from numerics.psf import check_psf, normalise
from numerics.sample import prepare_sample
from numerics.sparse_cg import deconvolve_sparse
from numerics.variational import LEAST_MISFIT, refine_psf
from numerics.work import Work


def padded(psf: np.ndarray, size: int) -> np.ndarray:
    return np.pad(psf, (size - psf.shape[0]) // 2)


def similarity_at_best(psf: np.ndarray, true: np.ndarray) -> float:
    """Compare PSFs at the best of all shifts in steps of a quarter of a pixel."""
    steps = np.arange(-8, 9) / 4
    moved = (ndimage.shift(psf, (down, right), order=1) for down in steps for right in steps)
    return max(float(np.vdot(m, true) / np.linalg.norm(m) / np.linalg.norm(true)) for m in moved)


@pytest.fixture(scope="module")
def estimate(shaken_photo):
    return estimate_psf(shaken_photo, 15)


def test_shake_is_found(estimate, shake: np.ndarray) -> None:
    check_psf(estimate.psf)
    assert estimate.psf.shape == (15, 15)
    assert estimate.psf.dtype == np.float32
    assert similarity_at_best(estimate.psf, padded(shake, 15)) > 0.9
    middle = np.array(ndimage.center_of_mass(estimate.psf))
    assert np.abs(middle - 7).max() < 1.5
    assert estimate.agreement > 0.75
    assert -0.01 < estimate.whiteness < 0
    assert np.isfinite(estimate.score)


def test_starts_see_the_mixes_in_turn(
    shaken_photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def watched(levels, start, noise, work):
        seen.append(levels[-1].canvas.plane)
        return climb(levels, start, noise, work)

    monkeypatch.setattr(blind, "climb", watched)
    window = shaken_photo[:96, :96]
    grain = np.random.default_rng(1).normal(0, 0.003, window.shape).astype(np.float32)
    mixed = estimate_psf(window, 9, others=[window + grain], further=())
    first, second, third = seen
    assert np.array_equal(first, third)
    assert not np.array_equal(first, second)
    alone = estimate_psf(window, 9, further=())
    alike = estimate_psf(window, 9, others=[window], further=())
    assert np.array_equal(alone.psf, alike.psf)
    assert not np.array_equal(alone.candidates[1], mixed.candidates[1])
    assert np.array_equal(alone.candidates[2], mixed.candidates[2])


def test_candidates_hold_all_that_it_was_made_of(estimate) -> None:
    assert len(estimate.candidates) == len(STARTS) + 1
    assert np.array_equal(estimate.candidates[-1], estimate.psf)
    for candidate in estimate.candidates:
        check_psf(candidate)
        assert candidate.shape == estimate.psf.shape


def test_residual_that_is_not_white_makes_refinement_forgive(
    shaken_photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    misfits = []

    def spy(*args, misfit, **options):
        misfits.append(misfit)
        return refine_psf(*args, misfit=misfit, **options)

    monkeypatch.setattr(blind, "refine_psf", spy)
    grain = np.random.default_rng(2).normal(0, 0.03, shaken_photo.shape)
    blotchy = shaken_photo + ndimage.gaussian_filter(grain, 1.2).astype(np.float32)
    for sample in (shaken_photo, blotchy):
        estimate_psf(sample, 15)
    assert LEAST_MISFIT <= misfits[0] < misfits[1] / 1.2 < 5 * LEAST_MISFIT


@pytest.mark.parametrize(("light", "side"), [(0.1, 31), (0.01, 11)])
def test_refined_psf_keeps_a_tail_but_no_dust(light: float, side: int) -> None:
    psf = np.zeros((31, 31), np.float32)
    psf[13:18, 15] = (1 - light) / 5
    psf[27, 15] = light
    kept = blind._without_dust(psf, 5)
    assert kept.shape == (side, side)
    assert kept.sum() == pytest.approx(1)


def test_start_that_went_astray_does_no_harm(shaken_photo: np.ndarray, estimate) -> None:
    """A climb that sees hardly any edge ends far off; the spectrum tells."""
    astray = Start("hardly an edge", edge_cost=0.02, ridge=400)
    found = estimate_psf(shaken_photo, 15, starts=[astray, astray, STARTS[-1]], further=())
    assert similarity(found.candidates[0], estimate.psf) < 0.8
    assert similarity(found.psf, estimate.psf) > 0.9


def test_further_starts_are_for_those_that_disagree(shaken_photo: np.ndarray) -> None:
    astray = Start("hardly an edge", edge_cost=0.02, ridge=400)
    further = STARTS[:1]
    alike = estimate_psf(shaken_photo, 15, starts=STARTS[:2], further=further)
    assert len(alike.candidates) == 3
    unlike = estimate_psf(shaken_photo, 15, starts=[astray, STARTS[1]], further=further)
    assert len(unlike.candidates) == 4
    assert np.array_equal(unlike.candidates[2], alike.candidates[0])


def test_work_of_a_climb_is_as_told(shaken_photo: np.ndarray) -> None:
    sample = prepare_sample(shaken_photo[:64, :64], 7)
    levels = build_levels(sample, 7)
    costs = []
    for refined in (False, True):
        start = replace(STARTS[0], refined=refined)
        done: list[float] = [0.0]
        climb(levels, start, sample.noise, Work(1e9, lambda part, _, done=done: done.append(part)))
        costs.append(climb_cost(levels, start))
        assert done[-1] == pytest.approx(costs[-1])
    assert costs[1] > costs[0]


def test_deconvolving_with_it_gains(
    estimate, shaken_photo: np.ndarray, sharp_photo: np.ndarray
) -> None:
    sharp = sharp_photo[5:-5, 5:-5]
    latent = deconvolve_sparse(shaken_photo, estimate.psf)
    inside = (slice(12, -12), slice(12, -12))
    before = np.mean((shaken_photo - sharp)[inside] ** 2)
    after = min(
        np.mean((np.roll(latent, (down, right), (0, 1)) - sharp)[inside] ** 2)
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    )
    assert 10 * np.log10(before / after) > 4


def test_same_sample_same_psf(shaken_photo: np.ndarray) -> None:
    window = shaken_photo[:80, :90]
    first, second = (estimate_psf(window, 9, starts=STARTS[:1]) for _ in range(2))
    assert np.array_equal(first.psf, second.psf)
    assert first.agreement == pytest.approx(similarity(first.psf, first.candidates[0]))


def test_exposure_does_not_matter(shaken_photo: np.ndarray) -> None:
    window = shaken_photo[:96, :96]
    bright = estimate_psf(window, 9, starts=STARTS[:1])
    dark = estimate_psf(window / 64, 9, starts=STARTS[:1])
    assert similarity(bright.psf, dark.psf) > 0.999


@pytest.mark.parametrize(("size", "shape"), [(3, (64, 70)), (5, (33, 64)), (21, (64, 81))])
@pytest.mark.parametrize("start", STARTS, ids=lambda start: start.name)
def test_any_size_gives_a_psf(shaken_photo: np.ndarray, size, shape, start) -> None:
    window = shaken_photo[60 : 60 + shape[0], 60 : 60 + shape[1]]
    found = estimate_psf(window, size, starts=[start])
    check_psf(found.psf)
    assert found.psf.shape == (size, size)


def test_largest_size_gives_a_psf(shaken_photo: np.ndarray) -> None:
    sample = prepare_sample(shaken_photo[:130, :130], 65)
    levels = build_levels(sample, 65)
    psf = climb(levels, STARTS[0], sample.noise, Work(climb_cost(levels, STARTS[0])))
    check_psf(psf)
    assert psf.shape[0] <= 65


def test_far_too_large_a_size_does_little_harm(shaken_photo: np.ndarray, estimate) -> None:
    large = estimate_psf(shaken_photo, 61, starts=STARTS[:1])
    assert large.psf.shape == (61, 61)
    assert large.extent < 25
    assert large.rim_light == 0
    assert similarity(large.psf, padded(estimate.psf, 61)) > 0.85


@pytest.mark.parametrize("workers", [1, 3])
def test_progress_rises_to_the_end(shaken_photo: np.ndarray, workers: int) -> None:
    steps: list[float] = []
    estimate_psf(
        shaken_photo[:64, :64],
        7,
        progress=lambda done, total: steps.append(done / total),
        workers=workers,
    )
    assert steps == sorted(steps)
    assert len(steps) > 30
    assert steps[-1] == pytest.approx(1)


def test_work_can_be_stopped(shaken_photo: np.ndarray) -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        estimate_psf(shaken_photo, 15, check=check)
    assert calls == 3


def test_size_is_found(shaken_photo: np.ndarray, estimate) -> None:
    found = estimate_psf_and_size(shaken_photo[:160, :160])
    size = found.psf.shape[0]
    check_psf(found.psf)
    assert 9 <= size <= 19
    assert found.extent in (size - 2, size)
    assert similarity(padded(found.psf, 19), padded(estimate.psf, 19)) > 0.8


def test_progress_rises_to_the_end_when_the_size_is_sought(shaken_photo: np.ndarray) -> None:
    steps: list[float] = []
    window = shaken_photo[:64, :64]
    estimate_psf_and_size(window, progress=lambda done, total: steps.append(done / total))
    assert steps == sorted(steps)
    assert steps[-1] == pytest.approx(1)


def test_clipped_highlights_have_no_say(shaken_photo: np.ndarray, estimate) -> None:
    clipped = np.minimum(shaken_photo, np.float32(0.7))
    known = clipped < 0.69
    assert 0.005 < 1 - known.mean() < 0.2
    found = estimate_psf(clipped, 15, known=known, starts=STARTS[2:])
    assert similarity(found.psf, estimate.psf) > 0.85


def test_confidence_follows_from_agreement_and_whiteness(estimate) -> None:
    assert estimate.confidence > 0.6
    rather = replace(estimate, agreement=0.75, whiteness=-0.01)
    hardly = replace(estimate, agreement=0.5, whiteness=-0.01)
    coloured = replace(rather, whiteness=-0.06)
    assert 1 > rather.confidence > hardly.confidence > 0
    assert rather.confidence > coloured.confidence > 0


def test_light_at_the_rim_is_told(estimate) -> None:
    assert estimate.rim_light < 0.02
    cut = replace(estimate, psf=normalise(estimate.psf[5:10, 5:10]))
    assert cut.rim_light > 0.2
    assert cut.extent == 5


def test_threads_change_nothing(shaken_photo: np.ndarray) -> None:
    window = shaken_photo[:80, :80]
    alone, together = (estimate_psf(window, 9, workers=workers) for workers in (1, 3))
    assert np.array_equal(alone.psf, together.psf)
    assert alone.confidence == together.confidence


def test_a_stop_ends_all_threads(shaken_photo: np.ndarray) -> None:
    calls = []

    def stop() -> None:
        calls.append(None)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        estimate_psf(shaken_photo[:80, :80], 9, check=stop, workers=2)
    # The third start may have begun before the first was found to have stopped.
    assert len(calls) <= len(STARTS)

from __future__ import annotations

import numpy as np
import pytest

from numerics.fidelity import FidelityRule, transparency
from numerics.make_psf import disc, gaussian, shake

RULE = FidelityRule(0.4, -1.3, -0.4)


def test_a_point_is_transparent_and_wider_blurs_ever_less() -> None:
    point = np.ones((1, 1), np.float32)
    seen = [transparency(psf) for psf in (point, gaussian(0.7), gaussian(1.5), disc(5.0))]
    assert seen[0] == pytest.approx(1.001)
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] > 1e-3


def test_channels_count_alike() -> None:
    both = np.stack([gaussian(0.8, 9), gaussian(1.4, 9)], axis=2)
    one, other = transparency(both[..., 0]), transparency(both[..., 1])
    assert transparency(both) == pytest.approx(np.sqrt(one * other), rel=1e-5)
    assert transparency(both[..., :1]) == pytest.approx(one)


def test_where_a_psf_lies_does_not_matter() -> None:
    psf = shake(9, 1)
    moved = np.pad(psf, ((4, 0), (0, 2)))
    assert transparency(moved) == pytest.approx(transparency(psf), rel=1e-4)


def test_less_noise_and_less_light_make_data_weigh_more() -> None:
    weights = [RULE.fidelity(gaussian(1.0), noise) for noise in (0.02, 0.01, 0.005)]
    assert weights == sorted(weights)
    assert RULE.fidelity(disc(4.0), 0.01) > RULE.fidelity(gaussian(1.0), 0.01)

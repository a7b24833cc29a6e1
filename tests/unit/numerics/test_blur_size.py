"""How much room a PSF is given, and which of several climbs is believed."""

from __future__ import annotations

import numpy as np
import pytest

from numerics import blur_size
from numerics.blind import STARTS
from numerics.blur_size import find_size
from numerics.climb import Level
from numerics.pyramid import STEP, enlarge_psf
from numerics.sample import EstimateError


def padded(psf: np.ndarray, size: int) -> np.ndarray:
    return np.pad(psf, (size - psf.shape[0]) // 2)


@pytest.fixture
def shrunk_shake(shake: np.ndarray) -> np.ndarray:
    """Shrink the shake as the sample is: 9 px."""
    return enlarge_psf(shake, 9, STEP)


@pytest.fixture
def climbs(monkeypatch: pytest.MonkeyPatch):
    """Let climbs end in given PSFs, by room; in all others dust fills the room."""
    ends: dict[int, np.ndarray] = {}
    rooms: list[int] = []

    def climb(levels: list[Level], *_: object) -> np.ndarray:
        room = levels[-1].psf_size
        rooms.append(room)
        dust = np.random.default_rng(room).random((room, room), np.float32)
        return ends.get(room, dust / dust.sum())

    monkeypatch.setattr(blur_size, "climb", climb)
    return ends, rooms


def test_size_leaves_the_shake_some_room(shaken_photo: np.ndarray) -> None:
    assert 13 <= find_size(shaken_photo, STARTS[0]) <= 27


def test_one_climb_is_enough_if_its_room_stays_empty(
    shaken_photo: np.ndarray, shrunk_shake: np.ndarray, climbs
) -> None:
    ends, rooms = climbs
    ends[45] = padded(shrunk_shake, 45)
    size = find_size(shaken_photo, STARTS[0])
    assert rooms == [45]
    assert 11 < size < 25


def test_climb_that_went_astray_is_not_believed(
    shaken_photo: np.ndarray, shrunk_shake: np.ndarray, climbs
) -> None:
    ends, rooms = climbs
    ends[25] = padded(shrunk_shake, 25)
    size = find_size(shaken_photo, STARTS[0])
    assert rooms == [45, 33, 25, 17]
    assert 11 < size < 25


def test_larger_room_is_believed_if_it_is_not_filled(
    shaken_photo: np.ndarray, shrunk_shake: np.ndarray, climbs
) -> None:
    """A shake with a faint tail: small rooms cut it off, and hold all that they show."""
    tailed = padded(shrunk_shake, 45)
    tailed[22, 38] = 1e-3
    ends, _ = climbs
    ends[45] = tailed
    ends[17] = padded(shrunk_shake, 17)
    assert find_size(shaken_photo, STARTS[0]) >= 33 / STEP


def test_smallest_room_is_taken_where_all_are_filled(
    shaken_photo: np.ndarray, shrunk_shake: np.ndarray, climbs
) -> None:
    """All explain the spectrum alike, and a speck at the rim fills each room."""
    ends, _ = climbs
    for room in (45, 33, 25, 17):
        ends[room] = padded(shrunk_shake, room)
        ends[room][room // 2, 0] = 1e-6
    assert find_size(shaken_photo, STARTS[0]) < 17 / STEP + 12


def test_small_samples_limit_the_size(shaken_photo: np.ndarray, climbs) -> None:
    _, rooms = climbs
    assert find_size(shaken_photo[:60, :60], STARTS[0]) <= 29
    assert max(rooms) <= 21


def test_progress_ends_at_the_whole(shaken_photo: np.ndarray) -> None:
    shares: list[float] = []
    find_size(shaken_photo, STARTS[0], progress=lambda done, total: shares.append(done / total))
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_flat_sample_is_refused() -> None:
    with pytest.raises(EstimateError, match="no edges"):
        find_size(np.full((64, 64), 0.5, np.float32), STARTS[0])
